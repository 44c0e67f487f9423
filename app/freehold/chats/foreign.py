"""What ChatGPT, Claude, Open WebUI and Freehold itself write when they export chats, as our values. Pure.

None of it is trusted: every field may be missing or of another type; what makes no sense raises Unusable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from typing import Any

from freehold.chats.planting import Message, Unusable, derived_id, moment, plant
from freehold.chats.values import (
    Attachment,
    Chat,
    Context,
    Ending,
    Provenance,
    Role,
    Scope,
    Source,
    Turn,
    Use,
    Where,
    storable,
    title_from,
)

Read = tuple[Chat, list[Turn]]
_ROOT_OF_CLAUDE = "00000000-0000-4000-8000-000000000000"
_MOST_NUMBER, _MOST_SOURCES = 1 << 31, 1000
_ROLES = {"user": Role.USER, "human": Role.USER, "assistant": Role.ASSISTANT}


class Unknown(Unusable):
    """An item that is no conversation of any kind we read."""


def read_conversation(item: Any) -> Read:
    """The chat and its turns, parents first. Raises Unusable, Unknown when the item is no conversation at all."""
    if not isinstance(item, dict):
        raise Unknown("it is not a conversation")
    if item.get("source") == "freehold" and isinstance(item.get("turns"), list):
        return _freehold(item)
    if isinstance(item.get("mapping"), dict):
        return _chatgpt(item)
    if isinstance(item.get("chat_messages"), list):
        return _claude(item)
    if isinstance(item.get("chat"), dict):
        return _open_webui(item)
    raise Unknown("it is not a conversation of ChatGPT, Claude, Open WebUI or Freehold")


def title_of(item: Any, number: int) -> str:
    """What to call an item when telling that it was left out."""
    title = item.get("title") or item.get("name") if isinstance(item, dict) else None
    return title_from(storable(title)) if isinstance(title, str) and title.strip() else f"conversation {number}"


def _freehold(item: dict[str, Any]) -> Read:
    chat = derived_id("freehold", _text(item.get("id")))
    messages = []
    for one in item["turns"]:
        if not isinstance(one, dict) or one.get("role") not in ("user", "assistant"):
            raise Unusable("one of its turns is damaged")
        messages.append(
            Message(
                _name(one.get("id")), _name(one.get("parent")) or None, _ROLES[one["role"]], _text(one.get("text")),
                moment(one.get("created")), _ending(one.get("ending")), _provenance(one.get("provenance")),
                _words(one.get("error")), _attachments(one.get("attachments")),
            )
        )  # fmt: skip
    ids = {message.id for message in messages}
    if len(ids) != len(messages) or any(message.parent not in ids for message in messages if message.parent):
        raise Unusable("a turn of it is missing or there twice")
    prompt = item.get("system_prompt")
    return _chat(
        "freehold", chat, item, messages, _name(item.get("leaf")),
        system_prompt=storable(prompt) if isinstance(prompt, str) else None,
        sampling=_numbers(item.get("sampling")), model=storable(_text(item.get("model"))),
        scope=_scope(item.get("scope")), where=_WHERE.get(_text(item.get("where")), "auto"),
    )  # fmt: skip


def _chatgpt(item: dict[str, Any]) -> Read:
    messages = []
    for name, node in item["mapping"].items():
        if not isinstance(node, dict):
            continue
        said = node.get("message")
        said = said if isinstance(said, dict) else {}
        text = _chatgpt_text(said)
        messages.append(
            Message(name, _name(node.get("parent")) or None, _chatgpt_role(said) if text else None, text,
                    moment(said.get("create_time")))
        )  # fmt: skip
    id = _name(item.get("conversation_id") or item.get("id"))
    return _chat("chatgpt", derived_id("chatgpt", id), item, messages, _name(item.get("current_node")))


def _chatgpt_role(said: dict[str, Any]) -> Role | None:
    """None for what its owner never saw: system messages, tools, hidden context."""
    author, about = said.get("author"), said.get("metadata")
    if isinstance(about, dict) and about.get("is_visually_hidden_from_conversation") is True:
        return None
    to = said.get("recipient")
    role = author.get("role") if isinstance(author, dict) else None
    return _ROLES.get(role) if isinstance(role, str) and to in (None, "all") else None


def _chatgpt_text(said: dict[str, Any]) -> str:
    content = said.get("content")
    if not isinstance(content, dict) or content.get("content_type") not in ("text", "multimodal_text", "code"):
        return ""
    parts = content.get("parts")
    if not isinstance(parts, list):
        return _text(content.get("text"))
    return "\n\n".join(filter(None, (_chatgpt_part(part) for part in parts)))


def _chatgpt_part(part: Any) -> str:
    if isinstance(part, dict):
        return "[image]" if "image" in _text(part.get("content_type")) else _text(part.get("text"))
    return _text(part)


def _claude(item: dict[str, Any]) -> Read:
    messages: list[Message] = []
    for number, said in enumerate(item["chat_messages"]):
        if not isinstance(said, dict):
            continue
        id = _name(said.get("uuid")) or f"message {number}"
        parent = _name(said.get("parent_message_uuid"))
        if not parent and messages:
            parent = messages[-1].id  # older exports are a plain list
        text, role = _claude_text(said), _ROLES.get(_text(said.get("sender")))
        above = None if parent in ("", _ROOT_OF_CLAUDE) else parent
        messages.append(Message(id, above, role if text else None, text, moment(said.get("created_at"))))
    leaf = _name(item.get("current_leaf_message_uuid")) or (messages[-1].id if messages else "")
    return _chat("claude", derived_id("claude", _name(item.get("uuid"))), item, messages, leaf)


def _claude_text(said: dict[str, Any]) -> str:
    content = said.get("content")
    blocks = content if isinstance(content, list) else []
    spoken = [_text(one.get("text")) for one in blocks if isinstance(one, dict) and one.get("type") == "text"]
    files = said.get("attachments")
    attached = [
        f"[{_text(one.get('file_name')) or 'attachment'}]\n{_text(one.get('extracted_content'))}".strip()
        for one in (files if isinstance(files, list) else [])
        if isinstance(one, dict)
    ]
    text = "\n\n".join(part for part in spoken if part) or _text(said.get("text"))
    return "\n\n".join(filter(None, [text, *attached]))


def _open_webui(item: dict[str, Any]) -> Read:
    chat = item["chat"]
    history = chat.get("history")
    history = history if isinstance(history, dict) else {}
    tree = history.get("messages")
    messages: list[Message] = []
    if isinstance(tree, dict):
        messages = [_open_webui_message(name, said) for name, said in tree.items() if isinstance(said, dict)]
    elif isinstance(chat.get("messages"), list):
        for number, said in enumerate(chat["messages"]):
            if isinstance(said, dict):
                one = _open_webui_message(f"message {number}", said)
                above = messages[-1].id if messages else None
                messages.append(Message(one.id, above, one.role, one.text, one.created))
    leaf = _name(history.get("currentId")) or (messages[-1].id if messages else "")
    merged = {**chat, **{name: value for name, value in item.items() if name != "chat"}}
    id = _name(item.get("id") or chat.get("id"))
    return _chat("open-webui", derived_id("open-webui", id), merged, messages, leaf)


def _open_webui_message(name: str, said: dict[str, Any]) -> Message:
    text, model = _text(said.get("content")), _text(said.get("model"))
    role = _ROLES.get(_text(said.get("role")))
    made_by = Provenance(where=("elsewhere",), model=storable(model)) if model and role is Role.ASSISTANT else None
    return Message(
        name, _name(said.get("parentId")) or None, role if text else None, text, moment(said.get("timestamp")),
        provenance=made_by,
    )  # fmt: skip


def _chat(source: str, id: str, item: Mapping[str, Any], messages: list[Message], leaf: str, **also: Any) -> Read:
    turns, became = plant(source, id, messages)
    if not turns and source != "freehold":
        raise Unusable("it holds no messages")
    times = [turn.created for turn in turns if turn.created] or [0.0]
    created = moment(item.get("created") or item.get("create_time") or item.get("created_at")) or min(times)
    updated = moment(item.get("updated") or item.get("update_time") or item.get("updated_at")) or max(times)
    title = storable(_text(item.get("title") or item.get("name")))[:500].strip()
    if not title and turns:
        title = title_from(turns[0].text)
    chat = Chat(id, title, created, updated, leaf=became.get(leaf), **also)
    return chat, turns


def _name(value: Any) -> str:
    """An id, which some write as a number."""
    if isinstance(value, str):
        return value[:200]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _ending(value: Any) -> Ending:
    return Ending(value) if value in [ending.value for ending in Ending] else Ending.BROKEN


def _words(value: Any) -> dict[str, str] | None:
    """The wire form of an error, or nothing."""
    names = ("code", "title", "advice", "detail")
    if not isinstance(value, dict):
        return None
    return {name: storable(value[name])[:2000] for name in names if isinstance(value.get(name), str)} or None


def _attachments(value: Any) -> tuple[Attachment, ...]:
    """Files whose pieces are their text; one that is damaged is one piece."""
    found = []
    for one in value[:50] if isinstance(value, list) else []:
        if not isinstance(one, dict) or not _text(one.get("text")):
            continue
        text = storable(one["text"])
        pieces = [_piece(piece) for piece in one["pieces"]] if isinstance(one.get("pieces"), list) else []
        kept = tuple(piece for piece in pieces if piece is not None)
        is_whole = len(kept) == len(pieces) and sum(length for length, _ in kept) == len(text)
        name = storable(_text(one.get("name")))[:500]
        found.append(Attachment(name, len(text), text, kept if is_whole else ((len(text), None),)))
    return tuple(found)


def _piece(value: Any) -> tuple[int, int | None] | None:
    match value:
        case [int(length), int() | None as page] if 0 < length < 1 << 31 and (page or 0) < 1 << 31:
            return length, page
    return None


def _scope(value: Any) -> Scope:
    names = value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
    return Scope.from_wire(None if names is None else [storable(one)[:500] for one in names[:200]])


_WHERE: Mapping[str, Where] = {"auto": "auto", "here": "here", "peer": "peer"}


def _numbers(value: Any) -> dict[str, float | int]:
    if not isinstance(value, dict):
        return {}
    return {name: number for name, number in list(value.items())[:50] if _is_number(number)}


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and abs(value) < 1 << 63


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "where": lambda value: tuple(storable(one)[:200] for one in value[:20] if isinstance(one, str)),
    "notes": lambda value: tuple(storable(one)[:1000] for one in value[:20] if isinstance(one, str)),
    "sampler": lambda value: _numbers(value) | {n: storable(s)[:200] for n, s in value.items() if isinstance(s, str)},
    "context": lambda value: Context(**{f.name: int(_numbers(value).get(f.name, 0)) for f in fields_of(Context)}),
}


def _provenance(value: Any) -> Provenance | None:
    """The fields that are of the right type; a field that is not keeps its default."""
    if not isinstance(value, dict):
        return None
    default = Provenance()
    taken: dict[str, Any] = {}
    for one in fields_of(Provenance):
        given, usual = value.get(one.name), getattr(default, one.name)
        if one.name == "sources":
            taken[one.name] = _sources(given)  # with that vault's numbers: whoever takes them over numbers them anew
            continue
        if one.name == "jobs":
            continue  # names of receipts, which mean nothing here
        if one.name == "grounded":
            taken[one.name] = given if isinstance(given, bool) else None
        elif one.name in _CHECKS:
            if isinstance(given, list if isinstance(usual, tuple) else dict):
                taken[one.name] = _CHECKS[one.name](given)
        elif isinstance(usual, str) and isinstance(given, str):
            taken[one.name] = storable(given)[:1000]
        elif not isinstance(usual, str) and _is_number(given):
            taken[one.name] = type(usual)(given)
    return Provenance(**taken)


def _sources(value: Any) -> tuple[Source, ...]:
    """Those that are as we write them: one that is not is no citation."""
    found = [_source(one) for one in value[:_MOST_SOURCES]] if isinstance(value, list) else []
    return tuple(source for source in found if source is not None)


def _source(value: Any) -> Source | None:
    match value:
        case {"document": int(document), "start": int(start), "end": int(end), "digest": str(digest), "use": str(use)}:
            page, score, marks = value.get("page"), value.get("score"), value.get("marks")
        case _:
            return None
    page = page if isinstance(page, int) else None
    if use not in set(Use) or max(map(abs, (document, start, end, page or 0))) >= _MOST_NUMBER:
        return None
    spans = [_mark(mark) for mark in marks[:_MOST_SOURCES]] if isinstance(marks, list) else []
    return Source(
        document, start, end, page, storable(digest)[:128], Use(use), float(score) if _is_number(score) else 0.0,
        tuple(span for span in spans if span is not None),
    )  # fmt: skip


def _mark(value: Any) -> tuple[int, int] | None:
    match value:
        case [int(start), int(end)] if 0 <= start < end < _MOST_NUMBER:
            return start, end
    return None
