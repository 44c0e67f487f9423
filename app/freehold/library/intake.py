"""Bringing files into the library: first every file's words, then every chunk's meaning.

One flow that can be ended and begun anew at any point: what is waiting is in the vault, and a file counts as read only
when its last slice is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.chunk import Chunk
from freehold.library.errors import (
    DocumentGone,
    DocumentNeedsPassword,
    DocumentTooLarge,
    DocumentUnreadable,
    DocumentUnsupported,
)
from freehold.library.extract.client import Document as Read
from freehold.library.scan import stamp
from freehold.library.values import Progress, Stamp, State

MOST_TRIES = 3  # of a file that changes while it is read; then it is taken as it is
_SLICE = 60_000  # characters written in one call, so that a chat waits a few milliseconds for the vault at most
_POOL = 512  # texts sorted by length together
_BATCH = 32  # texts a request to the embedder: a question waits for one of these at most
_LOOK_SECONDS = 0.1

_BAD_FILE = (DocumentUnreadable, DocumentNeedsPassword, DocumentTooLarge, DocumentGone)


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


class Extractor(Protocol):
    def read(
        self, path: Path, password: str | None = None, stop: Stop | None = None, *, unless: str = ""
    ) -> Generator[list[Chunk], None, Read | None]: ...


class Embedder(Protocol):
    @property
    def id(self) -> str: ...
    def embed(self, texts: Sequence[str], stop: Stop | None = None) -> list[str]: ...


class Embedders(Embedder, Protocol):
    @property
    def coming(self) -> Embedder | None: ...
    def changed(self) -> None: ...


class Intake:
    """The flow of reading and embedding what waits. One at a time: a second `work` ends at once."""

    def __init__(
        self, vault: Vault, extractor: Extractor, embedder: Embedders, is_answering: Callable[[], bool] = lambda: False
    ) -> None:
        self._vault, self._extractor, self._embedder = vault, extractor, embedder
        self._is_answering = is_answering
        self._busy = threading.Lock()
        self._passwords: dict[int, str] = {}

    @property
    def is_working(self) -> bool:
        return self._busy.locked()

    def give_password(self, document: int, password: str) -> None:
        """Used once, for the next reading of this document; kept in memory only."""
        self._passwords[document] = password

    def work(self, stop: Stop) -> Generator[Progress, None, None]:
        """Read and embed until nothing waits, it is paused, or `stop` is set; each file's new state is a step."""
        if not self._busy.acquire(blocking=False):
            return
        try:
            pace, changed = _Pace(), False
            while not stop.is_set() and not self._is_paused():
                read = yield from self._read_waiting(stop, pace)
                embedded = yield from self._embed_some(stop, pace)
                if not read and not embedded and not (yield from self._change_embedder(stop, pace)):
                    break
                changed = True
            if changed:
                self._vault.call("library.tidy")
        finally:
            self._busy.release()

    def _give_way(self, stop: Stop) -> None:
        """Wait while an answer is written: it has the whole processor, and what waits here waits well."""
        while self._is_answering() and not stop.wait(_LOOK_SECONDS):
            pass

    def _is_paused(self) -> bool:
        return bool(self._vault.call("library.remembered", name="paused") == "yes")

    def _read_waiting(self, stop: Stop, pace: _Pace) -> Generator[Progress, None, bool]:
        any_read = False
        while not stop.is_set():
            waiting = self._vault.call("library.waiting", limit=20)
            if not waiting or self._is_paused():
                break
            for document, path, tries, fingerprint, _ in waiting:
                self._give_way(stop)
                if stop.is_set():
                    break
                state = self._read(document, path, tries, fingerprint, stop)
                any_read = True
                if state is not None:
                    yield pace.step(self._vault.call("library.counts"), path, state)
        return any_read

    def _read(self, document: int, path: str, tries: int, fingerprint: str, stop: Stop) -> State | None:
        """The document's new state; None when it is still to be read."""
        password = self._passwords.pop(document, None)
        before = _stamp_of(path)
        try:
            chunks, known = self._extract(path, password, fingerprint, stop)
        except (DocumentUnsupported, *_BAD_FILE) as error:
            if self._changed_since(before, path, document, tries):
                return None
            is_unsupported = isinstance(error, DocumentUnsupported)
            return self._end(document, State.UNSUPPORTED if is_unsupported else State.FAILED, _words(error))
        if known is None or self._changed_since(before, path, document, tries):
            return None
        if known.same:
            self._vault.call("library.unchanged", document=document)
            return State.WORDS
        return self._keep(document, chunks, known)

    def _changed_since(self, before: Stamp | None, path: str, document: int, tries: int) -> bool:
        """Whether the file changed while it was read, and is to be read again: what was read may be of two versions,
        and a half-written file may look like no text at all.
        """
        if before is None or _stamp_of(path) == before or tries + 1 >= MOST_TRIES:
            return False
        self._vault.call("library.tried", document=document)
        return True

    def _extract(
        self, path: str, password: str | None, fingerprint: str, stop: Stop
    ) -> tuple[list[Chunk], Read | None]:
        chunks: list[Chunk] = []
        parts = self._extractor.read(Path(path), password, stop, unless=fingerprint)
        while True:
            try:
                chunks.extend(next(parts))
            except StopIteration as end:
                return chunks, end.value

    def _keep(self, document: int, chunks: list[Chunk], known: Read) -> State:
        if not any(chunk.text.strip() for chunk in chunks):
            return self._end(document, State.EMPTY, _nothing(known), known)
        place, start = 0, 0
        self._vault.call("library.renew", document=document)
        for some in _slices(chunks):
            start = self._vault.call(
                "library.write", document=document, place=place, start=start, chunks=[list(one) for one in some]
            )
            place += len(some)
        self._vault.call("library.sweep", document=document)
        return self._end(document, State.WORDS, known.note, known)

    def _end(self, document: int, state: State, reason: str, known: Read | None = None) -> State:
        more = {} if known is None else {
            "title": known.title, "pages": known.pages, "kind": known.kind,
            # Only of what was kept: a file without text may have some for a reader that is installed later.
            "fingerprint": known.fingerprint if state is State.WORDS else "",
        }  # fmt: skip
        if state is not State.WORDS:  # nothing was read: nothing of an earlier version stays
            self._vault.call("library.renew", document=document)
            self._vault.call("library.sweep", document=document)
        self._vault.call("library.finish", document=document, state=state.value, reason=reason, **more)
        return state

    def _embed_some(self, stop: Stop, pace: _Pace) -> Generator[Progress, None, bool]:
        """Embed until all is done or files wait again: words come first."""
        if not self._embedder.id:
            return False
        any_embedded = False
        for _ in self._embed_with(self._embedder, stop):
            any_embedded = True
            yield from self._settle(pace)
        yield from self._settle(pace)
        return any_embedded

    def _change_embedder(self, stop: Stop, pace: _Pace) -> Generator[Progress, None, bool]:
        """Embed everything with the model that is to serve next, then let it; True when something came of it."""
        coming = self._embedder.coming
        if coming is None or not coming.id:
            return False
        any_embedded = False
        for _ in self._embed_with(coming, stop, anew=True):
            any_embedded = True
            done, total = self._vault.call("library.embedded_so_far", embedder=coming.id)
            yield pace.part(done, total)
        if stop.is_set() or not self._vault.call("library.switch_embedder", embedder=coming.id):
            return any_embedded
        self._embedder.changed()
        self._vault.call("library.drop_embedders")
        yield from self._settle(pace)
        return True

    def _embed_with(self, embedder: Embedder, stop: Stop, *, anew: bool = False) -> Iterator[None]:
        """Each step is a pool of texts that got their vectors. Ends early for a pause, and for files that wait."""
        after = 0
        while not stop.is_set() and not self._is_paused():
            rows = self._vault.call("library.unembedded", embedder=embedder.id, after=after, limit=_POOL, anew=anew)
            if not rows:
                return
            after = rows[-1][0]
            for some in _batches({digest: text for _, digest, text in rows}):
                self._give_way(stop)
                if self._is_paused():
                    return
                vectors = embedder.embed([text for _, text in some], stop)
                if stop.is_set() or len(vectors) < len(some):
                    return
                pairs = [[digest, vector] for (digest, _), vector in zip(some, vectors, strict=True)]
                self._vault.call("library.put_vectors", embedder=embedder.id, vectors=pairs)
            yield
            if self._vault.call("library.waiting", limit=1):
                return

    def _settle(self, pace: _Pace) -> Iterator[Progress]:
        for path in self._vault.call("library.settle", embedder=self._embedder.id):
            yield pace.step(self._vault.call("library.counts"), path, State.INDEXED)


class _Pace:
    """How long the rest will take, from how long the files until now took."""

    def __init__(self) -> None:
        self._began, self._steps = time.monotonic(), 0

    def step(self, counts: dict[str, int], path: str, state: State) -> Progress:
        self._steps += 1
        total = sum(count for name, count in counts.items() if name != "chunks")
        waiting, words = counts.get("waiting", 0), counts.get("words", 0)
        each = (time.monotonic() - self._began) / self._steps
        left = round(each * (2 * waiting + words), 1) if self._steps >= 3 else None
        return Progress(total - waiting - words, total, path, state, left)

    def part(self, done: int, total: int) -> Progress:
        """Of the passages that another model reads anew."""
        self._steps += 1
        each = (time.monotonic() - self._began) / max(done, 1)
        return Progress(done, total, "", State.INDEXED, round(each * (total - done), 1) if self._steps >= 3 else None)


def _slices(chunks: Sequence[Chunk]) -> Iterator[list[Chunk]]:
    waiting: list[Chunk] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk.text)
        if size >= _SLICE:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def _batches(texts: dict[str, str]) -> Iterator[list[tuple[str, str]]]:
    """Texts of like length together: the shorter ones of a batch are padded to the longest."""
    ordered = sorted(texts.items(), key=lambda pair: len(pair[1]))
    for start in range(0, len(ordered), _BATCH):
        yield ordered[start : start + _BATCH]


def _stamp_of(path: str) -> Stamp | None:
    """None when the file is not there; its reader says so in words."""
    try:
        return stamp(Path(path).lstat())
    except OSError:
        return None


def _words(error: FreeholdError) -> str:
    detail = f" ({error.detail})" if error.detail and error.detail != error.title else ""
    return f"{error.title}{detail}. {error.next_step}"


def _nothing(known: Read) -> str:
    if known.note:
        return known.note
    return f"There is no text on its {known.pages} pages." if known.pages > 1 else "There is no text in it."
