"""What a reader yields: blocks in reading order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from freehold.library.errors import DocumentTooLarge

MOST_CHARACTERS = 16_000_000  # of one document's text; what lies beyond is left out, and said so
MOST_BLOCKS = 2_000_000


class Kind(StrEnum):
    """What a block is. A TITLE is the document's own, a NOTE is to be told of it; neither is part of its text."""

    TITLE = "title"
    NOTE = "note"
    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"
    ROW = "row"
    CODE = "code"


class Block(NamedTuple):
    """A piece of text with its place. `level` is a heading's depth from 1; `page` counts from 1.

    `header` is a table row's header row (empty for the header itself), kept with every chunk of the table.
    """

    kind: Kind
    text: str
    level: int = 0
    page: int | None = None
    header: str = ""


class Source(NamedTuple):
    """A file to read. `suffix` is its real kind (".pdf"), which its name need not tell.

    `recognises`: whether the owner wants text to be recognised in pictures.
    """

    path: Path
    suffix: str
    password: str | None = None
    recognises: bool = True


Blocks = Iterator[Block]


def title(text: object) -> Blocks:
    """The document's own title, when it has one."""
    words = " ".join(str(text or "").split())
    if words:
        yield Block(Kind.TITLE, words[:300])


def paragraph(text: str, page: int | None = None) -> Blocks:
    """A paragraph, when there is anything in it."""
    if text and not text.isspace():
        yield Block(Kind.PARAGRAPH, text.strip(), page=page)


def heading(text: str, level: int, page: int | None = None) -> Blocks:
    words = " ".join(text.split())
    if words:
        yield Block(Kind.HEADING, words, max(1, min(level, 9)), page)


def rows(table: Iterable[Sequence[str]], page: int | None = None) -> Blocks:
    """A table's rows. The first row with anything in it is the header, when there are others and it has no number."""
    header, first = "", True
    for cells in table:
        line = row_text(cells)
        if not line:
            continue
        yield Block(Kind.ROW, line, page=page, header=header)
        if first:
            header = line[:500] if _names_columns(cells) else ""
            first = False


def row_text(cells: Sequence[str]) -> str:
    """Cells side by side, trailing empty ones left out; empty when all are."""
    kept = [" ".join(cell.split()) for cell in cells]
    while kept and not kept[-1]:
        kept.pop()
    return " | ".join(kept) if any(kept) else ""


def _names_columns(cells: Sequence[str]) -> bool:
    named = [cell for cell in cells if cell.strip()]
    return len(named) > 1 and not any(cell.strip().replace(".", "").replace(",", "").isdigit() for cell in named)


def limited(blocks: Blocks, most: int = MOST_CHARACTERS) -> Blocks:
    """`blocks` until `most` characters are out; then DocumentTooLarge, whose detail says how much was read."""
    count = 0
    for number, block in enumerate(blocks):
        if count + len(block.text) > most or number >= MOST_BLOCKS:
            room = most - count
            if room > 0 and number < MOST_BLOCKS:
                yield block._replace(text=block.text[:room])
            raise DocumentTooLarge(f"only the first {count + max(room, 0):,} characters were read")
        count += len(block.text)
        yield block
