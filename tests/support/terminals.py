"""A household in memory and a terminal that remembers, so that commands can be watched without processes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from freehold.assistant.librarian import Librarian
from freehold.assistant.reply import Assistant
from freehold.chats.values import Chat, Hit, Mark
from freehold.engine.values import Model
from freehold.foundation.errors import ModelMalformed, ModelMissing, NotFound, VaultLocked, WrongPassphrase
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from freehold.network.values import Connection, Progress
from freehold.processes.holder import Holder
from freehold.terminal.call import Call
from freehold.terminal.output import Output, Screen
from freehold.terminal.passphrases import Secrets
from freehold.terminal.perform import perform
from freehold.vault.values import Status
from support.answering import MODEL, FewFiles, MemoryConversations, OneModel, PlainPrivate, ScriptedEngine

PASSPHRASE = "correct horse"
_NO_LIBRARY = {name: lambda: None for name in ("attend", "rest", "close")} | {"collections": list}
CODE = "7Q4M-0000-0000-0000-0000-0000-0000"


class MemoryVault:
    """Opens with PASSPHRASE, CODE, or a keyring when it has one; keeps nothing."""

    def __init__(self, state: str = "open", slots: tuple[str, ...] = ("passphrase", "recovery")) -> None:
        self.state, self.slots = state, slots
        self.keyring: str | None = None
        self.passphrase = PASSPHRASE
        self.tried: list[str] = []

    def status(self) -> Status:
        return Status(self.state, self.slots if self.state != "new" else (), 3, 4096)

    def create(self, *, passphrase=None, keyring=False):
        self.state = "open"
        self.passphrase = passphrase or ""
        self.slots = ("keyring", "recovery") if keyring else ("passphrase",)
        return CODE if keyring else None

    def unlock(self, *, passphrase=None, recovery=None, keyring=False):
        self.tried.append("keyring" if keyring else passphrase or recovery)
        if not (keyring or passphrase == self.passphrase or recovery == CODE):
            raise WrongPassphrase
        self.state = "open"

    @property
    def is_open(self):
        return self.state == "open"

    def lock(self):
        if self.state == "open":
            self.state = "locked"

    def change_passphrase(self, new):
        self.passphrase = new

    def new_recovery_code(self):
        return CODE

    def keyring_usable(self):
        return self.keyring


class ChatBook(MemoryConversations):
    """Chats in memory, behind the vault's lock."""

    def __init__(self, vault: MemoryVault) -> None:
        super().__init__()
        self.chats = {}
        self.trash: list[str] = []
        self.recovered = 0
        self._vault = vault

    def create(self, title: str = "") -> Chat:
        self._refuse_locked()
        chat = Chat(f"{len(self.chats):032x}", title, 0.0, 1_700_000_000.0)
        self.chats[chat.id] = chat
        return chat

    def list(self, trash: bool = False) -> list[Chat]:
        self._refuse_locked()
        return [replace(chat, turns=len(self.branch(chat.id))) for chat in self.chats.values()]

    def find(self, prefix: str) -> Chat:
        self._refuse_locked()
        found = [chat for id, chat in self.chats.items() if id.startswith(prefix)]
        if len(found) != 1:
            raise NotFound(prefix)
        return found[0]

    def change(self, chat, **changes):
        self.chats[chat] = replace(self.chats[chat], **changes)
        return self.chats[chat]

    def erase(self, chat):
        del self.chats[chat]

    def move_to_trash(self, chat):
        self.trash.append(chat)

    def recover(self):
        self.recovered += 1
        return []

    def empty_trash(self, days):
        return 0

    def outline(self, chat):
        marks = []
        for turn in self.branch(chat):
            beside = self.siblings(turn.id)
            marks.append(Mark(turn.id, turn.role, len(turn.text), beside.index(turn.id), len(beside)))
        return marks

    def siblings(self, turn):
        parent = self.all_turns[turn].parent
        return [one.id for one in self.all_turns.values() if one.parent == parent]

    def show(self, turn):
        below = [one.id for one in self.all_turns.values() if one.parent == turn]
        if below:
            return self.show(below[-1])
        chat = self.all_turns[turn].chat
        self.chats[chat] = replace(self.chats[chat], leaf=turn)
        return turn

    def get(self, id):
        self._refuse_locked()
        return super().get(id)

    def search(self, text, limit=50):
        hits = [turn for turn in self.all_turns.values() if text in turn.text]
        return [
            Hit(turn.chat, self.chats[turn.chat].title, turn.id, turn.role, turn.text.replace(text, f"\x02{text}\x03"))
            for turn in hits
        ]

    def _refuse_locked(self):
        if self._vault.state != "open":
            raise VaultLocked


class FewModels(OneModel):
    """The scripted engine's model, and one that can be had."""

    def __init__(self) -> None:
        far = Model("big-7b", "Big 7B", 4_000_000_000, "Q4_K_M", 32768, "apache-2.0", fit="slow")
        self.all = {MODEL.id: MODEL, far.id: far}
        self.used = ""
        self.stopped: list[Stop] = []
        self.paused: list[str] = []

    def list(self):
        return list(self.all.values())

    def find(self, id):
        if id not in self.all:
            raise ModelMissing(id)
        return self.all[id]

    def use(self, id):
        self.used = id

    def pause(self, id):
        self.paused.append(id)

    def get(self, id, stop):
        self.stopped.append(stop)
        for done in (1_000_000_000, 4_000_000_000):
            yield Progress(done, 4_000_000_000, f"Downloading {id}")
        self.all[id] = replace(self.all[id], state="here", sha256="bb" * 32)
        return self.all[id]

    def import_file(self, path: Path):
        yield Progress(1, 1, "Checking")
        self.inspect(path)
        self.all[path.stem] = Model(path.stem, path.stem, path.stat().st_size, state="here")
        return self.all[path.stem]

    def inspect(self, path: Path):
        if not path.is_file() or not path.read_bytes().startswith(b"GGUF"):
            raise ModelMalformed(f"{path.name}: no GGUF")
        return SimpleNamespace(
            architecture="llama", layers=30, context=2048, quantisation="Q4_1", parameters=135_000_000,
            licence="apache-2.0", template="{{ messages }}",
        )  # fmt: skip

    def remove(self, id):
        del self.all[id]

    def starter(self):
        return MODEL


@dataclass
class House:
    """The parts of a fake household, and how often one was built of them."""

    profile: Profile
    engine: ScriptedEngine = field(default_factory=lambda: ScriptedEngine("Good ", "day."))
    vault: MemoryVault = field(default_factory=MemoryVault)
    connections: list[Connection] = field(default_factory=list)
    library: Any = field(default_factory=lambda: SimpleNamespace(**_NO_LIBRARY))
    files: FewFiles = field(default_factory=FewFiles)
    embedder_models: Any = None
    keys: Any = None
    lending: Any = field(default_factory=lambda: SimpleNamespace(recover=lambda: None, hand_over=lambda: None))
    peers: Any = None
    receipts: Any = None
    settings: Any = None
    built: int = 0

    def __post_init__(self) -> None:
        self.conversations = ChatBook(self.vault)
        self.models = FewModels()
        self.engine.unload = lambda: None
        self.engine.describe = lambda: {"gpu": False, "threads": 2, "build": "llama.cpp 1"}

    def build(self, profile: Profile) -> Any:
        """What app.py's `build` makes, of fakes."""
        self.built += 1
        settings = self.settings or SettingsFile(profile.settings)
        books = Librarian(self.library, self.files, self.conversations)
        assistant = Assistant(
            self.conversations, self.engine, self.models, settings, PlainPrivate(), librarian=books, peers=self.peers
        )
        door = SimpleNamespace(
            ledger=lambda since: [row for row in self.connections if row.time >= since], close=lambda: None
        )
        holder = Holder(profile)

        def close() -> None:
            self.vault.lock()
            holder.release()

        return SimpleNamespace(
            profile=profile, settings=settings, holder=holder, vault=self.vault, conversations=self.conversations,
            models=self.models, engine=self.engine, door=door, assistant=assistant, close=close,
            library=self.library, embedder_models=self.embedder_models, keys=self.keys, lending=self.lending,
            peers=self.peers, receipts=self.receipts,
        )  # fmt: skip


@dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        return self.json["error"]["code"]


class Terminal:
    """Runs command lines the way main.run does, in the folder `cwd`."""

    def __init__(self, house: House, cwd: Path, answers: tuple[str, ...] | None = None) -> None:
        """`answers` are what the person types unseen, in this order; None means nobody sits there."""
        self.house, self.cwd = house, cwd
        self._answers = list(answers) if answers is not None else None
        self.stop = Stop()
        self.screen = Screen()
        self.asked: list[str] = []

    def run(self, *argv: str, given: Mapping[str, str] | None = None, input: str = "") -> Said:
        with_json = "--json" in argv
        said = Said(0, "", "")
        output = Output(
            self._into(said, "out"), self._into(said, "err"), json=with_json, out_screen=self.screen,
            err_screen=self.screen,
        )  # fmt: skip
        call = Call(
            output, self.stop, Secrets(given or {}, self._prompt if self._answers is not None else None),
            profile=self.house.profile, build=self.house.build, cwd=self.cwd, read_input=lambda: input,
        )  # fmt: skip
        try:
            said.code = perform([word for word in argv if word != "--json"], call)
        finally:
            locked_after = self.house.vault.state
            call.close()
            self.house.vault.state = locked_after
        return said

    def _into(self, said: Said, stream: str) -> Callable[[str], None]:
        def write(text: str) -> None:
            setattr(said, stream, getattr(said, stream) + text)

        return write

    def _prompt(self, name: str, words: str) -> str:
        self.asked.append(words)
        assert self._answers is not None
        return self._answers.pop(0)
