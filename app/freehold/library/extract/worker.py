"""The extract process: reads one untrusted file at a time and tells its text in chunks."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Any

from freehold.foundation.errors import FreeholdError
from freehold.library.chunk import Chunk, chunks
from freehold.library.errors import DocumentGone, DocumentTooLarge, DocumentUnreadable, LibraryUnavailable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, limited

BATCH = 60_000  # characters of text in one part
Parts = Generator[dict[str, Any], None, dict[str, Any]]


def serve_extract() -> None:
    """Runs as `freehold --worker extract`."""
    import sys

    from freehold.processes.worker import serve

    sys.setrecursionlimit(3000)  # libxml2 lets documents nest 256 deep, and a level takes several calls
    serve("extract", operations())


def operations() -> Mapping[str, Callable[..., Any]]:
    return {"document.ready": ready, "document.read": read, "document.page": page}


def ready() -> None:
    """Answered once the process stands: a failure before that is no file's fault."""


def read(path: str, password: str | None = None, unless: str = "") -> Parts:
    """Parts `{"chunks": [[text, page, context, tokens], ...]}`; the result is
    `{title, pages, note, kind, fingerprint, same}`. Nothing is read of a file whose fingerprint is `unless`: `same`.

    `pages` is 0 where the format has none; `note` says what was left out. Raises DocumentUnreadable,
    DocumentNeedsPassword, DocumentTooLarge (when nothing was read), DocumentUnsupported, DocumentGone.
    """
    try:
        return (yield from _read(Path(path), password, unless))
    except FreeholdError:
        raise
    except (FileNotFoundError, PermissionError) as error:
        raise DocumentGone(error.strerror or "") from error
    except ImportError as error:
        raise LibraryUnavailable(str(error.name)) from error
    except RecursionError as error:
        raise DocumentTooLarge("it is nested too deeply") from error
    except MemoryError as error:
        raise DocumentTooLarge("it needs more memory than it may have") from error
    except Exception as error:
        raise DocumentUnreadable(f"its reader gave up ({type(error).__name__})") from error


def _read(path: Path, password: str | None, unless: str) -> Parts:
    from freehold.library.extract.formats import BY_SUFFIX, suffix_of

    fingerprint = _fingerprint(path)
    if fingerprint == unless:
        return {"title": "", "pages": 0, "note": "", "kind": "", "fingerprint": fingerprint, "same": True}
    kind = suffix_of(path)
    told = _Told()
    waiting: list[Chunk] = []
    try:
        for chunk in chunks(told.watch(limited(BY_SUFFIX[kind](Source(path, kind, password))))):
            waiting.append(chunk)
            if sum(len(one.text) for one in waiting) >= BATCH:
                yield {"chunks": [list(one) for one in waiting]}
                waiting = []
    except DocumentTooLarge:
        if not told.note:
            raise
    if waiting:
        yield {"chunks": [list(one) for one in waiting]}
    known = {"title": told.title, "pages": told.pages, "note": told.note, "kind": kind}
    return known | {"fingerprint": fingerprint, "same": False}


def _fingerprint(path: Path) -> str:
    """The digest of the file's first gigabyte and its size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for _ in range(1024):
            block = file.read(1 << 20)
            digest.update(block)
            if not block:
                break
    return f"{digest.hexdigest()}-{path.stat().st_size}"


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
