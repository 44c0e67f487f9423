"""The engine on this machine, as the rest of the app sees it: get a model ready, read, generate, give memory back."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from freehold.engine import gguf, ladder
from freehold.engine.gguf import GgufFacts
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
    to_wire,
)
from freehold.foundation.errors import (
    EngineStopped,
    FreeholdError,
    ModelMalformed,
    ModelMissing,
    ModelTooLarge,
    WorkerStopped,
)
from freehold.foundation.paths import Profile, write_atomically
from freehold.foundation.stop import Stop
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

SILENCE = 300.0  # seconds: the first step with a large model on a cold disk computes long before it can say anything


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was asked for. The same wish again finds the model still loaded."""

    model: str
    path: str
    context: int
    gpu_layers: int
    threads: int


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
        self._start = start or (lambda: spawn(worker_command("engine"), profile.scratch))
        self._marker = _Marker(profile.home / "loading.json")
        self._available, self._needed = available or _free_memory, needed or _needed
        self._clock, self._silence = clock, silence
        self._turn = threading.Lock()  # held while a model is loaded or an answer is written
        self._link = self._new_link()
        self._wish: _Wish | None = None
        self._loaded: Loaded | None = None
        self._used = time.monotonic()

    @property
    def loaded(self) -> Loaded | None:
        """The model in memory, None when there is none."""
        return self._loaded if self._link.is_running else None

    @property
    def is_busy(self) -> bool:
        """Whether a model is being loaded or an answer written right now."""
        return self._turn.locked()

    @property
    def pid(self) -> int | None:
        return self._link.pid

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

        Raises what kept `model` itself from loading when nothing else worked either: ModelMissing, ModelMalformed,
        ModelTooLarge, EngineStopped; and LoadingStopped when `stop` was set.
        """
        wish = _Wish(model.id, model.path, context, gpu_layers, threads)
        if (ready := self._ready(wish)) is not None:
            return ready
        with self._my_turn(stop) as is_mine:
            if not is_mine:
                raise LoadingStopped
            if (ready := self._ready(wish)) is not None:
                return ready
            self._wish = wish
            self._loaded = yield from self._load_one_of(model, fallbacks, wish, stop or Stop())
            self._used = time.monotonic()
            return self._loaded

    def read(self, messages: Sequence[Message]) -> Prompt:
        """The token ids of a whole prompt for the loaded model. Raises EngineStopped, PromptTooLong."""
        link, loaded = self._working()
        told = [{"role": m.role, "text": m.text, "tokens": pack_ids(m.tokens)} for m in messages]
        with self._in_engine_words():
            answer = link.call("engine.read", messages=told, now=self._clock(), silence=self._silence)
        if answer["notes"]:
            notes = (*loaded.notes, *answer["notes"])
            self._loaded = replace(loaded, template=answer["template"], notes=notes)
        self._used = time.monotonic()
        return Prompt(tuple(unpack_ids(answer["ids"])), tuple(unpack_ids(answer["counts"])))

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = ""  # noqa: ARG002 - for engines elsewhere
    ) -> Generator[Reading | Written, None, Finished]:
        """The answer to `prompt`, as it is written. Setting `stop` or closing the generator stops native work too.

        Nothing needs `chat` here: the prompt itself finds what was read before. Raises EngineStopped, PromptTooLong.
        """
        with self._my_turn(stop) as is_mine:
            if not is_mine:
                return Finished("stopped")
            link, _ = self._working()
            parts = link.stream(
                "engine.generate", stop=stop, silence=self._silence, prompt=pack_ids(prompt), sampling=to_wire(sampling)
            )
            with contextlib.closing(parts), self._in_engine_words():
                result = yield from _steps(parts)
            self._used = time.monotonic()
        if result is None:  # stopped before it began
            return Finished("stopped")
        return Finished(result["ending"], tail=result["tail"], reused=result["reused"])

    def unload(self) -> None:
        """End the process, and with it everything its memory held. An answer being written breaks off."""
        self._loaded = self._wish = None
        self._link.end()

    def unload_if_idle(self, seconds: float) -> bool:
        """Unload when nothing was asked for `seconds`. True when that happened. To be called now and then."""
        if self.is_busy or not self._link.is_running or time.monotonic() - self._used < seconds:
            return False
        self.unload()
        return True

    def _ready(self, wish: _Wish) -> Loaded | None:
        return self.loaded if wish == self._wish else None

    def _load_one_of(
        self, model: Model, fallbacks: Sequence[Model], wish: _Wish, stop: Stop
    ) -> Generator[Loading | Notice, None, Loaded]:
        problem: FreeholdError | None = None
        for candidate in (model, *fallbacks):
            if problem is not None:
                yield Notice(f"{model.name} cannot be loaded here. Trying {candidate.name}.")
            try:
                return (yield from self._load(candidate, wish, stop))
            except LoadingStopped:
                raise
            except (ModelMalformed, ModelMissing, ModelTooLarge, EngineStopped) as error:
                problem = problem or error
        assert problem is not None
        raise problem

    def _load(self, model: Model, wish: _Wish, stop: Stop) -> Generator[Loading | Notice, None, Loaded]:
        """One model, down the ladder."""
        facts = _facts(model)
        self._link.end()  # its memory must be free before what is free is counted
        self._link = self._new_link()
        problem: FreeholdError | None = None
        for rung in self._rungs(model, facts, wish):
            needed, free = self._needed(facts, rung.context), self._available()
            if needed > free:
                problem = problem or _too_large(model, rung.context, needed, free)
                continue
            if rung.words:
                yield Notice(rung.words)
            try:
                return (yield from self._attempt(model, facts, rung, wish.threads, stop))
            except EngineStopped as error:
                gguf.inspect(Path(model.path))  # a file that was changed meanwhile explains itself
                problem = error
        assert problem is not None
        raise problem

    def _rungs(self, model: Model, facts: GgufFacts, wish: _Wish) -> Iterator[ladder.Rung]:
        context = min(wish.context, facts.context)
        if self._marker.names(model.id):
            yield ladder.gentle(context)
            return
        gpu_layers = wish.gpu_layers
        if gpu_layers:
            with self._in_engine_words():
                gpu_layers = gpu_layers if self._link.call("engine.facts")["gpu"] else 0
        yield from ladder.rungs(context=context, gpu_layers=gpu_layers, layers=facts.layers)

    def _attempt(
        self, model: Model, facts: GgufFacts, rung: ladder.Rung, threads: int, stop: Stop
    ) -> Generator[Loading | Notice, None, Loaded]:
        self._marker.set(model.id)
        try:
            result = yield from self._loading(model, rung, threads, stop)
        except EngineStopped:
            if self._link.is_running:
                self._marker.clear()  # it failed in words, not by ending the process
            raise
        self._marker.clear()
        if result is None or stop.is_set():
            raise LoadingStopped
        return Loaded(
            id=model.id, name=model.name, sha256=model.sha256, limit=result["limit"],
            gpu_layers=result["gpu_layers"], threads=result["threads"], template=result["template"],
            memory=self._needed(facts, result["limit"]), notes=tuple(result["notes"]),
        )  # fmt: skip

    def _loading(self, model: Model, rung: ladder.Rung, threads: int, stop: Stop) -> Generator[Loading, None, Any]:
        parts = self._link.stream(
            "engine.load", stop=stop, silence=self._silence,
            path=model.path, context=rung.context, gpu_layers=rung.gpu_layers, threads=threads,
        )  # fmt: skip
        with contextlib.closing(parts), self._in_engine_words():
            while True:
                try:
                    yield Loading(model.name, next(parts)["done"])
                except StopIteration as end:
                    return end.value
                except EngineStopped:
                    if stop.is_set():
                        return None
                    raise

    def _new_link(self) -> Link:
        return Link("engine", self._start, silence=self._silence)

    def _working(self) -> tuple[Link, Loaded]:
        loaded = self.loaded
        if loaded is None:
            raise EngineStopped("no model is loaded")
        return self._link, loaded

    @contextlib.contextmanager
    def _my_turn(self, stop: Stop | None) -> Iterator[bool]:
        """Wait until nobody else loads or generates. False when `stop` was set first."""
        while not self._turn.acquire(timeout=0.05):
            if stop is not None and stop.is_set():
                yield False
                return
        try:
            yield True
        finally:
            self._turn.release()

    @contextlib.contextmanager
    def _in_engine_words(self) -> Iterator[None]:
        """The door where a worker's death becomes the engine's: what was loaded died with it."""
        try:
            yield
        except EngineStopped:
            raise
        except WorkerStopped as error:
            self._loaded = self._wish = None
            raise EngineStopped(error.detail) from error


class _Marker:
    """A file that names the model being loaded, so that one which took the engine down is known by next time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, model: str) -> bool:
        try:
            fields = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(fields, dict) and fields.get("model") == model

    def set(self, model: str) -> None:
        # A full disk costs the next start its warning, not this load.
        with contextlib.suppress(FreeholdError):
            write_atomically(self._path, json.dumps({"model": model}).encode())

    def clear(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()


def _steps(parts: Generator[Any, None, Any]) -> Generator[Reading | Written, None, Any]:
    while True:
        try:
            part = next(parts)
        except StopIteration as end:
            return end.value
        if "text" in part:
            yield Written(tuple(unpack_ids(part["ids"])), part["text"])
        else:
            yield Reading(part["done"], part["total"])


def _facts(model: Model) -> GgufFacts:
    path = Path(model.path)
    if not model.path or not path.exists():
        raise ModelMissing(model.name)
    return gguf.inspect(path)


def _needed(facts: GgufFacts, context: int) -> int:
    from freehold.engine.fit import memory_needed

    return memory_needed(facts, context)


def _free_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _too_large(model: Model, context: int, needed: int, free: int) -> ModelTooLarge:
    return ModelTooLarge(
        f"{model.name} needs {needed / 1e9:.1f} GB with a context of {context:,} tokens; {free / 1e9:.1f} GB are free"
    )
