"""Everything the owner has, out to a folder that any program can read, and in from one. Flows, as anywhere.

Steps are words for what is being written or read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from freehold.chats.conversations import Conversations
from freehold.chats.exchange import Skipped, chat_lines, markdown_of, take_line
from freehold.chats.values import Turn
from freehold.foundation.errors import ImportFailed
from freehold.vault.export import Reader, Writer, writing
from freehold.vault.moving import Counts, add

ROOMS = ("library", "ledger", "market", "settings")  # beside the chats, whose lines are those of `chats export`
_AT_ONCE = 50


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...
    def stream(self, op: str, **args: Any) -> Generator[Any, None, Any]: ...


@dataclass(frozen=True, slots=True)
class Exported:
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class TakenIn:
    """How many of what was new, by room, and what was left out."""

    new: dict[str, Counts]
    skipped: tuple[Skipped, ...]


def export_all(
    vault: Vault, conversations: Conversations, folder: Path, settings: Path
) -> Generator[str, None, Exported]:
    """Write everything to a new `folder`: not encrypted. Raises PlaceUnusable, DiskFull, VaultLocked."""
    with writing(folder, time.time()) as out:
        yield "chats"
        out.lines("chats.jsonl", chat_lines(conversations))
        for chat in conversations.list():
            page = markdown_of(chat, conversations.branch(chat.id)).encode("utf-8", "surrogatepass")
            out.file(out.name("chats", chat.title or "New chat", ".md"), [page])
        for room in ROOMS:
            yield room
            out.lines(f"{room}.jsonl", _items(vault, room))
        _write_texts(out, vault)
        if settings.is_file():
            out.file("settings.json", [settings.read_bytes()])
    return Exported(len(out.files), out.size)


def import_all(vault: Vault, conversations: Conversations, folder: Path) -> Generator[str, None, TakenIn]:
    """Take over what an export has and the vault lacks; what is here stays as it is. Doing it twice adds nothing.

    Raises ImportFailed before anything is taken when a file of the export is not as it was written.
    """
    yield "comparing"
    export = Reader(folder)
    new: dict[str, Counts] = {"chats": {"chats": 0, "turns": 0}}
    skipped = []
    first, *rest = ROOMS  # documents before the chats that cite them, chats before their receipts
    yield first
    numbers, new[first] = _take_library(vault, export)

    def cite(turn: Turn) -> Turn:
        return turn.renumbered(lambda document: numbers.get(document, 0))

    yield "chats"
    for number, line in enumerate(export.lines("chats.jsonl"), 1):
        taken = take_line(conversations, line, number, cite)
        if isinstance(taken, Skipped):
            skipped.append(taken)
        else:
            add(new["chats"], taken)
    for room in rest:
        yield room
        counts = new[room] = {}
        for items in _in_pieces(export.lines(f"{room}.jsonl")):
            add(counts, vault.call("vault.take", room=room, items=items))
    return TakenIn(new, tuple(skipped))


def cited_here(vault: Vault) -> Callable[[Turn], Turn]:
    """How a turn from a file of chats cites documents of this vault: those that say just what was quoted, at just that
    place. Of any other it can only be said that it is not here.
    """

    def cite(turn: Turn) -> Turn:
        sources = [one for one in turn.provenance.sources if one.document > 0] if turn.provenance else []
        spans = [[one.document, one.start, one.end, one.digest] for one in sources]
        stands = vault.call("library.stands", spans=spans) if spans else []
        standing = iter(stands)  # in the order of the sources
        return turn.renumbered(lambda document: document if next(standing) else 0)

    return cite


def _items(vault: Vault, room: str) -> Iterator[Any]:
    for page in vault.stream(f"{room}.everything"):
        yield from page


def _write_texts(out: Writer, vault: Vault) -> None:
    """The text of each document as it was read, in a file of its own."""
    pieces: list[bytes] = []
    for item in _items(vault, "library"):
        if "document" not in item:
            continue
        pieces += [chunk["text"].encode("utf-8", "surrogatepass") for chunk in item["chunks"]]
        if item["is_last"]:
            path = bytes.fromhex(item["document"]["path"]).decode("utf-8", "replace")
            if pieces:
                out.file(out.name("documents", path.replace("\\", "/").rpartition("/")[2], ".txt"), pieces)
            pieces = []


def _take_library(vault: Vault, export: Reader) -> tuple[dict[int, int], Counts]:
    """The numbers of its documents, there and here, and what was new."""
    numbers: dict[int, int] = {}
    counts: Counts = {}
    for items in _in_pieces(export.lines("library.jsonl")):
        add(counts, vault.call("vault.take", room="library", items=items))
        if named := _named(items):
            numbers |= dict(vault.call("library.numbers", named=named))
    return numbers, counts


def _named(items: list[dict[str, Any]]) -> list[list[Any]]:
    """The documents among the items of an export, as another vault's `library.named` tells them."""
    documents = [item["document"] for item in items if item.get("at") == 0 and "document" in item]
    return [[one["id"], one["path"], one["collection"]] for one in documents if isinstance(one.get("id"), int)]


def _in_pieces(lines: Iterator[Any]) -> Iterator[list[dict[str, Any]]]:
    """Lines some at a time, in frames that fit the pipe. Raises ImportFailed for what is no object."""
    some: list[dict[str, Any]] = []
    for line in lines:
        if not isinstance(line, dict):
            raise ImportFailed("a line that is not an object")
        some.append(line)
        if len(some) >= _AT_ONCE or "chunks" in line:
            yield some
            some = []
    if some:
        yield some
