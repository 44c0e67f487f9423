"""A tree of turns from the loose messages of an export. Pure; what it is given may be hostile."""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from freehold.chats.values import Attachment, Ending, Provenance, Role, Turn, storable

MOST_MESSAGES = 200_000  # of one chat
MOST_CHARACTERS = 8_000_000  # of one message


class Unusable(ValueError):
    """Why one conversation of an export cannot be taken over, in words for its owner."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an export. One without a role is left out, and what answers it moves up to its parent."""

    id: str
    parent: str | None
    role: Role | None = None
    text: str = ""
    created: float = 0.0
    ending: Ending = Ending.COMPLETE
    provenance: Provenance | None = None
    error: dict[str, str] | None = None
    attachments: tuple[Attachment, ...] = ()


def plant(source: str, chat: str, messages: Sequence[Message]) -> tuple[list[Turn], dict[str, str]]:
    """The turns, parents before children and otherwise by time; and the turn each message became or came under.

    Ids are derived from the export's own unless they are ours, so that a second import adds nothing.
    Raises Unusable.
    """
    if len(messages) > MOST_MESSAGES or any(len(message.text) > MOST_CHARACTERS for message in messages):
        raise Unusable("it is longer than anything people write")
    by_id = {message.id: message for message in messages}
    kept = _kept_ancestors(by_id)
    ids = {id: derived_id(source, chat, id) for id, message in by_id.items() if message.role}
    above = {id: None if message.parent is None else kept.get(message.parent) for id, message in by_id.items()}
    turns = [
        Turn(
            id=ids[message.id], chat=chat, parent=ids.get(above[message.id] or ""), role=message.role,
            text=storable(message.text), created=message.created,
            ending=message.ending if message.role is Role.ASSISTANT else None,
            provenance=message.provenance, error=message.error, attachments=message.attachments,
        )
        for message in _parents_first([message for message in by_id.values() if message.role], above)
        if message.role
    ]  # fmt: skip
    return turns, {id: ids[ancestor] for id, ancestor in kept.items() if ancestor is not None}


def derived_id(source: str, *parts: str) -> str:
    """Ours as it is; anything else becomes 32 hex digits, the same ones each time."""
    own = parts[-1]
    if source == "freehold" and len(own) == 32 and set(own) <= set("0123456789abcdef"):
        return own
    return hashlib.sha256("\0".join((source, *parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def moment(value: Any) -> float:
    """Seconds since 1970 from a number (of seconds, milli-, micro- or nanoseconds) or ISO text; 0 for neither."""
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
            value = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
        return 0.0
    for limit, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if value > limit:
            return min(float(value / unit), 1e11)
    return float(value)


def _kept_ancestors(by_id: dict[str, Message]) -> dict[str, str | None]:
    """For each message itself, if it is kept, else its nearest kept ancestor. A circle ends where it closes."""
    kept: dict[str, str | None] = {id: id for id, message in by_id.items() if message.role is not None}
    for start in by_id:
        trail: dict[str, None] = {}
        at: str | None = start
        while at is not None and at not in kept:
            trail[at] = None
            at = by_id[at].parent if at in by_id else None
            if at in trail:
                at = None
        kept.update(dict.fromkeys(trail, None if at is None else kept[at]))
    return kept


def _parents_first(messages: Sequence[Message], above: dict[str, str | None]) -> list[Message]:
    """Oldest first as far as parents allow. Raises Unusable for messages that answer each other in a circle."""
    children: dict[str | None, list[tuple[float, int]]] = {}
    for place, message in enumerate(messages):
        children.setdefault(above[message.id], []).append((message.created, place))
    ready = children.get(None, [])
    heapq.heapify(ready)
    order: list[Message] = []
    while ready:
        _, place = heapq.heappop(ready)
        order.append(messages[place])
        for child in children.get(messages[place].id, ()):
            heapq.heappush(ready, child)
    if len(order) != len(messages):
        raise Unusable("its messages answer each other in a circle")
    return order
