"""A scripted engine and a chat store in memory, so that the assistant can be watched without a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from freehold.assistant.librarian import Librarian
from freehold.chats.values import Attachment, Chat, Role, Turn
from freehold.engine.values import Finished, Loaded, Loading, Message, Model, Notice, Prompt, Reading, Written
from freehold.foundation.errors import FreeholdError, ModelMissing
from freehold.library.errors import DocumentGone
from freehold.library.values import Collection, FileText, Found, Passage, Quoted, Signal, digest_of
from freehold.market.values import Allowed, Device

ON = Allowed(is_on=True)
DESK = Device("d", "Desk", "Large", parameters=7_000_000_000, tokens_per_s=20.0)
MODEL = Model("tiny", "Tiny", 1000, sha256="aa" * 32, state="here")


class ScriptedEngine:
    """Says `words`, one token each; an exception in the script is raised where it stands.

    A message takes one token a word, and two more for the template.
    """

    leaves_device = False

    def __init__(self, *words: str | FreeholdError, limit: int = 100) -> None:
        self.words = words
        self.limit = limit
        self.loaded: Loaded | None = None
        self.shown: list[Message] = []
        self.prompts: list[tuple[int, ...]] = []
        self.is_busy = False

    def prepare(self, model, **_):
        yield Loading(model.name, 1.0)
        yield Notice("Loaded on the processor.")
        self.loaded = Loaded(model.id, model.name, model.sha256, self.limit, 0, 2, "model", 1)
        return self.loaded

    def read(self, messages: Sequence[Message]) -> Prompt:
        self.shown = list(messages)
        counts = tuple(len(message.text.split()) + 2 for message in messages)
        return Prompt(tuple(range(sum(counts) + 1)), counts)

    def generate(self, prompt, sampling, stop, chat=""):
        self.is_busy = True
        try:
            return (yield from self._say(prompt, stop))
        finally:
            self.is_busy = False

    def _say(self, prompt, stop):
        self.prompts.append(tuple(prompt))
        yield Reading(len(prompt), len(prompt))
        for number, word in enumerate(self.words):
            if stop.is_set():
                return Finished("stopped")
            if isinstance(word, FreeholdError):
                raise word
            yield Written((number,), word)
        return Finished("complete")


class Desk(ScriptedEngine):
    """A device that writes `words` and, cut there, lets the engine here go on."""

    leaves_device = True
    makers: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    is_one_model = True

    def generate(self, prompt, sampling, stop, chat=""):
        self.prompts.append(tuple(prompt))
        self.makers, self.jobs = ("Desk",), ("j1",)
        yield Written((7,), self.words[0])
        self.makers = ("Desk", "here")
        yield Notice("Desk went away; this computer went on.")
        yield Written((8,), self.words[1])
        return Finished("complete")


class OnePeer:
    def __init__(self, device=DESK, allowed=ON, engine=None):
        self.device, self.given, self.allowed_now = device, [], allowed
        self.desk = engine or Desk("Good ", "day.")

    def allowed(self):
        return self.allowed_now

    def devices(self):
        return [self.device]

    def engine(self, ids, here, data, *, is_wished):
        self.given.append((tuple(ids), here, data, is_wished))
        return self.desk


class MemoryConversations:
    """What the assistant needs of the chats, in two dictionaries."""

    def __init__(self) -> None:
        self.chats = {"c": Chat("c", "", 0.0, 0.0)}
        self.all_turns: dict[str, Turn] = {}
        self.saves: list[str] = []
        self.files: dict[str, list[Attachment]] = {}
        self.full: FreeholdError | None = None

    def get(self, id: str) -> Chat:
        return self.chats[id]

    def rename(self, chat: str, title: str) -> None:
        self.chats[chat] = replace(self.chats[chat], title=title)

    def turns(self, ids):
        return [self.all_turns[id] for id in ids]

    def branch(self, chat: str) -> list[Turn]:
        return list(reversed(list(self._upwards(self.chats[chat].leaf))))

    def _upwards(self, leaf: str | None) -> Iterator[Turn]:
        while leaf is not None:
            yield self.all_turns[leaf]
            leaf = self.all_turns[leaf].parent

    def back(self, turn, characters):
        path = list(reversed(list(self._upwards(turn))))
        first, length = len(path) - 1, len(path[-1].text)
        while first and length < characters:
            first -= 1
            length += len(path[first].text)
        return path[first:], first

    def ask(self, chat, text, parent, attachments=()):
        id = f"t{len(self.all_turns)}"
        self.files[id] = list(attachments)
        named = tuple(Attachment(one.name, one.length) for one in attachments)
        return self._add(Turn(id, chat, parent, Role.USER, text, 0.0, attachments=named))

    def attached(self, turn):
        return self.files[turn]

    def begin_answer(self, chat, parent):
        return self._add(Turn(f"t{len(self.all_turns)}", chat, parent, Role.ASSISTANT, "", 0.0))

    def extend(self, turn, text):
        if self.full is not None:
            raise self.full
        self.saves.append(text)
        self.all_turns[turn] = replace(self.all_turns[turn], text=self.all_turns[turn].text + text)

    def note(self, turn, provenance):
        self.all_turns[turn] = replace(self.all_turns[turn], provenance=provenance)

    def seal(self, turn, ending, provenance, tokens=(), error=None):
        open_one = self.all_turns[turn]
        made = provenance or open_one.provenance
        sealed = replace(open_one, ending=ending, provenance=made, tokens=tuple(tokens), error=error)
        self.all_turns[turn] = sealed
        return sealed

    def _add(self, turn: Turn) -> Turn:
        self.all_turns[turn.id] = turn
        self.chats[turn.chat] = replace(self.chats[turn.chat], leaf=turn.id)
        return turn


class OneModel:
    def find(self, id: str) -> Model:
        if id != MODEL.id:
            raise ModelMissing(id)
        return MODEL

    def in_use(self) -> Model:
        return MODEL

    def smaller(self, model: Model) -> list[Model]:
        return []


class PlainPrivate(dict):
    def setting(self, name: str) -> str:
        return self.get(name, "")


class FewDocuments:
    """A library of passages that a test writes; they are found for every question, in the order given.

    `holds` is what their scores say; a document of `whole` is small enough to be read whole.
    """

    def __init__(self, *passages: Passage, holds: bool = True, whole: tuple[Passage, ...] = ()) -> None:
        self.passages, self.whole_one = passages, whole
        self.signal = Signal(0.7, 4.0, 0.9) if holds else Signal(0.1, 0.5, 0.1)
        self.asked: list[tuple[str, list[str] | None, str]] = []
        self.broken: FreeholdError | None = None

    def collections(self):
        return [Collection("letters", len(self.passages)), Collection("empty", 0)]

    def search(self, query, *, k, collections, mode="hybrid", wait=False):
        self.asked.append((query, collections, mode))
        if self.broken is not None and mode == "hybrid":
            raise self.broken
        return Found(self.passages[:k], mode, self.signal)

    def whole(self, document, most):
        return tuple(one for one in self.whole_one if one.document == document)

    def passages_of(self, spans):
        known = {(one.document, one.start): one for one in self.passages}
        found = [known.get((span.document, span.start)) for span in spans]
        return tuple(
            Quoted(span.document, span.start, span.end, "gone")
            if one is None or digest_of(one.text) != span.digest
            else Quoted(one.document, one.start, one.end, "here", one.path, one.title, one.page, one.text)
            for span, one in zip(spans, found, strict=True)
        )


class FewFiles:
    """Files that can be attached, by name."""

    def __init__(self, **texts: str) -> None:
        self.texts = texts

    def read(self, path, stop, password=None):
        if path.stem not in self.texts:
            raise DocumentGone(path.name)
        lines = self.texts[path.stem].splitlines(keepends=True)
        return FileText("".join(lines), tuple((len(line), page) for page, line in enumerate(lines, 1)))


def librarian(conversations, library: FewDocuments | None = None, files: FewFiles | None = None) -> Librarian:
    return Librarian(library or FewDocuments(), files or FewFiles(), conversations)
