"""The app's end of the extract process: limits on memory, silence and time, and a new process after each harm."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from freehold.foundation.errors import WorkerSilent, WorkerStopped
from freehold.foundation.stop import Stop
from freehold.library.chunk import Chunk
from freehold.library.errors import DocumentGone, DocumentTooLarge, DocumentUnreadable
from freehold.processes.link import Link

MOST_MEMORY = 1_500_000_000  # bytes resident; not RLIMIT_AS, which traps PDFium at load
SILENCE_SECONDS = 40.0  # without a chunk: a page, a sheet or a parse takes longer only when it is made to
MOST_SECONDS = 900.0
FILES_EACH = 200  # after which a process is replaced, with whatever its libraries have gathered
_LOOK_SECONDS = 0.1


class Document(NamedTuple):
    """What is known of a document once it is read. `pages` 0: its format has none. `kind` is a suffix.

    `same`: nothing was read, since its content is what `unless` said.
    """

    title: str
    pages: int
    note: str
    kind: str
    fingerprint: str = ""
    same: bool = False


class Extractor:
    """Reads documents one at a time; several extractors read at once. Safe to use from one thread."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], *, most_memory: int = MOST_MEMORY,
                 silence: float = SILENCE_SECONDS, most_seconds: float = MOST_SECONDS) -> None:  # fmt: skip
        self._start = start
        self._most_memory, self._silence, self._most_seconds = most_memory, silence, most_seconds
        self._link = self._new_link()
        self._served = 0

    def read(
        self, path: Path, password: str | None = None, stop: Stop | None = None, *, unless: str = ""
    ) -> Generator[list[Chunk], None, Document | None]:
        """The document's chunks in order, in batches. The result is None when `stop` ended it.

        Raises DocumentUnreadable, DocumentNeedsPassword, DocumentTooLarge, DocumentUnsupported, DocumentGone.
        """
        result = yield from self._asked("document.read", path, stop, password=password, unless=unless)
        return None if result is None else Document(**result)

    def page(self, path: Path, number: int, passage: str, width: int, password: str | None = None) -> dict[str, Any]:
        """See `extract/worker.py`."""
        parts = self._asked("document.page", path, number=number, passage=passage, width=width, password=password)
        fields: dict[str, Any] = _result(parts)
        return fields

    def close(self) -> None:
        self._link.end()

    def _asked(self, op: str, path: Path, stop: Stop | None = None, **args: Any) -> Generator[list[Chunk], None, Any]:
        self._link.call("document.ready")
        try:
            return (yield from self._guarded(self._link.stream(op, stop=stop, path=str(path), **args)))
        except DocumentGone:
            if not os.access(path, os.R_OK):
                raise
        # The process closed itself in before this place was added, or made anew: a new one may read it.
        self._replace()
        self._link.call("document.ready")
        return (yield from self._guarded(self._link.stream(op, stop=stop, path=str(path), **args)))

    def _guarded(self, parts: Generator[Any, None, Any]) -> Generator[list[Chunk], None, Any]:
        watch = _Watch(self._link, self._most_memory)
        until = time.monotonic() + self._most_seconds
        try:
            while True:
                try:
                    part = next(parts)
                except StopIteration as end:
                    return end.value
                if time.monotonic() > until:
                    parts.close()
                    raise DocumentTooLarge("it took too long to read")
                yield [Chunk(*fields) for fields in part["chunks"]]
        except WorkerStopped as error:
            # A Link refuses to start after three crashes; three bad files in a minute are no reason not to read the
            # next good one.
            self._replace()
            raise _what_it_means(error, watch.over) from error
        finally:
            watch.end()
            self._retire()

    def _new_link(self) -> Link:
        return Link("extract", self._start, silence=self._silence)

    def _replace(self) -> None:
        self._link.kill()
        self._link, self._served = self._new_link(), 0

    def _retire(self) -> None:
        self._served += 1
        if self._served >= FILES_EACH:
            self._link.end()
            self._served = 0


def _what_it_means(error: WorkerStopped, over_memory: bool) -> DocumentUnreadable | DocumentTooLarge:
    if over_memory:
        return DocumentTooLarge("it needs more memory than it may have")
    if isinstance(error, WorkerSilent):
        return DocumentTooLarge("it took too long to read")
    return DocumentUnreadable("its reader crashed over it")


def _result(parts: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(parts)
        except StopIteration as end:
            return end.value


class _Watch:
    """Ends the process when its resident memory passes the limit."""

    def __init__(self, link: Link, most: int) -> None:
        self.over = False
        self._link, self._most = link, most
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, name="extract memory", daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(_LOOK_SECONDS):
            pid = self._link.pid
            if pid is not None and _resident(pid) > self._most:
                self.over = True
                self._link.kill()
                return


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
