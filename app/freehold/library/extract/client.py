"""The app's end of the extract process: limits on memory, silence and time, and a new process after each harm."""

from __future__ import annotations

import base64
import os
import shutil
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
from freehold.library.values import Box, PagePicture
from freehold.processes.link import Link

MOST_MEMORY = 1_500_000_000  # bytes resident; not RLIMIT_AS, which traps PDFium at load
SILENCE_SECONDS = (
    90.0  # without a part: nothing takes longer unless it is made to, a scanned page took 40 on a busy machine
)
MOST_SECONDS = 900.0
FILES_EACH = 200  # after which a process is replaced, with whatever its libraries have gathered
PATIENCE_SECONDS = 20.0  # of somebody who waits for a page
_LONGER = {"document.find": SILENCE_SECONDS}  # it says nothing until a page is recognised
_LOOK_SECONDS = 0.1
_IDLE_SECONDS = 120.0


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


class _Reader:
    """A process that opens untrusted files, and is replaced when one of them harms it.

    `workplace`, where it may write, is emptied before each process and after the last: nothing that a converter left
    there of a document stays.
    """

    def __init__(
        self, start: Callable[[], subprocess.Popen[bytes]], workplace: Path | None = None, *,
        most_memory: int = MOST_MEMORY, silence: float = SILENCE_SECONDS, most_seconds: float = MOST_SECONDS,
    ) -> None:  # fmt: skip
        self._begin, self._workplace = start, workplace
        self._most_memory, self._silence, self._most_seconds = most_memory, silence, most_seconds
        self._link = self._new_link()
        self._served = 0

    def close(self) -> None:
        self._link.end()
        self._empty()

    def _asked(self, op: str, path: Path, stop: Stop | None = None, **args: Any) -> Generator[Any, None, Any]:
        self._link.call("document.ready")
        try:
            return (yield from self._guarded(op, path, stop, args))
        except DocumentGone:
            if not os.access(path, os.R_OK):
                raise
        # The process closed itself in before this place was added, made anew, or to be shown: a new one may read it.
        self._replace()
        self._link.call("document.ready")
        return (yield from self._guarded(op, path, stop, args))

    def _guarded(self, op: str, path: Path, stop: Stop | None, args: dict[str, Any]) -> Generator[Any, None, Any]:
        parts = self._link.stream(op, stop=stop, silence=_LONGER.get(op), path=str(path), **args)
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
                yield part
        except WorkerStopped as error:
            # A Link refuses to start after three crashes; three bad files in a minute are no reason not to read the
            # next good one.
            self._replace()
            if stop is not None and stop.is_set():
                return None  # it was in the middle of something that cannot be interrupted, and was ended
            raise _what_it_means(error, watch.over) from error
        finally:
            watch.end()
            self._retire()

    def _new_link(self) -> Link:
        return Link("extract", self._started, silence=self._silence)

    def _started(self) -> subprocess.Popen[bytes]:
        self._empty()
        return self._begin()

    def _empty(self) -> None:
        if self._workplace is not None:
            shutil.rmtree(self._workplace, ignore_errors=True)
            self._workplace.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _replace(self) -> None:
        self._link.kill()
        self._link, self._served = self._new_link(), 0

    def _retire(self) -> None:
        self._served += 1
        pid = self._link.pid
        if self._served >= FILES_EACH or (pid is not None and _resident(pid) > self._most_memory // 2):
            self._link.end()
            self._served = 0


class Extractor(_Reader):
    """Reads documents one at a time; several extractors read at once. Safe to use from one thread.

    `recognises` tells whether text is to be recognised in pictures.
    """

    def __init__(
        self, start: Callable[[], subprocess.Popen[bytes]], workplace: Path | None = None, *,
        recognises: Callable[[], bool] = lambda: True, **limits: Any,
    ) -> None:  # fmt: skip
        super().__init__(start, workplace, **limits)
        self._recognises = recognises

    def read(
        self, path: Path, password: str | None = None, stop: Stop | None = None, *, unless: str = ""
    ) -> Generator[list[Chunk], None, Document | None]:
        """The document's chunks in order, in batches. The result is None when `stop` ended it.

        Raises DocumentUnreadable, DocumentNeedsPassword, DocumentTooLarge, DocumentUnsupported, DocumentGone.
        """
        parts = self._asked(
            "document.read", path, stop, password=password, unless=unless, recognises=self._recognises()
        )
        while True:
            try:
                yield [Chunk(*fields) for fields in next(parts)["chunks"]]
            except StopIteration as end:
                return None if end.value is None else Document(**end.value)


class Viewer(_Reader):
    """Shows pages, in a process of its own that sees the one file: opening a citation waits for nothing that is read.

    Safe to use from several threads. Raises what reading raises, and DocumentUnsupported for what has no pages.
    """

    def __init__(self, start: Callable[[Path], subprocess.Popen[bytes]], workplace: Path | None = None,
                 silence: float = PATIENCE_SECONDS, **limits: Any) -> None:  # fmt: skip
        super().__init__(lambda: start(self._shown), workplace, silence=silence, **limits)
        self._lock, self._used, self._shown = threading.Lock(), 0.0, Path()

    def sizes(self, path: Path, password: str | None = None) -> tuple[tuple[float, float], ...]:
        """Each page's width and height, in the document's own measure."""
        found = self._answer("document.pages", path, password=password)
        return tuple((across, down) for across, down in found["sizes"])

    def page(self, path: Path, number: int, width: int, passage: str = "", password: str | None = None) -> PagePicture:
        """Page `number`, from 1, and where the passage stands in its own text."""
        found = self._answer("document.page", path, number=number, width=width, passage=passage, password=password)
        return PagePicture(found["width"], found["height"], base64.b64decode(found["rgb"]), _boxes(found["boxes"]))

    def find(self, path: Path, number: int, passage: str, password: str | None = None) -> tuple[Box, ...]:
        """Where the passage stands on a page that is a picture of text. Takes seconds: the text is recognised anew."""
        return _boxes(self._answer("document.find", path, number=number, passage=passage, password=password)["boxes"])

    def end_when_idle(self) -> None:
        with self._lock:
            if time.monotonic() - self._used > _IDLE_SECONDS:
                self._link.end()

    def _answer(self, op: str, path: Path, **args: Any) -> dict[str, Any]:
        with self._lock:
            self._shown = path
            try:
                fields: dict[str, Any] = _result(self._asked(op, path, **args))
                return fields
            finally:
                self._used = time.monotonic()


def _boxes(found: list[list[float]]) -> tuple[Box, ...]:
    return tuple(Box(*sides) for sides in found)


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
