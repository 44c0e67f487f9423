"""Reading a file for one message, without taking it into the library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from freehold.foundation.errors import Interrupted
from freehold.foundation.stop import Stop
from freehold.library.chunk import Chunk
from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.client import Document, Extractor
from freehold.library.values import FileText


class FileReader:
    """Each file is read by a process of its own: `extractor` gives one that sees that file and nothing else."""

    def __init__(self, extractor: Callable[[Path], Extractor]) -> None:
        self._extractor = extractor

    def read(self, path: Path, stop: Stop, password: str | None = None) -> FileText:
        """The file's whole text.

        Raises DocumentUnreadable, DocumentNeedsPassword, DocumentTooLarge, DocumentUnsupported, DocumentGone; and
        Interrupted when `stop` was set.
        """
        extractor = self._extractor(path)
        try:
            chunks, known = _all(extractor, path, password, stop)
        finally:
            extractor.close()
        if known is None:
            raise Interrupted
        text = "".join(chunk.text for chunk in chunks)
        if not text.strip():
            raise DocumentUnreadable("there is no text in it")
        return FileText(text, tuple((len(chunk.text), chunk.page) for chunk in chunks), known.note)


def _all(extractor: Extractor, path: Path, password: str | None, stop: Stop) -> tuple[list[Chunk], Document | None]:
    chunks: list[Chunk] = []
    parts = extractor.read(path, password, stop)
    while True:
        try:
            chunks.extend(next(parts))
        except StopIteration as end:
            return chunks, end.value
