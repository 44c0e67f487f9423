"""Hostile text in every place it is shown, at every split point of its arrival, with decoys it would like to reach."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtWidgets import QTextBrowser, QWidget
from rich.console import Console

from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.parts import Body
from freehold.desktop.transcript.prose import ProseView
from freehold.rendering.export import as_markdown, as_page
from freehold.rendering.highlight import LANGUAGES, tones
from freehold.rendering.stream import render
from freehold.terminal.markdown import rich_document
from support.decoys import Decoys, decoys, listening
from support.hostile import CORPUS

PLACES = ("streaming view", "history view", "export", "terminal")
_PAINTED_EACH = 200  # one state in so many is also painted: it costs as much as fifty that are only laid out


@dataclass
class Reached:
    """What was rendered, and what was reached meanwhile."""

    renders: int = 0
    sockets: int = 0
    files: int = 0
    loads: int = 0
    first: str = ""


class _Watched(ProseView):
    """The transcript's own view, telling what its document wanted to load."""

    wanted = 0

    def loadResource(self, kind: int, name: QUrl | str):
        _Watched.wanted += 1
        return super().loadResource(kind, name)


class _WatchedBody(Body):
    def _new_prose(self) -> ProseView:
        if self._spare_prose:
            return super()._new_prose()
        part = _Watched(self, muted=self._muted)
        part.wear(self._looks)
        return part


class Stages:
    """The four places: an answer that is being written, one that was, a file of it, and a terminal."""

    def __init__(self) -> None:
        self._window = QWidget()
        self._window.resize(520, 900)
        self._live, self._past = _WatchedBody(self._window), _WatchedBody(self._window)
        for body in (self._live, self._past):
            body.wear(Looks())
        self._window.show()
        self._states = 0

    def show(self, text: str, step: int = 1) -> Iterator[int]:
        """Show each beginning of `text`, as it would stand after a break at that place; yields renders done."""
        self._live.clear()
        for split in (*range(1, len(text), step), len(text)):
            part = text[:split]
            self._live.write(part, is_finished=split == len(text))
            self._live.lay_out(500)
            self._past.clear()
            self._past.write(part, is_finished=True)
            self._past.lay_out(500)
            document = render(part)
            as_page(part, [(part, document)])
            as_markdown(document)
            console = Console(file=io.StringIO(), width=80, force_terminal=True, highlight=False, markup=False)
            console.print(rich_document(document))
            self._states += 1
            if self._states % _PAINTED_EACH == 0:
                self._window.grab()
            yield len(PLACES)

    def close(self) -> None:
        self._window.close()


def hostile_texts(made: Decoys) -> Iterator[str]:
    """The corpus, and without end what a dice makes of it, with the decoys' addresses in it."""
    plain = str(made.picture)
    corpus = [
        text.replace("203.0.113.7", f"127.0.0.1:{made.port}").replace("//host/share/x.png", f"/{plain}")
        .replace("/etc/passwd", plain).replace("x.svg", plain)
        for text in CORPUS
    ]  # fmt: skip
    corpus += [
        f"![p]({plain})", f"![p](file://{plain})", f"<img src='{plain}'>", f"[![p]({plain})]({plain})",
        f"![p](http://127.0.0.1:{made.port}/p.png)", f"<img src=http://127.0.0.1:{made.port}/p.png>",
        f"![a][r]\n\n[r]: {plain}\n", f"<style>p {{ background: url({plain}) }}</style>\n\nx",
    ]  # fmt: skip
    yield from corpus
    dice = random.Random(4)
    while True:
        yield "".join(dice.choice(corpus)[dice.randrange(40) :][: dice.randrange(10, 70)] for _ in range(4))


def render_hostile(folder: Path, wanted: int) -> Reached:
    """At least `wanted` renders of hostile text, and what they reached. Needs a QApplication."""
    with decoys(folder) as made:
        stages = Stages()
        _load_our_own(stages)
        reached, before = Reached(), _Watched.wanted
        made.opened  # noqa: B018 - forgets what came before
        made.called.clear()
        with listening(made):
            for text in hostile_texts(made):
                for done in stages.show(text):
                    reached.renders += done
                if reached.renders >= wanted:
                    break
        stages.close()
        opened = made.opened
        reached.loads = _Watched.wanted - before
        reached.sockets = len(made.called) + sum("socket" in one for one in made.asked)
        reached.files = len(opened) + sum("socket" not in one for one in made.asked)
        reached.first = next(iter([*opened, *made.called, *made.asked]), "")
        return reached


def _load_our_own(stages: Stages) -> None:
    """Have the program's own code loaded before anybody listens: libraries, codecs, and all the lexers that a code
    block's language can ask for by our table, each of which is otherwise imported when it is first wanted.
    """
    for language in LANGUAGES:
        tones("x = 1", language)
    for text in CORPUS:
        for _ in stages.show(text, step=7):
            pass


def render_carelessly(folder: Path) -> Reached:
    """The control: the same decoys in a text browser without our care, and a socket of our own."""
    import urllib.request

    with decoys(folder) as made:
        browser = QTextBrowser()
        browser.show()
        browser.setHtml(f"<img src='{made.picture}'><p>x</p>")
        browser.document().setTextWidth(300)
        browser.grab()
        with listening(made):
            made.picture.read_bytes()
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{made.port}/p.png", timeout=5)
            except OSError:
                pass  # it answers nothing
        browser.close()
        opened = made.opened
        return Reached(1, len(made.called), len(opened), len(made.asked), next(iter(opened), ""))
