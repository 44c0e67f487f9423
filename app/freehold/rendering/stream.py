"""One function for streaming, history and export alike: text in, blocks out, at any pace and with the same result."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any

from freehold.rendering.convert import Budget, Placed, blocks_from
from freehold.rendering.highlight import tones
from freehold.rendering.parser import parse
from freehold.rendering.values import Block, Document

MOST_CHARACTERS = 200_000
MOST_LINES = 6_000
_LINE_END = re.compile(r"[\r\n]")
MOST_BLOCKS = 5_000


@dataclass(frozen=True, slots=True)
class Update:
    """What is new since the last update: blocks that will not change any more, then those that still may."""

    settled: tuple[Block, ...]
    open: tuple[Block, ...]


def render(text: str) -> Document:
    """`text`, Markdown from anybody, as safe blocks. Bounded: see the limits above and in parser.py."""
    stream = StreamRenderer()
    stream.feed(text)
    return stream.finish()


@cache
def prepare() -> None:
    """Import what rendering needs, on a thread of its own: the first answer should not wait for it."""
    Thread(target=lambda: (render("x"), tones("x", "python")), name="prepare-rendering", daemon=True).start()


class StreamRenderer:
    """Renders a text while it arrives; only what is not settled yet is parsed again.

    A top-level block is settled once a later block has begun on a line that, with the line after it, is complete:
    no rule of the parser looks further ahead to decide where a block begins, and none looks back. Link definitions
    are the exception, they act on what stands before them: a text that has some is parsed once more at its end.
    """

    def __init__(self) -> None:
        self._arrived: list[str] = []  # everything, in case it has to be parsed once more
        self._taken = 0  # how many of those are in the tail or settled
        self._room, self._lines_left, self._is_cut = MOST_CHARACTERS, MOST_LINES, False
        self._tail = ""  # what is not settled
        self._settled: list[Block] = []
        self._references: dict[str, Any] = {}
        self._budget = Budget(MOST_BLOCKS)

    def feed(self, text: str) -> None:
        """More of the text. Costs nothing until `update` or `finish`."""
        if self._is_cut or not text:
            return
        taken = text[: self._room]
        ends = [found.end() for found in _LINE_END.finditer(taken)]
        if len(ends) > self._lines_left:
            taken = taken[: ends[self._lines_left]]
        self._room -= len(taken)
        self._lines_left -= min(len(ends), self._lines_left)
        self._is_cut = len(taken) < len(text)
        self._arrived.append(taken)

    def update(self) -> Update:
        """Render what has arrived."""
        self._take_arrived()
        found, references = self._parse_tail(self._budget.copy())
        # A "\r" at the very end may become "\r\n": its line counts as unfinished.
        complete = self._tail.count("\n") - self._tail.endswith("\r")
        last = max((entry.first for entry in found if entry.first + 2 <= complete), default=0)
        done = [entry for entry in found if entry.first < last]
        if done:
            self._settle(done, references)
        opened = found[len(done) :]
        return Update(tuple(entry.block for entry in done), tuple(entry.block for entry in opened))

    def finish(self) -> Document:
        """The whole text as it stands, equal to `render` of it."""
        self._take_arrived()
        budget = self._budget.copy()
        found, references = self._parse_tail(budget)
        if references and self._settled:
            self._start_again()
            budget = self._budget.copy()
            found, _ = self._parse_tail(budget)
        blocks = (*self._settled, *(entry.block for entry in found))
        return Document(blocks, budget.cut or self._is_cut)

    def _take_arrived(self) -> None:
        if self._taken < len(self._arrived):
            tail = self._tail + "".join(self._arrived[self._taken :])
            self._taken = len(self._arrived)
            # A "\r" at the very end stays as it is: a "\n" may follow.
            self._tail = tail[:-1].replace("\r\n", "\n").replace("\r", "\n") + tail[-1:]
            if tail.endswith("\r\n"):
                self._tail = self._tail[:-2] + "\n"

    def _parse_tail(self, budget: Budget) -> tuple[list[Placed], dict[str, Any]]:
        environment = {"references": dict(self._references)}
        return blocks_from(parse(self._tail, environment), budget), environment["references"]

    def _settle(self, done: list[Placed], references: dict[str, Any]) -> None:
        after = done[-1].after
        self._settled += [entry.block for entry in done]
        self._budget = Budget(done[-1].left, done[-1].cut)
        for label, found in references.items():
            if found["map"][1] <= after:  # lines of this tail; those known from before keep their place
                self._references.setdefault(label, found)
        self._tail = self._tail.split("\n", after)[-1]

    def _start_again(self) -> None:
        self._tail, self._taken, self._settled = "", 0, []
        self._references, self._budget = {}, Budget(MOST_BLOCKS)
        self._take_arrived()
