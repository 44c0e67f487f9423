"""The extract process: reads one untrusted file at a time and tells its text in chunks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from freehold.foundation.errors import FreeholdError
from freehold.library.chunk import Chunk, chunks
from freehold.library.errors import DocumentGone, DocumentTooLarge, DocumentUnreadable
from freehold.library.extract.blocks import MOST_CHARACTERS, Block, Blocks, Kind, Source, limited

BATCH = 60_000  # characters of text in one part
Parts = Generator[dict[str, Any], None, dict[str, Any]]


def serve_extract() -> None:
    """Runs as `freehold --worker extract`."""
    import sys

    from freehold.processes.worker import serve

    sys.setrecursionlimit(3000)  # libxml2 lets documents nest 256 deep, and a level takes several calls
    serve("extract", operations())


def operations() -> Mapping[str, Callable[..., Any]]:
    return {"document.read": read, "document.page": page}


def read(path: str, password: str | None = None, most: int = MOST_CHARACTERS) -> Parts:
    """Parts `{"chunks": [[text, page, context, tokens], ...]}`; the result is `{title, pages, note, kind}`.

    `pages` is 0 where the format has none; `note` says what was left out. Raises DocumentUnreadable,
    DocumentNeedsPassword, DocumentTooLarge (when nothing was read), DocumentUnsupported, DocumentGone.
    """
    try:
        return (yield from _read(Path(path), password, most))
    except FreeholdError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise DocumentGone(error.strerror or "") from error
    except RecursionError as error:
        raise DocumentTooLarge("it is nested too deeply") from error
    except MemoryError as error:
        raise DocumentTooLarge("it needs more memory than it may have") from error
    except Exception as error:
        raise DocumentUnreadable(f"its reader gave up ({type(error).__name__})") from error


def _read(path: Path, password: str | None, most: int) -> Parts:
    from freehold.library.extract.formats import BY_SUFFIX, suffix_of

    kind = suffix_of(path)
    told = _Told()
    waiting: list[Chunk] = []
    try:
        for chunk in chunks(told.watch(limited(BY_SUFFIX[kind](Source(path, kind, password)), most))):
            waiting.append(chunk)
            if sum(len(one.text) for one in waiting) >= BATCH:
                yield {"chunks": [list(one) for one in waiting]}
                waiting = []
    except DocumentTooLarge:
        if not told.note:
            raise
    if waiting:
        yield {"chunks": [list(one) for one in waiting]}
    return {"title": told.title, "pages": told.pages, "note": told.note, "kind": kind}


class _Told:
    """What is learned of a document while its blocks pass by."""

    def __init__(self) -> None:
        self.title, self.pages, self.note = "", 0, ""

    def watch(self, blocks: Blocks) -> Blocks:
        try:
            for block in blocks:
                self._learn(block)
                yield block
        except DocumentTooLarge as error:
            if not error.detail.startswith("only the first"):
                raise
            self.note = error.detail  # what was read is kept: the chunker flushes, and the note is told

    def _learn(self, block: Block) -> None:
        self.pages = max(self.pages, block.page or 0)
        if not self.title and block.kind in (Kind.TITLE, Kind.HEADING):
            self.title = block.text.lstrip("#= ").strip()[:300]


def page(path: str, number: int, passage: str, width: int, password: str | None = None) -> dict[str, Any]:
    """A PDF page's picture: `{width, height, rgb (base64), boxes: [[left, top, right, bottom], ...]}`."""
    from freehold.library.extract.pdf import page_picture

    picture = page_picture(Source(Path(path), ".pdf", password), number, passage, min(max(width, 64), 4000))
    boxes = [list(box) for box in picture.boxes]
    rgb = base64.b64encode(picture.rgb).decode("ascii")
    return {"width": picture.width, "height": picture.height, "rgb": rgb, "boxes": boxes}
