"""A citation opens at its page: the real vault, library and processes behind the real window, on Qt's own screen."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor

from freehold.app import build
from freehold.chats.values import Ending, Provenance, Source, Use
from freehold.desktop.appearance import Appearance
from freehold.desktop.bridge import Bridge
from freehold.desktop.shell import Shell
from freehold.desktop.transcript.sources import SourceChip
from freehold.desktop.transcript.view import TranscriptView
from freehold.desktop.window import Window
from freehold.foundation.paths import Profile
from freehold.library.values import digest_of
from support.libraries import a_pdf

pytest_plugins = ("support.qt",)
pytestmark = pytest.mark.e2e

CLAUSE = "Either party may terminate by written notice of three months."
ANSWER = "You must give written notice of three months."


@pytest.fixture
def house(tmp_path):
    made = build(Profile(tmp_path / "home"))
    made.vault.create(passphrase="four quiet river stones")
    yield made
    made.close()


@pytest.fixture
def shell(qt, house):
    appearance = Appearance(qt.app)
    appearance.apply()
    window = Window(TranscriptView, appearance.theme, appearance.text_size)
    qt.show(window, 1280, 800)
    made = Shell(house, window, appearance, Bridge())
    made.window = window
    made.start()
    qt.until(window.actions_by_name["new-chat"].isEnabled, 60)
    yield made
    window.close()
    made.close()


def cited_chat(house, passage):
    """A chat with an answer that cites `passage`, as if a model had made it."""
    chat = house.conversations.create("When does it end?").id
    asked = house.conversations.ask(chat, "How do I leave?", None)
    answer = house.conversations.begin_answer(chat, asked.id)
    house.conversations.extend(answer.id, ANSWER)
    source = Source(
        passage.document, passage.start, passage.end, passage.page, digest_of(passage.text), Use.CITED, 0.9,
        ((0, len(ANSWER)),),
    )  # fmt: skip
    house.conversations.seal(answer.id, Ending.COMPLETE, Provenance(grounded=True, sources=(source,)))
    return chat


def marked_pixels(viewer):
    picture = viewer.pages.viewport().grab().toImage()
    wanted = QColor("#BFE3CF").rgb()
    places = [(x, y) for y in range(0, picture.height(), 2) for x in range(0, picture.width(), 2)]
    return sum(picture.pixel(x, y) == wanted for x, y in places)


def test_a_citation_opens_the_pdf_at_the_page_with_the_words_marked_then_changed_then_forgotten(
    qt, house, shell, tmp_path
):
    lease = a_pdf(tmp_path / "lease.pdf", "First page", f"Notice\n{CLAUSE}\nKeys are handed over.", "Third page")
    house.library.add([lease])
    house.library.attend()
    qt.until(lambda: house.library.search("terminate by written notice", k=1, mode="words").passages, 60)
    [passage] = house.library.search("terminate by written notice", k=1, mode="words").passages
    assert passage.page == 2
    chat = cited_chat(house, passage)
    viewer, transcript = shell._window.viewer, shell._window.chat

    def click_the_citation():
        shell._chat.open(chat)
        qt.until(lambda: any(chip.text() for chip in transcript.findChildren(SourceChip) if chip.isVisible()), 60)
        next(chip for chip in transcript.findChildren(SourceChip) if chip.isVisible()).click()

    click_the_citation()
    qt.until(lambda: viewer.pages.isVisible() and marked_pixels(viewer) > 50, 60)
    assert viewer.pages.at == 2
    assert viewer.pages.count == 3
    viewer.pages.turn_to(3)
    assert marked_pixels(viewer) == 0

    lease.unlink()  # the file is gone, its text is not
    viewer.closed.emit()
    click_the_citation()
    qt.until(viewer.text.isVisible, 60)
    assert "not" in viewer._note.text()
    assert CLAUSE in viewer.text.extraSelections()[0].cursor.selectedText().replace("\u2029", " ")

    viewer.closed.emit()
    house.library.forget(lease)
    click_the_citation()
    qt.until(lambda: viewer.message.isVisible() and "no longer" in viewer.message._title.text(), 60)
