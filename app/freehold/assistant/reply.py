"""Answering: from a question that is safely written down to an answer that says how it came about."""

from __future__ import annotations

import secrets
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from freehold.assistant.fitting import (
    MOST_CHARACTERS_A_TOKEN,
    first_kept,
    left_out_before,
    messages_from,
    reserve_for_answer,
)
from freehold.assistant.saving import AnswerSaver, Extendable
from freehold.assistant.values import Answered, Asked, Began, LeftOut, Step, Words
from freehold.chats.values import Chat, Context, Ending, Provenance, Role, Turn, title_from
from freehold.engine.values import (
    Finished,
    Loaded,
    Loading,
    LoadingStopped,
    Message,
    Model,
    Notice,
    Prompt,
    Reading,
    Sampling,
    Written,
    sampling_from_wire,
    to_wire,
)
from freehold.foundation.errors import FreeholdError, PromptTooLong
from freehold.foundation.stop import Stop

_METERED_CHARACTERS = 50_000  # how far back the context meter looks for the last answer


class Conversations(Extendable, Protocol):
    def get(self, id: str) -> Chat: ...
    def rename(self, chat: str, title: str) -> None: ...
    def turns(self, ids: Sequence[str]) -> list[Turn]: ...
    def back(self, turn: str, characters: int) -> tuple[list[Turn], int]: ...
    def ask(self, chat: str, text: str, parent: str | None) -> Turn: ...
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


class Engine(Protocol):
    """What answers: this machine's engine, later a paired device's or a rented peer's. Token ids are the truth."""

    @property
    def leaves_device(self) -> bool: ...
    @property
    def loaded(self) -> Loaded | None: ...
    def prepare(
        self, model: Model, *, context: int, gpu_layers: int, threads: int, fallbacks: Sequence[Model] = (),
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]: ...  # fmt: skip
    def read(self, messages: Sequence[Message]) -> Prompt: ...
    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = ""
    ) -> Generator[Reading | Written, None, Finished]: ...


class Models(Protocol):
    def find(self, id: str) -> Model: ...
    def in_use(self) -> Model: ...
    def smaller(self, model: Model) -> list[Model]: ...


class Settings(Protocol):
    def whole(self, name: str) -> int: ...
    def number(self, name: str) -> float: ...


class PrivateSettings(Protocol):
    def setting(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Wish:
    """What one message asks for beyond its chat's own settings."""

    model: str = ""
    sampling: Mapping[str, float | int] = field(default_factory=dict)


class Assistant:
    """Answers questions. Each method is one flow: a generator of steps, the question safe before the first of them."""

    def __init__(
        self,
        conversations: Conversations,
        engine: Engine,
        models: Models,
        settings: Settings,
        private: PrivateSettings,
    ) -> None:
        self._conversations = conversations
        self._engine = engine
        self._models = models
        self._settings = settings
        self._private = private

    def reply(self, chat: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Step]:
        """Answer `text` at the end of the branch in view.

        Raises FreeholdError after the answer was sealed as broken and `Answered` was yielded; the question is kept.
        """
        conversation = self._conversations.get(chat)
        question = self._conversations.ask(chat, text, conversation.leaf)
        if not conversation.title:
            self._conversations.rename(chat, title_from(text))
        yield Asked(question)
        yield from self._answer(question, stop, wish or Wish())

    def edit(self, turn: str, text: str, stop: Stop, wish: Wish | None = None) -> Iterator[Step]:
        """Ask again in other words: a new branch beside the question `turn`, then its answer."""
        old = self._turn(turn)
        question = self._conversations.ask(old.chat, text, old.parent)
        yield Asked(question)
        yield from self._answer(question, stop, wish or Wish())

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
            if turn.provenance is not None:
                context = turn.provenance.context
                return replace(context, tokens=context.tokens + turn.provenance.tokens)
        loaded = self._engine.loaded
        return Context(0, loaded.limit if loaded is not None else self._settings.whole("context"))

    def _turn(self, id: str) -> Turn:
        return self._conversations.turns([id])[0]

    def _answer(self, question: Turn, stop: Stop, wish: Wish) -> Iterator[Step]:
        answer = self._conversations.begin_answer(question.chat, question.id)
        yield Began(answer)
        saver = AnswerSaver(self._conversations, answer.id)
        record = _Record(time.monotonic(), saver)
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
        self, question: Turn, answer: str, stop: Stop, wish: Wish, record: _Record
    ) -> Generator[Step, None, Ending]:
        chat = self._conversations.get(question.chat)
        model = self._models.find(wish.model or chat.model) if wish.model or chat.model else self._models.in_use()
        try:
            loaded = yield from self._prepare(model, stop, record)
        except LoadingStopped:
            return Ending.STOPPED
        sampling = self._sampling(chat, wish)
        record.begin(loaded, sampling, self._engine.leaves_device)
        prompt = yield from self._fit(chat, question, loaded, sampling, record)
        if stop.is_set():
            return Ending.STOPPED
        made = record.provenance()
        assert made is not None, "the record has begun"
        self._conversations.note(answer, made)  # a kill of this process would leave no time for it
        # Closed here and now when saving fails: the engine must not stay busy until the error is garbage.
        with closing(self._engine.generate(prompt.ids, sampling, stop, chat.id)) as steps:
            finished = yield from _written(steps, answer, record)
        if finished.tail:
            record.hear(Written((), finished.tail))
            yield Words(answer, finished.tail)
        return Ending(finished.ending)

    def _prepare(self, model: Model, stop: Stop, record: _Record) -> Generator[Step, None, Loaded]:
        preparing = self._engine.prepare(
            model,
            context=self._settings.whole("context"),
            gpu_layers=self._settings.whole("gpu_layers"),
            threads=self._settings.whole("threads"),
            fallbacks=self._models.smaller(model),
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
                    record.notes.append(step.words)
                yield step

    def _fit(
        self, chat: Chat, question: Turn, loaded: Loaded, sampling: Sampling, record: _Record
    ) -> Generator[Step, None, Prompt]:
        """The prompt, with the oldest turns left out where the context asks for it."""
        turns, before = self._conversations.back(question.id, loaded.limit * MOST_CHARACTERS_A_TOKEN)
        dropped = max(before, left_out_before(turns, loaded.sha256, loaded.limit))
        shown = messages_from(turns[dropped - before :], loaded.sha256)
        system = self._private.setting("system_prompt") if chat.system_prompt is None else chat.system_prompt
        head = [Message("system", system)] if system.strip() else []
        limit = loaded.limit - reserve_for_answer(loaded.limit, sampling.max_tokens)
        prompt = self._engine.read([*head, *(one.message for one in shown)])
        counts = prompt.counts[len(head) :]
        first = first_kept(len(prompt.ids) - sum(counts), counts, limit)
        if first:
            first += shown[first].message.role == "assistant"  # what is shown begins with a question
            dropped += sum(one.turns for one in shown[:first])
            prompt = self._engine.read([*head, *(one.message for one in shown[first:])])
        if len(prompt.ids) > limit:
            raise PromptTooLong(f"{len(prompt.ids)} tokens, {limit} fit")
        record.context = Context(len(prompt.ids), loaded.limit, dropped_turns=dropped)
        if dropped:
            yield LeftOut(dropped, record.context)
        return prompt

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

    def _seal(self, answer: Turn, ending: Ending, record: _Record, error: FreeholdError | None = None) -> Turn:
        return self._conversations.seal(
            answer.id, ending, record.provenance(), record.tokens, error.to_wire() if error is not None else None
        )


def _written(
    steps: Generator[Reading | Written, None, Finished], answer: str, record: _Record
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
            yield step


class _Record:
    """What is noted down while an answer is made; becomes its provenance. Its words go on to the saver."""

    def __init__(self, asked: float, saver: AnswerSaver) -> None:
        self._asked, self._first, self._last = asked, 0.0, 0.0
        self._saver = saver
        self._loaded: Loaded | None = None
        self._sampling = Sampling()
        self._where = "here"
        self.context = Context()
        self.notes: list[str] = []
        self.tokens: list[int] = []

    def begin(self, loaded: Loaded, sampling: Sampling, leaves_device: bool) -> None:
        self._loaded, self._sampling = loaded, sampling
        self._where = "peer" if leaves_device else "here"
        self.context = Context(0, loaded.limit)
        self.notes.extend(note for note in loaded.notes if note not in self.notes)

    def hear(self, step: Written) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last
        self.tokens.extend(step.ids)
        self._saver.add(step.text)

    def provenance(self) -> Provenance | None:
        """None when the model was never reached."""
        if self._loaded is None:
            return None
        sampler = to_wire(self._sampling) | {"method": "gumbel-by-position"}
        seconds = self._last - self._first
        return Provenance(
            where=(self._where,),
            model=self._loaded.name,
            model_sha256=self._loaded.sha256,
            sampler=sampler,
            seed=int(sampler.pop("seed")),
            context=self.context,
            first_token_s=round(self._first - self._asked, 4) if self._first else 0.0,
            tokens=len(self.tokens),
            tokens_per_s=round((len(self.tokens) - 1) / seconds, 2) if seconds > 0 else 0.0,
            notes=tuple(self.notes),
        )
