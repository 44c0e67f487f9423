"""The chunks in memory, in the vault process: which there are, of which document, and their vectors.

An exact scan: one product of a matrix and the question. Rows are in the order of chunk ids, so that a document's chunks
stand next to each other. Dead rows are only marked, their vectors blank, until there are many.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

_DEAD_SHARE = 0.25


class Index:
    """Grows at the end. numpy is imported when the first index is made: the vault starts without it.

    For one thread, but that others may ask for `rows`.
    """

    def __init__(self, dimensions: int) -> None:
        import numpy

        self._numpy = numpy
        self._lock = threading.Lock()
        self._count = 0
        self._ids = numpy.zeros(1024, dtype=numpy.int64)
        self._documents = numpy.zeros(1024, dtype=numpy.int64)
        self._alive = numpy.zeros(1024, dtype=bool)
        self._vectors = numpy.zeros((1024, dimensions), dtype=numpy.float32)
        self.dimensions = dimensions

    @property
    def last(self) -> int:
        """The highest chunk id there is, 0 when there is none."""
        return int(self._ids[self._count - 1]) if self._count else 0

    @property
    def ids(self) -> Any:
        return self._ids[: self._count]

    @property
    def documents(self) -> Any:
        return self._documents[: self._count]

    @property
    def alive(self) -> Any:
        return self._alive[: self._count]

    def add(self, rows: Sequence[tuple[int, int, bytes | None]]) -> None:
        """Append (chunk id, document, float32 vector or None), ids rising."""
        numpy = self._numpy
        if not rows:
            return
        with self._lock:
            start, self._count = self._count, self._count + len(rows)
            if self._count > len(self._ids):
                self._grow(max(self._count, 2 * len(self._ids)))
            self._ids[start : self._count] = [row[0] for row in rows]
            self._documents[start : self._count] = [row[1] for row in rows]
            self._alive[start : self._count] = True
            self._vectors[start : self._count] = 0.0
            for place, (_, _, vector) in enumerate(rows, start):
                if vector is not None and len(vector) == 4 * self.dimensions:
                    self._vectors[place] = numpy.frombuffer(vector, dtype="<f4")

    def set_vector(self, chunks: Sequence[int], vector: bytes) -> None:
        """Give the chunks (those that are here) their vector."""
        if len(vector) != 4 * self.dimensions:
            return
        with self._lock:
            self._vectors[self.places(chunks)] = self._numpy.frombuffer(vector, dtype="<f4")

    def remove(self, chunks: Sequence[int]) -> None:
        with self._lock:
            places = self.places(chunks)
            self.alive[places] = False
            self._vectors[places] = 0.0
            if self._count > 1024 and self._count - int(self.alive.sum()) > _DEAD_SHARE * self._count:
                self._compact()

    def rows(self, chunks: Sequence[int]) -> tuple[list[int], Any]:
        """Of these chunks the ids of those that have a vector, and a copy of their vectors."""
        with self._lock:
            places = self.places(chunks)
            places = places[self._vectors[places].any(axis=1)]
            return self.ids[places].tolist(), self._vectors[places]

    def places(self, chunks: Sequence[int]) -> Any:
        """The rows of these chunk ids; ids that are not here are left out."""
        wanted = self._numpy.asarray(chunks, dtype=self._numpy.int64)
        found = self._numpy.searchsorted(self.ids, wanted)
        found = found[found < self._count]
        return found[self._numpy.isin(self.ids[found], wanted)]

    def cosines(self, question: bytes) -> Any:
        """The cosine of each row to `question`; rows without a vector, and all when it is of another size, are 0."""
        if len(question) != 4 * self.dimensions:
            return self._numpy.zeros(self._count, dtype=self._numpy.float32)
        return self._vectors[: self._count] @ self._numpy.frombuffer(question, dtype="<f4")

    def cosines_of(self, places: Any, question: bytes) -> Any:
        """The same for the rows at `places` only; `question` is of the vectors' size."""
        return self._vectors[places] @ self._numpy.frombuffer(question, dtype="<f4")

    def _grow(self, size: int) -> None:
        numpy = self._numpy
        for name in ("_ids", "_documents", "_alive", "_vectors"):
            old = getattr(self, name)
            new = numpy.zeros((size, *old.shape[1:]), dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _compact(self) -> None:
        kept = self.alive.copy()
        count = int(kept.sum())
        for name in ("_ids", "_documents", "_alive", "_vectors"):
            column = getattr(self, name)
            column[:count] = column[: self._count][kept]
        self._count = count
