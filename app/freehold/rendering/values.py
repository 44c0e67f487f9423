"""What rendered text may consist of, and nothing else. Frozen and pure: printers add no element of their own.

There is no image and no raw HTML among these on purpose: what has no value here cannot be shown by any printer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Alignment = Literal["", "left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads: a checked, pure ASCII http, https or mailto address, and the host it names."""

    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style; a newline in it is a line break.

    `note` marks words of ours in the text (a link's host), `chip` what stands for something not shown (an image),
    `source` the number of a source, which is no part of the text.
    """

    text: str
    strong: bool = False
    emphasis: bool = False
    strike: bool = False
    code: bool = False
    note: bool = False
    chip: bool = False
    source: int = 0
    link: Link | None = None


Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    spans: Spans


@dataclass(frozen=True, slots=True)
class Heading:
    """`level` from 1 to 6."""

    level: int
    spans: Spans


@dataclass(frozen=True, slots=True)
class Code:
    """`language` is the first word of a fence's info string, lower case, or empty."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A thematic break."""


@dataclass(frozen=True, slots=True)
class Quote:
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a list. `continues` means that it goes on from before a code block and has no marker."""

    blocks: tuple[Block, ...]
    continues: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list. `start` is the first number of an ordered one, None for bullets; `tight` has no space between items."""

    items: tuple[Item, ...]
    start: int | None = None
    tight: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """`alignments` has one entry a column; every row has as many cells."""

    alignments: tuple[Alignment, ...]
    header: tuple[Spans, ...]
    rows: tuple[tuple[Spans, ...], ...]


Block = Paragraph | Heading | Code | Rule | Quote | Listing | Table


@dataclass(frozen=True, slots=True)
class Document:
    """A rendered text. `cut` says that it was too long or too intricate to be shown whole."""

    blocks: tuple[Block, ...] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Colours as #RRGGBB, sizes in pixels and font families, for printers that have colour."""

    ink: str
    muted: str
    line: str
    soft: str
    link: str
    dark: bool = False
    size: int = 14
    family: str = "Inter"
    mono: str = "JetBrains Mono"
