"""Chats taken over from an export or another vault, by the ids they have. Runs in the vault worker."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from freehold.chats.rows import Execute, Words, attach, insert_turn, make_findable, next_touch
from freehold.chats.values import renumbered as with_numbers
from freehold.foundation.errors import UsageError


def renumbered(items: Sequence[dict[str, Any]], numbers: Mapping[int, int]) -> list[dict[str, Any]]:
    """`{chat, turns}` from another vault, with the documents that answers cite numbered as they are here, 0 if not."""

    def here(turn: dict[str, Any]) -> dict[str, Any]:
        made = turn.get("provenance")
        return turn | {"provenance": with_numbers(made, lambda document: numbers.get(document, 0))} if made else turn

    return [item | {"turns": [here(turn) for turn in item["turns"]]} for item in items]


def adopt(execute: Execute, chat: dict[str, Any], turns: Sequence[dict[str, Any]]) -> tuple[bool, int]:
    """Whether the chat was here, and how many of the turns were new."""
    row, was_here = _adopted_chat(execute, chat)
    new = sum(_adopt_turn(execute, row, turn) for turn in turns)
    if new:
        wanted = execute("SELECT seq FROM turns WHERE id = ? AND chat = ?", chat.get("leaf"), row).fetchone()
        leaf = wanted or execute("SELECT max(seq) FROM turns WHERE chat = ?", row).fetchone()
        execute("UPDATE chats SET leaf = ? WHERE seq = ?", leaf[0], row)
    return was_here, new


def _adopted_chat(execute: Execute, chat: dict[str, Any]) -> tuple[int, bool]:
    """The chat's row, and whether it was here before."""
    found = execute("SELECT seq FROM chats WHERE id = ?", chat["id"]).fetchone()
    if found is not None:
        return int(found[0]), True
    seq = execute(
        "INSERT INTO chats (id, title, created, updated, touched, system_prompt, sampling, model, scope, place,"
        " draft, deleted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        chat["id"], chat["title"], chat["created"], chat["updated"], next_touch(execute), chat.get("system_prompt"),
        json.dumps(chat.get("sampling") or {}), chat.get("model") or "",
        None if chat.get("scope") is None else json.dumps(chat["scope"]), chat.get("where") or "auto",
        chat.get("draft") or "", chat.get("deleted"),
    ).lastrowid  # fmt: skip
    return int(seq), False


def _adopt_turn(execute: Execute, chat: int, turn: dict[str, Any]) -> bool:
    """Whether the turn was new."""
    here = execute("SELECT chat FROM turns WHERE id = ?", turn["id"]).fetchone()
    if here is not None:
        if here[0] != chat:
            raise UsageError("one of its turns belongs to another chat here")
        return False
    ending = (turn.get("ending") or "broken") if turn["role"] == "assistant" else None
    words = Words(turn["text"], turn.get("provenance"), turn.get("tokens", ""), turn.get("error"))
    seq = insert_turn(
        execute, chat=chat, id=turn["id"], parent=turn.get("parent"), role=turn["role"], words=words,
        created=turn["created"], ending=ending,
    )  # fmt: skip
    attach(execute, seq, turn.get("attachments") or [])
    make_findable(execute, seq, words.text)
    return True
