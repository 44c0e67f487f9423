"""A conversation on its way into an engine process, and its prompt on the way back: both ends of the pipe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from freehold.engine.values import Message, Prompt
from freehold.foundation.errors import EngineStopped
from freehold.processes.frames import pack_ids, unpack_ids

if TYPE_CHECKING:
    from freehold.engine.dialogue import Dialogue  # the worker's end: the app never imports it

_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system", "user": "user", "assistant": "assistant",
}  # fmt: skip


def messages_to_wire(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": m.role, "text": m.text, "tokens": pack_ids(m.tokens)} for m in messages]


def prompt_from_wire(answer: dict[str, Any]) -> Prompt:
    return Prompt(tuple(unpack_ids(answer["ids"])), tuple(unpack_ids(answer["counts"])))


def answered(dialogue: Dialogue, messages: list[dict[str, str]], now: float) -> dict[str, Any]:
    """The prompt for `messages` (role, text, tokens); `now` is seconds since 1970, for templates with a date.

    `notes` are those that came to the dialogue's only now: its template failed on these messages.
    """
    try:
        given = [Message(_ROLES[m["role"]], m["text"], tuple(unpack_ids(m["tokens"]))) for m in messages]
    except KeyError:
        raise EngineStopped("a message without a role, text and tokens") from None
    noted = len(dialogue.notes)
    prompt = dialogue.prompt(given, datetime.fromtimestamp(now))
    return {
        "ids": pack_ids(prompt.ids), "counts": pack_ids(prompt.counts), "template": dialogue.whose,
        "notes": dialogue.notes[noted:],
    }  # fmt: skip
