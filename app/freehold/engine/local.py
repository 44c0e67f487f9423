"""The engine on this machine, as the rest of the app sees it: get a model ready, read, generate, give memory back."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from freehold.engine.asking import messages_to_wire, prompt_from_wire
from freehold.engine.fit import memory_needed
from freehold.engine.gguf import GgufFacts
from freehold.engine.loading import Loader, Wish, in_engine_words, start_boxed
from freehold.engine.machine import read_machine
from freehold.engine.marker import Marker
from freehold.engine.turns import Turns
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
    Scored,
    Written,
    to_wire,
)
from freehold.foundation.errors import EngineStopped
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.processes.frames import pack_ids, unpack_floats, unpack_ids

SILENCE = 300.0  # seconds: the first step with a large model on a cold disk computes long before it can say anything


class LocalEngine:
    """One model at a time, in a process of its own that is started on the first request and replaced after a death.

    `start` starts that process, `available` tells the bytes of memory that are free and `needed` those that a model
    takes with a context, `clock` the time in seconds since 1970 (for templates that mention the date), `silence` how
    many seconds the process may say nothing. One generation runs at a time; others wait for their turn. Safe to use
    from several threads.
    """

    leaves_device = False

    def __init__(
        self,
        profile: Profile,
        *,
        start: Callable[[], subprocess.Popen[bytes]] | None = None,
        available: Callable[[], int] | None = None,
        needed: Callable[[GgufFacts, int], int] | None = None,
        clock: Callable[[], float] = time.time,
        silence: float = SILENCE,
    ) -> None:
        self._loader = Loader(
            (lambda _file: start()) if start else partial(start_boxed, profile.scratch),
            Marker(profile.home / "loading.json"),
            available=available or _free_memory,
            needed=needed or memory_needed,
            silence=silence,
        )
        self._clock, self._silence = clock, silence
        self._turns = Turns()  # taken while a model is loaded, an answer written or one checked
        self._wish: Wish | None = None
        self._loaded: Loaded | None = None
        self._used = time.monotonic()

    @property
    def loaded(self) -> Loaded | None:
        """The model in memory, None when there is none."""
        return self._loaded if self._loader.link.is_running else None

    @property
    def is_busy(self) -> bool:
        """Whether a model is being loaded or an answer written right now. For a check, nobody waits."""
        return self._turns.is_taken

    @property
    def pid(self) -> int | None:
        """The engine process, None when none runs."""
        return self._loader.link.pid

    def prepare(
        self,
        model: Model,
        *,
        context: int,
        gpu_layers: int,
        threads: int,
        fallbacks: Sequence[Model] = (),
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]:
        """Load `model` unless it is loaded. When that fails, gentler ways are tried, then `fallbacks`, each told.

        `context` is in tokens, `gpu_layers` -1 means as many as there are, `threads` 0 one for each usable core.
        Raises what kept `model` itself from loading when nothing else worked either: ModelMissing, ModelMalformed,
        ModelTooLarge, EngineStopped; and LoadingStopped when `stop` was set.
        """
        wish = Wish(model.id, model.path, context, gpu_layers, threads)
        if (ready := self._ready(wish)) is not None:
            return ready
        with self._turns.front(stop) as is_mine:
            if not is_mine:
                raise LoadingStopped
            if (ready := self._ready(wish)) is not None:
                return ready
            self._forget()
            loaded = yield from self._loader.load_one_of(model, fallbacks, wish, stop or Stop())
            self._loaded, self._wish, self._used = loaded, wish, time.monotonic()
            return loaded

    def read(self, messages: Sequence[Message]) -> Prompt:
        """The token ids of a whole prompt for the loaded model. Raises EngineStopped, PromptTooLong, TemplateFailed.

        Waits for an answer that is being written.
        """
        loaded = self._working()
        with self._turns.ahead(), in_engine_words(self._forget):
            answer = self._loader.link.call(
                "engine.read", messages=messages_to_wire(messages), now=float(self._clock()), silence=self._silence
            )
        if answer["notes"]:
            notes = (*loaded.notes, *answer["notes"])
            self._loaded = replace(loaded, template=answer["template"], notes=notes)
        self._used = time.monotonic()
        return prompt_from_wire(answer)

    def tokens(self, text: str) -> tuple[int, ...]:
        """The ids of plain text: an answer that another model began goes on from these. Raises EngineStopped."""
        self._working()
        with in_engine_words(self._forget):
            return tuple(unpack_ids(self._loader.link.call("engine.tokens", text=text, silence=self._silence)))

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        stop: Stop,
        chat: str = "",  # noqa: ARG002 - engines elsewhere need it; here the prompt itself finds what was read before
        *,
        replayed: int = 0,
    ) -> Generator[Reading | Written, None, Finished]:
        """The answer to `prompt`, as it is written. Setting `stop` or closing the generator stops native work too.

        The last `replayed` ids of the prompt are an answer that was begun elsewhere and goes on here: they are
        computed one by one, so that the same build goes on as if it had never been interrupted, and the text goes on
        where theirs ends. That is slower than reading them together (docs/benchmarks.md).

        Raises EngineStopped, PromptTooLong.
        """
        with self._turns.front(stop) as is_mine:
            if not is_mine:
                return Finished("stopped")
            self._working()
            parts = self._loader.link.stream(
                "engine.generate", stop=stop, silence=self._silence,
                prompt=pack_ids(prompt), replayed=replayed, sampling=to_wire(sampling),
            )  # fmt: skip
            with contextlib.closing(parts), in_engine_words(self._forget):
                result = yield from _steps(parts)
            self._used = time.monotonic()
        if result is None:  # stopped before it began
            return Finished("stopped")
        return Finished(result["ending"], tail=result["tail"], reused=result["reused"])

    def score(
        self, prompt: Sequence[int], answer: Sequence[int], positions: Sequence[int], sampling: Sampling, stop: Stop
    ) -> tuple[Scored, ...]:
        """What the loaded model would have written at `positions` of an `answer` to `prompt`, in ascending order.

        It runs in the background: whoever wants an answer comes first, and the rest is scored when that is written.
        Fewer are returned when `stop` was set. Raises EngineStopped, when another model took this one's place too, and
        PromptTooLong.
        """
        self._working()
        wish, wanted, found = self._wish, sorted(set(positions)), list[Scored]()
        while len(found) < len(wanted):
            with self._turns.behind(stop) as way:
                if way is None:
                    break
                if self._working() and self._wish != wish:
                    raise EngineStopped("another model was loaded meanwhile")
                parts = self._loader.link.stream(
                    "engine.score", stop=way, silence=self._silence, prompt=pack_ids(prompt), answer=pack_ids(answer),
                    positions=pack_ids(wanted[len(found) :]), sampling=to_wire(sampling),
                )  # fmt: skip
                with contextlib.closing(parts), in_engine_words(self._forget):
                    for part in parts:
                        found += _scores(part)
        return tuple(found)

    def describe(self) -> dict[str, Any]:
        """What the engine's build and this machine can do: `gpu` (offload works), `threads`, `build` in words.

        Starts the process when none runs. Raises WorkerStopped.
        """
        facts: dict[str, Any] = self._loader.link.call("engine.facts")
        return facts

    def unload(self) -> None:
        """End the process, and with it everything its memory held. An answer being written is stopped first."""
        self._forget()
        self._loader.link.end()

    def unload_if_idle(self, seconds: float) -> bool:
        """Unload when nothing was asked for `seconds`. True when that happened. To be called now and then."""
        if self.pid is None or time.monotonic() - self._used < seconds:
            return False
        with self._turns.now() as is_mine:
            if is_mine:
                self.unload()
        return is_mine

    def _ready(self, wish: Wish) -> Loaded | None:
        return self.loaded if wish == self._wish else None

    def _working(self) -> Loaded:
        loaded = self.loaded
        if loaded is None:
            raise EngineStopped("no model is loaded")
        return loaded

    def _forget(self) -> None:
        self._loaded = self._wish = None


def _steps(parts: Generator[Any, None, Any]) -> Generator[Reading | Written, None, Any]:
    """The worker's parts as values."""
    while True:
        try:
            part = next(parts)
        except StopIteration as end:
            return end.value
        if "text" in part:
            yield Written(tuple(unpack_ids(part["ids"])), part["text"])
        else:
            yield Reading(part["done"], part["total"])


def _scores(part: dict[str, Any]) -> Iterator[Scored]:
    margins = unpack_floats(part["margins"])
    for position, chosen, margin in zip(
        unpack_ids(part["positions"]), unpack_ids(part["chosen"]), margins, strict=True
    ):
        yield Scored(position, chosen, margin)


def _free_memory() -> int:
    return read_machine().available
