"""Finding chunks by their words, with FTS5. Runs in the vault process."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from freehold.library.rank import rarest
from freehold.library.schema import TOKENIZER
from freehold.library.words import any_of, spaced

_CONTEXT_WEIGHT = 0.5  # a word in the heading path, against one in the text

Wanted = Sequence[tuple[str, int]]  # terms, each with the number of chunks that hold it


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...


class Wording:
    """The word index as a search asks it."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._has_question_tables = False

    def weighed(self, terms: Sequence[str]) -> list[tuple[str, int]]:
        """Each term with the number of chunks that hold it. FTS5 itself takes the query apart, so stems agree."""
        if not terms:
            return []
        with self._db.transaction() as execute:
            self._make_question_tables(execute)
            execute(
                "INSERT INTO temp.library_question (rowid, text) SELECT key + 1, value FROM json_each(?)",
                json.dumps([spaced(term) for term in terms]),
            )
            counted = execute(
                "SELECT q.doc, min((SELECT coalesce(sum(t.doc), 0) FROM main.library_terms t WHERE t.term = q.term)) "
                "FROM temp.library_question_terms q GROUP BY q.doc"
            ).fetchall()
            execute("INSERT INTO temp.library_question (library_question) VALUES ('delete-all')")
        return [(terms[number - 1], int(count)) for number, count in counted]

    def scores(self, wanted: Wanted) -> tuple[Any, Any]:
        """The ids, rising, of the chunks that hold one of the terms worth asking for, and their BM25 scores."""
        return self._scored(rarest(wanted))

    def scores_within(self, wanted: Wanted, chunks: Any, total: int) -> tuple[Any, list[tuple[str, int]]]:
        """The BM25 score of each of `chunks` (ids, rising) of `total` that there are, and `wanted` with how many of
        those hold each term: a word that is common elsewhere may be rare where one looks.
        """
        import numpy

        scores = numpy.zeros(len(chunks), dtype=numpy.float64)
        held = {term: -(-count * len(chunks) // max(total, 1)) for term, count in wanted}  # of those not asked for
        for term in rarest(wanted):
            ids, found = self._scored([term])
            places = numpy.searchsorted(chunks, ids)
            is_here = places < len(chunks)
            is_here[is_here] = chunks[places[is_here]] == ids[is_here]
            held[term] = int(is_here.sum())
            rarer = _rarity(held[term], len(chunks)) / _rarity(len(ids), total)
            scores[places[is_here]] += rarer * found[is_here]
        return scores.astype(numpy.float32), [(term, held[term]) for term, _ in wanted]

    def _scored(self, terms: list[str]) -> tuple[Any, Any]:
        import numpy

        rows = self._db.query(
            "SELECT rowid, bm25(library_words, 1.0, ?2) FROM library_words WHERE library_words MATCH ?1",
            any_of(terms), _CONTEXT_WEIGHT,
        ) if terms else []  # fmt: skip
        ids = numpy.fromiter((row[0] for row in rows), dtype=numpy.int64, count=len(rows))
        return ids, -numpy.fromiter((row[1] for row in rows), dtype=numpy.float64, count=len(rows))

    def best(self, wanted: Wanted, documents: Sequence[int] | None, most: int) -> list[tuple[int, float]]:
        """The best (chunk, BM25 score), of these documents where they are given, without anything held in memory."""
        ids, scores = self.scores(wanted)
        order = (-scores).argsort(kind="stable")
        allowed = None if documents is None else set(documents)
        found = ((int(ids[place]), float(scores[place])) for place in order)
        return list(self._first(found, allowed, most))

    def _first(
        self, found: Iterator[tuple[int, float]], allowed: set[int] | None, most: int
    ) -> Iterator[tuple[int, float]]:
        for chunk, score in found:
            if most == 0:
                return
            if allowed is not None:
                (document,) = self._db.query("SELECT document FROM library_chunk WHERE id = ?", chunk)[0]
                if document not in allowed:
                    continue
            most -= 1
            yield chunk, score

    def _make_question_tables(self, execute: Callable[..., Any]) -> None:
        if not self._has_question_tables:
            execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.library_question "
                f"USING fts5(text, content='', tokenize='{TOKENIZER}')"
            )
            execute(
                "CREATE VIRTUAL TABLE IF NOT EXISTS temp.library_question_terms "
                "USING fts5vocab('temp', library_question, 'instance')"
            )
            self._has_question_tables = True


def _rarity(held: int, total: int) -> float:
    """The weight of a term that `held` of `total` chunks hold, as FTS5's BM25 has it."""
    return max(math.log((max(total, held) - held + 0.5) / (held + 0.5)), 1e-6)
