"""Chats out to a file and in from one: ours (JSON, or Markdown to read), ChatGPT's, Claude's, Open WebUI's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from freehold.chats.archives import documents
from freehold.chats.foreign import Unknown, read_conversation, title_of
from freehold.chats.planting import Unusable
from freehold.chats.values import Attachment, Chat, Role, Turn, split_thinking, storable
from freehold.foundation.errors import ImportFailed, UsageError
from freehold.foundation.paths import write_atomically

FORMAT, VERSION = "freehold-chats", 1  # docs/vault-format.md, "Exported chats"

_MARKDOWN = (".md", ".markdown")


class Conversations(Protocol):
    def list(self, trash: bool = False) -> list[Chat]: ...
    def get(self, id: str) -> Chat: ...
    def branch(self, chat: str) -> Sequence[Turn]: ...
    def tree(self, chat: str) -> Sequence[Turn]: ...
    def attached(self, turn: str) -> Sequence[Attachment]: ...
    def adopt(self, chat: Chat, turns: Sequence[Turn]) -> int: ...


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of an export that was left out, by its title, and why."""

    item: str
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """`imported` counts chats that are new or have grown."""

    imported: int
    skipped: tuple[Skipped, ...] = ()


def export_chats(conversations: Conversations, path: Path, chat: str | None = None) -> None:
    """Write one chat, or all that are not in the trash, to `path`: Markdown for `.md`, else JSON with every branch.

    The file is readable by its owner alone and not encrypted. Raises DiskFull, ProfileUnusable, NotFound.
    """
    chats = conversations.list() if chat is None else [conversations.get(chat)]
    if path.suffix.lower() in _MARKDOWN:
        text = "\n---\n\n".join(markdown_of(one, conversations.branch(one.id)) for one in chats)
    else:
        text = _document(chats, conversations)
    write_atomically(path, text.encode())


def without_documents(turn: Turn) -> Turn:
    """A turn from elsewhere, whose numbers of documents mean nothing here: it cites what is not here."""
    return turn.renumbered(lambda _: 0)


def import_chats(
    conversations: Conversations, path: Path, cite: Callable[[Turn], Turn] = without_documents
) -> Imported:
    """Take over what is in `path` and not here yet; nothing here is changed but for turns that are added.

    `cite` lets a turn's sources be documents of this vault's library (assistant/belongings.py). Raises ImportFailed
    when the file is none of the exports we read; single chats that cannot be read are skipped.
    """
    imported, skipped, known = 0, list[Skipped](), False
    for number, item in enumerate(_conversations_in(path), 1):
        try:
            chat, turns = read_conversation(item)
            known = True
            imported += _adopt(conversations, chat, [cite(turn) for turn in turns])
        except Unknown as error:
            skipped.append(Skipped(title_of(item, number), str(error)))
        except Unusable as error:
            known = True
            skipped.append(Skipped(title_of(item, number), str(error)))
        except UsageError as error:
            skipped.append(Skipped(title_of(item, number), error.detail))
    if not known:
        raise ImportFailed(f"{path.name} holds no chats")
    return Imported(imported, tuple(skipped))


def chat_lines(conversations: Conversations) -> Iterator[dict[str, Any]]:
    """Every chat as its line in a whole export: with its draft, and when it was put in the trash."""
    for chat in [*reversed(conversations.list(trash=True)), *reversed(conversations.list())]:
        turns = [_whole(turn, conversations) for turn in conversations.tree(chat.id)]
        yield _fields(chat, turns) | {"draft": chat.draft, "deleted": chat.deleted}


def take_line(
    conversations: Conversations, line: Any, number: int, cite: Callable[[Turn], Turn]
) -> dict[str, int] | Skipped:
    """How many chats (one that grew is one) and turns were new in a line of a whole export, or why it was left out."""
    try:
        chat, turns = read_conversation(line)
        draft, deleted = line.get("draft"), line.get("deleted")
        chat = replace(
            chat, draft=storable(draft) if isinstance(draft, str) else "",
            deleted=float(deleted) if type(deleted) in (int, float) else None,
        )  # fmt: skip
        new = conversations.adopt(chat, [cite(turn) for turn in turns])
        return {"chats": int(new > 0), "turns": min(new, len(turns))}
    except (Unknown, Unusable) as error:
        return Skipped(title_of(line, number), str(error))
    except UsageError as error:
        return Skipped(title_of(line, number), error.detail)


def markdown_of(chat: Chat, turns: Sequence[Turn]) -> str:
    """The branch in view, to read. Thinking is quoted above its answer."""
    return f"# {' '.join(chat.title.split()) or 'Chat'}\n\n" + "".join(_markdown_turn(turn) for turn in turns)


def _markdown_turn(turn: Turn) -> str:
    if turn.role is Role.USER:
        files = "".join(f"Attached: {' '.join(one.name.split())}\n\n" for one in turn.attachments)
        return f"## You\n\n{turn.text.rstrip()}\n\n{files}"
    thinking, answer = split_thinking(turn.text)
    model = turn.provenance.model if turn.provenance else ""
    quoted = "".join(f"> {line}\n" for line in thinking.splitlines()) + "\n" if thinking else ""
    return f"## {' '.join(model.split()) or 'Assistant'}\n\n{quoted}{answer.rstrip()}\n\n"


def _document(chats: Sequence[Chat], conversations: Conversations) -> str:
    items = (_fields(chat, [_whole(turn, conversations) for turn in conversations.tree(chat.id)]) for chat in chats)
    lines = ",\n".join(json.dumps(item, ensure_ascii=False) for item in items)
    return f'{{"format": "{FORMAT}", "version": {VERSION}, "chats": [\n{lines}\n]}}\n'


def _whole(turn: Turn, conversations: Conversations) -> Turn:
    return replace(turn, attachments=tuple(conversations.attached(turn.id))) if turn.attachments else turn


def _fields(chat: Chat, turns: Sequence[Turn]) -> dict[str, Any]:
    kept = ("id", "title", "created", "updated", "leaf", "system_prompt", "sampling", "model", "scope", "where")
    wire = chat.to_wire()
    return {
        "source": "freehold",
        **{name: wire[name] for name in kept},
        # Token ids only save the model some reading; they would double the file.
        "turns": [{n: v for n, v in turn.to_wire().items() if n not in ("chat", "tokens")} for turn in turns],
    }


def _conversations_in(path: Path) -> Iterator[Any]:
    for name, document in documents(path):
        if isinstance(document, dict) and document.get("format") == FORMAT:
            version = document.get("version")
            if not isinstance(version, int) or version > VERSION:
                raise ImportFailed(f"{name} was written by a newer Freehold", advice="Install the newer version.")
            items = document.get("chats")
        else:
            items = [document] if isinstance(document, dict) else document  # one chat may be exported alone
        if not isinstance(items, list):
            raise ImportFailed(f"{name} holds no chats")
        yield from items


def _adopt(conversations: Conversations, chat: Chat, turns: Sequence[Turn]) -> int:
    """1 when something was new. Raises Unusable when nothing was."""
    if conversations.adopt(replace(chat, deleted=None, draft=""), turns):
        return 1
    in_trash = conversations.get(chat.id).deleted is not None
    raise Unusable("it is in the trash" if in_trash else "it is here already")
