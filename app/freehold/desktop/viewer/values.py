"""What the viewer is asked to show, and what it is given to show. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freehold.desktop.library_words import name_of
from freehold.rendering.visible import one_line


@dataclass(frozen=True, slots=True)
class Place:
    """A passage and where it stands. `document` below 0 is the file of that number beside the question `turn`.

    `text` is what was quoted; empty when it is to be looked up from `start` to `end`. `changed`: the document does not
    say it any more, `start` is where it stood. `gone`: the document was forgotten.
    """

    document: int
    path: str
    title: str = ""
    page: int | None = None
    start: int = 0
    end: int = 0
    text: str = ""
    state: Literal["here", "changed", "gone", "elsewhere"] = "here"
    turn: str = ""

    @property
    def name(self) -> str:
        """The file's name, every character of it to be seen."""
        return name_of(self.path) or one_line(self.title)


@dataclass(frozen=True, slots=True)
class Pages:
    """A document that has pages to show: each one's width and height, and the words to mark on page `at`."""

    sizes: tuple[tuple[float, float], ...]
    at: int
    passage: str


@dataclass(frozen=True, slots=True)
class Words:
    """A document as its text. `pages` are (page, start, end); `note` says why there are no pages to show."""

    text: str
    pages: tuple[tuple[int, int, int], ...] = ()
    start: int = 0
    end: int = 0
    note: str = ""
