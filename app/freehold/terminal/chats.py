"""`freehold chats`: what was said, found again, renamed, thrown away, taken elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import call_of
from freehold.terminal.page import Page
from freehold.terminal.transcript import body, turn_document
from freehold.terminal.words import count, moment, provenance_line, short_ids

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from freehold.chats.values import Chat, Hit, Turn

_MARKS = str.maketrans("", "", "\x02\x03")

ChatId = Annotated[str, typer.Argument(metavar="ID", help="The chat's id, or a beginning of it that is unique.")]

_SHOWN = "{id, title, turns: [{id, parent, role, text, ending, provenance}]}"

page = Page(
    "chats",
    "List, read, search and move chats.",
    ("freehold chats list", 'freehold chats search "heat pump"', "freehold chats export all-chats.json"),
)


@page.command("list", ("freehold chats list",), "{chats: [{id, title, turns, updated}]}")
def list_chats(context: typer.Context) -> None:
    """List the chats, the latest first."""
    call = call_of(context)
    chats = call.opened().conversations.list()
    rows = [{"id": chat.id, "title": chat.title, "turns": chat.turns, "updated": chat.updated} for chat in chats]
    call.output.result({"chats": rows}, (lambda: _list(chats)) if chats else "There are no chats yet.")


@page.command("show", ("freehold chats show 0193f2ab",), _SHOWN)
def show(context: typer.Context, id: ChatId) -> None:
    """Print a chat.

    The branch that is in view, oldest turn first.
    """
    call = call_of(context)
    conversations = call.opened().conversations
    chat = conversations.find(id)
    turns = conversations.branch(chat.id)
    document = {"id": chat.id, "title": chat.title, "turns": [turn_document(turn) for turn in turns]}
    call.output.result(document, lambda: _transcript(chat, turns))


@page.command("search", ('freehold chats search "heat pump"',), "{results: [{chat, turn, role, text}]}")
def search(context: typer.Context, text: Annotated[str, typer.Argument(metavar="TEXT", help="Words to find.")]) -> None:
    """Find words in everything that was said."""
    call = call_of(context)
    hits = call.opened().conversations.search(text)
    results = [
        {"chat": hit.chat, "turn": hit.turn, "role": hit.role.value, "text": hit.text.translate(_MARKS)} for hit in hits
    ]
    call.output.result({"results": results}, (lambda: _hits(hits)) if hits else "Nothing was found.")


@page.command("rename", ('freehold chats rename 0193f2ab "Heating the house"',), "{id, title}")
def rename(
    context: typer.Context, id: ChatId, title: Annotated[str, typer.Argument(metavar="TITLE", help="Its new title.")]
) -> None:
    """Give a chat another title."""
    call = call_of(context)
    conversations = call.opened().conversations
    chat = conversations.find(id)
    conversations.rename(chat.id, title)
    call.output.result({"id": chat.id, "title": title}, f"Renamed to {title}.")


@page.command(
    "delete", ("freehold chats delete 0193f2ab", "freehold chats delete 0193f2ab --forever"), "{deleted, forever}"
)
def delete(
    context: typer.Context,
    id: ChatId,
    forever: Annotated[bool, typer.Option("--forever", help="Erase it now, without the trash.")] = False,
) -> None:
    """Put a chat in the trash, or erase it for good."""
    call = call_of(context)
    household = call.opened()
    chat = household.conversations.find(id)
    days = household.settings.whole("trash_days")
    if forever or not days:
        household.conversations.erase(chat.id)
        words = "Erased for good."
    else:
        household.conversations.move_to_trash(chat.id)
        words = f"In the trash for {count(days, 'day')}; the window can bring it back."
    call.output.result({"deleted": chat.id, "forever": forever or not days}, words)


@page.command("export", ("freehold chats export all-chats.json", "freehold chats export 0193f2ab heating.md"), "{file}")
def export(
    context: typer.Context,
    what: Annotated[
        list[str], typer.Argument(metavar="[ID] FILE", help="The chat, all of them when left out, and the file.")
    ],
) -> None:
    """Write chats to a file.

    One chat, or all of them. The file is readable by you alone, but not encrypted. Its ending chooses
    its form: .md reads well, anything else is JSON that `chats import` reads back.
    """
    if len(what) > 2:
        raise UsageError("export takes at most a chat and a file")
    from freehold.chats.exchange import export_chats

    call = call_of(context)
    conversations = call.opened().conversations
    chat = conversations.find(what[0]).id if len(what) == 2 else None
    path = call.path(what[-1])
    export_chats(conversations, path, chat)
    call.output.result({"file": str(path)}, f"Written to {path}. This file is not encrypted.")


@page.command("import", ("freehold chats import conversations.json",), "{imported, skipped: [{item, reason}]}")
def import_file(
    context: typer.Context, file: Annotated[str, typer.Argument(metavar="FILE", help="The exported file.")]
) -> None:
    """Bring in chats from an export.

    Reads what Freehold, ChatGPT, Claude and Open WebUI export; what cannot be read is named with the reason.
    """
    from freehold.assistant.belongings import cited_here
    from freehold.chats.exchange import import_chats

    call = call_of(context)
    household = call.opened()
    done = import_chats(household.conversations, call.path(file), cited_here(household.vault))
    skipped = [{"item": one.item, "reason": one.reason} for one in done.skipped]
    lines = [f"{count(done.imported, 'chat')} imported."]
    lines += [f"Left out {one.item}: {one.reason}" for one in done.skipped]
    call.output.result({"imported": done.imported, "skipped": skipped}, "\n".join(lines))


def _list(chats: list[Chat]) -> RenderableType:
    short = short_ids([chat.id for chat in chats])
    rows = [(short[chat.id], chat.title or "New chat", str(chat.turns), moment(chat.updated)) for chat in chats]
    from freehold.terminal.tables import table

    return table("id", "title", "turns", "updated", rows=rows, wide="title", cuts=True)


def _transcript(chat: Chat, turns: list[Turn]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    from freehold.rendering.visible import visible

    parts: list[RenderableType] = [Text(visible(chat.title or "New chat"), style="bold")]
    for turn in turns:
        speaker = "You" if turn.role.value == "user" else "Freehold"
        parts += [Text(f"\n{speaker}, {moment(turn.created)}", style="dim"), body(turn)]
        if turn.provenance is not None:
            parts.append(Text(visible(provenance_line(turn.provenance)), style="dim"))
    return Group(*parts)


def _hits(hits: list[Hit]) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    short = short_ids(list({hit.chat for hit in hits}))
    parts = []
    for hit in hits:
        line = Text.assemble((short[hit.chat], "dim"), " ", (hit.title or "New chat", "bold"), "\n  ")
        parts.append(line.append_text(_excerpt(hit.text)))
    return Group(*parts)


def _excerpt(text: str) -> Text:
    from rich.text import Text

    from freehold.rendering.visible import visible

    line = Text()
    for place, piece in enumerate(text.replace("\n", " ").split("\x02")):
        found, is_closed, after = piece.partition("\x03")
        line.append(visible(found), "bold underline" if place and is_closed else "")
        line.append(visible(after))
    return line
