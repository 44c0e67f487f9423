"""What was read of documents: their chunks, with words and vectors. Runs in the vault process.

What is written of a document comes in slices, so that no call keeps the vault from a chat for long. A document whose
slices did not all arrive is still `waiting` and is read again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, Protocol

from freehold.library.errors import LibraryNotFound
from freehold.library.quoting import QUOTED_NEAR, standing
from freehold.library.values import digest_of
from freehold.library.words import spaced
from freehold.processes.frames import unpack_floats

_MERGE_PAGES = 256
_MOST_MERGES = 2000
_SHORTEST_ASKED = 40  # characters: of less no question can be made
_SLICE = 200  # chunks deleted in one transaction
_NO_TEXT = re.compile("[\ud800-\udfff\x00]")

_Chunk = tuple[int, int, int | None, str, str]  # place, start, page, context, text


class Database(Protocol):
    """What the library needs of the vault's database."""

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...
    def forgetting(self) -> AbstractContextManager[Callable[..., Any]]: ...


class Memory(Protocol):
    """What is held in memory beside the rows, and is told of changes."""

    def forget(self, chunks: Sequence[int]) -> None: ...
    def embedded(self, embedder: str, digest: bytes, vector: bytes) -> None: ...


class ChunkRows:
    """The ops on chunks."""

    def __init__(self, database: Database, memory: Memory) -> None:
        self._db, self._memory = database, memory

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
                text, context = clean(raw_text), clean(raw_context)
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

    def unembedded(self, embedder: str, after: int, limit: int, anew: bool = False) -> list[list[Any]]:
        """[chunk id, hash, text to embed] of chunks past id `after` without a vector, each text once.

        With `anew` also those of documents that have their vectors from another embedder.
        """
        rows = self._db.query(
            "SELECT c.id, hex(c.hash), c.context, c.text FROM library_chunk c "
            "JOIN library_document d ON d.id = c.document WHERE c.id > ?1 "
            "AND (d.state = 'words' OR (?4 AND d.state = 'indexed')) AND NOT EXISTS ("
            "SELECT 1 FROM library_vector v WHERE v.hash = c.hash AND v.embedder = ?2) ORDER BY c.id LIMIT ?3",
            after, embedder, limit, anew,
        )  # fmt: skip
        return [[row[0], row[1], embedded_text(row[2], row[3])] for row in rows]

    def put_vectors(self, embedder: str, vectors: list[list[str]]) -> None:
        """Keep [hash, packed vector] pairs."""
        with self._db.transaction() as execute:
            for digest, vector in vectors:
                blob = unpack_floats(vector).tobytes()
                execute(
                    "INSERT OR REPLACE INTO library_vector (hash, embedder, vector) VALUES (?, ?, ?)",
                    bytes.fromhex(digest), embedder, blob,
                )  # fmt: skip
                self._memory.embedded(embedder, bytes.fromhex(digest), blob)

    def embed_anew(self, embedder: str, serving: str) -> None:
        """Let `embedder` take the place of `serving` once `switch_embedder` finds all of its vectors; "" takes a
        change under way back.
        """
        with self._db.transaction() as execute:
            for name, value in (("embedder", serving), ("embedder coming", embedder)):
                execute("INSERT OR REPLACE INTO library_state VALUES (?, ?)", name, value)

    def embedded_so_far(self, embedder: str) -> list[int]:
        """How many chunks that can have a vector have one of this embedder, and how many there are."""
        rows = self._db.query(
            "SELECT count(v.hash), count(*) FROM library_chunk c JOIN library_document d ON d.id = c.document "
            "LEFT JOIN library_vector v ON v.hash = c.hash AND v.embedder = ? WHERE d.state IN ('words', 'indexed')",
            embedder,
        )
        return [int(number) for number in rows[0]]

    def switch_embedder(self, embedder: str) -> bool:
        """Let `embedder` serve from now on; False, and nothing, while a text lacks its vector."""
        with self._db.transaction() as execute:
            done, total = self.embedded_so_far(embedder)
            if done < total:
                return False
            execute("INSERT OR REPLACE INTO library_state VALUES ('embedder', ?)", embedder)
            execute("DELETE FROM library_state WHERE name = 'embedder coming'")
        return True

    def drop_embedders(self) -> Generator[int, None, None]:
        """Drop the vectors of every embedder but the serving and the coming one, where those were ever named."""
        while rows := self._db.query(
            "SELECT hash, embedder FROM library_vector WHERE embedder NOT IN ("
            "SELECT value FROM library_state WHERE name IN ('embedder', 'embedder coming')) "
            "AND EXISTS (SELECT 1 FROM library_state WHERE name = 'embedder') LIMIT ?",
            _SLICE,
        ):
            with self._db.transaction() as execute:
                for row in rows:
                    execute("DELETE FROM library_vector WHERE hash = ? AND embedder = ?", *row)
            yield len(rows)

    # Reading back.

    def text(self, path: str, collection: str | None = None) -> Generator[dict[str, Any], None, dict[str, Any]]:
        """A document's chunks as parts `{start, page, text}`; the result is `{id, title}`."""
        rows = self._db.query(
            "SELECT d.id, d.title FROM library_document d JOIN library_collection c ON c.id = d.collection "
            "WHERE d.path = ?1 AND (?2 IS NULL OR c.name = ?2) ORDER BY d.id LIMIT 1",
            os.fsencode(path), collection,
        )  # fmt: skip
        if not rows:
            raise LibraryNotFound(path)
        (document, title), after = rows[0], -1
        while chunks := self._db.query(
            "SELECT place, start, page, text FROM library_chunk WHERE document = ? AND place > ? "
            "ORDER BY place LIMIT 200",
            document, after,
        ):  # fmt: skip
            yield from ({"start": start, "page": page, "text": text} for _, start, page, text in chunks)
            after = chunks[-1][0]
        return {"id": document, "title": title}

    def quoted(self, spans: list[list[Any]]) -> list[dict[str, Any]]:
        """What became of each span [document, start, end, digest]; see values.Quoted."""
        return [self._quoted(*span) for span in spans]

    def stands(self, spans: list[list[Any]]) -> list[bool]:
        """Whether each span [document, start, end, digest] stands in the document at that very place."""
        return [self._stands(*span) for span in spans]

    def sample(self, many: int) -> list[dict[str, Any]]:
        """Chunks of some length from all over the library, the same ones each time, for `library check`."""
        rows = self._db.query(
            "SELECT document, start, text FROM library_chunk WHERE length(trim(text)) >= ?1 "
            "ORDER BY id * 2654435761 % 4294967296 LIMIT ?2",
            _SHORTEST_ASKED, many,
        )  # fmt: skip
        return [{"document": row[0], "start": row[1], "text": row[2]} for row in rows]

    def _quoted(self, document: int, start: int, end: int, digest: str) -> dict[str, Any]:
        known = self._db.query("SELECT path, title FROM library_document WHERE id = ?", document)
        if not known:
            return {"document": document, "start": start, "end": end, "state": "gone"}
        about = {"document": document, "path": os.fsdecode(known[0][0]), "title": known[0][1]}
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

    def _stands(self, document: int, start: int, end: int, digest: str) -> bool:
        parts = self._db.query(
            "SELECT start, text FROM library_chunk WHERE document = ? AND place >= 0 AND start < ? "
            "AND start + length(text) > ? ORDER BY place",
            document, end, start,
        )  # fmt: skip
        first = parts[0][0] if parts else 0
        return digest_of("".join(text for _, text in parts)[max(start - first, 0) : end - first]) == digest

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
        self._memory.forget([row[0] for row in rows])


def embedded_text(context: str, text: str) -> str:
    """What an embedder is given of a chunk."""
    return "\n".join(part for part in (context.strip(), text.strip()) if part)


def _hash(context: str, text: str) -> bytes:
    return blake2b(embedded_text(context, text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def clean(text: str) -> str:
    """Half characters (lone surrogates), which are no Unicode text, and zeros replaced, one for one."""
    return _NO_TEXT.sub("\ufffd", text)


def _worded(text: str, context: str) -> tuple[str, str]:
    return spaced(text), spaced(context)
