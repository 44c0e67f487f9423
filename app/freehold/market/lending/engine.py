"""The gateway's own engine: a child process that was started before the gateway closed itself in its box.

It is started once. When it dies, nothing here can start another: the gateway leaves, and whoever holds that starts
both anew.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Literal

from freehold.engine.values import Reading, Sampling, Written, to_wire
from freehold.foundation.errors import WorkerStopped
from freehold.foundation.stop import Stop
from freehold.market.lending.job import Run
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.link import Link
from freehold.processes.process import Process

SILENCE = 300.0  # seconds, as in engine/local.py: a large model on a cold disk
_LEAVING_SECONDS = 3.0

Ended = Literal["complete", "length", "stopped"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """The engine's model: `limit` is the context in force, in tokens; `build` describes llama.cpp."""

    limit: int
    build: str


class LentEngine:
    """The engine at the other end of `process`'s pipes. `died` is told of its death, on a thread of the link."""

    def __init__(
        self, process: subprocess.Popen[bytes], died: Callable[[WorkerStopped], None], silence: float = SILENCE
    ) -> None:
        self._processes = [process]
        self._link = Link("engine", self._take, silence=silence, died=died)

    @property
    def is_running(self) -> bool:
        return self._link.is_running

    def load(self, path: str, *, context: int, gpu_layers: int, threads: int) -> Generator[float, None, Loaded]:
        """Yields how far it is, 0 to 1. Raises ModelMalformed, EngineStopped, WorkerStopped."""
        facts = self._link.call("engine.facts")
        gpu_layers = gpu_layers if facts["gpu"] else 0
        parts = self._link.stream("engine.load", path=path, context=context, gpu_layers=gpu_layers, threads=threads)
        with contextlib.closing(parts):
            while True:
                try:
                    yield float(next(parts)["done"])
                except StopIteration as end:
                    loaded = end.value
                    break
        return Loaded(int(loaded["limit"]), str(facts["build"]))

    def generate(self, run: Run, sampling: Sampling, stop: Stop) -> Generator[Reading | Written, None, Ended]:
        """What the model writes after `run.prompt`. Raises EngineStopped, PromptTooLong, WorkerStopped."""
        parts = self._link.stream(
            "engine.generate", stop=stop, prompt=pack_ids(run.prompt), replayed=run.replayed,
            sampling=to_wire(replace(sampling, max_tokens=run.max_tokens)),
        )  # fmt: skip
        with contextlib.closing(parts):
            while True:
                try:
                    part = next(parts)
                except StopIteration as end:
                    return "stopped" if end.value is None else end.value["ending"]
                yield _step(part)

    def end(self) -> None:
        self._link.end()

    def _take(self) -> Process:
        if not self._processes:
            raise WorkerStopped("the engine of a gateway is started once")
        return _OutOfReach(self._processes.pop())


class _OutOfReach:
    """A child that the gateway's box lets no signal through to: closing its pipe is the way to end it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid, self.stdin, self.stdout, self.stderr = process.pid, process.stdin, process.stdout, process.stderr
        self.poll, self.wait = process.poll, process.wait

    def kill(self) -> None:
        try:
            self._process.kill()
        except PermissionError:
            # It is deaf, and our own end closes its pipe for sure.
            watch = threading.Timer(_LEAVING_SECONDS, os._exit, (1,))
            watch.daemon = True
            watch.start()
            with contextlib.suppress(OSError):
                if self.stdin is not None:
                    self.stdin.close()


def _step(part: dict[str, Any]) -> Reading | Written:
    if "text" in part:
        return Written(tuple(unpack_ids(part["ids"])), part["text"])
    return Reading(part["done"], part["total"])
