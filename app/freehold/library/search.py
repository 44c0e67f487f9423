"""Finding passages by words and by meaning. Runs in the vault process, beside the index in memory."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any, NamedTuple, Protocol

from freehold.library.index import Index
from freehold.library.nearest import Nearest
from freehold.library.periods import names_time, of_the_time
from freehold.library.rank import OF_THE_TIME, diverse, fuse, smooth
from freehold.library.signs import signs
from freehold.library.wording import Wording
from freehold.library.words import terms, word_set

_DOCUMENTS = "SELECT d.id FROM library_document d JOIN library_collection c ON c.id = d.collection WHERE "
_CANDIDATES = 8  # for each passage wanted: some are dropped as too alike
_DATED = 24  # for each passage wanted, where documents of a time are looked for among them
_BEGINNING, _FIRST_CHUNKS = 1000, 4  # characters, and chunks that hold them, of a document that may tell its time
_AT_ONCE = 1500  # chunks taken into memory in one op: a chat waits for it
_SAMPLE = 4096  # chunks of which the cosines' mean and deviation are taken where only candidates have theirs
_LEADS_OVER = 10  # passages, the best one counted
_CHECKED_EVERY = 20  # answers of Chroma, of which one is compared with the exact scan
_LEAST_AGREED = 0.9  # of the ten nearest
NEAREST_FROM = 300_000  # chunks: below, the exact scan is quick enough (docs/decisions/0013)


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...


class Within(NamedTuple):
    """Where to search: in documents of these collections and kinds, None for all, last changed from `since` on and
    before `until`, in seconds since 1970.
    """

    collections: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> Iterator[tuple[str, Sequence[Any]]]:
        """Each in SQL, with the values of its question marks."""
        for column, names in (("c.name", self.collections), ("d.kind", self.kinds)):
            if names is not None:
                yield f"{column} IN ({','.join('?' * len(names))})", names
        for comparison, seconds in (("d.mtime >= ?", self.since), ("d.mtime < ?", self.until)):
            if seconds is not None:
                yield comparison, [seconds * 1e9]


class _Question(NamedTuple):
    """A question, and its terms with the number of chunks that hold each; without terms where words do not count."""

    text: str
    terms: list[tuple[str, int]]


class _Meaning(NamedTuple):
    """Each searched chunk's cosine. Where only candidates' are known the others have the mean of `sample`."""

    cosines: Any
    sample: Any = None


class Searcher:
    """Holds the index; filled some chunks at a time, kept up to date by what the store tells it."""

    def __init__(self, database: Database, nearest_from: int = NEAREST_FROM, at_once: int = _AT_ONCE) -> None:
        self._db, self._at_once = database, at_once
        self._wording = Wording(database)
        self._index: Index | None = None
        self._embedder = ""
        self._nearest: Nearest | None = None
        self._nearest_from: float = nearest_from
        self._asked = 0

    def forget(self, chunks: Sequence[int]) -> None:
        if self._index is not None:
            self._index.remove(chunks)
        if self._nearest is not None:
            self._nearest.remove(chunks)

    def embedded(self, embedder: str, digest: bytes, vector: bytes) -> None:
        if self._index is None or embedder != self._embedder:
            return
        if len(vector) != 4 * self._index.dimensions:
            self._let_go()  # the first vectors of all, most often: it was made when there was none to tell their size
            return
        rows = self._db.query("SELECT id FROM library_chunk WHERE hash = ? AND id <= ?", digest, self._index.last)
        chunks = [row[0] for row in rows]
        self._index.set_vector(chunks, vector)
        if self._nearest is not None:
            self._nearest.put(chunks)

    def warm(self, embedder: str) -> bool:
        """Take some more chunks into memory; whether there are more."""
        index = self._index_for(embedder)
        rows = self._db.query(
            "SELECT c.id, c.document, v.vector FROM library_chunk c LEFT JOIN library_vector v ON v.hash = c.hash "
            "AND v.embedder = ? WHERE c.id > ? ORDER BY c.id LIMIT ?",
            self._embedder, index.last, self._at_once,
        )  # fmt: skip
        index.add(rows)
        if self._nearest is not None:
            self._nearest.put([row[0] for row in rows])
        elif len(index.ids) >= self._nearest_from:
            self._nearest = Nearest(index.rows)
            self._nearest.put(index.ids.tolist())
        return len(rows) == self._at_once

    def search(
        self, query: str, question: bytes | None, embedder: str, *, k: int, within: Within, mode: str
    ) -> dict[str, Any]:
        """By words alone, from the database, while the index is not filled; `mode` in the answer says so."""
        asked = _Question(query, self._wording.weighed(terms(query)) if mode != "meaning" else [])
        if self.warm(embedder) and mode != "meaning":
            return self._by_words_alone(asked, within, k)
        while self.warm(embedder):
            pass
        index = self._index_for(embedder)
        places = self._places(index, within)
        words, counts = self._words(index, asked.terms, places) if mode != "meaning" else (None, [])
        meaning = self._meaning(index, question, places, words, k) if question and mode != "words" else None
        if not len(places) or (meaning is None and (words is None or not words.any())):
            return {"passages": [], "signal": {}, "mode": mode}
        asked = asked._replace(terms=counts)
        return self._best(asked, index, places, words, meaning, k=k) | {"mode": mode}

    def whole(self, document: int, most: int) -> list[dict[str, Any]]:
        count = self._db.query("SELECT count(*) FROM library_chunk WHERE document = ?", document)[0][0]
        if not 0 < count <= most:
            return []
        rows = self._db.query("SELECT id FROM library_chunk WHERE document = ? ORDER BY place", document)
        return [self._passage(row[0]) for row in rows]

    def _by_words_alone(self, asked: _Question, within: Within, k: int) -> dict[str, Any]:
        best = self._wording.best(asked.terms, self._documents(within), k * _CANDIDATES)
        scores = dict(best)
        passages = cache(self._passage)
        chosen = _diverse(list(scores), k, passages)
        found = [
            passages(chunk) | {"score": scores[chunk], "words": scores[chunk], "meaning": None} for chunk in chosen
        ]
        signal = signs(asked.text, asked.terms, self._total(), found, [score for _, score in best])
        return {"passages": found, "signal": signal, "mode": "words"}

    def _best(
        self, asked: _Question, index: Index, places: Any, words: Any, meaning: _Meaning | None, *, k: int
    ) -> dict[str, Any]:
        """Standardised over the chunks that are searched, and only those."""
        documents = index.documents[places]
        cosines, sample = meaning or (None, None)
        scores = smooth(fuse(words, cosines, sample), documents[:-1] == documents[1:])
        if names_time(asked.text):
            scores = self._favour(asked.text, documents, scores, k * _DATED)
        order = _highest(scores, min(len(places), k * _CANDIDATES))
        if cosines is None:  # by words alone, a neighbour of a hit that holds none of the words is no answer
            scores[words <= 0] = scores.min()
            order = [place for place in _highest(scores, min(len(places), k * _CANDIDATES)) if words[place] > 0]
        passages = cache(lambda place: self._passage(int(index.ids[places[place]])))
        chosen = _diverse(order, k, passages)
        found = [
            passages(place)
            | {
                "score": float(scores[place]),
                "words": None if words is None else float(words[place]),
                "meaning": None if cosines is None else float(cosines[place]),
            }
            for place in chosen
        ]
        scores_by_words = [] if words is None else [float(words[place]) for place in _highest(words, 11)]
        signal = signs(asked.text, asked.terms, len(places), found, scores_by_words)
        signal["lead"] = _lead(scores, order)
        if cosines is not None:
            signal["best_meaning"] = float(cosines.max())
        return {"passages": found, "signal": signal}

    def _total(self) -> int:
        return int(self._db.query("SELECT coalesce(sum(chunks), 0) FROM library_document")[0][0])

    def _favour(self, question: str, documents: Any, scores: Any, many: int) -> Any:
        """`scores` with a gain for chunks of documents, among the `many` best, that are of the time asked for."""
        import numpy

        candidates = numpy.unique(documents[_highest(scores, min(len(scores), many))]).tolist()
        favoured = of_the_time(question, self._told(candidates))
        return scores + OF_THE_TIME * numpy.isin(documents, list(favoured)).astype(scores.dtype)

    def _told(self, documents: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Name and beginning of each."""
        asked = json.dumps(documents)
        names = self._db.query(
            "SELECT id, path FROM library_document WHERE id IN (SELECT value FROM json_each(?))", asked
        )
        pieces = self._db.query(
            "SELECT document, text FROM library_chunk WHERE document IN (SELECT value FROM json_each(?)) AND place < ? "
            "ORDER BY document, place",
            asked, _FIRST_CHUNKS,
        )  # fmt: skip
        begins: dict[int, str] = {}
        for document, text in pieces:
            begins[document] = begins.get(document, "") + text
        return {
            document: (os.fsdecode(path).rpartition(os.sep)[2], begins.get(document, "")[:_BEGINNING])
            for document, path in names
        }

    def _index_for(self, embedder: str) -> Index:
        """The index of this embedder's vectors; without a name, that which is there."""
        if self._index is None or (embedder and embedder != self._embedder):
            self._let_go()
            self._embedder = embedder
            known = self._db.query("SELECT length(vector) / 4 FROM library_vector WHERE embedder = ? LIMIT 1", embedder)
            self._index = Index(known[0][0] if known else 0)
        return self._index

    def _let_go(self) -> None:
        self._index = None
        if self._nearest is not None:
            self._nearest.end()
            self._nearest = None

    def _places(self, index: Index, within: Within) -> Any:
        """Which rows are to be searched."""
        import numpy

        documents = self._documents(within)
        alive = index.alive
        if documents is not None:
            alive = alive & numpy.isin(index.documents, numpy.asarray(documents, dtype=numpy.int64))
        return numpy.flatnonzero(alive)

    def _documents(self, within: Within) -> list[int] | None:
        conditions = list(within.conditions())
        if not conditions:
            return None
        sql = _DOCUMENTS + " AND ".join(words for words, _ in conditions)
        return [row[0] for row in self._db.query(sql, *(value for _, values in conditions for value in values))]

    def _words(self, index: Index, wanted: list[tuple[str, int]], places: Any) -> tuple[Any, list[tuple[str, int]]]:
        """The BM25 score of each row of `places`, 0 for those that hold none of the words; and `wanted` as it counts
        among them.
        """
        import numpy

        total = int(index.alive.sum())
        if len(places) < total:
            return self._wording.scores_within(wanted, index.ids[places], total)
        scores = numpy.zeros(len(index.ids), dtype=numpy.float32)
        ids, found = self._wording.scores(wanted)
        scores[numpy.searchsorted(index.ids, ids)] = found
        return scores[places], wanted

    def _meaning(self, index: Index, question: bytes, places: Any, words: Any, k: int) -> _Meaning:
        nearest = self._candidates(index, question, places, k * _CANDIDATES)
        if nearest is None:
            return _Meaning(index.cosines(question)[places])
        import numpy

        sample = index.cosines_of(places[:: max(len(places) // _SAMPLE, 1)], question)
        top = numpy.asarray([] if words is None else _highest(words, min(len(places), k * _CANDIDATES)), dtype=int)
        known = numpy.unique(numpy.concatenate([nearest, top]))
        known = numpy.unique(numpy.clip(numpy.concatenate([known - 1, known, known + 1]), 0, len(places) - 1))
        cosines = numpy.full(len(places), sample.mean(), dtype=numpy.float32)
        cosines[known] = index.cosines_of(places[known], question)
        return _Meaning(cosines, sample)

    def _candidates(self, index: Index, question: bytes, places: Any, many: int) -> Any:
        """Which of `places` are near to the question, as numbers into it; None to look at all of them."""
        if self._nearest is None or len(places) < self._nearest_from or len(question) != 4 * index.dimensions:
            return None
        import numpy

        asked = many * len(index.ids) // len(places)  # those that are not searched are among the answers too
        chunks = self._nearest.ask(numpy.frombuffer(question, dtype="<f4"), asked)
        if chunks is None:
            return None
        self._asked += 1
        if self._asked % _CHECKED_EVERY == 1 and not self._agrees(index, question, chunks):
            self._nearest.end()
            self._nearest_from = math.inf
            return None
        found = numpy.searchsorted(places, index.places(sorted(chunks)))
        return found[found < len(places)]

    def _agrees(self, index: Index, question: bytes, chunks: Sequence[int]) -> bool:
        nearest = {int(index.ids[place]) for place in _highest(index.cosines(question), 10)}
        return len(nearest & set(chunks)) >= _LEAST_AGREED * len(nearest)

    def _passage(self, chunk: int) -> dict[str, Any]:
        document, path, page, start, text, title, context = self._db.query(
            "SELECT d.id, d.path, c.page, c.start, c.text, d.title, c.context FROM library_chunk c "
            "JOIN library_document d ON d.id = c.document WHERE c.id = ?",
            chunk,
        )[0]
        words = text.strip()
        start += len(text) - len(text.lstrip())
        return {
            "document": document, "path": os.fsdecode(path), "page": page, "start": start, "end": start + len(words),
            "text": words, "title": title, "context": context.strip(), "score": 0.0,
        }  # fmt: skip


def _lead(scores: Any, order: Sequence[int]) -> float:
    """How far the first of `order` is above the tenth, or the last."""
    return float(scores[order[0]] - scores[order[:_LEADS_OVER][-1]]) if order else 0.0


def _diverse(order: Sequence[int], k: int, passages: Callable[[int], Mapping[str, Any]]) -> list[int]:
    return diverse(
        order, k, lambda place: word_set(passages(place)["text"]),
        lambda place: (passages(place)["document"], passages(place)["page"] or place),
    )  # fmt: skip


def _highest(scores: Any, many: int) -> list[int]:
    import numpy

    if many < len(scores):
        top = numpy.argpartition(-scores, many - 1)[:many]
        return [int(place) for place in top[numpy.argsort(-scores[top], kind="stable")]]
    return [int(place) for place in numpy.argsort(-scores, kind="stable")]
