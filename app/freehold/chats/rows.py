"""Rows of the chats room to fields and back. Runs in the vault worker."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from freehold.foundation.errors import NotFound

Execute = Callable[..., Any]
Row = tuple[Any, ...]

_PAGE_CHARACTERS = 2_000_000  # of one frame, so that a long branch crosses the pipe in pieces

CHAT = """
SELECT c.id, c.title, c.created, c.updated, coalesce(t.depth + 1, 0), t.id, c.system_prompt, c.sampling, c.model,
       c.draft, c.deleted, c.scope, c.place
FROM chats c LEFT JOIN turns t ON t.seq = c.leaf
"""
TURN = """
SELECT t.id, t.seq, c.id, p.id, t.role, w.text, t.created, t.ending, w.provenance, w.tokens, w.error,
       (SELECT json_group_array(json_object('name', a.name, 'length', length(a.text)) ORDER BY a.place)
        FROM attachments a WHERE a.turn = t.seq)
FROM turns t JOIN words w ON w.turn = t.seq JOIN chats c ON c.seq = t.chat LEFT JOIN turns p ON p.seq = t.parent
"""
_CHAT_NAMES = (
    "id", "title", "created", "updated", "turns", "leaf", "system_prompt", "sampling", "model", "draft", "deleted",
    "scope", "where",
)  # fmt: skip
_TURN_NAMES = (
    "id", "seq", "chat", "parent", "role", "text", "created", "ending", "provenance", "tokens", "error", "attachments",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """What a turn says, and what is known of how it came about; `tokens` are packed ids."""

    text: str
    provenance: dict[str, Any] | None = None
    tokens: str = ""
    error: dict[str, str] | None = None

    def columns(self) -> tuple[str, str | None, bytes | None, str | None]:
        tokens = base64.b64decode(self.tokens) if self.tokens else None
        return self.text, _json(self.provenance), tokens, _json(self.error)


def chat_fields(row: Row) -> dict[str, Any]:
    fields = dict(zip(_CHAT_NAMES, row, strict=True))
    scope = json.loads(fields["scope"]) if fields["scope"] else None
    return fields | {"sampling": json.loads(fields["sampling"]), "scope": scope}


def turn_fields(row: Row) -> dict[str, Any]:
    fields = dict(zip(_TURN_NAMES, row, strict=True))
    del fields["seq"]
    for name in ("provenance", "error"):
        fields[name] = json.loads(fields[name]) if fields[name] else None
    fields["tokens"] = base64.b64encode(fields["tokens"]).decode("ascii") if fields["tokens"] else ""
    fields["attachments"] = json.loads(fields["attachments"])
    return fields


def one(rows: list[Row], what: str) -> Row:
    """The only row. Raises NotFound."""
    if not rows:
        raise NotFound(what)
    return rows[0]


def pages(turns: Iterable[dict[str, Any]]) -> Generator[list[dict[str, Any]], None, None]:
    """Turns in lists that fit a frame."""
    page: list[dict[str, Any]] = []
    size = 0
    for turn in turns:
        page.append(turn)
        size += len(turn["text"]) + len(turn["tokens"])
        if size > _PAGE_CHARACTERS:
            yield page
            page, size = [], 0
    if page:
        yield page


def path_to(leaf: int | None, parents: Mapping[int, int | None]) -> list[int]:
    """The rows from the root down to `leaf`; none for no leaf."""
    path = []
    while leaf is not None:
        path.append(leaf)
        leaf = parents[leaf]
    return path[::-1]


def insert_turn(
    execute: Execute, *, chat: int, id: str, parent: str | None, role: str, words: Words, created: float,
    ending: str | None = None,
) -> int:  # fmt: skip
    """Put a turn under its parent, which must be of the same chat (else NotFound); its row."""
    parent_row, depth = None, 0
    if parent is not None:
        found = execute("SELECT seq, depth FROM turns WHERE id = ? AND chat = ?", parent, chat).fetchone()
        parent_row, above = one([found] if found else [], "turn to answer")
        depth = above + 1
    seq = execute(
        "INSERT INTO turns (id, chat, parent, depth, role, length, created, ending) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        id, chat, parent_row, depth, role, len(words.text), created, ending,
    ).lastrowid  # fmt: skip
    execute("INSERT INTO words (turn, text, provenance, tokens, error) VALUES (?, ?, ?, ?, ?)", seq, *words.columns())
    return int(seq)


def attach(execute: Execute, turn: int, attachments: Sequence[dict[str, Any]]) -> None:
    """Keep the text of files beside the question they came with."""
    for place, one in enumerate(attachments):
        execute(
            "INSERT INTO attachments (turn, place, name, text, pieces) VALUES (?, ?, ?, ?, ?)",
            turn, place, one["name"], one.get("text", ""), json.dumps(one.get("pieces", [])),
        )  # fmt: skip


def note_provenance(execute: Execute, row: int, provenance: dict[str, Any]) -> None:
    execute("UPDATE words SET provenance = ? WHERE turn = ?", _json(provenance), row)


def seal_turn(execute: Execute, row: int, ending: str, words: Words) -> None:
    """Write an answer's last words and close it; only then can it be found."""
    execute("UPDATE words SET text = ?, provenance = ?, tokens = ?, error = ? WHERE turn = ?", *words.columns(), row)
    make_findable(execute, row, words.text)
    execute("UPDATE turns SET ending = ?, length = ? WHERE seq = ?", ending, len(words.text), row)


def make_findable(execute: Execute, row: int, text: str) -> None:
    execute("INSERT INTO found_words (rowid, text) VALUES (?, ?)", row, text)


def erase_chat(execute: Execute, chat: int) -> None:
    """Every row and index entry of a chat, inside a forgetting transaction."""
    execute("UPDATE chats SET leaf = NULL WHERE seq = ?", chat)
    execute(
        "INSERT INTO found_words (found_words, rowid, text) SELECT 'delete', t.seq, w.text FROM turns t"
        " JOIN words w ON w.turn = t.seq WHERE t.chat = ? AND (t.role = 'user' OR t.ending IS NOT NULL)",
        chat,
    )
    execute("DELETE FROM attachments WHERE turn IN (SELECT seq FROM turns WHERE chat = ?)", chat)
    execute("DELETE FROM words WHERE turn IN (SELECT seq FROM turns WHERE chat = ?)", chat)
    execute("DELETE FROM turns WHERE chat = ?", chat)
    execute("DELETE FROM chats WHERE seq = ?", chat)


@contextmanager
def quick_forgetting(execute: Execute, chats: Sequence[int]) -> Iterator[None]:
    """Erase a large share of all turns by writing the index anew instead of cutting each word out of it (20 times)."""
    total = execute("SELECT count(*) FROM turns").fetchone()[0]
    share = sum(execute("SELECT count(*) FROM turns WHERE chat = ?", chat).fetchone()[0] for chat in chats)
    if share * 10 < total:
        yield
        return
    # Not 'optimize': it leaves a single segment as it is, and with it the words that were marked as deleted in it.
    execute("INSERT INTO found_words (found_words, rank) VALUES ('secure-delete', 0)")
    yield
    execute("INSERT INTO found_words (found_words) VALUES ('delete-all')")
    execute("INSERT INTO found_words (found_words, rank) VALUES ('secure-delete', 1)")
    execute(
        "INSERT INTO found_words (rowid, text) SELECT t.seq, w.text FROM turns t JOIN words w ON w.turn = t.seq"
        " WHERE t.role = 'user' OR t.ending IS NOT NULL"
    )


def next_touch(execute: Execute) -> int:
    """Order by a counter: clocks jump."""
    return int(execute("SELECT coalesce(max(touched), 0) + 1 FROM chats").fetchone()[0])


def _json(fields: dict[str, Any] | None) -> str | None:
    return json.dumps(fields, ensure_ascii=False) if fields else None
