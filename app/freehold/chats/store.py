"""Chats as rows: every question one committed transaction, nothing ever overwritten. Runs in the vault worker."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from freehold.chats import moving, schema
from freehold.chats.phrases import phrases
from freehold.chats.rows import (
    CHAT,
    TURN,
    Execute,
    Words,
    attach,
    chat_fields,
    erase_chat,
    insert_turn,
    make_findable,
    next_touch,
    note_provenance,
    one,
    pages,
    path_to,
    quick_forgetting,
    seal_turn,
    turn_fields,
)
from freehold.chats.values import title_from
from freehold.foundation.errors import NotFound, UsageError

_CHANGES = {
    "system_prompt": "UPDATE chats SET system_prompt = ? WHERE seq = ?",
    "sampling": "UPDATE chats SET sampling = ? WHERE seq = ?",
    "model": "UPDATE chats SET model = ? WHERE seq = ?",
    "scope": "UPDATE chats SET scope = ? WHERE seq = ?",
    "where": "UPDATE chats SET place = ? WHERE seq = ?",
}
_AS_JSON = ("sampling", "scope")

_AT_ONCE = 200

Turns = Generator[list[dict[str, Any]], None, None]


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Execute]: ...
    def forgetting(self) -> AbstractContextManager[Execute]:
        """A transaction whose deletions leave no trace in any file."""
        ...

    def is_whole(self, index: str, *, as_its_content: bool = False) -> bool:
        """Whether a full-text index holds together, or holds exactly the words of its table."""
        ...


class ChatStore:
    """Ops take and give the fields of chats/values.py (`to_wire`); ids and times come from the app."""

    room = "chats"
    MIGRATIONS = schema.MIGRATIONS

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(self, id: str, title: str, at: float) -> dict[str, Any]:
        with self._db.transaction() as execute:
            execute(
                "INSERT INTO chats (id, title, created, updated, touched) VALUES (?, ?, ?, ?, ?)",
                id, title, at, at, next_touch(execute),
            )  # fmt: skip
        return self.get(id)

    def every(self, trash: bool) -> list[dict[str, Any]]:
        """All chats, or all in the trash; the last touched first."""
        wanted = "IS NOT NULL" if trash else "IS NULL"
        return [chat_fields(row) for row in self._db.query(f"{CHAT} WHERE c.deleted {wanted} ORDER BY c.touched DESC")]

    def get(self, id: str) -> dict[str, Any]:
        return chat_fields(one(self._db.query(f"{CHAT} WHERE c.id = ?", id), "chat"))

    def find(self, part: str) -> dict[str, Any]:
        """The one chat whose id begins with `part`, or else ends with it: ids made together begin alike."""
        rows: list[tuple[Any, ...]] = []
        for pattern in (part, f"{part}*", f"*{part}") if part.isalnum() else ():
            rows = self._db.query(f"{CHAT} WHERE c.id GLOB ? LIMIT 2", pattern.lower())
            if len(rows) == 1:
                return chat_fields(rows[0])
        raise NotFound(f"{'more than one chat' if rows else 'no chat'} has an id like {part}")

    def rename(self, id: str, title: str) -> None:
        self._set(id, "UPDATE chats SET title = ? WHERE seq = ?", title)

    def change(self, id: str, fields: dict[str, Any]) -> dict[str, Any]:
        """`fields` are any of system_prompt, sampling, model, scope and where."""
        for name, value in fields.items():
            if name not in _CHANGES:
                raise UsageError(f"a chat has no {name[:40]}")
            is_json = name in _AS_JSON and value is not None
            self._set(id, _CHANGES[name], json.dumps(value) if is_json else value)
        return self.get(id)

    def save_draft(self, id: str, text: str) -> None:
        self._set(id, "UPDATE chats SET draft = ? WHERE seq = ?", text)

    def trash(self, id: str, at: float) -> None:
        self._set(id, "UPDATE chats SET deleted = coalesce(deleted, ?) WHERE seq = ?", at)

    def restore(self, id: str) -> None:
        self._set(id, "UPDATE chats SET deleted = NULL WHERE seq = ?")

    def erase(self, id: str) -> None:
        """For good: nothing of the chat is left in any file of the vault when this returns."""
        self._erase([self._chat_row(id)[0]])

    def empty_trash(self, before: float) -> int:
        """Erase what was put in the trash at `before` or earlier; how many chats that was."""
        old = [row[0] for row in self._db.query("SELECT seq FROM chats WHERE deleted <= ?", before)]
        if old:
            self._erase(old)
        return len(old)

    def outline(self, id: str) -> dict[str, Any]:
        """The branch in view, root first, as columns: ids, roles, lengths, places and numbers of alternatives."""
        chat, leaf = self._chat_row(id)
        places: dict[int, int] = {}
        counts: dict[int | None, int] = {}
        tree = {row[0]: row for row in self._db.query(schema.TREE, chat)}
        for seq, parent, *_ in tree.values():  # older before younger
            places[seq] = counts.get(parent, 0)
            counts[parent] = places[seq] + 1
        branch = [tree[seq] for seq in path_to(leaf, {seq: row[1] for seq, row in tree.items()})]
        return {
            "ids": [row[2] for row in branch],
            "roles": "".join(row[3][0] for row in branch),
            "lengths": [row[4] for row in branch],
            "places": [places[row[0]] for row in branch],
            "siblings": [counts[row[1]] for row in branch],
        }

    def turns(self, ids: list[str]) -> Turns:
        """In the order asked for. Raises NotFound when one of them is not there."""
        yield from pages(self._by("t.id", ids))

    def branch(self, id: str) -> Turns:
        """The whole branch in view, root first."""
        chat, leaf = self._chat_row(id)
        parents = dict(self._db.query("SELECT seq, parent FROM turns WHERE chat = ?", chat))
        yield from pages(self._by("t.seq", path_to(leaf, parents)))

    def back(self, turn: str, characters: int) -> dict[str, Any]:
        """The turns that lead to `turn`, itself last, until their words are `characters` long; and how many turns
        come `before` those.
        """
        rows = self._db.query(schema.CLIMB, self._turn_row(turn)[0], characters)
        return {"before": rows[0][1], "turns": list(self._by("t.seq", [seq for seq, _ in rows]))}

    def tree(self, id: str) -> Turns:
        """Every turn of a chat, parents before children."""
        rows = self._db.query("SELECT seq FROM turns WHERE chat = ? ORDER BY seq", self._chat_row(id)[0])
        yield from pages(self._by("t.seq", [row for (row,) in rows]))

    def attached(self, turn: str) -> Generator[dict[str, Any], None, None]:
        """What was read from each file that came with a question."""
        row, _, _ = self._turn_row(turn)
        for (place,) in self._db.query("SELECT place FROM attachments WHERE turn = ? ORDER BY place", row):
            name, text, pieces = self._db.query(
                "SELECT name, text, pieces FROM attachments WHERE turn = ? AND place = ?", row, place
            )[0]
            yield {"name": name, "length": len(text), "text": text, "pieces": json.loads(pieces)}

    def siblings(self, turn: str) -> list[str]:
        """All alternatives at this turn's place, itself included, oldest first."""
        _, chat, parent = self._turn_row(turn)
        rows = self._db.query("SELECT id FROM turns WHERE chat = ? AND parent IS ? ORDER BY seq", chat, parent)
        return [row[0] for row in rows]

    def show(self, turn: str) -> str:
        """Bring the branch through `turn` into view, down to the newest turn below it; that leaf's id."""
        row, chat, _ = self._turn_row(turn)
        leaf, id = one(self._db.query(schema.YOUNGEST_BELOW, row), "turn")
        with self._db.transaction() as execute:
            execute("UPDATE chats SET leaf = ? WHERE seq = ?", leaf, chat)
        return str(id)

    def ask(
        self, *, id: str, chat: str, parent: str | None, text: str, at: float,
        attachments: list[dict[str, Any]] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """A question with its files, with the view moved to it and the draft it was spent, in one transaction."""
        row, _ = self._chat_row(chat)
        with self._db.transaction() as execute:
            seq = insert_turn(execute, chat=row, id=id, parent=parent, role="user", words=Words(text), created=at)
            attach(execute, seq, attachments or [])
            make_findable(execute, seq, text)
            _bring_into_view(execute, row, seq, at)
            execute("UPDATE chats SET title = ? WHERE seq = ? AND title = ''", title_from(text), row)
            execute("UPDATE chats SET draft = '' WHERE seq = ? AND trim(draft) = trim(?)", row, text)
        return self._turn(seq)

    def begin_answer(self, id: str, chat: str, parent: str, at: float) -> dict[str, Any]:
        row, _ = self._chat_row(chat)
        with self._db.transaction() as execute:
            seq = insert_turn(execute, chat=row, id=id, parent=parent, role="assistant", words=Words(""), created=at)
            _bring_into_view(execute, row, seq, at)
        return self._turn(seq)

    def extend(self, turn: str, text: str) -> None:
        """Append to an answer that is being written."""
        row = self._unsealed(turn)
        with self._db.transaction() as execute:
            execute("UPDATE words SET text = text || ? WHERE turn = ?", text, row)
            execute("UPDATE turns SET length = length + ? WHERE seq = ?", len(text), row)

    def note(self, turn: str, provenance: dict[str, Any]) -> None:
        """Keep beforehand how an answer is being made: should it be cut off, that is known of it."""
        row = self._unsealed(turn)
        with self._db.transaction() as execute:
            note_provenance(execute, row, provenance)

    def seal(
        self, *, turn: str, ending: str, at: float, provenance: dict[str, Any] | None = None, tokens: str = "",
        error: dict[str, str] | None = None, text: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """End an answer: from here on it never changes. `tokens` are packed ids; `text` replaces what was written,
        `provenance` what was noted.
        """
        row = self._unsealed(turn)
        kept = self._turn(row)
        words = Words(kept["text"] if text is None else text, provenance or kept["provenance"], tokens, error)
        with self._db.transaction() as execute:
            seal_turn(execute, row, ending, words)
            execute(
                "UPDATE chats SET updated = ?, touched = ? WHERE seq = (SELECT chat FROM turns WHERE seq = ?)",
                at, next_touch(execute), row,
            )  # fmt: skip
        return self._turn(row)

    def recover(self) -> list[str]:
        """Seal answers that a crash left without an ending as broken; their ids."""
        rows = self._db.query("SELECT seq, id FROM turns WHERE role = 'assistant' AND ending IS NULL ORDER BY seq")
        for seq, _ in rows:
            kept = self._turn(seq)
            with self._db.transaction() as execute:
                seal_turn(execute, seq, "broken", Words(kept["text"], kept["provenance"]))
        return [id for _, id in rows]

    def search(self, text: str, limit: int) -> list[dict[str, Any]]:
        """Titles first, then turns, best first. Chats in the trash are not found."""
        wanted = phrases(text)
        if not wanted:
            return []
        titles = self._db.query(schema.FOUND_TITLES, wanted, limit)
        titled = {row[2] for row in titles}  # a title is often the first words of the first question
        turns = [
            (*row[1:], self._db.query(schema.EXCERPT, wanted, row[0])[0][0])
            for row in self._db.query(schema.FOUND_WORDS, wanted, limit)
            if row[3] not in titled
        ]
        names = ("chat", "title", "turn", "role", "text")
        return [dict(zip(names, row, strict=True)) | {"turn": row[2] or ""} for row in [*titles, *turns][:limit]]

    def adopt(self, chat: dict[str, Any], turns: list[dict[str, Any]]) -> int:
        """Take over a chat from an export, whole or not at all; what was new: its turns, or 1 for an empty chat.

        Parents stand before children. What is here already, by id, stays as it is: adopting twice adds nothing.
        """
        with self._db.transaction() as execute:
            was_here, new = moving.adopt(execute, chat, turns)
        return new if was_here else max(new, 1)

    def everything(self) -> Turns:
        """All chats for another vault, those in the trash too, the last touched last: `{chat, turns}`, a long one in
        several pieces.
        """
        for (id,) in self._db.query("SELECT id FROM chats ORDER BY touched"):
            chat, is_empty = self.get(id), True
            for turns in self.tree(id):
                is_empty = False
                yield [{"chat": chat, "turns": [self._with_files(turn) for turn in turns]}]
            if is_empty:
                yield [{"chat": chat, "turns": []}]

    def take(self, items: list[dict[str, Any]]) -> dict[str, int]:
        """What `everything` gave, as far as it is not here: chats by id, and in chats that are here their new turns.

        What is here stays as it is. A chat one of whose turns stands in another chat here is left out.
        """
        taken = {"chats": 0, "turns": 0, "left_out": 0}
        for item in items:
            try:
                with self._db.transaction() as execute:
                    was_here, new = moving.adopt(execute, item["chat"], item["turns"])
            except UsageError:
                taken["left_out"] += 1
                continue
            taken["chats"] += not was_here
            taken["turns"] += new
        return taken

    def renumbered(self, items: list[dict[str, Any]], numbers: dict[int, int]) -> list[dict[str, Any]]:
        """What `everything` gave, citing documents by the `numbers` they have here: 0 for one that is not here."""
        return moving.renumbered(items, numbers)

    def faults(self) -> list[str]:
        """What the vault's check finds wrong here: words that are in the index and not in the turns, or the reverse."""
        found = [] if self._db.is_whole("found_titles", as_its_content=True) else ["found_titles: not the titles"]
        # An answer that is being written has words and is not found yet: then only the rows are compared.
        if self._db.query("SELECT 1 FROM turns WHERE role = 'assistant' AND ending IS NULL LIMIT 1"):
            is_whole = not self._db.query(schema.UNFINDABLE)
        else:
            is_whole = self._db.is_whole("found_words", as_its_content=True)
        return found if is_whole else [*found, "found_words: not the words of the turns"]

    def _with_files(self, turn: dict[str, Any]) -> dict[str, Any]:
        return turn | {"attachments": list(self.attached(turn["id"]))} if turn["attachments"] else turn

    def _erase(self, chats: list[int]) -> None:
        with self._db.forgetting() as execute, quick_forgetting(execute, chats):
            for chat in chats:
                erase_chat(execute, chat)

    def _set(self, id: str, change: str, *values: object) -> None:
        row, _ = self._chat_row(id)
        with self._db.transaction() as execute:
            execute(change, *values, row)

    def _chat_row(self, id: str) -> tuple[int, int | None]:
        """Row and leaf of a chat. Raises NotFound."""
        row, leaf = one(self._db.query("SELECT seq, leaf FROM chats WHERE id = ?", id), "chat")
        return row, leaf

    def _turn_row(self, id: str) -> tuple[int, int, int | None]:
        """Row, chat and parent of a turn. Raises NotFound."""
        row, chat, parent = one(self._db.query("SELECT seq, chat, parent FROM turns WHERE id = ?", id), "turn")
        return row, chat, parent

    def _unsealed(self, id: str) -> int:
        """Raises UsageError for a question and for an answer that has its ending."""
        row, role, ending = one(self._db.query("SELECT seq, role, ending FROM turns WHERE id = ?", id), "turn")
        if role != "assistant" or ending is not None:
            raise UsageError("this turn is finished and cannot change")
        return int(row)

    def _turn(self, row: int) -> dict[str, Any]:
        return next(self._by("t.seq", [row]))

    def _by(self, column: str, wanted: Sequence[object]) -> Iterator[dict[str, Any]]:
        """Turns in the order of `wanted`, read a few hundred at a time. Raises NotFound when one is missing."""
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = self._db.query(f"{TURN} WHERE {column} IN ({','.join('?' * len(some))})", *some)
            found = {row[0 if column == "t.id" else 1]: row for row in rows}
            for key in some:
                if key not in found:
                    raise NotFound("turn")
                yield turn_fields(found[key])


def _bring_into_view(execute: Execute, chat: int, leaf: int, at: float) -> None:
    touch = next_touch(execute)
    execute("UPDATE chats SET leaf = ?, updated = ?, touched = ? WHERE seq = ?", leaf, at, touch, chat)
