"""The composer: what sends, what starts a line, what is kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtTest import QTest

from freehold.desktop.composer import Composer

pytest_plugins = ("support.qt",)
ENTER, SHIFT, CONTROL = Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def composer(qt):
    shown = qt.show(Composer(), 700, 300)
    shown.said, shown.drafts = [], []
    shown.submitted.connect(shown.said.append)
    shown.draft_changed.connect(shown.drafts.append)
    return shown


def test_enter_sends_and_empties_the_box(composer):
    QTest.keyClicks(composer.box, "hello")
    QTest.keyClick(composer.box, ENTER)
    assert composer.said == ["hello"]
    assert composer.text() == ""


def test_shift_enter_starts_a_line(composer):
    QTest.keyClicks(composer.box, "one")
    QTest.keyClick(composer.box, ENTER, SHIFT)
    QTest.keyClicks(composer.box, "two")
    assert composer.text() == "one\ntwo"
    assert composer.said == []


def test_the_setting_swaps_the_two_and_control_enter_always_sends(composer):
    composer.set_enter_sends(False)
    QTest.keyClicks(composer.box, "one")
    QTest.keyClick(composer.box, ENTER)
    assert composer.said == []
    QTest.keyClick(composer.box, ENTER, SHIFT)
    assert composer.said == ["one\n"]
    QTest.keyClicks(composer.box, "two")
    QTest.keyClick(composer.box, ENTER, CONTROL)
    assert composer.said == ["one\n", "two"]


def test_blank_text_is_not_sent(composer):
    QTest.keyClicks(composer.box, "   ")
    QTest.keyClick(composer.box, ENTER)
    assert composer.said == []


def test_while_busy_nothing_is_sent_but_writing_goes_on(composer):
    composer.set_busy(True)
    QTest.keyClicks(composer.box, "next question")
    QTest.keyClick(composer.box, ENTER)
    assert composer.said == []
    assert composer.text() == "next question"
    composer.set_busy(False)
    QTest.keyClick(composer.box, ENTER)
    assert composer.said == ["next question"]


def test_escape_stops_a_running_answer(composer):
    stops = []
    composer.stop_asked.connect(lambda: stops.append(1))
    QTest.keyClick(composer.box, Qt.Key.Key_Escape)
    assert not stops
    composer.set_busy(True)
    QTest.keyClick(composer.box, Qt.Key.Key_Escape)
    assert stops == [1]


def test_a_draft_is_told_once_typing_pauses(composer, qt):
    QTest.keyClicks(composer.box, "half a tho")
    assert composer.drafts == []
    qt.until(lambda: composer.drafts)
    assert composer.drafts == ["half a tho"]


def test_a_draft_that_is_shown_is_not_told_again(composer, qt):
    composer.set_draft("from yesterday")
    qt.spin(0.6)
    assert composer.drafts == []
    assert composer.take_draft() is None
    QTest.keyClicks(composer.box, "!")
    assert composer.take_draft() == "from yesterday!"


def test_what_was_sent_is_no_draft(composer, qt):
    QTest.keyClicks(composer.box, "hello")
    QTest.keyClick(composer.box, ENTER)
    qt.spin(0.6)
    assert composer.drafts == []


def test_up_in_an_empty_box_asks_to_edit_the_last_question(composer):
    asked = []
    composer.edit_last_asked.connect(lambda: asked.append(1))
    QTest.keyClicks(composer.box, "x")
    QTest.keyClick(composer.box, Qt.Key.Key_Up)
    assert not asked
    QTest.keyClick(composer.box, Qt.Key.Key_Backspace)
    QTest.keyClick(composer.box, Qt.Key.Key_Up)
    assert asked == [1]


def test_an_edit_leaves_under_its_turn_and_the_text_before_comes_back(composer):
    edits = []
    composer.edit_submitted.connect(lambda turn, text: edits.append((turn, text)))
    QTest.keyClicks(composer.box, "draft")
    composer.start_edit("t1", "old words")
    assert composer.text() == "old words"
    QTest.keyClicks(composer.box, " anew")
    QTest.keyClick(composer.box, ENTER)
    assert edits == [("t1", "old words anew")]
    assert composer.text() == "draft"
    assert composer.said == []


def test_escape_leaves_an_edit(composer):
    QTest.keyClicks(composer.box, "draft")
    composer.start_edit("t1", "old words")
    QTest.keyClick(composer.box, Qt.Key.Key_Escape)
    assert composer.text() == "draft"


def test_a_megabyte_can_be_pasted_and_the_box_stays_small(composer):
    pasted = QMimeData()
    pasted.setText("a line of text\n" * 70_000)
    composer.box.insertFromMimeData(pasted)
    assert len(composer.text()) == 15 * 70_000
    assert composer.box.height() < 260


def test_the_box_grows_with_its_lines(composer, qt):
    before = composer.box.height()
    composer.box.setPlainText("one\ntwo\nthree")
    qt.spin()
    assert composer.box.height() > before * 2


def test_pasted_rich_text_is_taken_as_plain(composer):
    pasted = QMimeData()
    pasted.setHtml("<b>bold</b>")
    pasted.setText("bold")
    composer.box.insertFromMimeData(pasted)
    assert composer.text() == "bold"
