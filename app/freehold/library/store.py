"""The library's sources and documents, and what is asked of them; `rows.py` has chunks. Runs in the vault process."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from freehold.foundation.errors import UsageError
from freehold.library import moving
from freehold.library.rows import ChunkRows, Database, clean
from freehold.library.schema import FIRST, SECOND, THIRD
from freehold.library.search import Searcher, Within
from freehold.library.values import PICTURES, State
from freehold.processes.frames import unpack_floats

_LOOKED_AT = 2000  # documents a query brings while a name is looked for
_SEPARATOR = os.fsencode(os.sep)
_NANOSECONDS = 1_000_000_000  # in a second
_DOCUMENT = (
    "SELECT d.id, d.path, c.name, d.state, d.reason, d.title, d.pages, d.chunks, d.size, d.kind, d.mtime "
    "FROM library_document d JOIN library_collection c ON c.id = d.collection"
)


class LibraryStore(ChunkRows):
    """The ops of room `library`."""

    room = "library"
    MIGRATIONS = (FIRST, SECOND, THIRD)

    def __init__(self, database: Database) -> None:
        self._searcher = Searcher(database)
        super().__init__(database, self._searcher)
        self._arriving: int | None = None  # the document whose pieces `take` is given

    # What is to be read.

    def add_source(
        self, path: str, collection: str, watched: bool = False, excluded: list[str] | None = None
    ) -> dict[str, Any]:
        """Remember a file or folder as part of a collection; one that is known keeps its id."""
        if not collection.strip():
            raise UsageError("a collection has a name")
        with self._db.transaction() as execute:
            execute("INSERT OR IGNORE INTO library_collection (name) VALUES (?)", collection)
            before = execute(
                "SELECT s.excluded FROM library_source s JOIN library_collection c ON c.id = s.collection "
                "WHERE s.path = ? AND c.name = ?",
                _raw(path), collection,
            ).fetchone()  # fmt: skip
            left_out = _left_out(json.loads(before[0]) if before else [], excluded or [])
            execute(
                "INSERT INTO library_source (path, collection, watched, excluded) VALUES (?, ("
                "SELECT id FROM library_collection WHERE name = ?), ?, ?) ON CONFLICT (path, collection) DO UPDATE SET "
                "watched = max(watched, excluded.watched), excluded = excluded.excluded",
                _raw(path), collection, int(watched), json.dumps(left_out),
            )  # fmt: skip
        return next(source for source in self.sources() if (source["path"], source["collection"]) == (path, collection))

    def sources(self) -> list[dict[str, Any]]:
        rows = self._db.query(
            "SELECT s.id, s.path, c.name, s.watched, s.first, s.excluded FROM library_source s "
            "JOIN library_collection c ON c.id = s.collection ORDER BY s.first DESC, s.id"
        )
        return [
            {"id": row[0], "path": _name(row[1]), "collection": row[2], "watched": bool(row[3]), "first": bool(row[4]),
             "excluded": json.loads(row[5])}
            for row in rows
        ]  # fmt: skip

    def put_first(self, source: int) -> None:
        """Read this source before the others."""
        with self._db.transaction() as execute:
            execute("UPDATE library_source SET first = (id = ?)", source)

    def exclude(self, source: int, pattern: str) -> None:
        """Leave names that match `pattern` out of a source from now on."""
        excluded = json.loads(self._db.query("SELECT excluded FROM library_source WHERE id = ?", source)[0][0])
        with self._db.transaction() as execute:
            execute("UPDATE library_source SET excluded = ? WHERE id = ?", json.dumps([*excluded, pattern]), source)

    def remember(self, name: str, value: str) -> None:
        """Keep a fact about the library itself, such as that it is paused."""
        with self._db.transaction() as execute:
            execute("INSERT OR REPLACE INTO library_state VALUES (?, ?)", name, value)

    def remembered(self, name: str) -> str:
        rows = self._db.query("SELECT value FROM library_state WHERE name = ?", name)
        return str(rows[0][0]) if rows else ""

    def collections(self) -> list[dict[str, Any]]:
        rows = self._db.query(
            "SELECT c.name, count(d.id) FROM library_collection c LEFT JOIN library_document d ON d.collection = c.id "
            "GROUP BY c.id ORDER BY c.name"
        )
        return [{"name": name, "documents": count} for name, count in rows]

    def stamps(self, source: int) -> list[list[Any]]:
        """[id, path, size, mtime, ctime, inode, state] of every document of a source."""
        rows = self._db.query(
            "SELECT id, path, size, mtime, ctime, inode, state FROM library_document WHERE source = ?", source
        )
        return [[row[0], _name(row[1]), *row[2:]] for row in rows]

    def enqueue(self, source: int, files: list[list[Any]]) -> None:
        """Files to read, [path, size, mtime, ctime, inode] each: new ones, or known ones that changed."""
        with self._db.transaction() as execute:
            for path, size, mtime, ctime, inode in files:
                execute(
                    "INSERT INTO library_document (path, source, collection, state, kind, size, mtime, ctime, inode) "
                    "SELECT ?, id, collection, 'waiting', ?, ?, ?, ?, ? FROM library_source WHERE id = ? "
                    "ON CONFLICT (path, collection) DO UPDATE SET state = 'waiting', reason = '', tries = 0, "
                    "size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime, inode = excluded.inode",
                    _raw(path), Path(path).suffix.lower(), size, mtime, ctime, inode, source,
                )  # fmt: skip

    def moved(self, *, document: int, path: str, size: int, mtime: int, ctime: int, inode: int) -> None:
        """The same file under another name: nothing is read again."""
        with self._db.transaction() as execute:
            execute(
                "UPDATE library_document SET path = ?, size = ?, mtime = ?, ctime = ?, inode = ? WHERE id = ?",
                _raw(path), size, mtime, ctime, inode, document,
            )  # fmt: skip

    def waiting(self, limit: int) -> list[list[Any]]:
        """[id, path, tries, fingerprint, size] of what to read next: of the source put first, then small and new;
        pictures last, since recognising their text takes seconds.
        """
        rows = self._db.query(
            "SELECT d.id, d.path, d.tries, d.fingerprint, d.size FROM library_document d "
            "JOIN library_source s ON s.id = d.source WHERE d.state = 'waiting' "
            "ORDER BY s.first DESC, d.kind <> '' AND instr(?, d.kind || ' ') > 0, d.size / 262144, d.mtime DESC "
            "LIMIT ?",
            " ".join((*PICTURES, "")),
            limit,
        )
        return [[row[0], _name(row[1]), *row[2:]] for row in rows]

    def again(self, document: int, keep: bool = False) -> None:
        """Read a document anew, whatever is known of it; with `keep` only when its content is not what was read."""
        with self._db.transaction() as execute:
            execute(
                "UPDATE library_document SET state = 'waiting', reason = '', tries = 0, "
                "fingerprint = CASE WHEN ? THEN fingerprint ELSE '' END WHERE id = ?",
                keep, document,
            )  # fmt: skip

    def doubt(self) -> int:
        """Have every document that was read compared with its file by content; how many those are."""
        with self._db.transaction() as execute:
            changed = execute(
                "UPDATE library_document SET state = 'waiting', tries = 0 WHERE state IN ('words', 'indexed')"
            )
            return int(changed.rowcount)

    def unwatch(self, source: int) -> None:
        """Follow a source no longer; what was read of it stays."""
        with self._db.transaction() as execute:
            execute("UPDATE library_source SET watched = 0 WHERE id = ?", source)

    def tried(self, document: int) -> None:
        """A reading came to nothing, since the file changed meanwhile."""
        with self._db.transaction() as execute:
            execute("UPDATE library_document SET tries = tries + 1 WHERE id = ?", document)

    # What became of it.

    def finish(
        self, *, document: int, state: str, reason: str = "", title: str = "", pages: int = 0, fingerprint: str = "",
        kind: str = "",
    ) -> None:  # fmt: skip
        """A document has come to `state`; only now does it count as read. Without `kind` its name tells it."""
        chunks = self._db.query("SELECT count(*) FROM library_chunk WHERE document = ?", document)[0][0]
        with self._db.transaction() as execute:
            execute(
                "UPDATE library_document SET state = ?, reason = ?, title = ?, pages = ?, chunks = ?, fingerprint = ?, "
                "kind = coalesce(nullif(?, ''), kind) WHERE id = ?",
                State(state).value, clean(reason), clean(title), pages, chunks, fingerprint, kind, document,
            )  # fmt: skip

    def unchanged(self, document: int) -> None:
        """A file whose stamp changed but not its content: what is known of it stays."""
        with self._db.transaction() as execute:
            execute("UPDATE library_document SET state = 'words', tries = 0 WHERE id = ?", document)

    def recover(self) -> int:
        """After a start: drop vectors that belong to no chunk any more. Returns how many documents wait."""
        with self._db.transaction() as execute:
            execute("DELETE FROM library_vector WHERE hash NOT IN (SELECT hash FROM library_chunk)")
        return int(self._db.query("SELECT count(*) FROM library_document WHERE state = 'waiting'")[0][0])

    def settle(self, embedder: str) -> list[str]:
        """Documents whose last chunk has got its vector become `indexed`; returns their paths."""
        with self._db.transaction() as execute:
            rows = execute(
                "UPDATE library_document SET state = 'indexed' WHERE state = 'words' AND NOT EXISTS ("
                "SELECT 1 FROM library_chunk c WHERE c.document = library_document.id AND NOT EXISTS ("
                "SELECT 1 FROM library_vector v WHERE v.hash = c.hash AND v.embedder = ?)) RETURNING path",
                embedder,
            ).fetchall()
        return [_name(row[0]) for row in rows]

    # Looking.

    def documents(self, collection: str | None = None) -> list[dict[str, Any]]:
        rows = self._db.query(_DOCUMENT + " WHERE ?1 IS NULL OR c.name = ?1 ORDER BY d.path", collection)
        return [_document(row) for row in rows]

    def document(self, document: int) -> dict[str, Any] | None:
        """What is known of a document; None when it was forgotten."""
        rows = self._db.query(_DOCUMENT + " WHERE d.id = ?", document)
        return _document(rows[0]) if rows else None

    def listed(
        self, *, collection: str | None = None, below: str = "", states: list[str] | None = None, text: str = "",
        after: list[Any] | None = None, limit: int = 200,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Up to `limit` documents by path, behind `after` ([path, id]): in a collection, at or below a path, in one of
        `states`, with `text` in name or title.
        """
        path, number = (_raw(after[0]), after[1]) if after else (b"", 0)
        inside, wanted = _raw(below), text.casefold().split()
        asked = max(limit, _LOOKED_AT) if wanted else limit
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            rows = self._db.query(
                _DOCUMENT + " WHERE (d.path, d.id) > (?1, ?2) AND (?3 IS NULL OR c.name = ?3) "
                "AND (?4 = x'' OR d.path = ?4 OR substr(d.path, 1, length(?5)) = ?5) "
                "AND (?6 = '' OR instr(?6, d.state || ' ') > 0) AND (?7 = '' "
                "OR CAST(d.path AS TEXT) LIKE ?7 ESCAPE '!' OR d.title LIKE ?7 ESCAPE '!') "
                "ORDER BY d.path, d.id LIMIT ?8",
                path, number, collection, inside, inside.rstrip(_SEPARATOR) + _SEPARATOR,
                "".join(f"{state} " for state in states or ()), _holding(wanted), asked,
            )  # fmt: skip
            found += [_document(row) for row in rows if _is_named(row, wanted)]
            if len(rows) < asked or not wanted:
                break
            path, number = rows[-1][1], rows[-1][0]
        return found[:limit]

    def counts(self) -> dict[str, int]:
        """How many documents are in each state, and `chunks` altogether."""
        rows = self._db.query("SELECT state, count(*), sum(chunks) FROM library_document GROUP BY state")
        return {state: count for state, count, _ in rows} | {"chunks": sum(row[2] or 0 for row in rows)}

    def search(
        self, *, query: str, vector: str | None = None, embedder: str = "", k: int = 10,
        collections: list[str] | None = None, mode: str = "hybrid", kinds: list[str] | None = None,
        since: float | None = None, until: float | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """`{passages: [...], signal: {...}, mode}`, best first; `vector` is the packed embedding of `query`. While the
        chunks are not all in memory a hybrid search is by words alone, and `mode` says so; `warm` brings them there.

        Of documents of these `collections` and `kinds` (suffixes; None: all), last changed from `since` on and before
        `until`, in seconds since 1970.
        """
        question = unpack_floats(vector).tobytes() if vector else None
        within = Within(collections, kinds, since, until)
        return self._searcher.search(query, question, embedder, k=min(max(k, 1), 200), within=within, mode=mode)

    def warm(self, embedder: str) -> bool:
        """Take some thousand more chunks into memory; whether there are more."""
        return self._searcher.warm(embedder)

    def passages(self, document: int, around: int) -> list[dict[str, Any]]:
        """A whole document's chunks as passages when it has at most `around` of them, else none."""
        return self._searcher.whole(document, around)

    # Forgetting.

    def forget(self, documents: list[int], sources: list[int]) -> Generator[int, None, int]:
        """Remove documents, and all that came from `sources`, with everything derived from them, for good.

        Yields as chunks go; returns how many documents went.
        """
        gone = set(documents)
        for source in sources:
            gone.update(row[0] for row in self._db.query("SELECT id FROM library_document WHERE source = ?", source))
        for document in gone:
            self.again(document)  # cut off here, it is read again whole
            self.renew(document)
            yield from self.sweep(document)
        with self._db.forgetting() as execute:
            for document in gone:
                execute("DELETE FROM library_document WHERE id = ?", document)
            for source in sources:
                execute("DELETE FROM library_source WHERE id = ?", source)
            execute("DELETE FROM library_collection WHERE id NOT IN (SELECT collection FROM library_source)")
            execute("INSERT INTO library_words (library_words) VALUES ('optimize')")
        return len(gone)

    # Moving to another vault, and checking.

    def everything(self) -> Generator[list[dict[str, Any]], None, None]:
        yield from moving.everything(self._db)

    def take(self, items: list[dict[str, Any]]) -> dict[str, int]:
        """What `everything` gave and is not here; the pieces of one document come one after the other."""
        taken = {"places": 0, "documents": 0, "chunks": 0}
        with self._db.transaction() as execute:
            for item in items:
                if "source" in item:
                    taken["places"] += moving.take_source(execute, item["source"])
                    continue
                if item["at"] == 0:
                    self._arriving = moving.take_document(execute, item["document"])
                    taken["documents"] += self._arriving is not None
                if self._arriving is not None:
                    for chunk in item["chunks"]:
                        self._insert(execute, self._arriving, moving.chunk_of(chunk))
                    taken["chunks"] += len(item["chunks"])
                    moving.take_vectors(execute, item["vectors"])
                    if item["is_last"]:
                        moving.finish_document(execute, self._arriving, item["document"])
        return taken

    def numbers(self, named: list[list[Any]]) -> list[list[int]]:
        """[number there, number here] of each document of another vault that is here too, of its `named`."""
        found = [[int(there), moving.number_of(self._db, path, collection)] for there, path, collection in named]
        return [pair for pair in found if pair[1]]

    def named(self) -> list[list[Any]]:
        return moving.named(self._db)

    def faults(self) -> list[str]:
        """What the vault's check finds wrong here: chunks whose words cannot be found, or words of none."""
        ids = "SELECT id FROM library_words_docsize", "SELECT id FROM library_chunk"
        both = [self._db.query(f"{one} EXCEPT {other} LIMIT 1") for one, other in (ids, ids[::-1])]
        return ["library_words: not the words of the chunks"] if any(both) else []


def _left_out(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """What a source leaves out when it is added again: what was forgotten stays so; new patterns replace old ones."""
    forgotten = [one for one in before if Path(one).is_absolute()]
    patterns = list(now) or [one for one in before if not Path(one).is_absolute()]
    return [*forgotten, *(one for one in patterns if one not in forgotten)]


def _holding(wanted: Sequence[str]) -> str:
    """A LIKE pattern for the longest of the words that SQLite compares as we do: it folds the case of ASCII only."""
    word = max((one for one in wanted if one.isascii()), key=len, default="")
    return "%" + re.sub("([!%_])", r"!\1", word) + "%" if word else ""


def _is_named(row: tuple[Any, ...], wanted: Sequence[str]) -> bool:
    """Whether each word stands in the path or the title, whatever its case."""
    there = f"{_name(row[1])}\n{row[5]}".casefold() if wanted else ""
    return all(word in there for word in wanted)


def _document(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "path", "collection", "state", "reason", "title", "pages", "chunks", "bytes", "kind", "modified")
    return dict(zip(names, (row[0], _name(row[1]), *row[2:-1], row[-1] / _NANOSECONDS), strict=True))


def _raw(path: str) -> bytes:
    return os.fsencode(path)


def _name(raw: bytes) -> str:
    return os.fsdecode(raw)
