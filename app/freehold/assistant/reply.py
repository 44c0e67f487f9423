"""Answering: from a question that is safely written down to an answer that says how it came about."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from freehold.assistant.evidence import REFUSAL, cite, closest_sentence, near_misses, query_from, sources_of
from freehold.assistant.librarian import Librarian
from freehold.assistant.makers import Maker, Makers, Models, Peers
from freehold.assistant.placing import HERE, Placed, class_of
from freehold.assistant.prompting import PrivateSettings, Prompter
from freehold.assistant.record import Record
from freehold.assistant.saving import AnswerSaver, Extendable
from freehold.assistant.values import Answered, Asked, Began, LeftOut, Preview, Reference, Sources, Step, Words
from freehold.chats.values import (
    Attachment,
    Chat,
    Context,
    DataClass,
    Ending,
    Provenance,
    Role,
    Scope,
    Turn,
    Where,
    split_thinking,
    title_from,
)
from freehold.engine.values import (
    Finished,
    Loaded,
    LoadingStopped,
    Notice,
    Reading,
    Sampling,
    Written,
    sampling_from_wire,
)
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.values import Found
from freehold.market.failover import Engine

_METERED_CHARACTERS = 50_000  # how far back the context meter looks for the last answer
_QUOTE = "\n\n> “"
_UNTRACED = "No sentence of the model's could be traced to the documents, so the closest one is quoted."


class Conversations(Extendable, Protocol):
    def get(self, id: str) -> Chat: ...
    def rename(self, chat: str, title: str) -> None: ...
    def turns(self, ids: Sequence[str]) -> list[Turn]: ...
    def back(self, turn: str, characters: int) -> tuple[list[Turn], int]: ...
    def ask(self, chat: str, text: str, parent: str | None, attachments: Sequence[Attachment] = ()) -> Turn: ...
    def attached(self, turn: str) -> list[Attachment]: ...
    def begin_answer(self, chat: str, parent: str) -> Turn: ...
    def note(self, turn: str, provenance: Provenance) -> None: ...
    def seal(
        self,
        turn: str,
        ending: Ending,
        provenance: Provenance | None,
        tokens: Sequence[int] = (),
        error: Mapping[str, str] | None = None,
    ) -> Turn: ...


class Settings(Protocol):
    def whole(self, name: str) -> int: ...
    def number(self, name: str) -> float: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What one message asks for beyond its chat's own settings. `scope` None means the chat's own documents, `where`
    None the chat's own place.
    """

    model: str = ""
    sampling: Mapping[str, float | int] = field(default_factory=dict)
    scope: Scope | None = None
    attachments: tuple[Attachment, ...] = ()
    where: Where | None = None


class Assistant:
    """Answers questions. Each method is one flow: a generator of steps, the question safe before the first of them."""

    def __init__(
        self,
        conversations: Conversations,
        engine: Engine,
        models: Models,
        settings: Settings,
        private: PrivateSettings,
        *,
        librarian: Librarian,
        peers: Peers | None = None,
    ) -> None:
        self._conversations = conversations
        self._engine = engine
        self._makers = Makers(engine, models, peers)
        self._settings = settings
        self._librarian = librarian
        self._prompter = Prompter(conversations, settings, private, librarian)

    def reply(self, chat: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Step]:
        """Answer `text` at the end of the branch in view.

        Raises FreeholdError after the answer was sealed as broken and `Answered` was yielded; the question is kept.
        """
        conversation, wish = self._conversations.get(chat), wish or Wish()
        question = self._conversations.ask(chat, text, conversation.leaf, wish.attachments)
        if not conversation.title:
            self._conversations.rename(chat, title_from(text))
        yield Asked(question)
        yield from self._answer(question, stop, wish)

    def edit(self, turn: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Step]:
        """Ask again in other words: a new branch beside the question `turn`, with its files, then its answer."""
        old, wish = self._turn(turn), wish or Wish()
        files = wish.attachments or (self._conversations.attached(turn) if old.attachments else ())
        question = self._conversations.ask(old.chat, text, old.parent, files)
        yield Asked(question)
        yield from self._answer(question, stop, wish)

    def retry(self, turn: str, stop: Stop, wish: Wish | None = None) -> Iterator[Step]:
        """Answer again: a new answer beside `turn`, or the first one when `turn` is a question."""
        old = self._turn(turn)
        question = old if old.role is Role.USER or old.parent is None else self._turn(old.parent)
        yield from self._answer(question, stop, wish or Wish())

    def measure(self, chat: str) -> Context:
        """How full the context is after the branch in view, from what its last answer recorded."""
        leaf = self._conversations.get(chat).leaf
        turns = self._conversations.back(leaf, _METERED_CHARACTERS)[0] if leaf is not None else []
        for turn in reversed(turns):
            if turn.provenance is not None and turn.provenance.context.limit:  # a refusal asked no model
                context = turn.provenance.context
                return replace(context, tokens=context.tokens + turn.provenance.tokens)
        loaded = self._engine.loaded
        return Context(0, loaded.limit if loaded is not None else self._settings.whole("context"))

    def attach(self, path: Path, stop: Stop, password: str | None = None) -> Attachment:
        """Read a file for one message; see Librarian.attach for what it raises."""
        return self._librarian.attach(path, stop, password)

    def quoted(self, turn: Turn) -> tuple[Reference, ...]:
        """The sources of an answer as they can be shown today."""
        question = self._turn(turn.parent) if turn.parent is not None else None
        return self._librarian.references(turn, question)

    def check_where(self, where: Where) -> None:
        """Whether a message may be asked there at all, before it is saved. Raises OffloadOff, PeerUnreachable."""
        self._makers.check(where)

    @property
    def may_leave(self) -> bool:
        """Whether any message could be answered elsewhere: devices are allowed to, and one is paired."""
        return self._makers.may_leave

    def placed(self, chat: Chat, wish: Wish) -> tuple[Placed, DataClass]:
        """Where the next message of `chat` would be answered, and the class of what would be read, without searching:
        with documents in its scope it counts as made from them.
        """
        data: DataClass = "words"
        if self._makers.may_leave:  # else it need not be known, and a long chat is not read for it
            reads = bool(wish.attachments) or self._librarian.has_documents(wish.scope or chat.scope)
            data = class_of(self._prompter.branch(chat.leaf).turns, reads_documents=reads)
        return self._makers.placed(wish.where or chat.where, data, wish.model or chat.model), data

    def preview(self, chat: Chat, text: str, stop: Stop, wish: Wish | None = None) -> Generator[Step, None, Preview]:
        """What would be read of the message `text`, and by whom. Nothing is saved; a device that would answer is asked
        what it offers, and is told nothing. Raises as `reply` does before its first word.
        """
        wish = wish or Wish()
        question = Turn("", chat.id, chat.leaf, Role.USER, text, 0.0, attachments=wish.attachments)
        branch = self._prompter.branch(chat.leaf, question)
        before = next((turn.text for turn in reversed(branch.turns[:-1]) if turn.role is Role.USER), "")
        scope = wish.scope or chat.scope
        found = (yield from self._librarian.look(query_from(text, before), scope)) if scope.reads else None
        data = class_of(branch.turns, reads_documents=found is not None)
        maker = self._makers.choose(wish.where or chat.where, data, wish.model or chat.model)
        if not maker.placed.devices:
            return Preview((HERE,), maker.placed.why, data)
        loaded = yield from self._prepare(maker, stop, [])
        used = found if found is not None and self._librarian.holds(found) else None
        most = self._sampling(chat, wish).max_tokens
        fitted = self._prompter.fit(chat, branch, used, maker.engine, loaded, max_tokens=most)
        names = tuple(one.name for one in maker.placed.devices)
        return Preview(names, maker.placed.why, data, fitted.messages, len(fitted.prompt.ids))

    def _turn(self, id: str) -> Turn:
        return self._conversations.turns([id])[0]

    def _answer(self, question: Turn, stop: Stop, wish: Wish) -> Iterator[Step]:
        answer = self._conversations.begin_answer(question.chat, question.id)
        yield Began(answer)
        saver = AnswerSaver(self._conversations, answer.id)
        record = Record(time.monotonic(), saver)
        try:
            ending = yield from self._write(question, answer.id, stop, wish, record)
            saver.close()
        except FreeholdError as error:
            with suppress(FreeholdError):  # a full disk may refuse this too; recovery seals it at the next start
                saver.close()
            with suppress(FreeholdError):
                yield Answered(self._seal(answer, Ending.BROKEN, record, error))
            raise
        except GeneratorExit:
            with suppress(FreeholdError):
                saver.close()
                self._seal(answer, Ending.STOPPED, record)
            raise
        yield Answered(self._seal(answer, ending, record))

    def _write(
        self, question: Turn, answer: str, stop: Stop, wish: Wish, record: Record
    ) -> Generator[Step, None, Ending]:
        chat = self._conversations.get(question.chat)
        found = yield from self._look(question, answer, wish.scope or chat.scope, record)
        if stop.is_set():
            return Ending.STOPPED
        if record.grounded is False:
            record.write(REFUSAL)
            yield Words(answer, REFUSAL)
            return Ending.COMPLETE
        branch = self._prompter.branch(question.id)
        record.data_class = class_of(branch.turns, reads_documents=found is not None)
        maker = self._makers.choose(wish.where or chat.where, record.data_class, wish.model or chat.model)
        try:
            loaded = yield from self._prepare(maker, stop, record.notes)
        except LoadingStopped:
            return Ending.STOPPED
        sampling = self._sampling(chat, wish)
        record.begin(loaded, sampling, maker)
        fitted = self._prompter.fit(chat, branch, found, maker.engine, loaded, max_tokens=sampling.max_tokens)
        record.evidence, record.context = fitted.evidence, fitted.context
        record.sources = (*sources_of("", fitted.evidence), *record.sources)
        if fitted.context.dropped_turns:
            yield LeftOut(fitted.context.dropped_turns, fitted.context)
        if stop.is_set():
            return Ending.STOPPED
        made = record.provenance()
        assert made is not None, "the record has begun"
        self._conversations.note(answer, made)  # a kill of this process would leave no time for it
        # Closed here and now when saving fails: the engine must not stay busy until the error is garbage.
        with closing(maker.engine.generate(fitted.prompt.ids, sampling, stop, chat.id)) as steps:
            finished = yield from _written(steps, answer, record)
        if finished.tail:
            record.hear(Written((), finished.tail))
            yield Words(answer, finished.tail)
        if not maker.placed.devices:
            self._makers.note_speed(loaded.sha256, record.tokens_per_s)
        ending = Ending(finished.ending)
        if record.evidence.used:
            yield from _attribute(question.text, answer, ending, record)
        return ending

    def _look(self, question: Turn, answer: str, scope: Scope, record: Record) -> Generator[Step, None, Found | None]:
        """What the documents of `scope` have for the question; `record.grounded` is False when they do not hold it."""
        if not scope.reads:
            return None
        found = yield from self._librarian.look(query_from(question.text, self._question_before(question)), scope)
        if found is None:
            return None
        holds = self._librarian.holds(found)
        # A file beside the question may hold what the library does not.
        record.grounded = True if holds else None if question.attachments else False
        record.sources = () if holds else near_misses(found.passages)
        yield Sources(answer, found.passages, holds, found.mode)
        return found if holds else None

    def _question_before(self, question: Turn) -> str:
        turns, _ = self._conversations.back(question.id, len(question.text) + _METERED_CHARACTERS)
        return next((turn.text for turn in reversed(turns[:-1]) if turn.role is Role.USER), "")

    def _prepare(self, maker: Maker, stop: Stop, notes: list[str]) -> Generator[Step, None, Loaded]:
        preparing = maker.engine.prepare(
            maker.model,
            context=self._settings.whole("context"),
            gpu_layers=self._settings.whole("gpu_layers"),
            threads=self._settings.whole("threads"),
            fallbacks=self._makers.smaller(maker.model),
            stop=stop,
        )
        with closing(preparing) as steps:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    loaded: Loaded = end.value
                    return loaded
                if isinstance(step, Notice):
                    notes.append(step.words)
                yield step

    def _sampling(self, chat: Chat, wish: Wish) -> Sampling:
        settings = self._settings
        general: dict[str, Any] = {
            "temperature": settings.number("temperature"),
            "top_p": settings.number("top_p"),
            "top_k": settings.whole("top_k"),
            "max_tokens": settings.whole("max_tokens"),
            "seed": secrets.randbits(32),
        }
        return sampling_from_wire({**general, **chat.sampling, **wish.sampling})

    def _seal(self, answer: Turn, ending: Ending, record: Record, error: FreeholdError | None = None) -> Turn:
        return self._conversations.seal(
            answer.id, ending, record.provenance(), record.tokens, error.to_wire() if error is not None else None
        )


def _written(
    steps: Generator[Reading | Written | Notice, None, Finished], answer: str, record: Record
) -> Generator[Step, None, Finished]:
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            finished: Finished = end.value
            return finished
        if isinstance(step, Written):
            record.hear(step)
            yield Words(answer, step.text)
        else:
            if isinstance(step, Notice):
                record.notes.append(step.words)
            yield step


def _attribute(question: str, answer: str, ending: Ending, record: Record) -> Iterator[Step]:
    """Say which sentence comes from where. An answer of which none can be traced gets the closest words quoted."""
    near = record.sources[len(record.evidence.used) + len(record.evidence.left_out) :]
    sources = sources_of(record.text, record.evidence)
    said = split_thinking(record.text)[1]
    is_traced = any(source.marks for source in sources)
    if not is_traced and ending is not Ending.STOPPED and said.count("```") % 2 == 0:
        closest = closest_sentence(question, record.evidence.used)
        if closest is not None:
            place, sentence = closest
            start = len(record.text) + len(_QUOTE)
            quote = f"{_QUOTE}{sentence}”"
            record.write(quote)
            record.notes.append(_UNTRACED)
            sources = cite(sources, place, start, start + len(sentence))
            yield Words(answer, quote)
    record.sources = (*sources, *near)
    if record.grounded is None and any(source.marks for source in sources):
        record.grounded = True
