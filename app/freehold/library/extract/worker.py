"""The extract process: reads one untrusted file at a time and tells its text in chunks."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.errors import FreeholdError
from freehold.library.chunk import Chunk, Cutter
from freehold.library.errors import (
    DocumentGone,
    DocumentTooLarge,
    DocumentUnreadable,
    DocumentUnsupported,
    LibraryUnavailable,
)
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, limited

if TYPE_CHECKING:
    from freehold.library.extract.viewer import Pages

BATCH = 60_000  # characters of text in one part
_SIGN_OF_LIFE = 2.0  # seconds after which a part is sent, full or not: recognising a page takes some
Parts = Generator[dict[str, Any], None, dict[str, Any]]


def serve_extract() -> None:
    """Runs as `freehold --worker extract`."""
    import sys

    from freehold.processes.worker import serve

    sys.setrecursionlimit(3000)  # libxml2 lets documents nest 256 deep, and a level takes several calls
    serve("extract", operations())


def operations() -> Mapping[str, Callable[..., Any]]:
    return {
        "document.ready": ready, "document.read": read, "document.pages": pages, "document.page": page,
        "document.find": find,
    }  # fmt: skip


def ready() -> None:
    """Answered once the process stands: a failure before that is no file's fault."""


def read(path: str, password: str | None = None, unless: str = "", recognises: bool = True) -> Parts:
    """Parts `{"chunks": [[text, page, context, tokens], ...]}`; the result is
    `{title, pages, note, kind, fingerprint, same}`. Nothing is read of a file whose fingerprint is `unless`: `same`.

    `pages` is 0 where the format has none; `note` says what was left out. Raises DocumentUnreadable,
    DocumentNeedsPassword, DocumentTooLarge (when nothing was read), DocumentUnsupported, DocumentGone.
    """
    with _in_words():
        return (yield from _read(Source(Path(path), "", password, recognises), unless))


@contextmanager
def _in_words() -> Iterator[None]:
    """Whatever a reader raises over a file, as a known failure."""
    try:
        yield
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


def _read(source: Source, unless: str) -> Parts:
    from freehold.library.extract.formats import BY_SUFFIX, suffix_of

    if not source.path.is_file():  # one is known to have been there: opening a pipe would wait for a writer
        raise DocumentGone if not source.path.exists() else DocumentUnsupported("it is not a file any more")
    fingerprint = _fingerprint(source.path)
    if fingerprint == unless:
        return {"title": "", "pages": 0, "note": "", "kind": "", "fingerprint": fingerprint, "same": True}
    kind = suffix_of(source.path)
    told, cutter, batch = _Told(), Cutter(), _Batch()
    try:
        for block in told.watch(limited(BY_SUFFIX[kind](source._replace(suffix=kind)))):
            yield from batch.add(cutter.take(block))
    except DocumentTooLarge:
        if not told.note:
            raise
    yield from batch.add(cutter.flush())
    yield from batch.rest()
    known = {"title": told.title, "pages": told.pages, "note": told.note, "kind": kind}
    return known | {"fingerprint": fingerprint, "same": False}


class _Batch:
    """Chunks gathered to parts, sent when there are enough of them or none was sent for a while."""

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._size, self._sent = 0, time.monotonic()

    def add(self, chunks: Iterable[Chunk]) -> Iterator[dict[str, Any]]:
        for chunk in chunks:
            self._chunks.append(chunk)
            self._size += len(chunk.text)
        if self._size >= BATCH or time.monotonic() - self._sent > _SIGN_OF_LIFE:
            yield from self.rest()

    def rest(self) -> Iterator[dict[str, Any]]:
        yield {"chunks": [list(one) for one in self._chunks]}
        self._chunks, self._size, self._sent = [], 0, time.monotonic()


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
            self.note = f"The document is long: {error.detail}."  # what was read is kept

    def _learn(self, block: Block) -> None:
        if block.kind is Kind.NOTE:
            self.note = f"{self.note} {block.text}".strip()
        self.pages = max(self.pages, block.page or 0)
        if not self.title and block.kind in (Kind.TITLE, Kind.HEADING):
            self.title = block.text.lstrip("#= ").strip()[:300]


def pages(path: str, password: str | None = None) -> dict[str, Any]:
    """`{sizes: [[width, height], ...]}` of its pages, unpainted; the unit is the format's. Raises as `read`, and
    DocumentUnsupported for what has no pages to show.
    """
    with _in_words(), _turned(path, password) as document:
        return {"sizes": [list(size) for size in document.sizes()]}


def page(path: str, number: int, width: int, passage: str = "", password: str | None = None) -> dict[str, Any]:
    """A page's picture and where the passage stands in its own text: `{width, height, rgb, boxes}`; `rgb` in base64."""
    with _in_words(), _turned(path, password) as document:
        picture = document.picture(number, min(max(width, 64), 4000))
        boxes = document.boxes(number, passage) if passage else []
    rgb = base64.b64encode(picture.rgb).decode("ascii")
    return {"width": picture.width, "height": picture.height, "rgb": rgb, "boxes": [list(box) for box in boxes]}


def find(path: str, number: int, passage: str, password: str | None = None) -> dict[str, Any]:
    """Where the passage stands on a page that is a picture of text, by recognising it anew: `{boxes}`."""
    with _in_words(), _turned(path, password) as document:
        return {"boxes": [list(box) for box in document.recognised_boxes(number, passage)]}


@contextmanager
def _turned(path: str, password: str | None) -> Iterator[Pages]:
    from freehold.library.extract.formats import VIEWS, suffix_of

    kind = suffix_of(Path(path))
    if kind not in VIEWS:
        raise DocumentUnsupported("it has no pages to show", advice="Its text is shown instead.")
    with VIEWS[kind](Source(Path(path), kind, password)) as document:
        yield document
