"""Who makes an answer: finds the engine that placement chose, the one here or one that asks paired devices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from freehold.assistant.placing import HERE, Here, Placed, place
from freehold.chats.values import DataClass, Where
from freehold.engine.values import Model
from freehold.foundation.errors import ModelMissing, OffloadOff, PeerUnreachable
from freehold.market.failover import Engine
from freehold.market.values import Allowed, Device

NO_MODEL = Model("", "", 0)


class Relay(Engine, Protocol):
    """An engine of several: one goes on where another stopped. `makers` are the names of those that wrote, in turn,
    `jobs` the jobs that were theirs; `is_one_model`: the ids of the whole answer are of one vocabulary.
    """

    @property
    def makers(self) -> tuple[str, ...]: ...
    @property
    def jobs(self) -> tuple[str, ...]: ...
    @property
    def is_one_model(self) -> bool: ...


class Peers(Protocol):
    """The paired devices. `engine` asks those with `ids` in their order, then `here` where one is given; `data` is the
    class of what they will read, `is_wished`: the owner chose them for this very message.
    """

    def allowed(self) -> Allowed: ...
    def devices(self) -> Sequence[Device]: ...
    def engine(self, ids: Sequence[str], here: Engine | None, data: DataClass, *, is_wished: bool) -> Relay: ...


class Models(Protocol):
    def find(self, id: str) -> Model: ...
    def in_use(self) -> Model: ...
    def smaller(self, model: Model) -> list[Model]: ...


@dataclass(frozen=True, slots=True)
class Maker:
    """Who answers: the engine, the model it uses here (NO_MODEL when it needs none), and why it was chosen."""

    engine: Engine
    model: Model
    placed: Placed
    relay: Relay | None = None

    @property
    def where(self) -> tuple[str, ...]:
        """Who wrote, in turn; before anybody did, who is asked first."""
        if self.relay is None:
            return (HERE,)
        return self.relay.makers or (self.placed.devices[0].name,)


class Makers:
    """Chooses. What an answer made here took is remembered for as long as this process lives, to compare with."""

    def __init__(self, engine: Engine, models: Models, peers: Peers | None) -> None:
        self._engine, self._models, self._peers = engine, models, peers
        self._speeds: dict[str, float] = {}

    @property
    def may_leave(self) -> bool:
        """Whether anything could be answered elsewhere at all: the toggle is on and somebody is paired."""
        return self._allowed().is_on and bool(self._devices())

    def placed(self, where: Where, data: DataClass, model: str = "") -> Placed:
        """Where an answer would be made, without asking anybody. `model` is the id of one that was named."""
        local = self._local(model)
        here = Here(fits=False) if local is None else self._here(local)
        return place(where, data, self._allowed(), here, self._devices())

    def choose(self, where: Where, data: DataClass, model: str = "") -> Maker:
        """Who answers. Raises as `check` does, and ModelMissing where nothing else can answer either."""
        self.check(where)
        placed = self.placed(where, data, model)
        if self._peers is None or not placed.devices:
            return Maker(self._engine, self._find(model), placed)
        local = self._local(model)
        here = self._engine if local is not None and local.fit != "no" else None
        relay = self._peers.engine([one.id for one in placed.devices], here, data, is_wished=where == "peer")
        return Maker(relay, local or NO_MODEL, placed, relay)

    def check(self, where: Where) -> None:
        """Raises OffloadOff where a device is wished for and none may be asked, PeerUnreachable where there is none."""
        if where == "peer" and not self._allowed().is_on:
            raise OffloadOff
        if where == "peer" and not self._devices():
            raise PeerUnreachable("no device is paired", advice="Pair one: `freehold peers pair`, or the Peers page.")

    def note_speed(self, model_sha256: str, tokens_per_s: float) -> None:
        """An answer was made here at this speed."""
        self._speeds[model_sha256] = tokens_per_s

    def smaller(self, model: Model) -> list[Model]:
        return self._models.smaller(model) if model is not NO_MODEL else []

    def _allowed(self) -> Allowed:
        return self._peers.allowed() if self._peers is not None else Allowed()

    def _devices(self) -> Sequence[Device]:
        return self._peers.devices() if self._peers is not None else ()

    def _find(self, model: str) -> Model:
        return self._models.find(model) if model else self._models.in_use()

    def _local(self, model: str) -> Model | None:
        try:
            return self._find(model)
        except ModelMissing:
            return None

    def _here(self, model: Model) -> Here:
        return Here(model.parameters, self._speeds.get(model.sha256, 0.0), model.fit != "no" and model.state == "here")
