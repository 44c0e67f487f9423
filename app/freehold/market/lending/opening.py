"""Starting a gateway: the model's vocabulary written, the process started, the model loaded, the keys handed over."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from freehold.engine import gguf, ladder
from freehold.engine.fit import memory_needed
from freehold.engine.gguf import GgufFacts
from freehold.engine.machine import read_machine
from freehold.engine.values import LoadingStopped, Model
from freehold.engine.vocabulary_file import write_vocabulary
from freehold.foundation.errors import ModelMissing, ModelTooLarge, WorkerStopped
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.market.lending.values import Limits
from freehold.market.values import Manifest
from freehold.processes.boxes import reading
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

VOCABULARY = "vocabulary.gguf"
_LOADING_SECONDS = 300.0  # of silence


class Settings(Protocol):
    def whole(self, name: str) -> int: ...
    def is_on(self, name: str) -> bool: ...


class Keys(Protocol):
    def for_gateway(self, receiver_public: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where a gateway listens, and what may be asked there. An empty `host` is every address, port 0 any."""

    port: int
    host: str = ""
    limits: Limits = field(default_factory=Limits)

    @property
    def is_this_machine(self) -> bool:
        return self.host.startswith("127.") or self.host in ("::1", "localhost")


class Opening:
    """Starts gateways, each for one model. `announces`: the local network is told, unless only this machine may ask.

    `available` tells the bytes of memory that are free, `needed` those that a model takes with a context.
    """

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        *,
        announces: bool = True,
        available: Callable[[], int] = lambda: read_machine().available,
        needed: Callable[[GgufFacts, int], int] = memory_needed,
    ) -> None:
        self._profile, self._settings = profile, settings
        self._announces = announces
        self._available, self._needed = available, needed

    def spawn(self, model: Model | None) -> subprocess.Popen[bytes]:
        """A gateway's process, with an engine that may read this model. Without one it is not to be started anew."""
        if model is None:
            raise WorkerStopped("the gateway that was taken over has ended")
        return spawn(worker_command("gateway", *reading(model.path)), self._profile.scratch)

    def open(
        self, start: Callable[[], Link], model: Model, keys: Keys, place: Place, *, allowed: Sequence[str], stop: Stop
    ) -> Link:
        """A gateway that listens at `place`. Raises what `Lending.start` does; then nothing is left running."""
        path = Path(model.path)
        if not model.path or not path.exists():
            raise ModelMissing(model.name)
        facts = gguf.inspect(path)
        self._profile.share.mkdir(mode=0o700, exist_ok=True)
        vocabulary = self._profile.share / VOCABULARY
        vocabulary_sha256 = write_vocabulary(path, vocabulary)
        link, loaded = self._loaded(start, model, facts, stop)
        try:
            manifest = Manifest(
                model=model.name, sha256=model.sha256, vocabulary_sha256=vocabulary_sha256,
                quantisation=facts.quantisation, context=loaded["limit"], engine=loaded["build"],
                parameters=facts.parameters,
            )  # fmt: skip
            sealed = keys.for_gateway(link.call("gateway.receiver"))
            link.call(
                "gateway.start", sealed=sealed, host=place.host, port=place.port, manifest=asdict(manifest),
                vocabulary=str(vocabulary), ids=facts.vocabulary, allowed=list(allowed),
                limits=place.limits.to_wire(), folder=str(self._profile.share),
                announces=self._announces and not place.is_this_machine,
            )  # fmt: skip
        except BaseException:
            link.end()
            raise
        return link

    def _loaded(
        self, start: Callable[[], Link], model: Model, facts: GgufFacts, stop: Stop
    ) -> tuple[Link, dict[str, Any]]:
        """A gateway whose engine holds the model, by the same ladder as the engine here. Each try is a new process."""
        problem: WorkerStopped | ModelTooLarge | None = None
        context = min(self._settings.whole("context"), facts.context)
        layers = self._settings.whole("gpu_layers")
        for rung in ladder.rungs(context=context, gpu_layers=layers, layers=facts.layers):
            needed, free = self._needed(facts, rung.context), self._available()
            if needed > free:
                problem = problem or ModelTooLarge(
                    f"{model.name} needs {needed / 1e9:.1f} GB beside what is running; {free / 1e9:.1f} GB are free"
                )
                continue
            try:
                return self._attempt(start(), model, rung, stop)
            except WorkerStopped as error:
                problem = error
        assert problem is not None
        raise problem

    def _attempt(self, link: Link, model: Model, rung: ladder.Rung, stop: Stop) -> tuple[Link, dict[str, Any]]:
        """The gateway, and what its engine says of the model; or what kept it from loading, and no gateway."""
        try:
            loaded = link.call(
                "gateway.load", path=model.path, context=rung.context, gpu_layers=rung.gpu_layers,
                threads=self._settings.whole("threads"), silence=_LOADING_SECONDS, stop=stop,
            )  # fmt: skip
        except WorkerStopped as error:
            link.kill()
            if stop.is_set():
                raise LoadingStopped from error
            raise
        except BaseException:
            link.kill()
            raise
        if loaded is None:
            link.kill()
            raise LoadingStopped
        return link, loaded
