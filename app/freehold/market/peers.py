"""The paired devices of one owner, as the rest of the app meets them: which there are, and an engine that asks them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from freehold.foundation.errors import FreeholdError, KeyMissing, UsageError
from freehold.foundation.stop import Stop
from freehold.market import pairing
from freehold.market.books import Books
from freehold.market.client import Client
from freehold.market.courier import Courier
from freehold.market.failover import HERE, Candidate, Engine, Relay
from freehold.market.pairing import Meeting, OwnKeys, Pairing
from freehold.market.peer_engine import PeerEngine, best
from freehold.market.records import Paired
from freehold.market.scores import Score, score_of
from freehold.market.values import Allowed, Device
from freehold.market.vocabularies import Vocabularies
from freehold.network.peer_values import Found
from freehold.network.values import DataClass

RECENT_JOBS = 60  # of a device, that its score is made of
LOOK_AGAIN_SECONDS = 2.0

Offload = Literal["off", "ask", "on"]


class Keys(OwnKeys, Protocol):
    """identity.keys.Keys."""

    def show(self) -> Any: ...
    def has_key(self) -> bool: ...
    def create(self, passphrase: str | None = None) -> Any: ...
    def mandate(self) -> Any: ...
    def set_mandate(self, *, peer: str | None = None, **changes: Any) -> Any: ...


class Lending(Protocol):
    """market.lending.lending.Lending: a paired device may also ask this one, as long as this one shares."""

    def allow(self, device: str) -> None: ...
    def forget(self, device: str) -> None: ...


class Settings(Protocol):
    def text(self, name: str) -> str: ...
    def set(self, name: str, value: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Known:
    """A paired device, what it offers first, and what its own work here says of it."""

    device: Paired
    score: Score

    def to_json(self) -> dict[str, Any]:
        """One of `peers list` (design: cli.md)."""
        device, offer = self.device, best(self.device.offers)
        manifest = offer.manifest if offer is not None else None
        return {
            "id": device.id, "name": device.name, "kind": device.kind,
            "model": manifest.model if manifest is not None else "",
            "model_sha256": manifest.sha256 if manifest is not None else "",
            "tokens_per_s": self.tokens_per_s, "price": 0,
            "checks": {"passed": self.score.passed, "failed": self.score.failed}, "state": device.state,
            "documents": device.documents,
        }  # fmt: skip

    @property
    def tokens_per_s(self) -> float:
        """As measured here; before that, as it says of itself."""
        offer = best(self.device.offers)
        return self.score.tokens_per_s or (offer.tokens_per_s if offer is not None else 0.0)


class Peers:
    """Nothing is started, asked or opened by building it, and nothing but by the owner's wish while offload is off.

    Methods raise VaultLocked; those that ask a device what `Client` raises.
    """

    def __init__(
        self, books: Books, keys: Keys, line: Meeting, *, courier: Courier, vocabularies: Vocabularies,
        settings: Settings, lending: Lending | None = None, now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._books, self._keys, self._line, self._courier = books, keys, line, courier
        self._vocabularies, self._settings, self._now = vocabularies, settings, now
        self._lending = lending
        self._lock, self._is_mended = threading.Lock(), False
        self._pairing = Pairing(line, keys, courier, books, now)

    # --- what placement asks

    def allowed(self) -> Allowed:
        """What the owner allows."""
        offload = self._settings.text("offload")
        return Allowed(is_on=offload != "off", asks_first=offload == "ask")

    def devices(self) -> list[Device]:
        """Devices that may be asked: active, met somewhere, offering a model, and not resting after a bad hour."""
        found = []
        for known in self.all():
            device, offer = known.device, best(known.device.offers)
            if device.state == "active" and device.host and offer is not None and not known.score.rests:
                manifest = offer.manifest
                found.append(Device(
                    device.id, device.name, manifest.model, manifest.parameters, known.tokens_per_s, device.documents
                ))  # fmt: skip
        return found

    def engine(self, ids: Sequence[str], here: Engine | None, data: DataClass, *, is_wished: bool) -> Relay:
        """Asks the devices with these ids in order, then `here` where one is given. `is_wished`: the owner chose them
        for this message, so this computer does not speak first in their place.
        """
        self._mend()
        candidates = [self._candidate(self._books.device(id), data, is_wished) for id in ids]
        if here is not None:
            candidates.append(Candidate(HERE, here))
        return Relay(candidates, only_devices=is_wished)

    # --- what the owner does

    def all(self) -> list[Known]:
        """Every paired device, blocked ones too, the oldest first."""
        checks = self._books.checks()
        return [
            Known(one, score_of(self._books.jobs(one.id, RECENT_JOBS), checks.get(one.id, (0, 0)), self._now()))
            for one in self._books.devices()
        ]

    def find(self, part: str) -> Paired:
        """The one device with this name, or whose id begins like this. Raises NotFound."""
        return self._books.find(part)

    def turn(self, offload: Offload, *, per_day: int | None = None, per_answer: int | None = None) -> None:
        """Whether devices may answer, and how much a day and an answer at most. Raises KeyMissing, UsageError."""
        limits = {"answers_per_day": per_day, "tokens_per_answer": per_answer}
        given: dict[str, Any] = {name: limit for name, limit in limits.items() if limit is not None}
        if offload != "off" and not self._keys.has_key():
            raise KeyMissing
        if given:
            self._keys.set_mandate(**given)
        self._settings.set("offload", offload)

    def limits(self) -> tuple[int | None, int | None]:
        """Answers a day and tokens an answer, at most. None where there is no key, or nobody may be asked anyway."""
        if self._settings.text("offload") == "off" or not self._keys.has_key():
            return None, None
        mandate = self._keys.mandate()
        return int(mandate.answers_per_day), int(mandate.tokens_per_answer)

    def pair(self, code: str, at: str = "", stop: Stop | None = None) -> Generator[pairing.Step, None, Paired]:
        """A flow: see Pairing.pair. This device's keys are made if there are none yet."""
        if not self._keys.has_key():
            self._keys.create()
        device = yield from self._pairing.pair(code, at, stop)
        if self._lending is not None:
            self._lending.allow(device.id)
        return device

    def discover(self, seconds: float = pairing.LOOK_SECONDS, stop: Stop | None = None) -> Generator[Found, None, None]:
        """A flow: devices that announce themselves now."""
        return self._pairing.discover(seconds, stop)

    def trust(self, id: str, *, documents: bool | None = None) -> Paired:
        """Ask a device again that was blocked, and let documents go to it, or not any more."""
        device = self._books.device(id)
        if device.state == "forgotten":
            raise UsageError("that device was forgotten; pair it again")
        if documents is not None:
            # Taken back here first and given there first: at no time does the app think it may what the signer forbids.
            if not documents:
                self._books.release_documents(id, False)
            self._keys.set_mandate(peer=id, documents=documents)
            self._books.release_documents(id, documents)
        return self._books.trust(id)

    def forget(self, id: str, stop: Stop | None = None) -> bool:
        """Unpair, at once; whether the device heard of it, which may take until it is given up."""
        if self._lending is not None:
            self._lending.forget(id)
        device = self._books.device(id)
        if device.documents:
            self._keys.set_mandate(peer=id, documents=False)
        return self._pairing.unpair(device, stop)

    def refresh(self, id: str, stop: Stop | None = None) -> Paired:
        """Ask a device what it offers now."""
        return self._books.offered(id, self._client(self._books.device(id)).offers(stop))

    def close(self) -> None:
        """End the processes that hold what devices said. The next answer starts them again."""
        self._is_mended = False
        self._courier.close()
        self._vocabularies.end()

    def _mend(self) -> None:
        """Close the jobs that a crash, or a lock, left open. Before the first of this process none of them runs."""
        with self._lock:
            if not self._is_mended:
                self._books.recover()
                self._is_mended = True

    def _candidate(self, device: Paired, data: DataClass, is_wished: bool) -> Candidate:
        engine = PeerEngine(
            self._client(device), self._courier, self._books, self._vocabularies, client_address=self._address,
            data_class=data, confirmed=is_wished, find=self._found_again,
        )  # fmt: skip
        return Candidate(device.name, engine, engine.models)

    def _client(self, device: Paired) -> Client:
        return Client(device, self._line, self._keys, self._courier)

    def _found_again(self, device: Paired, stop: Stop | None) -> Client | None:
        """A device that does not answer where it was last met may be elsewhere in the local network."""
        try:
            for _ in self._pairing.discover(LOOK_AGAIN_SECONDS, stop):
                moved = self._books.device(device.id)
                if (moved.host, moved.port) != (device.host, device.port):
                    return self._client(moved)
        except FreeholdError:
            return None
        return None

    def _address(self) -> str:
        """The owner's address, as receipts name it."""
        return str(self._keys.show().address)
