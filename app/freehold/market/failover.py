"""One answer by several engines: where one stops, the next goes on, and no token is lost or written twice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol

from freehold.engine.values import Finished, Loaded, Loading, Message, Model, Notice, Prompt, Reading, Sampling, Written
from freehold.foundation.errors import (
    EngineStopped,
    FreeholdError,
    KeyMissing,
    MandateRefused,
    ModelMalformed,
    ModelMissing,
    ModelTooLarge,
    Offline,
    PeerUnreachable,
    PeerUntrusted,
    PromptTooLong,
    TemplateFailed,
    WorkerStopped,
)
from freehold.foundation.stop import Stop
from freehold.market.errors import PeerRefused

HERE = "here"

# What one engine cannot and another may. What is not here (a locked vault, a full disk, a stop) ends the answer.
GIVES_UP = (
    PeerUnreachable, PeerUntrusted, PeerRefused, MandateRefused, KeyMissing, Offline, WorkerStopped, ModelMissing,
    ModelMalformed, ModelTooLarge, PromptTooLong, TemplateFailed,
)  # fmt: skip

Steps = Generator[Reading | Written | Notice, None, Finished]
Prepare = Callable[["Engine"], Generator[Loading | Notice, None, Loaded]]


class Engine(Protocol):
    """What answers: this machine's engine, a paired device's, later a rented peer's. Token ids are the truth: an answer
    that was begun elsewhere goes on from its ids, the last `replayed` of a prompt, or from its text's (`tokens`).
    """

    @property
    def leaves_device(self) -> bool: ...
    @property
    def loaded(self) -> Loaded | None: ...
    def prepare(
        self, model: Model, *, context: int, gpu_layers: int, threads: int, fallbacks: Sequence[Model] = (),
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]: ...  # fmt: skip
    def read(self, messages: Sequence[Message]) -> Prompt: ...
    def tokens(self, text: str) -> tuple[int, ...]: ...
    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = "", *, replayed: int = 0
    ) -> Steps: ...


@dataclass(frozen=True, slots=True)
class Candidate:
    """One engine that may be asked: its maker's name for people, and which models (SHA-256) it is known to have; of the
    engine here it is known only once it is loaded.
    """

    name: str
    engine: Engine
    models: frozenset[str] = frozenset()

    @property
    def is_here(self) -> bool:
        return self.name == HERE


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer so far: `prompt` and `ids` are in tokens of the model `sha256`, `text` is by all that wrote at it, and
    `count` how many tokens they wrote.
    """

    prompt: tuple[int, ...]
    sha256: str
    ids: tuple[int, ...] = ()
    text: str = ""
    count: int = 0

    def hear(self, step: Written) -> Begun:
        return replace(self, ids=(*self.ids, *step.ids), text=self.text + step.text, count=self.count + len(step.ids))

    def left(self, sampling: Sampling) -> Sampling:
        """The sampling for what is still to be written."""
        return replace(sampling, max_tokens=sampling.max_tokens - self.count)

    def in_tokens_of(self, sha256: str, prompt: Sequence[int], said: Sequence[int]) -> Begun:
        """The same answer for another model, which reads `prompt` and goes on from `said`, the tokens of the text."""
        return replace(self, sha256=sha256, prompt=tuple(prompt), ids=tuple(said))


def next_in_turn(waiting: Sequence[Candidate], begun: Begun, *, only_devices: bool = False) -> Candidate | None:
    """Who goes on. Before the first word that is whoever comes next, but for the engine here where `only_devices` were
    wished for. After it, the next device with the same model, or the engine here, from the words alone if need be.
    """
    if not begun.count:
        return next((one for one in waiting if not (one.is_here and only_devices)), None)
    return next((one for one in waiting if one.is_here or begun.sha256 in one.models), None)


class Relay:
    """Engines in turn, as one engine: the first that can answers, the next goes on where it stops.

    `candidates` are asked in order; with `only_devices` the one here only goes on with what a device has begun.
    """

    leaves_device = True

    def __init__(self, candidates: Sequence[Candidate], *, only_devices: bool = False) -> None:
        self._everybody, self._waiting, self._only_devices = tuple(candidates), list(candidates), only_devices
        self._now: Candidate | None = None
        self._begun = Begun((), "")
        self._makers: list[str] = []
        self._models: set[str] = set()
        self._asked: tuple[tuple[int, ...], Sequence[Message]] = (), ()
        self._prepare: Prepare = _not_prepared

    @property
    def makers(self) -> tuple[str, ...]:
        """The names of those that wrote, in turn; "here" is this computer."""
        return tuple(self._makers)

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs of the devices that wrote, in turn."""
        return tuple(job for one in self._everybody for job in getattr(one.engine, "jobs", ()))

    @property
    def is_one_model(self) -> bool:
        """Whether all ids that were written are of one vocabulary."""
        return len(self._models) <= 1

    @property
    def loaded(self) -> Loaded | None:
        return None if self._now is None else self._now.engine.loaded

    def prepare(
        self, model: Model, *, context: int, gpu_layers: int, threads: int, fallbacks: Sequence[Model] = (),
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]:  # fmt: skip
        """Get the first that can ready. Raises what kept the first from it when none could."""
        if (ready := self.loaded) is not None:
            return ready

        def prepare(engine: Engine) -> Generator[Loading | Notice, None, Loaded]:
            return engine.prepare(
                model, context=context, gpu_layers=gpu_layers, threads=threads, fallbacks=fallbacks, stop=stop
            )

        self._prepare, problems = prepare, list[FreeholdError]()
        while (one := next_in_turn(self._waiting, self._begun, only_devices=self._only_devices)) is not None:
            if problems:
                yield Notice(f"{problems[-1].title}. {_who(one)} is asked instead.")
            try:
                return (yield from self._take(one))
            except GIVES_UP as error:
                problems.append(error)
        raise problems[0] if problems else PeerUnreachable("there is no device to ask")

    def read(self, messages: Sequence[Message]) -> Prompt:
        prompt = self._working().engine.read(messages)
        self._asked = prompt.ids, messages
        return prompt

    def tokens(self, text: str) -> tuple[int, ...]:
        return self._working().engine.tokens(text)

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = "", *, replayed: int = 0
    ) -> Steps:
        """The answer, by as many as it takes. Raises what ended the first of them that could not be replaced."""
        loaded, asked = self.loaded, len(prompt) - replayed
        if loaded is None:
            raise EngineStopped("no model is loaded")
        messages = self._asked[1] if self._asked[0] == tuple(prompt) else ()
        self._begun = Begun(tuple(prompt[:asked]), loaded.sha256, tuple(prompt[asked:]))
        while True:
            maker = self._working()
            try:
                return (yield from self._write(maker, sampling, stop, chat))
            except GIVES_UP as error:
                problem = error
            if stop.is_set() or self._begun.count >= sampling.max_tokens:
                return Finished("stopped" if stop.is_set() else "length")
            yield Notice((yield from self._hand_over(maker, messages, problem)))

    def _write(self, maker: Candidate, sampling: Sampling, stop: Stop, chat: str) -> Steps:
        begun = self._begun
        steps = maker.engine.generate(
            (*begun.prompt, *begun.ids), begun.left(sampling), stop, chat, replayed=len(begun.ids)
        )
        with closing(steps):
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    finished: Finished = end.value
                    return finished
                if isinstance(step, Written):
                    self._begun = self._begun.hear(step)
                    self._note(maker.name)
                yield step

    def _hand_over(
        self, was: Candidate, messages: Sequence[Message], problem: FreeholdError
    ) -> Generator[Notice, None, str]:
        """Have the next one ready, and the answer in its tokens; what to say of it. Raises `problem` if nobody can."""
        while (one := next_in_turn(self._waiting, self._begun, only_devices=self._only_devices)) is not None:
            try:
                loaded = yield from _only_notices(self._take(one))
                is_same = loaded.sha256 == self._begun.sha256
                if not is_same:
                    self._begun = self._translated(one, loaded.sha256, messages)
            except GIVES_UP:
                continue
            how = "goes on" if is_same or not self._begun.count else "goes on from its words with another model"
            return f"{_who(was)} stopped answering: {_who(one)} {how}."
        raise problem

    def _translated(self, by: Candidate, sha256: str, messages: Sequence[Message]) -> Begun:
        """What has begun, for another model. Raises ModelMissing where a device turns out to have another one than it
        offered, or where the question is known in tokens only.
        """
        if not messages or (self._begun.count and not by.is_here):
            raise ModelMissing(f"{by.name} has another model")
        said = by.engine.tokens(self._begun.text) if self._begun.text else ()
        return self._begun.in_tokens_of(sha256, by.engine.read(messages).ids, said)

    def _take(self, candidate: Candidate) -> Generator[Loading | Notice, None, Loaded]:
        """Get one ready; it waits no longer then, whether or not it could."""
        self._waiting = [one for one in self._waiting if one is not candidate]
        loaded = yield from self._prepare(candidate.engine)
        self._now = candidate
        return loaded

    def _note(self, maker: str) -> None:
        self._models.add(self._begun.sha256)
        if self._makers[-1:] != [maker]:
            self._makers.append(maker)

    def _working(self) -> Candidate:
        if self._now is None:
            raise EngineStopped("no model is loaded")
        return self._now


def _not_prepared(_: Engine) -> Generator[Loading | Notice, None, Loaded]:
    raise EngineStopped("no model is loaded")


def _only_notices(steps: Generator[Loading | Notice, None, Loaded]) -> Generator[Notice, None, Loaded]:
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            loaded: Loaded = end.value
            return loaded
        if isinstance(step, Notice):
            yield step


def _who(candidate: Candidate) -> str:
    return "This computer" if candidate.is_here else candidate.name
