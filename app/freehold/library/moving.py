"""The library's rows on their way to another vault: by document, a long one in several pieces. Runs in the vault.

A document is the same when path and collection are. One that is here stays as it is: the folder it came from decides
what it holds. One that came in part (a kill between two pieces) is `waiting`, and so read again from its file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator, Sequence
from typing import Any, Protocol

from freehold.library.values import State

_AT_ONCE = 400  # chunks of a piece: about 2 MB with their vectors
_SOURCE = ("path", "collection", "watched", "first", "excluded")
_DOCUMENT = (
    "id", "path", "collection", "source", "state", "reason", "title", "kind", "pages", "tries", "size", "mtime",
    "ctime", "inode", "fingerprint",
)  # fmt: skip
_CHUNK = ("place", "start", "page", "context", "text")

Item = dict[str, Any]
Execute = Callable[..., Any]


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...


def everything(database: Database) -> Generator[list[Item], None, None]:
    """`{source: {...}}` for each place, then `{document: {...}, chunks, vectors, at, is_last}` for each document."""
    sources = database.query(
        "SELECT s.path, c.name, s.watched, s.first, s.excluded FROM library_source s "
        "JOIN library_collection c ON c.id = s.collection ORDER BY s.id"
    )
    yield [{"source": dict(zip(_SOURCE, (row[0].hex(), *row[1:]), strict=True))} for row in sources]
    documents = database.query(
        "SELECT d.id, d.path, c.name, s.path, d.state, d.reason, d.title, d.kind, d.pages, d.tries, d.size, d.mtime, "
        "d.ctime, d.inode, d.fingerprint FROM library_document d JOIN library_collection c ON c.id = d.collection "
        "JOIN library_source s ON s.id = d.source ORDER BY d.id"
    )
    for id, path, collection, source, *rest in documents:
        fields = dict(zip(_DOCUMENT, (id, path.hex(), collection, source.hex(), *rest), strict=True))
        yield from ([piece] for piece in _pieces(database, id, fields))


def _pieces(database: Database, document: int, fields: Item) -> Generator[Item, None, None]:
    at = -1
    while True:
        rows = database.query(
            "SELECT place, start, page, context, text, hash FROM library_chunk WHERE document = ? AND place > ? "
            "ORDER BY place LIMIT ?",
            document, at, _AT_ONCE,
        )  # fmt: skip
        yield {
            "document": fields,
            "at": at + 1,
            "chunks": [dict(zip(_CHUNK, row[:5], strict=True)) for row in rows],
            "vectors": _vectors(database, [row[5] for row in rows]),
            "is_last": len(rows) < _AT_ONCE,
        }
        if len(rows) < _AT_ONCE:
            return
        at = rows[-1][0]


def _vectors(database: Database, hashes: Sequence[bytes]) -> list[Item]:
    wanted = [*dict.fromkeys(hashes)]
    rows = database.query(
        f"SELECT hash, embedder, vector FROM library_vector WHERE hash IN ({','.join('?' * len(wanted))})",  # noqa: S608 - question marks
        *wanted,
    )
    return [
        {"hash": digest.hex(), "embedder": embedder, "vector": base64.b64encode(vector).decode("ascii")}
        for digest, embedder, vector in rows
    ]


def take_source(execute: Execute, source: Item) -> int:
    """1 when it is new here."""
    collection = str(source["collection"])
    execute("INSERT OR IGNORE INTO library_collection (name) VALUES (?)", collection)
    return int(
        execute(
            "INSERT OR IGNORE INTO library_source (path, collection, watched, first, excluded) VALUES (?, ("
            "SELECT id FROM library_collection WHERE name = ?), ?, 0, ?)",
            bytes.fromhex(source["path"]), collection, int(bool(source["watched"])),
            json.dumps([str(pattern) for pattern in json.loads(source["excluded"])]),
        ).rowcount
    )  # fmt: skip


def take_document(execute: Execute, document: Item) -> int | None:
    """The row of a document that is new here, waiting for its chunks; None for one that is here.

    It gets a number of its own: one that was another document's here, now forgotten, may still stand in citations.
    """
    row = execute(
        "INSERT OR IGNORE INTO library_document (path, collection, source, state, reason, title, kind, pages, "
        "tries, size, mtime, ctime, inode) SELECT ?1, c.id, s.id, 'waiting', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 "
        "FROM library_source s JOIN library_collection c ON c.id = s.collection WHERE s.path = ?11 AND c.name = ?12",
        bytes.fromhex(document["path"]),
        *(str(document[name]) for name in ("reason", "title", "kind")),
        *(int(document[name]) for name in ("pages", "tries", "size", "mtime", "ctime", "inode")),
        bytes.fromhex(document["source"]), str(document["collection"]),
    )  # fmt: skip
    return int(row.lastrowid) if row.rowcount else None


def named(database: Database) -> list[list[Any]]:
    """Each document's number with what it is known by in any vault, [number, path in hex, collection]."""
    rows = database.query(
        "SELECT d.id, d.path, c.name FROM library_document d JOIN library_collection c ON c.id = d.collection"
    )
    return [[id, path.hex(), collection] for id, path, collection in rows]


def number_of(database: Database, path: str, collection: str) -> int:
    """The number here of the document of this path (in hex) and collection; 0 when it is not here."""
    rows = database.query(
        "SELECT d.id FROM library_document d JOIN library_collection c ON c.id = d.collection "
        "WHERE d.path = ? AND c.name = ?",
        bytes.fromhex(path), collection,
    )  # fmt: skip
    return int(rows[0][0]) if rows else 0


def finish_document(execute: Execute, row: int, document: Item) -> None:
    """All its chunks are here. `words` where it was `indexed`: whether its vectors serve, the next settling says."""
    execute(
        "UPDATE library_document SET state = replace(?, 'indexed', 'words'), fingerprint = ?, "
        "chunks = (SELECT count(*) FROM library_chunk WHERE document = ?) WHERE id = ?",
        State(document["state"]).value, str(document["fingerprint"]), row, row,
    )  # fmt: skip


def take_vectors(execute: Execute, vectors: Sequence[Item]) -> None:
    """Those that belong to a chunk here."""
    for one in vectors:
        execute(
            "INSERT OR IGNORE INTO library_vector (hash, embedder, vector) SELECT ?1, ?2, ?3 WHERE EXISTS ("
            "SELECT 1 FROM library_chunk WHERE hash = ?1)",
            bytes.fromhex(one["hash"]), str(one["embedder"]), base64.b64decode(one["vector"], validate=True),
        )  # fmt: skip


def chunk_of(fields: Item) -> tuple[int, int, int | None, str, str]:
    page = fields["page"]
    numbers = int(fields["place"]), int(fields["start"]), None if page is None else int(page)
    return *numbers, str(fields["context"]), str(fields["text"])
