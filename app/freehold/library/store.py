"""The library's rows: sources, documents, chunks, words and vectors. Runs in the vault process.

What is written of a document comes in slices, so that no call keeps the vault from a chat for long. A document whose
slices did not all arrive is still `waiting` and is read again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from freehold.foundation.errors import UsageError
from freehold.library import moving
from freehold.library.errors import LibraryNotFound
from freehold.library.quoting import QUOTED_NEAR, standing
from freehold.library.schema import FIRST, SECOND
from freehold.library.search import Searcher, Within
from freehold.library.values import State
from freehold.library.words import spaced
from freehold.processes.frames import unpack_floats

_MERGE_PAGES = 256
_MOST_MERGES = 2000
_LOOKED_AT = 2000  # documents a query brings while a name is looked for
_SEPARATOR = os.fsencode(os.sep)
_SLICE = 200  # chunks deleted in one transaction
_NANOSECONDS = 1_000_000_000  # in a second
_NO_TEXT = re.compile("[\ud800-\udfff\x00]")
_DOCUMENT = (
    "SELECT d.id, d.path, c.name, d.state, d.reason, d.title, d.pages, d.chunks, d.size, d.kind, d.mtime "
    "FROM library_document d JOIN library_collection c ON c.id = d.collection"
)

Rows = list[tuple[Any, ...]]
_Chunk = tuple[int, int, int | None, str, str]  # place, start, page, context, text


class Database(Protocol):
    """What the library needs of the vault's database."""

    def query(self, sql: str, *values: object) -> Rows: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...
    def forgetting(self) -> AbstractContextManager[Callable[..., Any]]: ...


class LibraryStore:
    """The ops of room `library`."""

    room = "library"
    MIGRATIONS = (FIRST, SECOND)

    def __init__(self, database: Database) -> None:
        self._db = database
        self._searcher = Searcher(database)
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
            execute(
                "INSERT INTO library_source (path, collection, watched, excluded) VALUES (?, ("
                "SELECT id FROM library_collection WHERE name = ?), ?, ?) ON CONFLICT (path, collection) DO UPDATE SET "
                "watched = max(watched, excluded.watched), excluded = excluded.excluded",
                _raw(path), collection, int(watched), json.dumps(excluded or []),
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
        """[id, path, tries, fingerprint, size] of what to read next: of the source put first, then small and new."""
        rows = self._db.query(
            "SELECT d.id, d.path, d.tries, d.fingerprint, d.size FROM library_document d "
            "JOIN library_source s ON s.id = d.source WHERE d.state = 'waiting' "
            "ORDER BY s.first DESC, d.size / 262144, d.mtime DESC LIMIT ?",
            limit,
        )
        return [[row[0], _name(row[1]), *row[2:]] for row in rows]

    def again(self, document: int) -> None:
        """Read a document anew, whatever is known of it."""
        with self._db.transaction() as execute:
            execute(
                "UPDATE library_document SET state = 'waiting', reason = '', tries = 0, fingerprint = '' WHERE id = ?",
                document,
            )

    def tried(self, document: int) -> None:
        """A reading came to nothing, since the file changed meanwhile."""
        with self._db.transaction() as execute:
            execute("UPDATE library_document SET tries = tries + 1 WHERE id = ?", document)

    # What was read.

    def renew(self, document: int) -> None:
        """A document is about to be written anew: its chunks stay, and are found, until `sweep`; those that `write`
        brings again are kept as they are.
        """
        with self._db.transaction() as execute:
            execute("UPDATE library_chunk SET place = -id WHERE document = ? AND place >= 0", document)

    def write(self, document: int, place: int, start: int, chunks: list[list[Any]]) -> int:
        """Append chunks [text, page, context, tokens]; the first stands at `place` and begins at `start`.

        Returns where the next begins.
        """
        with self._db.transaction() as execute:
            for number, (raw_text, page, raw_context, _) in enumerate(chunks, place):
                text, context = _clean(raw_text), _clean(raw_context)
                if not self._keep(execute, document, (number, start, page, context, text)):
                    self._insert(execute, document, (number, start, page, context, text))
                start += len(text)
        return start

    def sweep(self, document: int) -> Generator[int, None, None]:
        """Drop the chunks that were not written again, with what was derived from them."""
        while rows := self._db.query(
            "SELECT id, text, context, hash FROM library_chunk WHERE document = ? AND place < 0 LIMIT ?",
            document, _SLICE,
        ):  # fmt: skip
            with self._db.transaction() as execute:
                self._delete(execute, rows)
            yield len(rows)

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
                State(state).value, _clean(reason), _clean(title), pages, chunks, fingerprint, kind, document,
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

    def tidy(self) -> Generator[int, None, None]:
        """Merge the word index where many changes have left it in pieces, some pages at a time."""
        for _ in range(_MOST_MERGES):
            before = self._changes()
            with self._db.transaction() as execute:
                execute("INSERT INTO library_words (library_words, rank) VALUES ('merge', ?)", _MERGE_PAGES)
            if self._changes() - before < 2:  # FTS5's own sign that there was nothing to do
                return
            yield _MERGE_PAGES

    # Vectors.

    def unembedded(self, embedder: str, after: int, limit: int) -> list[list[Any]]:
        """[chunk id, hash, text to embed] of chunks past id `after` without a vector, each text once."""
        rows = self._db.query(
            "SELECT c.id, hex(c.hash), c.context, c.text FROM library_chunk c "
            "JOIN library_document d ON d.id = c.document WHERE c.id > ? AND d.state = 'words' AND NOT EXISTS ("
            "SELECT 1 FROM library_vector v WHERE v.hash = c.hash AND v.embedder = ?) ORDER BY c.id LIMIT ?",
            after, embedder, limit,
        )  # fmt: skip
        return [[row[0], row[1], embedded_text(row[2], row[3])] for row in rows]

    def put_vectors(self, embedder: str, vectors: list[list[str]]) -> None:
        """Keep [hash, packed vector] pairs."""
        with self._db.transaction() as execute:
            for digest, vector in vectors:
                blob = unpack_floats(vector).tobytes()
                execute("INSERT OR REPLACE INTO library_vector VALUES (?, ?, ?)", bytes.fromhex(digest), embedder, blob)
                self._searcher.embedded(embedder, bytes.fromhex(digest), blob)

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

    def change_embedder(self, embedder: str) -> int:
        """Embed everything anew with `embedder`; the old vectors serve until `drop_embedders`. Returns what waits."""
        with self._db.transaction() as execute:
            return int(
                execute(
                    "UPDATE library_document SET state = 'words' WHERE state = 'indexed' AND EXISTS ("
                    "SELECT 1 FROM library_chunk c WHERE c.document = library_document.id AND NOT EXISTS ("
                    "SELECT 1 FROM library_vector v WHERE v.hash = c.hash AND v.embedder = ?))",
                    embedder,
                ).rowcount
            )

    def drop_embedders(self, embedder: str) -> None:
        """Drop the vectors of every embedder but this."""
        with self._db.transaction() as execute:
            execute("DELETE FROM library_vector WHERE embedder <> ?", embedder)

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
        inside, asked = _raw(below), max(limit, _LOOKED_AT if text else 0)
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            rows = self._db.query(
                _DOCUMENT + " WHERE (d.path, d.id) > (?1, ?2) AND (?3 IS NULL OR c.name = ?3) "
                "AND (?4 = x'' OR d.path = ?4 OR substr(d.path, 1, length(?5)) = ?5) "
                "AND (?6 = '' OR instr(?6, d.state || ' ') > 0) ORDER BY d.path, d.id LIMIT ?7",
                path, number, collection, inside, inside.rstrip(_SEPARATOR) + _SEPARATOR,
                "".join(f"{state} " for state in states or ()), asked,
            )  # fmt: skip
            found += [one for one in map(_document, rows) if _is_named(one, text)]
            if len(rows) < asked or not text:
                break
            path, number = rows[-1][1], rows[-1][0]
        return found[:limit]

    def counts(self) -> dict[str, int]:
        """How many documents are in each state, and `chunks` altogether."""
        rows = self._db.query("SELECT state, count(*), sum(chunks) FROM library_document GROUP BY state")
        return {state: count for state, count, _ in rows} | {"chunks": sum(row[2] or 0 for row in rows)}

    def text(self, path: str, collection: str | None = None) -> Generator[dict[str, Any], None, dict[str, Any]]:
        """A document's chunks as parts `{start, page, text}`; the result is `{id, title}`."""
        rows = self._db.query(
            _DOCUMENT + " WHERE d.path = ?1 AND (?2 IS NULL OR c.name = ?2) ORDER BY d.id LIMIT 1",
            _raw(path),
            collection,
        )
        if not rows:
            raise LibraryNotFound(path)
        document, after = rows[0][0], -1
        while chunks := self._db.query(
            "SELECT place, start, page, text FROM library_chunk WHERE document = ? AND place > ? "
            "ORDER BY place LIMIT 200",
            document, after,
        ):  # fmt: skip
            yield from ({"start": start, "page": page, "text": text} for _, start, page, text in chunks)
            after = chunks[-1][0]
        return {"id": document, "title": rows[0][5]}

    def search(
        self, *, query: str, vector: str | None = None, embedder: str = "", k: int = 10,
        collections: list[str] | None = None, mode: str = "hybrid", kinds: list[str] | None = None,
        since: float | None = None, until: float | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """`{passages: [...], signal: {...}}`, best first; `vector` is the packed embedding of `query`.

        Of documents of these `collections` and `kinds` (suffixes; None: all), last changed from `since` on and before
        `until`, in seconds since 1970.
        """
        question = unpack_floats(vector).tobytes() if vector else None
        within = Within(collections, kinds, since, until)
        return self._searcher.search(query, question, embedder, k=min(max(k, 1), 200), within=within, mode=mode)

    def quoted(self, spans: list[list[Any]]) -> list[dict[str, Any]]:
        """What became of each span [document, start, end, digest]; see values.Quoted."""
        return [self._quoted(*span) for span in spans]

    def passages(self, document: int, around: int) -> list[dict[str, Any]]:
        """A whole document's chunks as passages when it has at most `around` of them, else none."""
        return self._searcher.whole(document, around)

    def sample(self, many: int) -> list[dict[str, Any]]:
        """Chunks spread over the whole library, for `library check`."""
        rows = self._db.query(
            "SELECT c.document, c.start, c.text FROM library_chunk c WHERE length(c.text) > 200 "
            "AND c.id % (SELECT max(1, count(*) / ?1) FROM library_chunk) = 0 LIMIT ?1",
            many,
        )
        return [{"document": row[0], "start": row[1], "text": row[2]} for row in rows]

    # Forgetting.

    def forget(self, documents: list[int], sources: list[int]) -> Generator[int, None, int]:
        """Remove documents, and all that came from `sources`, with everything derived from them, for good.

        Yields as chunks go; returns how many documents went.
        """
        gone = set(documents)
        for source in sources:
            gone.update(row[0] for row in self._db.query("SELECT id FROM library_document WHERE source = ?", source))
        for document in gone:
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

    def _quoted(self, document: int, start: int, end: int, digest: str) -> dict[str, Any]:
        known = self.document(document)
        if known is None:
            return {"document": document, "start": start, "end": end, "state": "gone"}
        about = {"document": document, "path": known["path"], "title": known["title"]}
        parts = self._db.query(
            "SELECT start, page, text FROM library_chunk WHERE document = ? AND place >= 0 AND start < ? "
            "AND start + length(text) > ? ORDER BY place",
            document, end + QUOTED_NEAR, start - QUOTED_NEAR,
        )  # fmt: skip
        first = parts[0][0] if parts else 0
        stands = standing("".join(text for _, _, text in parts), start - first, end - start, digest)
        if stands is None:
            return about | {"start": start, "end": end, "state": "changed"}
        place, text = stands[0] + first, stands[1]
        page = [page for begins, page, _ in parts if begins <= place][-1]
        return about | {"start": place, "end": place + len(text), "state": "here", "page": page, "text": text}

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

    def faults(self) -> list[str]:
        """What the vault's check finds wrong here: chunks whose words cannot be found, or words of none."""
        ids = "SELECT id FROM library_words_docsize", "SELECT id FROM library_chunk"
        both = [self._db.query(f"{one} EXCEPT {other} LIMIT 1") for one, other in (ids, ids[::-1])]
        return ["library_words: not the words of the chunks"] if any(both) else []

    def _changes(self) -> int:
        return int(self._db.query("SELECT total_changes()")[0][0])

    def _keep(self, execute: Callable[..., Any], document: int, chunk: _Chunk) -> bool:
        """Whether a former chunk of the document is this one; only its place is new then."""
        place, start, page, context, text = chunk
        return bool(
            execute(
                "UPDATE library_chunk SET place = ?, start = ?, page = ? WHERE id = (SELECT id FROM library_chunk "
                "WHERE hash = ? AND document = ? AND place < 0 AND text = ? AND context = ? LIMIT 1)",
                place, start, page, _hash(context, text), document, text, context,
            ).rowcount
        )  # fmt: skip

    def _insert(self, execute: Callable[..., Any], document: int, chunk: _Chunk) -> None:
        place, start, page, context, text = chunk
        row = execute(
            "INSERT INTO library_chunk (document, place, start, page, context, text, hash) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            document, place, start, page, context, text, _hash(context, text),
        ).lastrowid  # fmt: skip
        execute("INSERT INTO library_words (rowid, text, context) VALUES (?, ?, ?)", row, *_worded(text, context))

    def _delete(self, execute: Callable[..., Any], rows: Sequence[tuple[Any, ...]]) -> None:
        for chunk, text, context, digest in rows:
            execute(
                "INSERT INTO library_words (library_words, rowid, text, context) VALUES ('delete', ?, ?, ?)",
                chunk, *_worded(text, context),
            )  # fmt: skip
            execute("DELETE FROM library_chunk WHERE id = ?", chunk)
            execute(
                "DELETE FROM library_vector WHERE hash = ?1 AND NOT EXISTS ("
                "SELECT 1 FROM library_chunk WHERE hash = ?1)",
                digest,
            )
        self._searcher.forget([row[0] for row in rows])


def _is_named(document: dict[str, Any], text: str) -> bool:
    """Whether each word of `text` stands in the path or the title, whatever its case. SQLite folds ASCII only."""
    there = f"{document['path']}\n{document['title']}".casefold()
    return all(word in there for word in text.casefold().split())


def embedded_text(context: str, text: str) -> str:
    """What an embedder is given of a chunk."""
    return "\n".join(part for part in (context.strip(), text.strip()) if part)


def _hash(context: str, text: str) -> bytes:
    return blake2b(embedded_text(context, text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _clean(text: str) -> str:
    """Half characters (lone surrogates), which are no Unicode text, and zeros replaced, one for one."""
    return _NO_TEXT.sub("\ufffd", text)


def _worded(text: str, context: str) -> tuple[str, str]:
    return spaced(text), spaced(context)


def _document(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("id", "path", "collection", "state", "reason", "title", "pages", "chunks", "bytes", "kind", "modified")
    return dict(zip(names, (row[0], _name(row[1]), *row[2:-1], row[-1] / _NANOSECONDS), strict=True))


def _raw(path: str) -> bytes:
    return os.fsencode(path)


def _name(raw: bytes) -> str:
    return os.fsdecode(raw)
