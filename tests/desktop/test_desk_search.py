"""The search page over a library of fakes: asked while one types, walked by keyboard, opened with care."""

from __future__ import annotations

import os

import pytest
from PySide6.QtCore import QObject, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest

from freehold.desktop.own_program import FilePanel, may_run_code
from freehold.foundation.errors import EngineStopped
from freehold.foundation.stop import Stop
from freehold.library.values import Passage, State
from support.desk import Desk

pytest_plugins = ("support.qt",)

HOME = "/home/ada/Home"


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


@pytest.fixture
def library(desk):
    library = desk.house.library
    library.source(HOME, collection="Home")
    library.source("/home/ada/Work", collection="Work")
    library.put(f"{HOME}/lease.pdf", collection="Home")
    library.put(f"{HOME}/note.md", collection="Home")
    texts = ("The lease ends in September.", "Notice ends the lease.", "A lease of land.")
    library.passages = [
        Passage(1, f"{HOME}/lease.pdf", 2, 0, 28, texts[0], 1.0, "Lease of the flat", "Clause 1"),
        Passage(1, f"{HOME}/lease.pdf", 6, 900, 922, texts[1], 0.9, "Lease of the flat"),
        Passage(2, f"{HOME}/note.md", None, 10, 26, texts[2], 0.8),
    ]
    return library


@pytest.fixture
def page(desk, library):
    desk.do("search")
    return desk.page("search")


class Opened(QObject):
    """Stands for the programs of the system."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    @Slot(QUrl)
    def take(self, url: QUrl) -> None:
        self.urls.append(url.toLocalFile())


@pytest.fixture
def opened():
    programs = Opened()
    QDesktopServices.setUrlHandler("file", programs, "take")
    yield programs.urls
    QDesktopServices.unsetUrlHandler("file")


def look_for(desk, page, text):
    page._query.setText(text)
    page._timer.stop()
    page.search_asked.emit()
    desk.settle()


def titles(page):
    model = page.found.found
    return [model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]


def test_what_is_typed_is_found_with_title_page_and_words(desk, page):
    assert page._query.hasFocus()
    QTest.keyClicks(page._query, "lease")
    desk.qt.until(lambda: len(titles(page)) == 3)
    assert titles(page) == [
        "Lease of the flat, page 2, The lease ends in September.", "Lease of the flat, page 6, Notice ends the lease.",
        "note.md, A lease of land.",
    ]  # fmt: skip
    first = page.found.found.hits[0]
    assert [first.shown.text[start:end] for start, end in first.shown.spans] == ["lease"]
    assert first.place == f"lease.pdf  ·  {HOME}"
    assert page._said.text() == "3 passages"


def test_the_keyboard_walks_the_passages_and_opens_one(desk, page):
    asked = []
    desk.shell._pages.passage_asked.connect(lambda *one: asked.append(one))
    look_for(desk, page, "lease")
    QTest.keyClick(page._query, Qt.Key.Key_Down)
    assert page.found.hasFocus()
    QTest.keyClick(page.found, Qt.Key.Key_Down)
    assert page.preview._text.toPlainText() == "Notice ends the lease."
    QTest.keyClick(page.found, Qt.Key.Key_Return)
    assert asked == [(1, f"{HOME}/lease.pdf", 6, 900, 922)]
    QTest.keyClick(page.found, Qt.Key.Key_Up)
    QTest.keyClick(page.found, Qt.Key.Key_Up)
    assert page._query.hasFocus()
    QTest.keyClick(page._query, Qt.Key.Key_Return)
    assert asked[-1] == (1, f"{HOME}/lease.pdf", 2, 0, 28)


def test_enter_does_not_open_what_another_question_found(desk, library, page):
    asked = []
    page.passage_asked.connect(lambda *one: asked.append(one))
    look_for(desk, page, "lease")
    page._query.setText("notice")
    QTest.keyClick(page._query, Qt.Key.Key_Return)
    desk.settle()
    assert asked == []
    assert titles(page) == ["Lease of the flat, page 6, Notice ends the lease."]


def test_a_search_is_narrowed_and_widened_again(desk, library, page):
    look_for(desk, page, "lease")
    page._collections.setCurrentIndex(page._collections.findData("Work"))
    page._kinds.setCurrentIndex(page._kinds.findData("mail"))
    desk.settle()
    assert library.asked[-1] == "search lease hybrid Work .eml,.mbox,.msg"
    page._clear.click()
    desk.settle()
    assert library.asked[-1] == "search lease hybrid"
    page._modes._buttons["words"].click()
    desk.settle()
    assert library.asked[-1] == "search lease words"


def test_while_meaning_is_loaded_words_are_shown_and_said_so(desk, library, page):
    library.is_meaning_up, library.meaning_gate = False, Stop()
    page._query.setText("lease")
    desk.qt.until(lambda: len(titles(page)) == 3)
    assert "By words for now" in page._said.text()
    page.found.setCurrentIndex(page.found.found.index(1))
    library.meaning_gate.set()
    desk.settle()
    assert page._said.text() == "3 passages"
    assert page.found.hit.passage.page == 6


def test_what_was_typed_while_meaning_was_loaded_is_what_is_shown(desk, library, page):
    library.is_meaning_up, library.meaning_gate = False, Stop()
    page._query.setText("lease")
    desk.qt.until(lambda: len(titles(page)) == 3)
    page._query.setText("notice")
    desk.qt.until(lambda: len(titles(page)) == 1)
    library.meaning_gate.set()
    desk.settle()
    assert titles(page) == ["Lease of the flat, page 6, Notice ends the lease."]
    assert page._said.text() == "1 passage"


def test_without_a_model_of_meaning_it_is_said_once_and_asked_for_in_words(desk, library, page):
    library.finds_meaning = library.is_meaning_up = False
    look_for(desk, page, "lease")
    assert "By words only" in page._said.text()
    page._modes._buttons["meaning"].click()
    desk.settle()
    assert "not installed" in page.trouble._title.text()
    page._modes._buttons["words"].click()
    desk.settle()
    assert not page.trouble.isVisible()


def test_what_is_forgotten_or_added_meanwhile_is_searched_anew(desk, library, page):
    look_for(desk, page, "lease")
    library.passages.pop()
    library.documents.pop()
    desk.shell._pages.library_state.look()
    desk.settle()
    assert len(titles(page)) == 2


def test_nothing_found_says_what_to_try(desk, library, page):
    library.put(f"{HOME}/new.txt", State.WAITING)
    desk.do("search")
    look_for(desk, page, "parking")
    assert page._stack.currentIndex() == 1
    assert page._nothing_words.text() == "Try fewer or other words. 1 file still to be read."
    page._kinds.setCurrentIndex(1)
    desk.settle()
    assert page._nothing_words.text().startswith("Look in everything")


def test_an_empty_library_leads_to_the_library(desk):
    desk.do("search")
    page = desk.page("search")
    assert page._start_title.text() == "Nothing is in the library yet"
    page._to_library.click()
    assert desk.window.page == "library"


def test_a_failed_search_is_said_in_place_and_the_next_one_works(desk, library, page):
    library.error = EngineStopped("embedder: ended by SIGKILL")
    look_for(desk, page, "lease")
    assert page.trouble.isVisible()
    look_for(desk, page, "lease land")
    assert not page.trouble.isVisible()
    assert len(titles(page)) == 3


def test_locking_leaves_nothing_that_was_found_or_asked(desk, library, page):
    look_for(desk, page, "lease")
    library.is_meaning_up, library.meaning_gate = False, Stop()
    page._query.setText("notice")
    desk.qt.until(lambda: len(titles(page)) == 1)
    desk.window.actions_by_name["lock"].trigger()
    desk.qt.until(lambda: desk.window.entry is not None)
    desk.qt.until(lambda: not desk.window.has_page("search"))
    library.meaning_gate.set()
    desk.settle()


def test_a_document_opens_in_its_own_program(desk, library, page, opened, tmp_path):
    file = tmp_path / "lease.pdf"
    file.write_bytes(b"%PDF-1.4")
    page.open_asked.emit(str(file))
    assert opened == [str(file)]
    page.open_asked.emit(str(tmp_path / "gone.pdf"))
    assert "could not be opened" in desk.window.toast._text.text()


def test_what_could_run_code_is_asked_about_first(desk, page, opened, tmp_path):
    script = tmp_path / "invoice.html"
    script.write_text("<script>")
    page.open_asked.emit(str(script))
    panel = desk.window.findChild(FilePanel)
    assert panel.isVisible()
    assert opened == []
    QTest.keyClick(panel._folder, Qt.Key.Key_Escape)
    assert opened == []
    page.open_asked.emit(str(script))
    QTest.keyClick(panel._folder, Qt.Key.Key_Return)
    assert opened == [str(tmp_path)]
    page.open_asked.emit(str(script))
    panel._open.click()
    assert opened[-1] == str(script)


def test_only_kinds_that_are_merely_shown_open_unasked(tmp_path):
    for name in ("a.pdf", "a.txt", "a.docx", "a.png"):
        (tmp_path / name).write_text("x")
        assert not may_run_code(tmp_path / name)
    for name in ("a.html", "a.desktop", "a.sh", "a.docm", "a.xls", "a.lnk", "a.exe", "noname", "a.svg", "a.pdf.bat"):
        assert may_run_code(tmp_path / name)
    (tmp_path / "link.pdf").symlink_to(tmp_path / "a.pdf")
    assert may_run_code(tmp_path / "link.pdf")
    if os.name == "posix":
        (tmp_path / "a.txt").chmod(0o755)
        assert may_run_code(tmp_path / "a.txt")
