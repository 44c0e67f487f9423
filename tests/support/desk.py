"""A household of fakes for the window's tests and screenshots: everything in memory, every answer scripted."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from freehold.assistant.placing import Here, Placed, class_of, place
from freehold.assistant.reply import Wish
from freehold.assistant.values import (
    Answered,
    Asked,
    Began,
    LeftOut,
    Loading,
    Preview,
    Reading,
    Reference,
    Sources,
    Words,
)
from freehold.chats.values import (
    Attachment,
    Chat,
    Context,
    DataClass,
    Ending,
    Hit,
    Mark,
    Provenance,
    Role,
    Scope,
    Source,
    Turn,
    Use,
    Where,
    title_from,
)
from freehold.engine.values import Loaded, Message, Model
from freehold.foundation.errors import BackupDamaged, BackupForeign, FreeholdError, KeyringUnavailable, WrongPassphrase
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentNeedsPassword
from freehold.library.values import Passage
from freehold.market.values import Allowed, Device
from support.fake_library import FakeLibrary
from support.fake_peers import FakeKeys, FakeLending, FakePeers, FakeReceipts

CODE = "7QK4-M2XD-R9TA-H3WP-6ZVC-E8JN-4LYB"
SHA = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
STARTER = Model(
    "smollm2-135m", "SmolLM2 135M", 98_362_432, "Q4_1", 8192, "Apache-2.0", SHA, 134_515_008, "llama",
    "/models/smollm2.gguf", "starter", "Tiny. Ready at once, fine for a first try, not for facts.", "here", "fits",
    320_000_000,
)  # fmt: skip
SMALL = Model(
    "qwen3-4b", "Qwen3 4B", 2_497_280_256, "Q4_K_M", 32_768, "Apache-2.0", "", 4_022_468_096, "qwen3", "", "hub",
    "A good all-rounder for everyday questions, letters and short summaries.", "available", "fits", 4_100_000_000,
)  # fmt: skip
LARGE = Model(
    "qwen3-14b", "Qwen3 14B", 9_001_752_960, "Q4_K_M", 40_960, "Apache-2.0", "", 14_768_307_200, "qwen3", "", "hub",
    "Noticeably better at reasoning and code. Wants a strong processor or a graphics card.", "available", "slow",
    11_300_000_000,
)  # fmt: skip
HUGE = Model(
    "qwen3-32b", "Qwen3 32B", 19_762_149_024, "Q4_K_M", 40_960, "Apache-2.0", "", 32_762_123_264, "qwen3", "", "hub",
    "The best answers of this list, for machines with 32 GB of memory and more.", "available", "no", 23_800_000_000,
)  # fmt: skip
OTHERS = Model(
    "other-llama", "Llama 3.2 3B Instruct", 2_019_377_696, "Q4_K_M", 131_072, "Llama 3.2 Community", "", 3_212_749_888,
    "llama", "/other/app/llama-3.2-3b.gguf", "LM Studio", "Found in LM Studio.", "here", "fits", 3_400_000_000,
)  # fmt: skip
MODELS = (STARTER, SMALL, LARGE, HUGE)


@dataclass(frozen=True)
class FakeStatus:
    state: str
    slots: tuple[str, ...] = ("passphrase",)
    schema: int = 1
    bytes: int = 1_204_224
    older: str = ""
    check_due: bool = False
    vault: str = "0193f2ab5c1e7d20a1b2c3d4e5f60718"


@dataclass(frozen=True)
class FakeProgress:
    done: int
    total: int
    words: str = ""
    rate: float = 0.0


class FakeVault:
    """Opens with the passphrase "correct horse", the recovery code, or a keyring when it has one."""

    def __init__(
        self, state: str = "open", slots: tuple[str, ...] = ("passphrase", "recovery"), keyring: str | None = None
    ):
        self.state, self.slots, self.keyring = state, slots, keyring
        self.passphrase = "correct horse"
        self.private = {"system_prompt": ""}
        self.locks = self.taken_in = 0
        self.foreign, self.erased = False, ""
        self.older, self.check_due = "", False
        self.faults: list[str] = []
        self.checks = 0

    @property
    def is_open(self) -> bool:
        return self.state == "open"

    def status(self) -> FakeStatus:
        return FakeStatus(self.state, self.slots, older=self.older, check_due=self.check_due)

    def check(self) -> list[str]:
        self.checks += 1
        return self.faults

    def create(self, *, passphrase: str | None = None, keyring: bool = False) -> str | None:
        self.state = "open"
        self.slots = ("keyring", "recovery") if keyring else ("passphrase",)
        self.passphrase = passphrase or self.passphrase
        return CODE if keyring else None

    def unlock(self, *, passphrase: str | None = None, recovery: str | None = None, keyring: bool = False) -> None:
        if keyring and self.keyring is None:
            raise KeyringUnavailable("it did not answer within 5 s")
        if passphrase is not None and passphrase != self.passphrase:
            raise WrongPassphrase
        if recovery is not None and recovery != CODE:
            raise WrongPassphrase
        self.state = "open"

    def lock(self) -> None:
        self.locks += 1
        self.state = "locked"

    def change_passphrase(self, new: str) -> None:
        self.passphrase = new

    def new_recovery_code(self) -> str:
        return CODE

    def try_restore(self, code: str) -> None:
        if code != CODE:
            raise WrongPassphrase

    def add_keyring(self) -> None:
        if self.keyring is None:
            raise KeyringUnavailable
        self.slots = (*self.slots, "keyring")

    def remove_slot(self, kind: str) -> None:
        self.slots = tuple(one for one in self.slots if one != kind)

    def back_up(self, path: Path) -> Generator[tuple[int, int], None, int]:
        yield 400, 1000
        path.write_bytes(b"backup")
        return 1000

    def look_into(self, path: Path) -> Generator[tuple[int, int], None, Any]:
        if path.suffix != ".backup":
            raise BackupDamaged(str(path))
        yield 500, 1000
        return SimpleNamespace(made=1_795_000_000.0, slots=("passphrase", "recovery"))

    def bring_back(self, path: Path, secret: Mapping[str, str]) -> Generator[tuple[int, int], None, None]:
        yield 500, 1000
        if secret != {"passphrase": "theirs"} and secret != {"recovery": CODE}:
            raise WrongPassphrase
        self.state, self.slots = "open", ("passphrase", "recovery")

    def take_in(self, path: Path, secret: Mapping[str, str], *, keep: bool) -> Generator[Any, None, Any]:
        yield 500, 1000
        if self.foreign and not secret:
            raise BackupForeign
        if secret.get("passphrase", "theirs") != "theirs":
            raise WrongPassphrase
        yield "chats"
        self.taken_in += keep
        return SimpleNamespace(made=1_795_000_000.0), {"chats": {"chats": 3, "turns": 41}, "library": {"documents": 1}}

    def erase(self, *, models: bool = False) -> None:
        self.erased = "with models" if models else "without models"
        self.state, self.slots = "new", ()

    def keyring_usable(self) -> str | None:
        return self.keyring

    def setting(self, name: str) -> str:
        return self.private[name]

    def set_setting(self, name: str, value: str) -> None:
        self.private[name] = value


class FakeConversations:
    """A tree of turns in memory, with the real store's behaviour as far as the window can see it."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._numbers = itertools.count(1)
        self.chats: dict[str, Chat] = {}
        self.kept: dict[str, Turn] = {}
        self.files: dict[str, list[Attachment]] = {}
        self.recovered = 0

    def _id(self, kind: str) -> str:
        return f"{kind}{next(self._numbers):06d}"

    def create(self, title: str = "") -> Chat:
        chat = Chat(self._id("c"), title, self._now(), self._now())
        self.chats[chat.id] = chat
        return chat

    def list(self, trash: bool = False) -> list[Chat]:
        found = [one for one in self.chats.values() if (one.deleted is not None) == trash]
        return sorted(found, key=lambda one: one.updated, reverse=True)

    def get(self, id: str) -> Chat:
        return self.chats[id]

    def rename(self, chat: str, title: str) -> None:
        self.chats[chat] = replace(self.chats[chat], title=title)

    def change(
        self,
        chat: str,
        *,
        system_prompt: Any = ...,
        sampling: Mapping[str, float | int] | None = None,
        model: str | None = None,
        scope: Scope | None = None,
        where: Where | None = None,
    ) -> None:
        old = self.chats[chat]
        self.chats[chat] = replace(
            old,
            system_prompt=old.system_prompt if system_prompt is ... else system_prompt,
            sampling=old.sampling if sampling is None else sampling,
            model=old.model if model is None else model,
            scope=old.scope if scope is None else scope,
            where=old.where if where is None else where,
        )

    def save_draft(self, chat: str, text: str) -> None:
        self.chats[chat] = replace(self.chats[chat], draft=text)

    def move_to_trash(self, chat: str) -> None:
        self.chats[chat] = replace(self.chats[chat], deleted=self._now())

    def restore(self, chat: str) -> None:
        self.chats[chat] = replace(self.chats[chat], deleted=None)

    def erase(self, chat: str) -> None:
        del self.chats[chat]
        self.kept = {id: turn for id, turn in self.kept.items() if turn.chat != chat}

    def empty_trash(self, days: int) -> None:
        for chat in self.list(trash=True):
            if self._now() - (chat.deleted or 0) > days * 86_400:
                self.erase(chat.id)

    def branch(self, chat: str, leaf: str | None = None) -> list[Turn]:
        path: list[Turn] = []
        at = leaf or self.chats[chat].leaf
        while at is not None:
            path.append(self.kept[at])
            at = self.kept[at].parent
        return path[::-1]

    def outline(self, chat: str) -> list[Mark]:
        return [self._mark(turn) for turn in self.branch(chat)]

    def _mark(self, turn: Turn) -> Mark:
        siblings = self.siblings(turn.id)
        return Mark(turn.id, turn.role, len(turn.text), siblings.index(turn.id), len(siblings))

    def turns(self, ids: Sequence[str]) -> list[Turn]:
        return [self.kept[id] for id in ids]

    def siblings(self, turn: str) -> list[str]:
        one = self.kept[turn]
        return [id for id, other in self.kept.items() if (other.chat, other.parent) == (one.chat, one.parent)]

    def show(self, turn: str) -> None:
        leaf = turn
        while below := [id for id, other in self.kept.items() if other.parent == leaf]:
            leaf = below[-1]
        self._lead(self.kept[turn].chat, leaf)

    def _lead(self, chat: str, leaf: str) -> None:
        self.chats[chat] = replace(self.chats[chat], leaf=leaf, updated=self._now())
        self.chats[chat] = replace(self.chats[chat], turns=len(self.branch(chat)))

    def ask(self, chat: str, text: str, parent: str | None, attachments: Sequence[Attachment] = ()) -> Turn:
        bare = tuple(Attachment(one.name, one.length) for one in attachments)
        turn = self._add(Turn(self._id("t"), chat, parent, Role.USER, text, self._now(), attachments=bare))
        self.files[turn.id] = list(attachments)
        return turn

    def attached(self, turn: str) -> list[Attachment]:
        return self.files.get(turn, [])

    def begin_answer(self, chat: str, parent: str) -> Turn:
        return self._add(Turn(self._id("t"), chat, parent, Role.ASSISTANT, "", self._now()))

    def _add(self, turn: Turn) -> Turn:
        self.kept[turn.id] = turn
        self._lead(turn.chat, turn.id)
        return turn

    def extend(self, turn: str, text: str) -> None:
        self.kept[turn] = replace(self.kept[turn], text=self.kept[turn].text + text)

    def seal(
        self,
        turn: str,
        ending: Ending,
        provenance: Provenance | None,
        tokens: Sequence[int] = (),
        error: Mapping[str, str] | None = None,
    ) -> Turn:
        self.kept[turn] = replace(
            self.kept[turn], ending=ending, provenance=provenance, tokens=tuple(tokens), error=error
        )
        return self.kept[turn]

    def search(self, text: str, limit: int = 50) -> list[Hit]:
        found = []
        for turn in self.kept.values():
            place = turn.text.casefold().find(text.casefold())
            if place >= 0:
                end = place + len(text)
                words = (
                    f"{turn.text[max(0, place - 30) : place]}\x02{turn.text[place:end]}\x03{turn.text[end : end + 40]}"
                )
                found.append(Hit(turn.chat, self.chats[turn.chat].title, turn.id, turn.role, words))
        return found[:limit]

    def recover(self) -> None:
        self.recovered += 1


def provenance(**changes: Any) -> Provenance:
    made = Provenance(
        ("here",),
        "SmolLM2 135M",
        SHA,
        {"temperature": 0.7, "top_k": 40, "top_p": 0.95},
        7,
        Context(1204, 8192),
        0.42,
        96,
        84.2,
    )
    return replace(made, **changes)


def reference(number: int, path: str, text: str, **changes: Any) -> Reference:
    """A source that is cited as `number`, or a near miss for 0."""
    use = Use.CITED if number else Use.NEAR
    made = Reference(number, use, 1, path, "", None, 0, len(text), text, "here", 0.9)
    return replace(made, **changes)


def sources_of(references: Sequence[Reference]) -> tuple[Source, ...]:
    return tuple(
        Source(one.document, one.start, one.end, one.page, "", one.use, one.score, one.marks) for one in references
    )


def passages_of(references: Sequence[Reference]) -> tuple[Passage, ...]:
    return tuple(
        Passage(one.document, one.path, one.page, one.start, one.end, one.text, one.score) for one in references
    )


@dataclass
class Script:
    """What the fake assistant does with the next question."""

    words: Sequence[str] = ("Hello", " there.")
    before: Sequence[Any] = (Loading("SmolLM2 135M", 1.0), Reading(40, 40))
    error: FreeholdError | None = None  # raised after the words
    refused: FreeholdError | None = None  # raised before the question is saved
    left_out: int = 0
    gate: Stop | None = None  # waited for after the words; a stop ends the waiting too
    pause: float = 0.0
    grounded: bool | None = None
    references: Sequence[Reference] = ()  # what the answer was made from, or the near misses


class FakeAssistant:
    """Answers by its script, through the conversations it is given."""

    def __init__(self, conversations: FakeConversations) -> None:
        self._conversations = conversations
        self.script = Script()
        self.wishes: list[Wish] = []
        self.references: dict[str, Sequence[Reference]] = {}  # by answer
        self.files: dict[str, Attachment | FreeholdError] = {}  # by name; what reading them gives
        self.passwords: dict[str, str] = {}
        self.file_gate: Stop | None = None  # waited for while a file is read
        self.allowed, self.devices = Allowed(), list[Device]()
        self.previews: list[tuple[str, str | None]] = []  # what was looked at, and where it was wished
        self.preview_error: FreeholdError | None = None

    @property
    def may_leave(self) -> bool:
        return self.allowed.is_on and bool(self.devices)

    def placed(self, chat: Chat, wish: Wish) -> tuple[Placed, DataClass]:
        """By the real rule."""
        before = self._conversations.branch(chat.id, chat.leaf) if chat.leaf else []
        reads = bool(wish.attachments) or (wish.scope or chat.scope).reads
        data = class_of(before, reads_documents=reads)
        return place(wish.where or chat.where, data, self.allowed, Here(134_515_008, 80.0), self.devices), data

    def preview(self, chat: Chat, text: str, stop: Stop, wish: Wish | None = None) -> Generator[Any, None, Preview]:
        wish = wish or Wish()
        self.previews.append((text, wish.where))
        yield Reading(0, 1)
        if self.preview_error is not None:
            raise self.preview_error
        placed, data = self.placed(chat, wish)
        if not placed.devices:
            return Preview(("here",), placed.why, data)
        before = self._conversations.branch(chat.id, chat.leaf) if chat.leaf else []
        said = [Message("system", "You are a careful assistant.")]
        said += [Message(turn.role.value, turn.text) for turn in before]
        said += [Message("user", f"From {one.name}:\n{one.text}") for one in wish.attachments]
        said.append(Message("user", text))
        names = tuple(one.name for one in placed.devices)
        return Preview(names, placed.why, data, tuple(said), sum(len(one.text) // 4 + 4 for one in said))

    def attach(self, path: Path, stop: Stop, password: str | None = None) -> Attachment:
        if self.file_gate is not None:
            stop.on_set(self.file_gate.set)
            self.file_gate.wait(30.0)
        if password != self.passwords.get(path.name):
            raise DocumentNeedsPassword("that password does not open it" if password else "")
        found = self.files.get(path.name, Attachment(path.name, 3_240, "words " * 540, ((3_240, None),)))
        if isinstance(found, FreeholdError):
            raise found
        return found

    def quoted(self, turn: Turn) -> Sequence[Reference]:
        return self.references.get(turn.id, ())

    def reply(self, chat: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Any]:
        if self.script.refused is not None:
            raise self.script.refused
        found = self._conversations.get(chat)
        self.wishes.append(wish or Wish())
        question = self._conversations.ask(chat, text, found.leaf, self.wishes[-1].attachments)
        if not found.title:
            self._conversations.rename(chat, title_from(text))
        yield Asked(question)
        yield from self._answer(question, stop)

    def edit(self, turn: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Any]:
        old = self._conversations.kept[turn]
        self.wishes.append(wish or Wish())
        question = self._conversations.ask(old.chat, text, old.parent, self._conversations.attached(turn))
        yield Asked(question)
        yield from self._answer(question, stop)

    def retry(self, turn: str, stop: Stop, wish: Wish | None = None) -> Iterator[Any]:
        self.wishes.append(wish or Wish())
        old = self._conversations.kept[turn]
        question = old if old.role is Role.USER else self._conversations.kept[old.parent or ""]
        yield from self._answer(question, stop)

    def measure(self, chat: str) -> Context:
        for turn in reversed(self._conversations.branch(chat)):
            if turn.provenance is not None:
                return turn.provenance.context
        return Context(0, 8192)

    def _answer(self, question: Turn, stop: Stop) -> Iterator[Any]:
        script = self.script
        answer = self._conversations.begin_answer(question.chat, question.id)
        yield Began(answer)
        if script.grounded is not None:
            yield Sources(answer.id, passages_of(script.references), script.grounded, "hybrid")
        yield from script.before if script.grounded is not False else ()
        shown = sum(one.use in (Use.CITED, Use.USED) for one in script.references)
        context = Context(1204, 8192, dropped_turns=script.left_out, passages=shown)
        if script.left_out:
            yield LeftOut(script.left_out, context)
        for word in script.words:
            if stop.is_set():
                break
            self._conversations.extend(answer.id, word)
            yield Words(answer.id, word)
            if script.pause:
                stop.wait(script.pause)
        if script.gate is not None:
            stop.on_set(script.gate.set)
            script.gate.wait(30.0)
        made = provenance(context=context, grounded=script.grounded, sources=sources_of(script.references))
        if script.grounded is False:
            made = Provenance(grounded=False, sources=sources_of(script.references))
        self.references[answer.id] = script.references
        if script.error is not None:
            yield Answered(self._conversations.seal(answer.id, Ending.BROKEN, made, error=script.error.to_wire()))
            raise script.error
        ending = Ending.STOPPED if stop.is_set() else Ending.COMPLETE
        yield Answered(self._conversations.seal(answer.id, ending, made))


class FakeModels:
    def __init__(self, models: Sequence[Model] = MODELS, found: Sequence[Model] = (OTHERS,)) -> None:
        self.models, self.found = list(models), list(found)
        self.chosen = STARTER.id
        self.removed: list[str] = []
        self.steps: Sequence[FakeProgress] = (FakeProgress(1_000_000_000, 2_497_280_256, "", 18_400_000.0),)
        self.error: FreeholdError | None = None
        self.gate: Stop | None = None
        self.wishes: list[str] = []

    def list(self) -> list[Model]:
        return list(self.models)

    def in_use(self) -> Model:
        return next(one for one in self.models if one.id == self.chosen)

    def use(self, id: str) -> None:
        self.chosen = id

    def wanted(self) -> list[Model]:
        return [one for one in self.models if one.id in self.wishes and one.state != "here"]

    def pause(self, id: str) -> None:
        self.wishes = [one for one in self.wishes if one != id]

    def get(self, id: str, stop: Stop) -> Generator[FakeProgress, None, Model]:
        self.wishes.append(id)
        yield from self.steps
        if self.gate is not None:
            stop.on_set(self.gate.set)
            self.gate.wait(30.0)
        if self.error is not None or stop.is_set():
            raise self.error or FreeholdError("stopped")
        place = next(number for number, one in enumerate(self.models) if one.id == id)
        self.models[place] = replace(self.models[place], state="here", path=f"/models/{id}.gguf")
        return self.models[place]

    def import_file(self, path: Path) -> Generator[FakeProgress, None, Model]:
        yield FakeProgress(0, 10, "Checking the file")
        if self.error is not None:
            raise self.error
        model = replace(OTHERS, id=f"own-{path.stem}", name=path.stem, path=str(path), source="")
        self.models.append(model)
        return model

    def inspect(self, path: Path) -> Any:
        if self.error is not None:
            raise self.error
        return SimpleNamespace(
            architecture="llama", layers=30, context=8192, quantisation="Q4_1", parameters=134_515_008,
            licence="Apache-2.0", template="{% for message in messages %}", sha256=SHA,
        )  # fmt: skip

    def remove(self, id: str) -> None:
        self.removed.append(id)
        self.models = [one for one in self.models if one.id != id]

    def elsewhere(self) -> Sequence[Model]:
        return self.found

    def recommended(self) -> Model:
        return SMALL

    def starter(self) -> Model | None:
        return next((one for one in self.models if one.id == STARTER.id), None)


class FakeEngine:
    def __init__(self) -> None:
        self.loaded: Loaded | None = Loaded(STARTER.id, STARTER.name, SHA, 8192, 0, 2, "model", 318_000_000)

    def unload(self) -> None:
        self.loaded = None


class FakeDoor:
    def __init__(self, settings: SettingsFile) -> None:
        self._settings = settings
        self.connections_since_start = 0
        self.is_closed = False
        self.rows: list[Any] = []

    def close(self) -> None:
        self.is_closed = True

    @property
    def is_offline(self) -> bool:
        return self._settings.is_on("offline")

    def ledger(self, since: float = 0.0) -> list[Any]:
        return [one for one in self.rows if one.time >= since]


@dataclass
class FakeHousehold:
    """The bundle of fakes, with the real settings file below `home`."""

    home: Path
    vault: FakeVault = field(default_factory=FakeVault)
    models: FakeModels = field(default_factory=FakeModels)
    engine: FakeEngine = field(default_factory=FakeEngine)
    conversations: FakeConversations = field(default_factory=FakeConversations)
    is_closed: bool = False

    def __post_init__(self) -> None:
        self.profile = Profile(self.home)
        self.profile.prepare()
        self.settings = SettingsFile(self.profile.settings)
        self.assistant = FakeAssistant(self.conversations)
        self.door = FakeDoor(self.settings)
        self.library = FakeLibrary()
        self.keys, self.receipts, self.lending = FakeKeys(), FakeReceipts(), FakeLending()
        self.peers = FakePeers(self.assistant, self.receipts, self.lending)

    def close(self) -> None:
        self.is_closed = True

    def say(self, question: str, answer: str, *, chat: str = "", title: str = "", age: float = 0.0) -> str:
        """Put one question and its answer into a chat, a new one when `chat` is empty; the chat's id."""
        id = chat or self.conversations.create(title).id
        asked = self.conversations.ask(id, question, self.conversations.get(id).leaf)
        began = self.conversations.begin_answer(id, asked.id)
        self.conversations.extend(began.id, answer)
        self.conversations.seal(began.id, Ending.COMPLETE, provenance())
        if not self.conversations.get(id).title:
            self.conversations.rename(id, title_from(question))
        found = self.conversations.get(id)
        self.conversations.chats[id] = replace(found, updated=found.updated - age)
        return id


def plain_transcript() -> Any:
    """A transcript that only remembers what it was told, with the real one's methods and signals."""
    from PySide6.QtCore import Signal
    from PySide6.QtWidgets import QWidget

    class Remembering(QWidget):
        turns_needed = Signal(list)
        retry_asked = Signal(str)
        edit_asked = Signal(str, str)
        sibling_asked = Signal(str, int)
        branch_asked = Signal(str)
        details_asked = Signal(str)
        link_asked = Signal(str)
        source_asked = Signal(str, int)
        sources_asked = Signal(str)
        references_needed = Signal(str)
        without_documents_asked = Signal(str)
        other_documents_asked = Signal(str)
        file_asked = Signal(str, int)

        def __init__(self) -> None:
            super().__init__()
            self.marks: list[Mark] = []
            self.texts: dict[str, str] = {}
            self.leaves: dict[str, bool] = {}
            self.notices: dict[str, str] = {}
            self.finished: dict[str, Turn] = {}
            self.failures: list[tuple[str, str, str, str]] = []
            self.at: str | None = None
            self.scrolled: tuple[str, str] | None = None
            self.references: dict[str, Sequence[Reference]] = {}

        def show(self, marks: Sequence[Mark] | None = None, at: str | None = None) -> None:  # type: ignore[override]
            if marks is None:
                super().show()
                return
            self.marks, self.at = list(marks), at
            self.texts = {}
            self.turns_needed.emit([mark.id for mark in self.marks])

        def forget(self) -> None:
            self.show([])

        def provide(self, turns: Sequence[Turn]) -> None:
            self.texts.update({turn.id: turn.text for turn in turns})

        def append_question(self, turn: Turn) -> None:
            self.marks.append(Mark(turn.id, turn.role, len(turn.text), 0, 1))
            self.texts[turn.id] = turn.text

        def begin_answer(self, turn: Turn, *, leaves: bool = False) -> None:
            if turn.id not in [mark.id for mark in self.marks]:
                self.marks.append(Mark(turn.id, turn.role, 0, 0, 1))
            self.texts[turn.id] = turn.text
            self.leaves[turn.id] = leaves

        def set_notice(self, turn_id: str, text: str) -> None:
            self.notices[turn_id] = text

        def add_words(self, turn_id: str, text: str) -> None:
            self.texts[turn_id] += text

        def finish_answer(self, turn: Turn) -> None:
            self.finished[turn.id] = turn
            if turn.provenance is not None and turn.provenance.sources:
                self.references_needed.emit(turn.id)

        def refer(self, turn_id: str, references: Sequence[Reference]) -> None:
            self.references[turn_id] = references

        def fail(self, turn_id: str, title: str, advice: str, detail: str) -> None:
            self.failures.append((turn_id, title, advice, detail))

        def set_theme(self, theme: Any) -> None:
            self.theme = theme

        def set_text_size(self, px: int) -> None:
            self.px = px

        def scroll_to(self, turn_id: str, highlight_text: str = "") -> None:
            self.scrolled = (turn_id, highlight_text)

        @property
        def said(self) -> list[str]:
            return [self.texts.get(mark.id, "") for mark in self.marks]

    return Remembering()


class Desk:
    """The whole window over a fake household, for tests: `desk = Desk(qt, tmp_path)`; close it at the end."""

    def __init__(
        self, qt: Any, home: Path, *, vault: FakeVault | None = None, models: FakeModels | None = None,
        transcript: Callable[[], Any] | None = None,
    ) -> None:  # fmt: skip
        from freehold.desktop.appearance import Appearance
        from freehold.desktop.bridge import Bridge
        from freehold.desktop.shell import Shell
        from freehold.desktop.window import Window

        self.qt = qt
        self.house = FakeHousehold(home / "home", vault=vault or FakeVault(), models=models or FakeModels())
        self.appearance = Appearance(qt.app)
        self.appearance.apply()
        self.window = Window(transcript or plain_transcript, self.appearance.theme, self.appearance.text_size)
        self.appearance.changed.connect(self.window.dress)
        qt.show(self.window, 1280, 800)
        self.bridge = Bridge()
        self.shell = Shell(self.house, self.window, self.appearance, self.bridge)

    def start(self) -> Desk:
        """Go as far as the profile lets the window go by itself."""
        self.shell.start()
        if self.house.vault.is_open:
            self.qt.until(self.window.actions_by_name["new-chat"].isEnabled)
        else:
            self.qt.until(lambda: self.window.entry is not None)
        self.settle()
        return self

    def settle(self) -> None:
        """Until no background work is left and its results have been shown."""
        self.qt.until(lambda: not self.bridge._jobs)
        self.qt.spin(0.08)
        self.qt.until(lambda: not self.bridge._jobs)

    def do(self, action: str) -> None:
        self.window.actions_by_name[action].trigger()
        self.settle()

    def ask(self, text: str) -> None:
        self.window.chat.composer.box.setPlainText(text)
        self.window.chat.composer.box.sent.emit()

    @property
    def transcript(self) -> Any:
        return self.window.chat.transcript

    @property
    def listed(self) -> list[str]:
        """The chat list as it reads, group names included."""
        model = self.window.sidebar.chats.chats
        return [str(model.index(place).data()) for place in range(model.rowCount())]

    def page(self, name: str) -> Any:
        return self.window._named[name]

    def close(self) -> None:
        self.window.close()
        self.shell.close()
