"""Finding passages by words and by meaning. Runs in the vault process, beside the index in memory."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol

from freehold.library.index import Index
from freehold.library.rank import diverse, fuse, rarest, smooth
from freehold.library.schema import TOKENIZER
from freehold.library.words import any_of, spaced, terms, word_set

_CONTEXT_WEIGHT = 0.5  # a word in the heading path, against one in the text
_DOCUMENTS = "SELECT d.id FROM library_document d JOIN library_collection c ON c.id = d.collection WHERE "
_CANDIDATES = 8  # for each passage wanted: some are dropped as too alike


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


class Searcher:
    """Holds the index; built at the first search, kept up to date by what the store tells it."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._index: Index | None = None
        self._embedder = ""
        self._has_question_table = False

    def forget(self, chunks: Sequence[int]) -> None:
        if self._index is not None:
            self._index.remove(chunks)

    def embedded(self, embedder: str, digest: bytes, vector: bytes) -> None:
        if self._index is None or embedder != self._embedder:
            return
        chunks = self._db.query("SELECT id FROM library_chunk WHERE hash = ? AND id <= ?", digest, self._index.last)
        self._index.set_vector([row[0] for row in chunks], vector)

    def search(
        self, query: str, question: bytes | None, embedder: str, *, k: int, within: Within, mode: str
    ) -> dict[str, Any]:
        index = self._ready(question, embedder)
        seen = self._seen(index, within)
        wanted = self._weighed(terms(query)) if mode != "meaning" else []
        words = self._words(index, wanted) if mode != "meaning" else None
        meaning = index.cosines(question) if question is not None and mode != "words" else None
        if not seen.any() or (meaning is None and (words is None or not words.any())):
            return {"passages": [], "signal": {}}
        return self._best(index, seen, words, meaning, k=k, wanted=wanted)

    def whole(self, document: int, most: int) -> list[dict[str, Any]]:
        count = self._db.query("SELECT count(*) FROM library_chunk WHERE document = ?", document)[0][0]
        if not 0 < count <= most:
            return []
        rows = self._db.query("SELECT id FROM library_chunk WHERE document = ? ORDER BY place", document)
        return [self._passage(row[0]) for row in rows]

    def _best(
        self, index: Index, seen: Any, words: Any, meaning: Any, *, k: int, wanted: list[tuple[str, int]]
    ) -> dict[str, Any]:
        """Standardised over the chunks that are searched, and only those."""
        import numpy

        places = numpy.flatnonzero(seen)
        own_words = None if words is None else words[places]
        own_meaning = None if meaning is None else meaning[places]
        documents = index.documents[places]
        scores = smooth(fuse(own_words, own_meaning), documents[:-1] == documents[1:])
        if own_meaning is None and own_words is not None:
            # By words alone, a neighbour of a hit that holds none of the words is no answer.
            scores[own_words <= 0] = scores.min()
        order = _highest(scores, min(len(places), k * _CANDIDATES))
        if own_meaning is None and own_words is not None:
            order = [place for place in order if own_words[place] > 0]
        passages = {place: self._passage(int(index.ids[places[place]])) for place in order}
        chosen = diverse(
            order, k, lambda place: word_set(passages[place]["text"]),
            lambda place: (passages[place]["document"], passages[place]["page"] or place),
        )  # fmt: skip
        found = [
            passages[place]
            | {
                "score": float(scores[place]),
                "words": None if own_words is None else float(own_words[place]),
                "meaning": None if own_meaning is None else float(own_meaning[place]),
            }
            for place in chosen
        ]
        signal = _signal(own_words, own_meaning)
        if found and wanted:
            signal["coverage"] = self._coverage([int(index.ids[places[place]]) for place in chosen[:3]], wanted)
        return {"passages": found, "signal": signal}

    def _ready(self, question: bytes | None, embedder: str) -> Index:
        dimensions = len(question) // 4 if question else (self._index.dimensions if self._index else 384)
        changed = bool(question) and embedder != self._embedder
        if self._index is None or changed or self._index.dimensions != dimensions:
            self._index, self._embedder = Index(dimensions), embedder or self._embedder
        index = self._index
        while rows := self._db.query(
            "SELECT c.id, c.document, v.vector FROM library_chunk c LEFT JOIN library_vector v ON v.hash = c.hash "
            "AND v.embedder = ? WHERE c.id > ? ORDER BY c.id LIMIT 5000",
            self._embedder, index.last,
        ):  # fmt: skip
            index.add(rows)
        return index

    def _seen(self, index: Index, within: Within) -> Any:
        """Which rows are to be searched."""
        conditions = list(within.conditions())
        if not conditions:
            return index.alive
        import numpy

        sql = _DOCUMENTS + " AND ".join(words for words, _ in conditions)
        rows = self._db.query(sql, *(value for _, values in conditions for value in values))
        wanted = numpy.asarray([row[0] for row in rows], dtype=numpy.int64)
        return index.alive & numpy.isin(index.documents, wanted)

    def _words(self, index: Index, wanted: list[tuple[str, int]]) -> Any:
        """Each row's BM25 score, 0 for those that hold none of the words."""
        import numpy

        scores = numpy.zeros(len(index.ids), dtype=numpy.float32)
        kept = rarest(wanted, len(index.ids))
        if kept:
            rows = self._db.query(
                "SELECT rowid, bm25(library_words, 1.0, ?2) FROM library_words WHERE library_words MATCH ?1",
                any_of(kept),
                _CONTEXT_WEIGHT,
            )
            if rows:
                table = numpy.asarray(rows, dtype=numpy.float64)
                places = numpy.searchsorted(index.ids, table[:, 0].astype(numpy.int64))
                scores[places] = -table[:, 1]
        return scores

    def _weighed(self, wanted: list[str]) -> list[tuple[str, int]]:
        """Each term with the number of chunks that hold it. FTS5 itself takes the query apart, so stems agree."""
        if not wanted:
            return []
        with self._db.transaction() as execute:
            self._make_question_tables(execute)
            for number, term in enumerate(wanted, 1):
                execute("INSERT INTO temp.library_question (rowid, text) VALUES (?, ?)", number, spaced(term))
            rows = execute(
                "SELECT q.doc, min((SELECT coalesce(sum(t.doc), 0) FROM main.library_terms t WHERE t.term = q.term)) "
                "FROM temp.library_question_terms q GROUP BY q.doc"
            ).fetchall()
            execute("INSERT INTO temp.library_question (library_question) VALUES ('delete-all')")
        return [(wanted[number - 1], int(count)) for number, count in rows]

    def _make_question_tables(self, execute: Callable[..., Any]) -> None:
        if not self._has_question_table:
            execute(f"CREATE VIRTUAL TABLE temp.library_question USING fts5(text, content='', tokenize='{TOKENIZER}')")
            execute(
                "CREATE VIRTUAL TABLE temp.library_question_terms USING fts5vocab('temp', library_question, 'instance')"
            )
            self._has_question_table = True

    def _coverage(self, chunks: Sequence[int], wanted: list[tuple[str, int]]) -> float:
        """The share of the question's terms, by rarity, that the best chunk for it among `chunks` holds."""
        total = max(int(self._db.query("SELECT count(*) FROM library_chunk")[0][0]), 1)
        weights = {term: math.log(1 + total / (count + 0.5)) for term, count in wanted}
        best = 0.0
        for chunk in chunks:
            held = sum(weight for term, weight in weights.items() if self._holds(chunk, term))
            best = max(best, held / max(sum(weights.values()), 1e-9))
        return best

    def _holds(self, chunk: int, term: str) -> bool:
        return bool(
            self._db.query(
                "SELECT 1 FROM library_words WHERE library_words MATCH ? AND rowid = ?", any_of([term]), chunk
            )
        )

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


def _highest(scores: Any, many: int) -> list[int]:
    import numpy

    if many < len(scores):
        top = numpy.argpartition(-scores, many - 1)[:many]
        return [int(place) for place in top[numpy.argsort(-scores[top], kind="stable")]]
    return [int(place) for place in numpy.argsort(-scores, kind="stable")]


def _signal(words: Any | None, meaning: Any | None) -> dict[str, Any]:
    signal: dict[str, Any] = {}
    if words is not None:
        signal["best_words"] = float(words.max()) / math.log(len(words) + 2)
    if meaning is not None:
        signal["best_meaning"] = float(meaning.max())
    return signal
