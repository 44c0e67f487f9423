"""The vectors in Chroma too, in memory: candidates where an exact scan takes too long. Runs in the vault process.

A search index and nothing more: ids and vectors, filled behind on a thread, nothing on disk, dropped on any doubt. It
is given no text and no settings but ours: Chroma's own come from the environment and a `.env` file too.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

_BATCH = 100  # vectors given at a time: 2,500 froze the process's other threads for .87 s (measured)
_HNSW = {"space": "ip", "max_neighbors": 16, "ef_construction": 100, "ef_search": 400}

Rows = Callable[[Sequence[int]], tuple[list[int], Any]]  # of chunk ids those that have a vector, with their vectors


class Nearest:
    """Follows an index: `put` and `remove` return at once; `ask` answers only when all of it was taken in."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._work: deque[tuple[bool, list[int]]] = deque()
        self._changed = threading.Condition()
        self._is_busy, self._has_ended = True, False
        self._collection: Any = None
        threading.Thread(target=self._follow, name="nearest", daemon=True).start()

    @property
    def is_ready(self) -> bool:
        """Whether all that was put and removed is taken in."""
        with self._changed:
            return self._collection is not None and not self._has_ended and not self._work and not self._is_busy

    def put(self, chunks: Sequence[int]) -> None:
        """These chunks are new, or have a new vector."""
        self._give([(True, list(chunks[start : start + _BATCH])) for start in range(0, len(chunks), _BATCH)])

    def remove(self, chunks: Sequence[int]) -> None:
        self._give([(False, list(chunks))] if chunks else [])

    def ask(self, question: Any, many: int) -> list[int] | None:
        """About `many` of the chunks nearest to `question`; None when it cannot be told now."""
        if not self.is_ready:
            return None
        import chromadb.errors

        try:
            found = self._collection.query(query_embeddings=[question], n_results=many, include=[])
            return [int(chunk) for chunk in found["ids"][0]]
        except (chromadb.errors.ChromaError, RuntimeError, ValueError):
            self.end()
            return None

    def end(self) -> None:
        """Let go of it all; it answers no more."""
        with self._changed:
            self._has_ended = True
            self._work.clear()
            self._changed.notify()

    def _give(self, work: list[tuple[bool, list[int]]]) -> None:
        with self._changed:
            if not self._has_ended:
                self._work.extend(work)
                self._changed.notify()

    def _follow(self) -> None:
        try:
            self._collection = _new_collection()
        except ImportError:
            self.end()
            return
        try:
            while (work := self._next()) is not None:
                began = time.monotonic()
                self._take_in(*work)
                time.sleep(time.monotonic() - began)  # half of a processor is left to what a person waits for
        finally:
            self.end()
            _client().delete_collection(self._collection.name)

    def _next(self) -> tuple[bool, list[int]] | None:
        with self._changed:
            self._is_busy = False
            while not self._work and not self._has_ended:
                self._changed.wait()
            if self._has_ended:
                return None
            self._is_busy = True
            return self._work.popleft()

    def _take_in(self, is_new: bool, chunks: list[int]) -> None:
        if not is_new:
            self._collection.delete(ids=[str(chunk) for chunk in chunks])
            return
        ids, vectors = self._rows(chunks)
        if ids:
            self._collection.upsert(ids=[str(chunk) for chunk in ids], embeddings=vectors)


@cache
def _client() -> Any:
    """Chroma's clients in memory share one store: one is enough, and a second would have to be just like it."""
    import chromadb
    from chromadb.config import Settings

    class OurSettings(Settings):  # type: ignore[misc]
        """Nothing from the environment, from `.env` in the working folder or from secrets' files."""

        @classmethod
        def settings_customise_sources(cls, *_: Any, init_settings: Any, **__: Any) -> tuple[Any, ...]:
            return (init_settings,)

    return chromadb.EphemeralClient(OurSettings(is_persistent=False, anonymized_telemetry=False))


def _new_collection() -> Any:
    name = f"chunks-{uuid.uuid4().hex}"
    return _client().create_collection(name, embedding_function=None, configuration={"hnsw": _HNSW})
