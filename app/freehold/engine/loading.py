"""Getting a model into the engine process: checked first, down the ladder when it fails, each step told."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from freehold.engine import gguf, ladder
from freehold.engine.gguf import GgufFacts
from freehold.engine.marker import Marker
from freehold.engine.values import Loaded, Loading, LoadingStopped, Model, Notice
from freehold.foundation.errors import (
    EngineStopped,
    FreeholdError,
    ModelMalformed,
    ModelMissing,
    ModelTooLarge,
    WorkerStopped,
)
from freehold.foundation.stop import Stop
from freehold.processes.boxes import reading
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

Steps = Generator[Loading | Notice, None, Loaded]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for; `path` is the model's. The same wish again finds the model still loaded."""

    model: str
    path: str
    context: int
    gpu_layers: int
    threads: int


class Loader:
    """Owns the link to the engine process; a new one for each load, so that an old model's crashes do not count.

    `start` starts the process, which may read the one file it is told and none when that is empty. `available` tells
    the bytes of memory that are free, `needed` those that a model takes with a context.
    """

    def __init__(
        self,
        start: Callable[[str], subprocess.Popen[bytes]],
        marker: Marker,
        *,
        available: Callable[[], int],
        needed: Callable[[GgufFacts, int], int],
        silence: float,
    ) -> None:
        self._start, self._marker, self._silence = start, marker, silence
        self._available, self._needed = available, needed
        self.link = self._new_link("")

    def load_one_of(self, model: Model, fallbacks: Sequence[Model], wish: Wish, stop: Stop) -> Steps:
        """Load `model`, else the first of `fallbacks` that works. Raises what kept `model` itself from loading."""
        problem: FreeholdError | None = None
        for candidate in (model, *fallbacks):
            if problem is not None:
                yield Notice(f"{model.name} cannot be loaded here. Trying {candidate.name}.")
            try:
                return (yield from self._load(candidate, wish, stop))
            except (ModelMalformed, ModelMissing, ModelTooLarge, EngineStopped) as error:
                problem = problem or error
        assert problem is not None
        raise problem

    def _load(self, model: Model, wish: Wish, stop: Stop) -> Steps:
        """One model, down the ladder."""
        facts = _facts(model)
        self.link.end()  # its memory must be free before what is free is counted
        self.link = self._new_link(model.path)
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

    def _rungs(self, model: Model, facts: GgufFacts, wish: Wish) -> Iterator[ladder.Rung]:
        context = min(wish.context, facts.context)
        if self._marker.names(model.id):
            yield ladder.gentle(context)
            return
        gpu_layers = wish.gpu_layers
        if gpu_layers:
            with in_engine_words():
                gpu_layers = gpu_layers if self.link.call("engine.facts")["gpu"] else 0
        yield from ladder.rungs(context=context, gpu_layers=gpu_layers, layers=facts.layers)

    def _attempt(self, model: Model, facts: GgufFacts, rung: ladder.Rung, threads: int, stop: Stop) -> Steps:
        self._marker.set(model.id)
        try:
            result = yield from self._loading(model, rung, threads, stop)
        except EngineStopped:
            if self.link.is_running:
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
        """What the process says of its load; None when it was stopped."""
        parts = self.link.stream(
            "engine.load", stop=stop, silence=self._silence,
            path=model.path, context=rung.context, gpu_layers=rung.gpu_layers, threads=threads,
        )  # fmt: skip
        with contextlib.closing(parts), in_engine_words():
            while True:
                try:
                    part = next(parts)
                except StopIteration as end:
                    return end.value
                except EngineStopped:
                    if stop.is_set():
                        return None
                    raise
                yield Loading(model.name, part["done"])

    def _new_link(self, file: str) -> Link:
        return Link("engine", lambda: self._start(file), silence=self._silence)


def start_boxed(scratch: Path, file: str) -> subprocess.Popen[bytes]:
    """An engine process in its box, which may read `file` and no other model."""
    return spawn(worker_command("engine", *reading(file)), scratch)


@contextlib.contextmanager
def in_engine_words(died: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The door where the death of the process becomes the engine's own error; `died` is told first."""
    try:
        yield
    except EngineStopped:
        raise
    except WorkerStopped as error:
        died()
        raise EngineStopped(error.detail) from error


def _facts(model: Model) -> GgufFacts:
    path = Path(model.path)
    if not model.path or not path.exists():
        raise ModelMissing(model.name)
    return gguf.inspect(path)


def _too_large(model: Model, context: int, needed: int, free: int) -> ModelTooLarge:
    return ModelTooLarge(
        f"{model.name} needs {needed / 1e9:.1f} GB with a context of {context:,} tokens; {free / 1e9:.1f} GB are free"
    )
