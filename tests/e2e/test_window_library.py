"""The window's pages of documents over the real household: real vault, real reading, real files that change."""

from __future__ import annotations

import secrets

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest

from freehold.app import build
from freehold.desktop.add_panel import AddPanel
from freehold.desktop.appearance import Appearance
from freehold.desktop.bridge import Bridge
from freehold.desktop.shell import Shell
from freehold.desktop.window import Window
from freehold.foundation.paths import Profile
from support.desk import plain_transcript
from support.libraries import a_pdf

pytest_plugins = ("support.qt",)
pytestmark = pytest.mark.e2e


@pytest.fixture
def papers(tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "note.txt").write_text("The heron stands in the reeds.\n")
    (folder / "draft.tmp").write_text("not this one")
    (folder / "empty.txt").write_text("")
    a_pdf(folder / "lease.pdf", "The lease ends in September.", "Notice is given by a pelican.")
    return folder


@pytest.fixture
def desk(qt, tmp_path):
    household = build(Profile(tmp_path / "home"))
    household.vault.create(raw=secrets.token_bytes(32))
    window = qt.show(Window(plain_transcript), 1280, 800)
    shell = Shell(household, window, Appearance(qt.app), Bridge())
    shell.start()
    qt.until(window.actions_by_name["library"].isEnabled)
    yield window
    window.close()
    shell.close()


def drop(widget, path):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place, buttons, keys = QPointF(400, 300), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    for event in (
        QDragEnterEvent(place.toPoint(), Qt.DropAction.CopyAction, mime, buttons, keys),
        QDropEvent(place, Qt.DropAction.CopyAction, mime, buttons, keys),
    ):
        QGuiApplication.sendEvent(widget, event)


def said(page):
    model = page.files.documents
    rows = [model.index(row).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(model.rowCount())]
    return {row.partition(",")[0]: row.partition(",")[2].strip() for row in rows}


def test_a_dropped_folder_is_read_followed_found_and_forgotten(qt, desk, papers):
    drop(desk, papers)
    panel = desk.findChild(AddPanel)
    panel._excluded.setText("*.tmp")
    panel._add.click()
    page = desk._named["library"]
    qt.until(lambda: said(page).get("lease.pdf", "").startswith(("found by words", "ready")), 60)
    assert set(said(page)) == {"empty.txt", "lease.pdf", "note.txt"}
    qt.until(lambda: said(page)["empty.txt"].startswith("no text"), 60)

    desk.actions_by_name["search"].trigger()
    search = desk._named["search"]
    search._modes._buttons["words"].click()
    QTest.keyClicks(search._query, "pelicans")
    qt.until(lambda: search.found.hit is not None, 60)
    hit = search.found.hit
    assert hit.passage.page == 2
    assert [hit.shown.text[start:end] for start, end in hit.shown.spans] == ["pelican"]

    (papers / "new.txt").write_text("A kingfisher waits above the water.\n")
    desk.actions_by_name["library"].trigger()
    qt.until(lambda: "new.txt" in said(page), 60)
    page.forget_asked.emit(str(papers / "lease.pdf"))
    desk.toast.settle()
    desk.actions_by_name["search"].trigger()
    qt.until(lambda: search.found.hit is None, 60)
    assert (papers / "lease.pdf").exists()

    desk.actions_by_name["lock"].trigger()
    qt.until(lambda: desk.entry is not None, 60)
    qt.until(lambda: not desk.has_page("library"), 60)
