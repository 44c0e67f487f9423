"""The viewer: pages and texts at a passage, hostile text, what is said when there is nothing to show, forgetting."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QDesktopServices, QImage
from PySide6.QtTest import QTest

from freehold.chats.values import Attachment
from freehold.desktop.own_program import FilePanel
from freehold.desktop.viewer.flows import look_up
from freehold.desktop.viewer.text_view import TextView, bearable, parts_of
from freehold.desktop.viewer.values import Pages, Place, Words
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentGone, DocumentUnreadable, LibraryNotFound
from freehold.library.values import Box
from support.desk import Desk
from support.papers import Keeper, Papers

pytest_plugins = ("support.qt",)

LEASE = "/papers/lease.pdf"
NOTES = "/papers/notes.md"
CLAUSE = "the term ends on 30 September 2027"
PAGES = [f"# Lease\n\nFirst page {n}.\nIn clause {n},\n{CLAUSE if n == 2 else 'nothing more'}\n" for n in range(1, 8)]


@pytest.fixture
def papers():
    return Papers({LEASE: list(PAGES), NOTES: f"Before.\n{CLAUSE}\nAfter.\n"})


@pytest.fixture
def desk(qt, tmp_path, papers):
    made = Desk(qt, tmp_path)
    made.house.library = Keeper(papers)
    made.start()
    yield made
    made.close()


def quote(path=LEASE, **changes):
    text = "".join(PAGES) if path == LEASE else ""
    start = text.find(CLAUSE) if text else 8
    fields = {"page": 2 if path == LEASE else None, "text": CLAUSE, "start": start, "end": start + len(CLAUSE)}
    return Place(1, path, **(fields | changes))


def show(desk, place):
    desk.shell._documents.open(place)
    desk.settle()
    return desk.window.viewer


def picture_of(viewer):
    return viewer.pages.viewport().grab().toImage()


def has_colour(image: QImage, colour: str) -> bool:
    wanted = QColor(colour).rgb()
    return any(image.pixel(x, y) == wanted for y in range(0, image.height(), 2) for x in range(0, image.width(), 3))


def test_a_quoted_page_opens_with_the_passage_marked_and_in_sight(desk):
    viewer = show(desk, quote())
    assert viewer.isVisible()
    assert viewer.pages.at == 2
    assert viewer._number.text() == "2"
    assert viewer._count.text() == "of 7"
    assert has_colour(picture_of(viewer), "#BFE3CF")
    assert not viewer._strip_room.isVisible()
    assert viewer._name.whole == "lease.pdf"


def test_the_answer_stays_in_view_beside_a_document_when_there_is_room(desk):
    show(desk, quote())
    assert desk.window.chat.isVisible()
    desk.window.resize(900, 700)
    desk.qt.spin(0.05)
    assert not desk.window.chat.isVisible()
    assert desk.window.viewer.isVisible()
    desk.window.viewer.closed.emit()
    assert desk.window.chat.isVisible()


def test_a_page_that_is_asked_for_takes_the_place_of_a_document_that_hides_it(desk):
    desk.window.resize(900, 700)
    show(desk, quote())
    desk.do("models")
    assert not desk.window.viewer.isVisible()
    assert desk.page("models").isVisible()


def test_neighbours_are_fetched_before_they_are_wanted(desk, papers):
    show(desk, quote())
    assert [number for _, number, _ in papers.asked] == [2, 3, 1]
    viewer = desk.window.viewer
    QTest.keyClick(viewer.pages, Qt.Key.Key_Right)
    assert viewer.pages.at == 3
    assert not has_colour(picture_of(viewer), "#BFE3CF")
    desk.settle()
    assert {number for _, number, _ in papers.asked} == {1, 2, 3, 4}


def test_turning_quickly_fetches_only_where_it_stops(desk, papers):
    papers.gate = Stop()
    desk.shell._documents.open(quote())
    desk.qt.until(lambda: papers.asked)
    viewer = desk.window.viewer
    for page in (3, 4, 5, 6, 7):
        viewer.pages.turn_to(page)
    papers.gate.set()
    desk.settle()
    assert [number for _, number, _ in papers.asked] == [2, 7, 6]


def test_the_keyboard_turns_scrolls_and_zooms(desk):
    viewer = show(desk, quote())
    pages = viewer.pages
    QTest.keyClick(pages, Qt.Key.Key_End)
    assert pages.at == 7
    QTest.keyClick(pages, Qt.Key.Key_Home)
    assert pages.at == 1
    for _ in range(6):
        QTest.keyClick(pages, Qt.Key.Key_PageDown)
    assert pages.at > 1
    QTest.keyClick(pages, Qt.Key.Key_Plus)
    assert viewer._zoom.text() == "125%"
    QTest.keyClick(pages, Qt.Key.Key_0)
    assert viewer._zoom.text() == "100%"
    assert viewer._to_mark.isVisible() is (pages.at != 2)
    viewer._number.setText("5")
    QTest.keyClick(viewer._number, Qt.Key.Key_Return)
    assert pages.at == 5
    viewer._to_mark.click()
    assert pages.at == 2
    QTest.keyClick(pages, Qt.Key.Key_Escape)
    assert not viewer.isVisible()


def test_a_larger_page_is_painted_anew_and_not_only_stretched(desk, papers):
    viewer = show(desk, quote())
    before = max(width for _, _, width in papers.asked)
    viewer.pages.set_zoom(2.0)
    desk.qt.until(lambda: max(width for _, _, width in papers.asked) > 1.8 * before)
    desk.settle()


def test_words_that_are_not_on_the_page_any_more_are_said_to_be_missing(desk):
    viewer = show(desk, quote(text="words that were never there"))
    assert viewer._note.text() == "The words could not be found again on this page."
    assert viewer.pages.at == 2


def test_a_document_that_changed_opens_where_the_passage_stood(desk):
    viewer = show(desk, quote(state="changed", text=""))
    assert viewer.pages.at == 2
    assert "has changed since" in viewer._note.text()
    assert not has_colour(picture_of(viewer), "#BFE3CF")


def test_a_forgotten_document_is_said_to_be_gone(desk):
    viewer = show(desk, quote(state="gone"))
    assert viewer.message._title.text() == "This document is no longer in the library"
    assert not viewer._outside.isVisible()
    viewer = show(desk, quote("/papers/other.txt"))
    assert viewer.message._title.text() == "This document is no longer in the library"


def test_a_document_of_another_vault_is_said_to_be_not_here_and_nothing_is_opened(desk):
    viewer = show(desk, quote(state="elsewhere"))
    assert viewer.message._title.text() == "This document is not here"
    assert not viewer._outside.isVisible()


def test_a_password_is_asked_for_kept_until_locking_and_asked_for_again(desk, papers):
    papers.passwords[LEASE] = "sesame"
    viewer = show(desk, quote())
    assert viewer.message._asking.isVisible()
    viewer.message._field.setText("wrong")
    viewer.message._open.click()
    desk.settle()
    assert "does not open it" in viewer.message._words.text()
    viewer.message._field.setText("sesame")
    QTest.keyClick(viewer.message._field, Qt.Key.Key_Return)
    desk.settle()
    assert viewer.pages.at == 2
    viewer = show(desk, quote())
    assert viewer.pages.isVisible()
    desk.shell._documents.forget()
    viewer = show(desk, quote())
    assert viewer.message._asking.isVisible()


def test_who_has_no_password_reads_the_text_that_was_kept(desk, papers):
    papers.passwords[LEASE] = "sesame"
    viewer = show(desk, quote())
    viewer.message._text.click()
    desk.settle()
    assert viewer.text.isVisible()
    assert CLAUSE in viewer.text.toPlainText()


@pytest.mark.parametrize("error", [DocumentGone(), DocumentUnreadable("it is not a whole PDF")])
def test_a_file_that_cannot_be_read_now_shows_what_was_read_of_it(desk, papers, error):
    papers.broken[LEASE] = error
    viewer = show(desk, quote())
    assert viewer._note.text() == f"{error.title}. This is the text that Freehold has read of it."
    assert viewer.text.toPlainText().startswith("Page 1\n# Lease")
    assert viewer.text.extraSelections()[0].cursor.selectedText() == CLAUSE


def test_a_text_opens_at_its_passage(desk):
    viewer = show(desk, quote(NOTES))
    assert viewer.text.isVisible()
    assert viewer.text.toPlainText() == f"Before.\n{CLAUSE}\nAfter.\n"
    [mark] = viewer.text.extraSelections()
    assert mark.cursor.selectedText() == CLAUSE
    assert not viewer._tools.isVisible()


def test_a_passage_that_was_found_by_searching_is_marked_too(desk):
    start = "".join(PAGES).find(CLAUSE)
    desk.shell._documents.open_passage(1, LEASE, 2, start, start + len(CLAUSE))
    desk.settle()
    assert has_colour(picture_of(desk.window.viewer), "#BFE3CF")


def test_text_of_a_document_is_only_ever_text(desk, papers):
    papers.documents[NOTES] = (
        "<img src=file:///etc/passwd> **bold** [link](https://evil.example) \u202eevil\u202c \x1b[31m \ufffc end"
    )
    shown = show(desk, quote(NOTES, start=0, end=4)).text
    plain = shown.toPlainText()
    assert plain.startswith("<img src=file:///etc/passwd> **bold** [link](https://evil.example)")
    assert "[U+202E]evil[U+202C] [U+001B][31m [U+FFFC] end" in plain
    assert not shown.textInteractionFlags() & Qt.TextInteractionFlag.LinksAccessibleByMouse


def test_the_name_of_a_file_cannot_turn_around(desk, papers):
    papers.documents["/p/exe\u202etxt.md"] = "x"
    viewer = show(desk, quote("/p/exe\u202etxt.md", start=0, end=1))
    assert viewer._name.whole == "exe[U+202E]txt.md"


def test_a_name_that_looks_like_markup_is_a_name(desk, papers):
    path = "/p/" + "<img src=x> " * 20 + ".md"
    papers.documents[path] = "x"
    viewer = show(desk, quote(path, start=0, end=1))
    assert viewer._name.toolTip().startswith("<span>&lt;img src=x>")


def test_a_file_beside_a_question_is_shown_as_its_text(desk):
    conversations = desk.house.conversations
    chat = conversations.create().id
    asked = conversations.ask(chat, "What is in it?", None)
    conversations.attached = lambda turn: (
        [Attachment("offer.pdf", 9, "one\ntwo\n.", ((4, 1), (5, 2)))] if turn == asked.id else []
    )
    viewer = show(desk, Place(-1, "offer.pdf", page=2, start=4, end=7, text="two", turn=asked.id))
    assert viewer.text.toPlainText() == "Page 1\none\n\nPage 2\ntwo\n."
    assert viewer.text.extraSelections()[0].cursor.selectedText() == "two"
    assert not viewer._outside.isVisible()
    viewer = show(desk, Place(-2, "other.pdf", turn=asked.id))
    assert "no longer" in viewer.message._title.text()


def test_a_document_opens_in_its_own_program_unless_that_could_run_code(desk, papers, tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()) or True)
    plain, page = tmp_path / "plain.txt", tmp_path / "page.html"
    for path in (plain, page):
        path.write_text("<script>")
        papers.documents[str(path)] = "words"
    show(desk, quote(str(plain), start=0, end=1))._outside.click()
    assert opened == [str(plain)]
    show(desk, quote(str(page), start=0, end=1))._outside.click()
    panel = desk.window.findChild(FilePanel)
    assert panel.isVisible()
    assert not panel._open.isVisible()
    assert "does not open it" in panel._words.text()
    QTest.keyClick(panel._folder, Qt.Key.Key_Return)
    assert opened == [str(plain), str(tmp_path)]


def test_closing_a_document_gives_the_keys_back(desk):
    desk.window.activateWindow()
    box = desk.window.chat.composer.box
    box.setFocus()
    viewer = show(desk, quote())
    show(desk, quote(NOTES))
    assert not box.hasFocus()
    viewer.closed.emit()
    assert desk.window.focusWidget() is box


def test_words_of_a_scanned_page_are_looked_for_by_recognising_it(desk, papers):
    papers.recognised = (Box(0.1, 0.1, 0.5, 0.2),)
    viewer = show(desk, quote(text="words in a picture"))
    assert has_colour(picture_of(viewer), "#BFE3CF")
    assert not viewer._strip_room.isVisible()


def test_locking_forgets_the_document(desk, papers):
    viewer = show(desk, quote(NOTES))
    desk.do("lock")
    desk.qt.until(lambda: desk.window.entry is not None)
    assert viewer.text.toPlainText() == ""
    assert viewer._name.whole == ""
    assert not viewer.isVisible()
    assert desk.shell._documents.viewer.place is None


def test_a_document_that_comes_after_locking_is_not_shown(desk, papers):
    papers.gate = Stop()
    desk.shell._documents.open(quote())
    desk.qt.until(lambda: papers.asked)
    desk.shell._documents.forget()
    papers.gate.set()
    desk.settle()
    assert desk.window.viewer.pages.count == 0
    assert not desk.window.viewer.isVisible()


def test_five_megabytes_come_in_pieces_and_the_passage_is_found(qt):
    line = "The quick brown fox jumps over the lazy dog, and the dog does not mind at all.\n"
    text = line * (5_000_000 // len(line))
    start = text.index("lazy", 4_000_000)
    view = qt.show(TextView(), 500, 700)
    came = []
    view.arrived.connect(lambda: came.append(view.document().characterCount()))
    view.open(Words(text, (), start, start + 4))
    assert not view.is_full  # the window had its turn before all of it was there
    qt.until(lambda: view.is_full)
    assert came
    assert view.document().characterCount() == len(text) + 1
    assert view.extraSelections()[0].cursor.selectedText() == "lazy"
    assert 0 < view.cursorRect().center().y() < 700


def test_one_line_of_a_megabyte_is_broken_for_the_layout(qt):
    view = qt.show(TextView(), 500, 700)
    view.open(Words("x" * 1_000_000, (), 500_000, 500_010))
    qt.until(lambda: view.is_full)
    assert view.extraSelections()[0].cursor.selectedText() == "x" * 10
    assert view.document().blockCount() > 400


@given(
    st.text(alphabet="ab\n\r\u202e\U0001f600é", max_size=60),
    st.integers(0, 60), st.integers(0, 60), st.lists(st.integers(0, 60), max_size=3),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_every_word_is_shown_once_and_the_passage_is_marked_whole(text, one, other, cuts):
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pages = tuple((n, a, b) for n, (a, b) in enumerate(pairwise(edges), 1))
    parts = list(parts_of(text, pages, start, end))
    assert [kind for kind, _ in parts].count("start") == 1
    assert [words for kind, words in parts if kind == "page"] == [str(page) for page, _, _ in pages]
    hidden = text.count("\u202e")
    shown = "".join(words for kind, words in parts if kind in ("words", "mark"))
    assert shown.count("[U+202E]") == hidden or "hidden" in shown
    marked = "".join(words for kind, words in parts if kind == "mark")
    assert marked.count("a") == text[start:end].count("a")
    assert shown.count("é") == text.count("é")


def test_pieces_are_cut_between_lines_where_there_are_some():
    text = "line\r\n" * 20_000
    assert "".join(words for kind, words in parts_of(text, (), 0, 0) if kind == "words") == "line\n" * 20_000


def test_no_line_is_longer_than_a_layout_bears():
    random.seed(7)
    text = "".join(random.choice("ab\n") * random.choice((1, 5_000)) for _ in range(40))
    shown = bearable(text)
    assert max(map(len, shown.split("\n"))) <= 2_000
    assert shown.replace("\n", "") == text.replace("\n", "")


def test_what_to_show_is_decided_without_a_window(papers):
    conversations = None
    found = look_up(papers, conversations, quote())
    assert isinstance(found, Pages)
    assert (found.at, found.passage, len(found.sizes)) == (2, CLAUSE, 7)
    assert look_up(papers, conversations, quote(page=90)).at == 7
    assert isinstance(look_up(papers, conversations, quote(NOTES, page=1)), Words)
    changed = look_up(papers, conversations, quote(NOTES, state="changed", text="", start=900, end=950))
    assert changed.start == changed.end == len(papers.documents[NOTES])
    with pytest.raises(LibraryNotFound):
        look_up(papers, conversations, quote(state="gone"))
