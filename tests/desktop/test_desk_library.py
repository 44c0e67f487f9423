"""The library page over fakes: adding, every state, pausing, forgetting, and nothing left after locking."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest

from freehold.desktop.add_panel import AddPanel, patterns
from freehold.desktop.library_state import Standing
from freehold.desktop.library_words import side_words, work_words
from freehold.foundation.errors import DiskFull
from freehold.library.errors import DocumentGone
from freehold.library.values import Progress, State
from support.desk import Desk
from support.fake_library import NEEDS_PASSWORD

pytest_plugins = ("support.qt",)

HOME = "/home/ada/Home"


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


@pytest.fixture
def library(desk):
    """Four files of one watched folder, one in every state that matters."""
    library = desk.house.library
    library.source(HOME, watched=True)
    library.put(f"{HOME}/lease.pdf", pages=12)
    library.put(f"{HOME}/locked.pdf", State.FAILED, reason=NEEDS_PASSWORD)
    library.put(f"{HOME}/scan.pdf", State.EMPTY, reason="No text on 3 pages.")
    library.put(f"{HOME}/torn.pdf", State.FAILED, reason="This file could not be read. Open it in its own program.")
    return library


@pytest.fixture
def page(desk, library):
    desk.do("library")
    return desk.page("library")


def names(page):
    model = page.files.documents
    return [model.index(row).data() for row in range(model.rowCount())]


def choose(page, name):
    page.files.choose(next(one.id for one in page.files.documents.documents if one.path.endswith(name)))


def side(desk):
    return desk.window.sidebar._pages["library"].accessibleName()


def beat(desk):
    desk.shell._beat()
    desk.settle()


def drop(widget, *paths):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    place, buttons, keys = QPointF(400, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(place.toPoint(), Qt.DropAction.CopyAction, mime, buttons, keys)
    QGuiApplication.sendEvent(widget, enter)
    if enter.isAccepted():
        QGuiApplication.sendEvent(widget, QDropEvent(place, Qt.DropAction.CopyAction, mime, buttons, keys))
    return enter.isAccepted()


def test_an_empty_library_says_how_to_begin(desk):
    desk.do("library")
    page = desk.page("library")
    assert page._stack.currentWidget() is page._empty
    assert page._first_folder.hasFocus()
    assert side(desk) == "Library, empty"


def test_every_file_says_what_became_of_it_and_what_to_do(page):
    assert names(page) == ["lease.pdf", "locked.pdf", "scan.pdf", "torn.pdf"]
    model = page.files.documents
    said = [model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(4)]
    assert said[0].startswith("lease.pdf, ready.")
    assert "Give its password" in said[1]
    assert said[2] == "scan.pdf, no text. No text on 3 pages."
    choose(page, "torn.pdf")
    assert page.card.isVisible()
    assert page.card._again.isVisible()
    assert "Open it in its own program" in page.card._advice.text()
    choose(page, "lease.pdf")
    assert not page.card._again.isVisible()


def test_a_failed_file_is_read_again_from_the_keyboard(desk, library, page):
    choose(page, "torn.pdf")
    QTest.keyClick(page.files, Qt.Key.Key_Return)
    desk.settle()
    assert library.asked[-2:] == [f"retry {HOME}/torn.pdf", "attend"]
    assert page.files.document.state is State.WAITING


def test_a_password_is_asked_for_in_place_given_once_and_not_kept(desk, library, page):
    choose(page, "locked.pdf")
    QTest.keyClick(page.files, Qt.Key.Key_Return)
    assert page.card._password.hasFocus()
    QTest.keyClicks(page.card._password, "tulip")
    QTest.keyClick(page.card._password, Qt.Key.Key_Return)
    desk.settle()
    assert f"retry {HOME}/locked.pdf tulip" in library.asked
    assert page.card._password.text() == ""


def test_a_read_file_is_shown_here_and_any_file_in_its_own_program(desk, page):
    shown, opened = [], []
    desk.shell._pages.passage_asked.disconnect()
    desk.shell._pages.passage_asked.connect(lambda *one: shown.append(one))
    page.own_program_asked.connect(lambda document: opened.append(document.path))
    choose(page, "lease.pdf")
    QTest.keyClick(page.files, Qt.Key.Key_Return)
    assert shown == [(1, f"{HOME}/lease.pdf", 1, 0, 0)]
    choose(page, "torn.pdf")
    assert not page.card._open.isVisible()
    page.card._own.click()
    assert opened == [f"{HOME}/torn.pdf"]


def test_text_recognition_is_turned_on_where_it_would_help(desk, library, page):
    desk.house.settings.set("ocr", "off")
    library.put(f"{HOME}/photo.png", State.UNSUPPORTED, reason="Freehold cannot read this kind of file.")
    library.put(f"{HOME}/void.txt", State.EMPTY, reason="There is no text in it.")
    desk.do("library")
    choose(page, "void.txt")
    assert not page.card._recognise.isVisible()
    choose(page, "photo.png")
    assert page.card._recognise.isVisible()
    QTest.keyClick(page.files, Qt.Key.Key_Return)
    desk.settle()
    assert desk.house.settings.text("ocr") == "auto"
    assert f"retry {HOME}/photo.png" in library.asked
    desk.do("undo")
    assert desk.house.settings.text("ocr") == "off"


def test_all_files_that_were_not_read_are_read_again(desk, library, page):
    page._states._buttons["troubled"].click()
    desk.settle()
    page._all_again.click()
    desk.settle()
    assert library.asked[-4:] == [*(f"retry {HOME}/{name}.pdf" for name in ("locked", "scan", "torn")), "attend"]
    assert "3 files are being read" in desk.window.toast._text.text()


def test_files_are_found_by_name_and_by_state(desk, page):
    QTest.keyClicks(page._search, "SCAN")
    desk.qt.until(lambda: names(page) == ["scan.pdf"])
    page._search.clear()
    page._states._buttons["troubled"].click()
    desk.qt.until(lambda: names(page) == ["locked.pdf", "scan.pdf", "torn.pdf"])
    page._states._buttons["waiting"].click()
    desk.qt.until(lambda: names(page) == [])
    assert page._nothing.text() == "Nothing is left to do here."


def test_a_folder_or_a_collection_narrows_the_list(desk, library, page):
    library.source("/home/ada/Work", collection="Work")
    library.put("/home/ada/Work/plan.md", collection="Work")
    desk.do("library")
    titles = [page.places.places.title(place) for place in page.places.places.places]
    assert titles == ["Everything", "Documents", "Home", "Work", "Work"]
    page.places.setCurrentIndex(page.places.places.index(3))
    desk.settle()
    assert names(page) == ["plan.md"]
    page.places.setCurrentIndex(page.places.places.index(2))
    desk.settle()
    assert len(names(page)) == 4
    assert page._forget.accessibleName() == f"Forget: {HOME}"


def test_thousands_of_files_come_in_parts_as_the_list_is_scrolled(desk, library, page):
    for number in range(1000):
        library.put(f"{HOME}/many/{number:04}.txt")
    desk.do("library")
    assert page.files.documents.rowCount() == 200
    page.files.scrollToBottom()
    desk.settle()
    assert page.files.documents.rowCount() == 400
    assert len(page.files.findChildren(object)) < 60


def test_while_files_are_read_the_rows_in_view_change_in_place(desk, library, page):
    choose(page, "scan.pdf")
    library.is_busy = True
    library.documents[0] = library.put(f"{HOME}/lease.pdf", State.WORDS)
    library.documents.pop()
    library.progress = Progress(1, 4, f"{HOME}/lease.pdf", State.WORDS, 90.0)
    beat(desk)
    assert page._work.isVisible()
    assert page._work_words.whole.startswith("2 min left")
    assert side(desk).startswith("Library, reading")
    assert page.files.document.path.endswith("scan.pdf")
    library.is_busy, library.documents[0] = False, library.documents[0]
    library.progress = None
    beat(desk)
    assert not page._work.isVisible()


def test_reading_is_paused_and_resumed(desk, library, page):
    library.put(f"{HOME}/new.txt", State.WAITING)
    library.is_busy = True
    beat(desk)
    page._pause.click()
    desk.settle()
    library.is_busy = False
    beat(desk)
    assert library.is_paused
    assert page._work_title.text() == "Paused"
    assert side(desk) == "Library, paused"
    assert desk.window.status._work.whole == "Reading paused: 1 file left"
    desk.do("pause-library")
    assert not library.is_paused
    assert library.asked[-1] == "attend"


def test_what_ended_the_reading_is_said_and_can_be_tried_again(desk, library, page):
    library.failure = DiskFull("vault.db")
    beat(desk)
    assert page.trouble._title.text() == "The disk is full"
    assert side(desk) == "Library, stopped"
    page.trouble.acted.emit()
    desk.settle()
    assert library.failure is None
    assert not page.trouble.isVisible()


def test_forgetting_waits_for_undo(desk, library, page):
    choose(page, "lease.pdf")
    QTest.keyClick(page.files, Qt.Key.Key_Delete)
    desk.settle()
    assert "lease.pdf" not in names(page)
    desk.do("undo")
    assert "lease.pdf" in names(page)
    assert not any(one.startswith("forget") for one in library.asked)
    page.forget_asked.emit(HOME)
    desk.window.toast.settle()
    desk.settle()
    assert library.asked[-1] == f"forget {HOME}"
    assert page._stack.currentWidget() is page._empty


def test_what_could_not_be_forgotten_comes_back_and_says_why(desk, library, page):
    library.error = DiskFull("vault.db")
    page.forget_asked.emit(f"{HOME}/lease.pdf")
    desk.window.toast.settle()
    desk.settle()
    assert "lease.pdf" in names(page)
    assert page.trouble.isVisible()


def test_a_folder_is_read_first(desk, library, page):
    library.source("/home/ada/Work")
    desk.do("library")
    page.places.setFocus()
    page.places.setCurrentIndex(page.places.places.index(3))
    QTest.keyClick(page.places, Qt.Key.Key_Return)
    assert page.files.hasFocus()
    page._first.click()
    desk.settle()
    assert [one.first for one in library.kept_sources] == [False, True]
    assert not page._first.isVisible()


def test_what_is_dropped_on_the_window_is_asked_about_and_added(desk, library, tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    note = tmp_path / "note.txt"
    note.write_text("x")
    assert drop(desk.window, folder, note)
    desk.settle()
    assert desk.window.page == "library"
    panel = desk.window.findChild(AddPanel)
    assert panel.isVisible()
    assert panel._title.text() == "Add 1 folder and 1 file to the library"
    panel._collection.setCurrentText("Work")
    panel._excluded.setText("*.tmp, drafts/")
    QTest.keyClick(panel._excluded, Qt.Key.Key_Return)
    desk.settle()
    assert library.asked[-3:] == [f"add {folder} to Work watched *.tmp drafts", f"add {note} to Work", "attend"]
    assert "2 files are being read" in desk.window.toast._text.text()


def test_a_folder_need_not_be_watched_and_the_question_can_be_left(desk, library, tmp_path):
    drop(desk.window, tmp_path)
    panel = desk.window.findChild(AddPanel)
    QTest.keyClick(panel._collection, Qt.Key.Key_Escape)
    assert not panel.isVisible()
    drop(desk.window, tmp_path)
    panel._watch.setChecked(False)
    panel._add.click()
    desk.settle()
    assert f"add {tmp_path} to documents" in library.asked


def test_tab_stays_inside_the_question(desk, library, tmp_path):
    drop(desk.window, tmp_path)
    panel = desk.window.findChild(AddPanel)
    seen = set()
    for _ in range(12):
        seen.add(desk.window.focusWidget().accessibleName())
        QTest.keyClick(desk.window.focusWidget(), Qt.Key.Key_Tab)
    assert seen == {"Collection", "Follow the folders", "Leave out", "Add", "Cancel"}
    QTest.keyClick(desk.window.focusWidget(), Qt.Key.Key_Backtab)
    assert panel.isAncestorOf(desk.window.focusWidget())


def test_nothing_is_taken_while_the_vault_is_locked(desk, tmp_path):
    desk.do("lock")
    assert not drop(desk.window, tmp_path)


def test_only_models_are_dropped_on_the_models_page(desk):
    desk.do("models")
    drop(desk.page("models"), "/home/ada/letter.pdf", "/home/ada/own.gguf")
    desk.settle()
    assert "own-own" in desk.page("models").rows
    assert desk.window.page == "models"
    drop(desk.page("models"), "/home/ada/letter.pdf")
    assert desk.window.page == "library"


def test_a_file_that_is_gone_is_said_in_place(desk, library, page, tmp_path):
    library.error = DocumentGone("/x")
    drop(desk.window, tmp_path)
    desk.window.findChild(AddPanel)._add.click()
    desk.settle()
    assert "no longer there" in page.trouble._title.text()


def test_the_check_says_what_was_found_and_what_to_do(desk, library, page):
    desk.do("check-library")
    words = page._check_words.text()
    assert "by words 100 %, by meaning 50 %, together 100 %" in words
    assert words.endswith("All is well.")
    library.error = DiskFull("vault.db")
    desk.do("check-library")
    assert page._check_words.text().startswith("The disk is full.")


def test_looking_for_changed_files(desk, library, page):
    desk.do("rescan-library")
    assert library.asked[-2:] == ["rescan", "attend"]
    assert desk.window.toast._text.text() == "Nothing new is to be read there."


def test_without_a_model_of_meaning_it_is_said_that_words_are_found(desk, library, page):
    library.finds_meaning = False
    desk.do("library")
    assert page._note.isVisible()
    assert "Words are still found" in page._note.accessibleName()


def test_locking_leaves_nothing_of_the_library_in_the_window(desk, library, page, tmp_path):
    choose(page, "locked.pdf")
    drop(desk.window, tmp_path)
    desk.do("lock")
    desk.qt.until(lambda: desk.window.entry is not None)
    assert not desk.window.has_page("library")
    assert desk.window.findChild(AddPanel) is None
    assert side(desk) == "Library"
    desk.house.vault.state = "open"
    desk.shell._beat()
    desk.qt.until(desk.window.actions_by_name["library"].isEnabled)
    desk.do("library")
    assert len(names(desk.page("library"))) == 4


def test_what_was_forgotten_is_erased_before_the_vault_closes(desk, library, page):
    page.forget_asked.emit(f"{HOME}/lease.pdf")
    desk.do("lock")
    desk.qt.until(lambda: desk.window.entry is not None)
    assert library.asked[-1] == f"forget {HOME}/lease.pdf"


def test_a_name_can_hide_nothing_and_breaks_no_line(desk, library):
    library.put(f"{HOME}/a\u202egpj.exe\nnew line.txt")
    desk.do("library")
    assert "a[U+202E]gpj.exe new line.txt" in names(desk.page("library"))


def test_the_side_bar_tells_the_state_in_words():
    assert side_words(Standing.of({"indexed": 1204, "chunks": 9})) == ("1,204 documents", "here")
    assert side_words(Standing.of({"indexed": 12, "waiting": 68}, is_busy=True)) == ("reading 12 of 80", "here")
    assert side_words(Standing.of({"indexed": 12, "waiting": 68}, is_paused=True)) == ("paused", "here")
    assert side_words(Standing.of({})) == ("empty", "off")
    assert side_words(Standing.of({"indexed": 3}, failure=DiskFull())) == ("stopped", "failed")


def test_what_is_left_is_counted_by_what_can_be_done():
    assert Standing(10, waiting=1, words_only=4).read == 5
    assert Standing(10, waiting=1, words_only=4, finds_meaning=False).read == 9
    assert work_words(Standing(10, words_only=4, is_busy=True))[0] == "Learning what the texts mean, 6 of 10 done"
    assert work_words(Standing(10, words_only=4, is_busy=True, finds_meaning=False)) == ("", "")


def test_patterns_are_read_as_a_person_writes_them():
    assert patterns(" *.tmp, drafts/ ;\nold ,, /") == ["*.tmp", "drafts", "old"]
