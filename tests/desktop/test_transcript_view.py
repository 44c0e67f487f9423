"""A chat as it is read: virtualised, anchored, streamed, acted upon."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QTextCursor, QWheelEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from freehold.chats.values import Context, Ending, Mark, Provenance, Role, Turn
from freehold.desktop.theme import DARK
from freehold.desktop.transcript.answer import AnswerView
from freehold.desktop.transcript.code import CodeView
from freehold.desktop.transcript.flat import FlatButton
from freehold.desktop.transcript.heights import Heights
from freehold.desktop.transcript.prose import ProseView
from freehold.desktop.transcript.question import QuestionView
from freehold.desktop.transcript.reading import Reading
from freehold.desktop.transcript.view import TranscriptView

pytest_plugins = ("support.qt",)

MADE = Provenance(
    model="tiny", model_sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8", seed=7, context=Context(1204, 8192, 2),
    first_token_s=0.4, tokens=311, tokens_per_s=14.2, notes=("The model was reloaded.",),
)  # fmt: skip


def question(name, text="What then?", parent=None):
    return Turn(name, "c", parent, Role.USER, text, 0.0)


def answer(name, text="This.", parent=None, ending=Ending.COMPLETE, **more):
    return Turn(name, "c", parent, Role.ASSISTANT, text, 0.0, ending, MADE, **more)


def begun(name, parent=None, text=""):
    return Turn(name, "c", parent, Role.ASSISTANT, text, 0.0)


def chat(count):
    """Questions and answers by turns, each the parent of the next."""
    turns = []
    for number in range(count):
        parent = turns[-1].id if turns else None
        text = f"Turn {number} " + "with some more words in it " * (1 + number * 7 % 40)
        make = question if number % 2 == 0 else answer
        turns.append(make(f"t{number}", text, parent))
    return turns


def marks(turns, **siblings):
    return [Mark(turn.id, turn.role, len(turn.text), *siblings.get(turn.id, (0, 1))) for turn in turns]


class Store:
    """Gives a view the words it asks for, a moment later."""

    def __init__(self, view, turns):
        self.turns = {turn.id: turn for turn in turns}
        self.asked = []
        view.turns_needed.connect(self._give)
        self._view = view
        view.store = self  # a connection does not keep its receiver alive

    def _give(self, ids):
        from PySide6.QtCore import QTimer

        self.asked += ids
        QTimer.singleShot(0, self._view, lambda: self._view.provide([self.turns[one] for one in ids]))


@pytest.fixture
def view(qt):
    return qt.show(TranscriptView(), 708, 600)


def shown(view, *turns, **siblings):
    view.show(marks(turns, **siblings))
    view.provide(turns)
    from support.qt import until  # at the top it would come before pytest has rewritten its assertions

    until(lambda: view.is_settled)


def text_of(view):
    """Every word that can be seen in the views of turns, from top to bottom."""
    found = []
    for part in view.viewport().findChildren(QWidget):
        if part.isVisible() and isinstance(part, ProseView | QPlainTextEdit):
            y = part.mapTo(view.viewport(), QPoint(0, 0)).y()
            found.append((y, part.document().toPlainText()))
    return "\n".join(text for _, text in sorted(found))


def press(view, words):
    """Press the control that says `words`."""
    found = [part for part in view.findChildren(FlatButton) if part.isVisible() and part.text() == words]
    assert found, f"no {words!r} among {[p.text() for p in view.findChildren(FlatButton) if p.isVisible()]}"
    found[-1].click()


def live_views(view):
    return view.viewport().findChildren(AnswerView) + view.viewport().findChildren(QuestionView)


def top_of(view, name):
    found = next(part for part in live_views(view) if part.turn is not None and part.turn.id == name)
    return found.y()


def test_a_long_chat_makes_widgets_and_asks_for_words_only_near_what_is_seen(qt, view):
    turns = chat(2_000)
    store = Store(view, turns)
    view.show(marks(turns))
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    assert "Turn 1999" in text_of(view)
    assert len(live_views(view)) < 60 and len(store.asked) < 60
    for value in range(0, view.verticalScrollBar().maximum(), view.verticalScrollBar().maximum() // 25):
        view.verticalScrollBar().setValue(value)
        qt.until(lambda: not view.waits_for_words and view.is_settled)
    assert len(live_views(view)) < 90


def test_what_is_read_stays_in_its_place_while_heights_above_become_known(qt, view):
    turns = chat(300)
    Store(view, turns)
    view.show(marks(turns))
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    view.scroll_to("t150")
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    before = top_of(view, "t150")
    assert before == 8
    view.verticalScrollBar().setValue(view.verticalScrollBar().value() - 40)
    assert top_of(view, "t150") == before + 40
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    assert top_of(view, "t150") == before + 40


def test_every_pixel_can_be_reached_upwards_without_a_jump(qt, view):
    turns = chat(120)
    Store(view, turns)
    view.show(marks(turns))
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    seen = set()
    for _ in range(400):
        seen |= {part.turn.id for part in live_views(view) if part.turn is not None}
        bar = view.verticalScrollBar()
        if bar.value() == 0:
            break
        bar.setValue(bar.value() - 250)
        qt.until(lambda: not view.waits_for_words and view.is_settled)
    assert seen == {turn.id for turn in turns}


def test_the_view_asks_once_for_what_it_lacks(qt, view):
    asked = []
    view.turns_needed.connect(asked.append)
    turns = chat(4)
    view.show(marks(turns))
    qt.spin(0.05)
    view.verticalScrollBar().setValue(0)
    assert asked == [["t0", "t1", "t2", "t3"]]
    view.provide(turns)
    qt.until(lambda: "Turn 3" in text_of(view))


def test_words_stream_in_and_the_answer_ends_as_it_was_saved(qt, view):
    spoken = []
    view.announced.connect(spoken.append)
    shown(view, question("q"))
    view.begin_answer(begun("a", "q"))
    view.set_notice("a", "Reading 1,024 of 4,000 tokens")
    qt.spin(0.1)
    text = "Hello **there**\n\n```py\nx = 1\n```\n\nbye"
    for at in range(0, len(text), 3):
        view.add_words("a", text[at : at + 3])
        qt.spin()
    qt.until(lambda: "bye" in text_of(view))
    assert "Hello there" in text_of(view) and "x = 1" in text_of(view)
    view.finish_answer(answer("a", text, "q"))
    qt.until(lambda: view.is_settled)
    assert [said for said in spoken if said.startswith("The answer is complete") and "Hello" in said]
    assert not view.follows or view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


def test_a_stream_shows_the_same_as_history(qt, view):
    from support.hostile import CORPUS

    shown(view, question("q"))
    for number, text in enumerate(CORPUS):
        name = f"a{number}"
        view.begin_answer(begun(name, "q"))
        for at in range(0, len(text), 7):
            view.add_words(name, text[at : at + 7])
        qt.spin(0.04)
        view.finish_answer(answer(name, text, "q"))
        qt.until(lambda: view.is_settled)
        streamed = text_of(view)
        shown(view, question("q"), answer(name + "x", text, "q"))
        qt.until(lambda: view.is_settled)
        assert text_of(view) == streamed
        shown(view, question("q"))


def test_the_end_is_followed_unless_the_reader_scrolled_away(qt, view):
    turns = chat(20)
    shown(view, *turns)
    qt.until(lambda: view.is_settled)
    view.begin_answer(begun("a", "t19"))
    for _ in range(30):
        view.add_words("a", "more words in a line of their own\n\n")
    qt.until(lambda: view.is_settled)
    bar = view.verticalScrollBar()
    assert view.follows and bar.value() == bar.maximum()
    bar.setValue(bar.maximum() - 400)
    assert not view.follows
    anchor = bar.value()
    for _ in range(30):
        view.add_words("a", "and more\n\n")
    qt.until(lambda: view.is_settled)
    assert bar.value() == anchor
    press(view, "Jump to the end")
    assert view.follows and bar.value() == bar.maximum()


def test_the_wheel_goes_through_the_parts_of_a_turn_to_the_chat(qt, view):
    shown(view, question("q"), answer("a", "words\n\n```py\n" + "x = 1\n" * 80 + "```\n"))
    qt.until(lambda: view.is_settled)
    parts = [part for part in view.findChildren(QPlainTextEdit) + view.findChildren(ProseView) if part.isVisible()]
    assert len(parts) == 3
    for part in parts:
        wheel = QWheelEvent(
            QPointF(10, 10), QPointF(10, 10), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(part.viewport(), wheel)
        assert not wheel.isAccepted()


def test_an_edited_question_is_told_with_its_new_words(qt, view):
    asked = []
    view.edit_asked.connect(lambda turn, text: asked.append((turn, text)))
    shown(view, question("q", "When?"), answer("a"))
    asked_view = next(part for part in view.findChildren(QuestionView) if part.turn is not None)
    asked_view.start_editing()
    editor = asked_view.findChild(QPlainTextEdit, "editor")
    assert editor.toPlainText() == "When?"
    editor.setPlainText("When exactly?")
    key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(editor, key)
    qt.spin(0.02)
    assert asked == [("q", "When exactly?")]
    assert not asked_view.is_editing


def test_escape_leaves_a_question_as_it_was(qt, view):
    asked = []
    view.edit_asked.connect(lambda turn, text: asked.append((turn, text)))
    shown(view, question("q", "When?"))
    asked_view = next(part for part in view.findChildren(QuestionView) if part.turn is not None)
    asked_view.start_editing()
    editor = asked_view.findChild(QPlainTextEdit, "editor")
    editor.setPlainText("Something else")
    QApplication.sendEvent(editor, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier))
    qt.spin(0.02)
    assert asked == [] and not asked_view.is_editing and "When?" in text_of(view)


def test_each_action_names_its_turn(qt, view):
    heard = []
    view.retry_asked.connect(lambda turn: heard.append(("retry", turn)))
    view.branch_asked.connect(lambda turn: heard.append(("branch", turn)))
    view.sibling_asked.connect(lambda turn, place: heard.append(("sibling", turn, place)))
    view.details_asked.connect(lambda turn: heard.append(("details", turn)))
    shown(view, question("q"), answer("a", "It is **so**."), a=(1, 3))
    press(view, "Retry")
    press(view, "Branch")
    press(view, "Copy")
    assert QGuiApplication.clipboard().text() == "It is **so**."
    for part in view.findChildren(FlatButton):
        if part.isVisible() and part.accessibleName() in ("Previous version", "Next version"):
            part.click()
    assert ("retry", "a") in heard and ("branch", "a") in heard
    assert ("sibling", "a", 0) in heard and ("sibling", "a", 2) in heard
    next(part for part in view.findChildren(FlatButton) if part.text().startswith("Made here")).click()
    assert ("details", "a") in heard


def test_under_an_answer_stands_where_it_was_made_and_what_was_left_out(qt, view):
    shown(view, question("q"), answer("a"))
    made = next(part for part in view.findChildren(FlatButton) if part.text().startswith("Made here"))
    assert made.text() == "Made here    14 tok/s    2 messages left out    1 note"


@pytest.mark.parametrize(
    ("ending", "words"),
    [(Ending.STOPPED, "You stopped this answer here."), (Ending.LENGTH, "The answer reached the longest length")],
)
def test_an_answer_that_did_not_end_by_itself_says_so(qt, view, ending, words):
    from freehold.desktop.transcript.flat import Note

    shown(view, question("q"), answer("a", ending=ending))
    notes = [note.text for note in view.findChildren(Note) if note.isVisible() and note.height() > 5]
    assert any(note.startswith(words) for note in notes)


def test_a_broken_answer_says_what_happened_and_offers_retry(qt, view):
    heard = []
    view.retry_asked.connect(heard.append)
    error = {"code": "engine-stopped", "title": "The model stopped working", "advice": "Ask again.", "detail": "exit 9"}
    shown(view, question("q"), answer("a", "Half an", ending=Ending.BROKEN, error=error))
    from freehold.desktop.transcript.failure import Failure

    card = next(part for part in view.findChildren(Failure) if part.isVisible())
    assert card.accessibleName() == "The model stopped working. Ask again."
    next(part for part in card.findChildren(FlatButton) if part.text() == "Retry").click()
    assert heard == ["a"]
    assert "Half an" in text_of(view)


def test_a_failure_while_words_stream_keeps_the_words(qt, view):
    shown(view, question("q"))
    view.begin_answer(begun("a", "q"))
    view.add_words("a", "So far")
    view.fail("a", "The model stopped working", "Ask again.", "exit 9")
    qt.until(lambda: "So far" in text_of(view))
    from freehold.desktop.transcript.failure import Failure

    assert any(part.isVisible() for part in view.findChildren(Failure))


def test_thinking_is_folded_and_opens(qt, view):
    shown(view, question("q"), answer("a", "<think>secretly **counting**</think>Three."))
    assert "Three." in text_of(view) and "counting" not in text_of(view)
    press(view, "Thought for a while")
    assert "secretly counting" in text_of(view)
    press(view, "Thought for a while")
    assert "counting" not in text_of(view)


def test_thinking_streams_folded_without_flashing_as_an_answer(qt, view):
    shown(view, question("q"))
    view.begin_answer(begun("a", "q"))
    for letter in "<think>one two</think>Three":
        view.add_words("a", letter)
        view._catch_up()
        assert "think" not in text_of(view) and "one" not in text_of(view)
    assert "Three" in text_of(view)


def test_a_retried_answer_takes_the_place_of_the_branch_that_stood_there(qt, view):
    shown(view, question("q"), answer("a", "First answer", "q"), question("q2", "Second", "a"))
    view.begin_answer(begun("b", "q"))
    view.add_words("b", "Another answer")
    qt.until(lambda: "Another answer" in text_of(view))
    assert "First answer" not in text_of(view) and "Second" not in text_of(view)


def test_going_back_to_a_chat_that_is_still_answering_shows_what_came_meanwhile(qt, view):
    turns = [question("q"), begun("a", "q", "So far")]
    view.show(marks(turns))
    view.begin_answer(turns[1])
    view.provide([turns[0], begun("a", "q", "So")])
    view.add_words("a", ", so good")
    qt.until(lambda: "So far, so good" in text_of(view))


def test_an_answer_that_was_finished_while_another_chat_was_in_view_is_asked_for_again(qt, view):
    asked = []
    view.turns_needed.connect(asked.append)
    first, half = question("q"), begun("a", "q", "Half")
    shown(view, first)
    view.begin_answer(half)
    view.show([])
    view.show(marks([first, half]))
    assert asked[-1] == ["a"]
    view.provide([answer("a", "Half and half", "q")])
    qt.until(lambda: "Half and half" in text_of(view))


def test_a_link_is_told_and_not_opened(qt, view):
    heard = []
    view.link_asked.connect(heard.append)
    shown(view, question("q"), answer("a", "see [here](https://user@example.com/a?b=1)"))
    prose = next(part for part in view.findChildren(ProseView) if "see" in part.toPlainText())
    from PySide6.QtCore import QUrl

    prose.anchorClicked.emit(QUrl("https://example.com/a?b=1"))
    prose.anchorClicked.emit(QUrl("file:///etc/passwd"))
    assert heard == ["https://example.com/a?b=1"]
    assert "here (example.com)" in prose.toPlainText()


def test_found_words_are_brought_into_sight_and_marked(qt, view):
    turns = chat(60)
    long = answer("t41", "word\n\n" * 60 + "the **needle** is here\n\n" + "word\n\n" * 60)
    Store(view, [*turns[:41], long, *turns[42:]])
    view.show(marks([*turns[:41], long, *turns[42:]]))
    view.scroll_to("t41", "needle is")
    qt.until(lambda: not view.waits_for_words and view.is_settled)
    prose = next(part for part in view.findChildren(ProseView) if part.isVisible() and "needle" in part.toPlainText())
    marked = prose.extraSelections()
    assert [one.cursor.selectedText() for one in marked] == ["needle is"]
    y = prose.mapTo(view.viewport(), prose.cursorRect(marked[0].cursor).topLeft()).y()
    assert 0 <= y < 500


def test_code_is_copied_to_the_letter_and_says_its_language(qt, view):
    shown(view, question("q"), answer("a", "```js\nlet x = '<b>';\n\tx\n```"))
    code = next(part for part in view.findChildren(CodeView) if part.isVisible())
    assert code.text.accessibleName() == "JavaScript code"
    next(part for part in code.findChildren(FlatButton) if part.text() == "Copy").click()
    assert QGuiApplication.clipboard().text() == "let x = '<b>';\n\tx"


def test_text_is_selected_and_copied_by_keyboard(qt, view):
    shown(view, question("q"), answer("a", "one two three"))
    prose = next(part for part in view.findChildren(ProseView) if "one two" in part.toPlainText())
    prose.setFocus()
    prose.selectAll()
    for key in (Qt.Key.Key_C,):
        press_key = QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier.ControlModifier)
        QApplication.sendEvent(prose, press_key)
    assert QGuiApplication.clipboard().text() == "one two three"


def test_a_turn_with_the_focus_is_copied_whole(qt, view):
    shown(view, question("q"), answer("a", "one **two**"))
    whole = next(part for part in view.findChildren(AnswerView) if part.turn is not None)
    whole.setFocus()
    QApplication.sendEvent(
        whole, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier, "c")
    )
    assert QGuiApplication.clipboard().text() == "one **two**"


def test_tab_goes_through_the_turns_in_reading_order_and_out_again(qt):
    window, box = QWidget(), QLineEdit()
    view = TranscriptView()
    layout = QVBoxLayout(window)
    layout.addWidget(view)
    layout.addWidget(box)
    qt.show(window, 708, 700)
    window.activateWindow()
    shown(view, question("q", "When?"), answer("a", "Now. See https://example.com"))
    view.setFocus()
    visited = []
    for _ in range(20):
        current = QApplication.focusWidget()
        visited.append(current)
        if current is box:
            break
        current.focusNextPrevChild(True) if not isinstance(current, ProseView) else view.focusNextPrevChild(True)
    assert visited[-1] is box
    turns = [part.turn.id for part in visited if isinstance(part, QuestionView | AnswerView)]
    assert turns == ["q", "a"]
    names = [part.text() for part in visited if isinstance(part, FlatButton)]
    assert names[-3:] == ["Copy", "Retry", "Branch"]
    view.focusNextPrevChild(False)


def test_every_control_has_a_name_for_screen_readers(qt, view):
    shown(view, question("q"), answer("a", "x\n\n```py\ny\n```"), a=(0, 2))
    for part in view.findChildren(FlatButton):
        if part.isVisible():
            assert part.accessibleName()
    assert {part.accessibleName() for part in live_views(view)} == {"You: What then?", "Answer: x ```py y ```"}


def test_colours_and_text_size_change_in_place(qt, view):
    shown(view, *chat(6))
    qt.until(lambda: view.is_settled)
    text, high = text_of(view), view.verticalScrollBar().maximum()
    view.set_theme(DARK)
    view.set_text_size(22)
    qt.until(lambda: view.is_settled)
    assert text_of(view) and set(text_of(view).split()) <= set(text.split())
    assert view.verticalScrollBar().maximum() > high
    prose = next(part for part in view.findChildren(ProseView) if part.isVisible())
    assert prose.document().defaultFont().pixelSize() == 22


def test_a_huge_answer_is_shown_in_slices_and_says_where_it_was_cut(qt, view):
    from freehold.desktop.transcript.flat import Note

    shown(view, question("q"), answer("a", "Some words in a paragraph.\n\n" * 9_000))
    qt.until(lambda: view.is_settled, 60)
    notes = [note.text for note in view.findChildren(Note) if note.isVisible()]
    assert "The rest is too long to be shown here. Copy takes all of it." in notes


def test_a_huge_question_is_folded(qt, view):
    shown(view, question("q", "line\n" * 300 + "end"))
    assert "end" not in text_of(view)
    press(view, "Show all")
    assert text_of(view).endswith("end")


def test_an_empty_chat_is_quiet(qt, view):
    asked = []
    view.turns_needed.connect(asked.append)
    view.show([])
    view.scroll_to("nowhere", "x")
    view.add_words("nowhere", "x")
    view.finish_answer(answer("nowhere"))
    view.fail("nowhere", "x", "y", "z")
    assert asked == [] and view.is_settled


def test_the_selection_survives_words_that_stream_below_it(qt, view):
    shown(view, question("q"))
    view.begin_answer(begun("a", "q"))
    view.add_words("a", "first paragraph\n\nsecond one\n\nthird")
    qt.until(lambda: "third" in text_of(view))
    prose = next(part for part in view.findChildren(ProseView) if "first" in part.toPlainText())
    cursor = prose.textCursor()
    cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
    prose.setTextCursor(cursor)
    view.add_words("a", " grows\n\nfourth")
    qt.until(lambda: "fourth" in text_of(view))
    assert prose.textCursor().selectedText() == "first paragraph"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=40), st.data())
def test_reading_keeps_its_place_whatever_heights_turn_out_to_be(heights, data):
    reading = Reading(Heights(heights), 300)
    reading.go_to(data.draw(st.integers(0, reading.most)))
    if reading.follows:
        return
    place = reading.at(reading.top)
    offset = reading.top - reading.turn_top(place)
    for _ in range(5):
        other = data.draw(st.integers(0, len(heights) - 1))
        reading.set_height(other, data.draw(st.integers(1, 400)), was_estimate=other != place)
        assert reading.top in (reading.turn_top(place) + offset, reading.most, 0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("sac"), st.integers(0, 50)), max_size=30))
def test_heights_are_the_sums_they_claim_to_be(steps):
    heights, plain = Heights([10, 20, 30]), [10, 20, 30]
    for step, number in steps:
        if step == "a":
            heights.append(number)
            plain.append(number)
        elif step == "c":
            heights.cut(number % (len(plain) + 1))
            del plain[number % (len(plain) + 1) :]
        elif plain:
            heights[number % len(plain)] = number
            plain[number % len(plain)] = number
        assert heights.total == sum(plain)
        for place in range(len(plain)):
            assert heights.top(place) == sum(plain[:place])
