"""A vault with something in every room, and all of what is in one, to be compared."""

from __future__ import annotations

from typing import Any

from freehold.chats.conversations import Conversations
from freehold.chats.store import ChatStore
from freehold.chats.values import Attachment, Ending, Provenance, Source, Use
from freehold.identity.store import IdentityStore
from freehold.library.store import LibraryStore
from freehold.library.values import digest_of
from freehold.market.books import Books
from freehold.market.records import Check, Lent
from freehold.market.store import MarketStore
from freehold.network.store import LedgerStore
from freehold.processes.frames import pack_floats
from freehold.vault.settings_store import SettingsStore
from support.peers import device, job, kept

ROOMS = (ChatStore, LedgerStore, LibraryStore, MarketStore, SettingsStore)
STAYING = (IdentityStore,)  # what no merge and no export takes along
WORKER = """
from freehold.chats.store import ChatStore
from freehold.identity.store import IdentityStore
from freehold.library.store import LibraryStore
from freehold.market.store import MarketStore
from freehold.network.store import LedgerStore
from freehold.vault.worker import serve_vault
serve_vault([ChatStore, LedgerStore, LibraryStore, MarketStore, IdentityStore])
"""
EMBEDDER = "tiny"


def say(vault: Any, title: str, *texts: str) -> str:
    """A chat of these questions and answers in turn; its id."""
    conversations, parent = Conversations(vault), None
    chat = conversations.create(title).id
    for place, text in enumerate(texts):
        if place % 2 == 0:
            parent = conversations.ask(chat, text, parent).id
        else:
            answer = conversations.begin_answer(chat, parent)
            made = Provenance(model="tiny", seed=7, tokens=3)
            parent = conversations.seal(answer.id, Ending.COMPLETE, made, (1, 2, 3), text=text).id
    return chat


def shelve(vault: Any, path: str, *chunks: str, collection: str = "papers", vectors: bool = True) -> int:
    """A document of these pieces in the library; its row."""
    source = vault.call("library.add_source", path=path.rpartition("/")[0] or "/", collection=collection)["id"]
    vault.call("library.enqueue", source=source, files=[[path, 10, 1, 1, 1]])
    (row,) = (row[0] for row in vault.call("library.waiting", limit=1000) if row[1] == path)
    vault.call("library.write", document=row, place=0, start=0, chunks=[[text, 1, path, 0] for text in chunks])
    vault.call("library.finish", document=row, state="words", title=path, pages=1, fingerprint=ascii(path))
    if vectors:
        waiting = vault.call("library.unembedded", embedder=EMBEDDER, after=0, limit=1000)
        found = [[digest, pack_floats([float(len(text))] * 8)] for _, digest, text in waiting]
        vault.call("library.put_vectors", embedder=EMBEDDER, vectors=found)
        vault.call("library.settle", embedder=EMBEDDER)
    return int(row)


def furnish(vault: Any) -> str:
    """Something in every room; the id of its first chat."""
    conversations = Conversations(vault)
    first = say(vault, "Heat pumps", "What is a heat pump?", "A machine that moves heat.", "And in winter?", "Also.")
    root = conversations.branch(first)[0]
    other = conversations.begin_answer(first, root.id)
    conversations.seal(other.id, Ending.STOPPED, text="A pump, but for")
    conversations.save_draft(first, "half a thought")
    conversations.move_to_trash(say(vault, "In the trash", "Forget me"))
    conversations.create("Empty")
    asked = conversations.create("With a file").id
    conversations.ask(
        asked, "What does it say?", None, [Attachment("lease.txt", 13, text="Word for word", pieces=((13, 1),))]
    )
    shelve(vault, "/papers/lease.txt", "The lease begins in May.", "The rent is due on the first.")
    vault.call("ledger.begin", time=1000.5, purpose="download", host="example.org", port=443, data_class="public-file")
    vault.call("settings.put", name="system_prompt", value="Call me by my name.")
    books = Books(vault)
    books.pair(device())
    books.wish(job("1a" * 16))
    books.close("1a" * 16, "complete", 3, kept=kept("1a" * 16, first))
    books.add_check(Check("1a" * 16, 1005.0, True, 3, 0.2))
    books.absorb([Lent("3c" * 16, "0x" + "cd" * 20, "Tiny", 5, 7, "complete", 1000.0, 1002.0)])
    return first


def contents(vault: Any) -> dict[str, list[Any]]:
    """All that every room would give to another vault. Order and reasons to sort differently are left out."""
    found = {}
    for store in ROOMS:
        items = [item for page in vault.stream(f"{store.room}.everything") for item in page]
        found[store.room] = sorted((_told(item) for item in items), key=repr)
    return found


def _told(item: Any) -> Any:
    """An item without what belongs to one vault alone: a document's number, and whether its vectors serve, which it
    settles for itself, and which devices are paired.
    """
    if "device" in item:
        return {name: item["device"][name] for name in ("id", "name", "paired")}
    if "document" in item:
        document = {name: value for name, value in item["document"].items() if name != "id"}
        document["state"] = document["state"].replace("indexed", "words")
        return item | {"document": document, "vectors": sorted(map(repr, item["vectors"]))}
    return item


def cite(vault: Any, chat: str, *quoted: tuple[int, str], attached: bool = False) -> str:
    """An answer in `chat` that cites these texts, each the beginning of its document's; its id."""
    conversations = Conversations(vault)
    question = conversations.ask(chat, "What do they say?", conversations.get(chat).leaf)
    answer = conversations.begin_answer(chat, question.id)
    sources = [Source(row, 0, len(text), None, digest_of(text), Use.CITED, 1.0, ((0, 4),)) for row, text in quoted]
    if attached:
        sources.append(Source(-1, 0, 4, None, digest_of("Word"), Use.CITED))
    made = Provenance(model="tiny", grounded=True, sources=tuple(sources))
    return conversations.seal(answer.id, Ending.COMPLETE, made, text="They say so.").id


def citations(vault: Any, turn: str) -> list[tuple[str, str]]:
    """What an answer's citations lead to today: (state, path) of each."""
    sources = Conversations(vault).turns([turn])[0].provenance.sources
    spans = [[one.document, one.start, one.end, one.digest] for one in sources]
    found = vault.call("library.quoted", spans=spans)
    return [
        ("not here" if one.document == 0 else said["state"], said.get("path", ""))
        for one, said in zip(sources, found, strict=True)
    ]
