"""Hostile text in the real widgets: nothing is loaded, no file is opened, no object stands in a document."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from PySide6.QtGui import QImage, QTextDocument
from PySide6.QtWidgets import QTextBrowser

from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.parts import Body
from freehold.desktop.transcript.prose import ProseView
from freehold.rendering.html import html
from freehold.rendering.stream import StreamRenderer, render
from freehold.rendering.values import Look
from support.hostile import CORPUS

pytest_plugins = ("support.qt",)

LOOK = Look("#111111", "#666666", "#CCCCCC", "#EEEEEE", "#226644")
_opened: list[list[str]] = []  # one list while somebody watches; an audit hook cannot be taken away again


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if _opened and event in ("open", "os.open", "socket.connect", "subprocess.Popen"):
        _opened[-1].append(f"{event} {arguments[0]}")


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[str]]:
    """What Python opened meanwhile."""
    _opened.append([])
    try:
        yield _opened[-1]
    finally:
        _opened.pop()


class Watched(QTextBrowser):
    """Counts what the document wanted to load."""

    def __init__(self) -> None:
        super().__init__()
        self.wanted: list[str] = []

    def loadResource(self, _kind, name):
        self.wanted.append(str(name))
        return QImage(1, 1, QImage.Format.Format_ARGB32)


def every_state(text, step=1):
    """The blocks of a text at every stage of its arrival."""
    stream, settled = StreamRenderer(), []
    for at in range(0, len(text), step):
        stream.feed(text[at : at + step])
        update = stream.update()
        settled += update.settled
        yield (*settled, *update.open)
    yield stream.finish().blocks


def test_the_watch_sees_what_an_image_would_do(qt):
    browser = Watched()
    browser.setHtml('<img src="//host/share/x.png">')
    browser.document().setTextWidth(300)
    assert browser.document().size().height() > 0 and browser.wanted


@pytest.mark.parametrize("text", CORPUS)
def test_the_html_we_make_wants_nothing_loaded_at_any_split(qt, text):
    for blocks in (*every_state(text, step=3), render("https://é.example").blocks):
        html(blocks, LOOK)  # every library and lexer is imported, every codec loaded
    browser = Watched()
    with watched() as opened:
        for blocks in every_state(text, step=3):
            browser.setHtml(html(blocks, LOOK))
            browser.document().setTextWidth(400)
            assert browser.document().size().height() >= 0
    assert browser.wanted == [] and opened == []


def test_the_transcripts_own_documents_hold_text_and_nothing_else(qt):
    body = Body(qt.show(ProseView()))
    body.wear(Looks())
    body.write("x", is_finished=True)
    with watched() as opened:
        for text in CORPUS:
            body.clear()
            for at in range(0, len(text), 5):
                body.write(text[: at + 5], is_finished=False)
            body.write(text, is_finished=True)
            assert body.lay_out(500) >= 0
            for document in body.findChildren(QTextDocument):
                assert "\ufffc" not in document.toPlainText()
                assert "<img" not in document.toHtml()
    assert opened == []


def test_even_an_image_put_into_a_document_by_mistake_loads_nothing(qt):
    prose = qt.show(ProseView(), 300, 200)
    with watched() as opened:
        prose.setHtml('<img src="/etc/hostname"><img src="//host/share/x.png">')
        prose.grab()
    assert opened == []
    assert isinstance(prose.loadResource(2, "/etc/hostname"), QImage)


def test_every_way_of_arriving_paints_the_same_document(qt):
    for text in CORPUS:
        whole = ProseView()
        whole.wear(Looks())
        grown = ProseView()
        grown.wear(Looks())
        for blocks in every_state(text, step=4):
            grown.write(blocks)
        whole.write(render(text).blocks)
        assert grown.document().toHtml() == whole.document().toHtml()
        assert grown.height_for(400) == whole.height_for(400)
