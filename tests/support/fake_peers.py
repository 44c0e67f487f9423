"""Keys, paired devices and lending as fakes, for the window: in memory, with the real ones' behaviour as it is seen."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError, KeyMissing, PairingRefused, PlaceUnusable, UsageError
from freehold.foundation.stop import Stop
from freehold.identity.keys import Shown, Today
from freehold.identity.values import Mandate
from freehold.market.lending.shared import Happened, Shared, Status
from freehold.market.pairing import Asking, Words
from freehold.market.peers import Known, Offload
from freehold.market.receipts import Verdict
from freehold.market.records import Check, Kept, Paired
from freehold.market.scores import Score
from freehold.market.values import Allowed, Device, Manifest, Offer
from freehold.network.peer_values import Found
from support.peers import device as paired_device
from support.peers import receipt as signed

OWN = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
DESK, STUDIO = "0x" + "ab" * 20, "0x" + "cd" * 20
LARGE = Manifest("Qwen3 32B", sha256(b"large").hexdigest(), "bb" * 32, "Q4_K_M", 32_768, "llama.cpp 1", 32_762_123_264)
MIDDLE = Manifest(
    "Qwen3 14B", sha256(b"middle").hexdigest(), "dd" * 32, "Q4_K_M", 32_768, "llama.cpp 1", 14_768_307_200
)
WORDS = ("orbit", "velvet", "candle", "north")
CODE = "482913"


class FakeKeys:
    """No key until `create`. Export files open with their own passphrase."""

    def __init__(self, *, has_key: bool = False) -> None:
        self._has_key, self.address = has_key, OWN
        self._mandate, self.asked = Mandate(), dict[str, int]()
        self.closed = False
        self.error: FreeholdError | None = None

    def has_key(self) -> bool:
        return self._has_key

    def create(self, passphrase: str | None = None) -> Shown:
        self._refuse()
        self._has_key = True
        return self.show()

    def show(self) -> Shown:
        if not self._has_key:
            raise KeyMissing
        return Shown(self.address, "0a" * 32, "0b" * 32, "0c" * 32, int(time.time()) + 6 * 86_400)

    def export(self, path: Path, passphrase: str) -> None:
        self._refuse()
        if path.exists():
            raise PlaceUnusable(f"{path} is there already", advice="Choose another name.")
        path.write_text(f'{{"opens": "{passphrase}"}}')

    def import_(self, path: Path, passphrase: str, *, replace: bool = False) -> Shown:
        self._refuse()
        if self._has_key and not replace:
            raise UsageError("there is a key already")
        self._has_key, self.address = True, "0x" + "77" * 20
        return self.show()

    def mandate(self) -> Mandate:
        return self._mandate

    def today(self) -> Today:
        return Today(self.asked, self.closed)

    def set_mandate(self, *, peer: str | None = None, **changes: Any) -> Mandate:
        self._refuse()
        now = self._mandate
        self._mandate = replace(now, **changes) if peer is None else now.with_peer(peer, **changes)
        return self._mandate

    def _refuse(self) -> None:
        if self.error is not None:
            raise self.error


class FakePeers:
    """Paired devices. Anybody who types CODE is let in; who is unpaired hears of it unless `is_deaf`."""

    def __init__(self, assistant: Any, receipts: FakeReceipts, lending: FakeLending) -> None:
        self._assistant, self._receipts, self._lending = assistant, receipts, lending
        self.offload: Offload = "off"
        self.kept: dict[str, Paired] = {}
        self.near: list[Found] = []
        self.error: FreeholdError | None = None
        self.gate: Stop | None = None  # waited for while a device is paired
        self.searches, self.is_deaf = 0, False
        self.pairings: list[tuple[str, str]] = []

    def put(self, id: str, name: str, manifest: Manifest = LARGE, speed: float = 38.0, **fields: Any) -> Paired:
        offers = (Offer(manifest, "0b" * 32, tokens_per_s=speed),)
        self._keep(paired_device(id, name=name, offers=offers, **fields))
        return self.kept[id]

    def allowed(self) -> Allowed:
        return Allowed(self.offload != "off", self.offload == "ask")

    def devices(self) -> Sequence[Device]:
        return [
            Device(one.id, one.name, manifest_of(one).model, manifest_of(one).parameters, 38.0, one.documents)
            for one in self.kept.values() if one.state == "active" and one.host
        ]  # fmt: skip

    def all(self) -> Sequence[Known]:
        checks = self._receipts.checks()
        return [
            Known(one, Score(passed=checks.get(one.id, (0, 0))[0], failed=checks.get(one.id, (0, 0))[1]))
            for one in self.kept.values()
        ]

    def turn(self, offload: Offload) -> None:
        self._refuse()
        self.offload = offload
        self._tell()

    def discover(self, seconds: float = 5.0, stop: Stop | None = None) -> Generator[Found, None, None]:
        self.searches += 1
        self._refuse()
        yield from self.near

    def pair(self, code: str, at: str = "", stop: Stop | None = None) -> Generator[Any, None, Paired]:
        self.pairings.append((code, at))
        yield Asking("Desk", "192.168.1.20", 47017)
        if self.gate is not None and stop is not None:
            stop.on_set(self.gate.set)
            self.gate.wait(30.0)
        self._refuse()
        if code != CODE and f"code={CODE}" not in code:
            raise PairingRefused("the code is another one, or somebody stands between the two devices")
        device = self.put(DESK, "Desk")
        yield Words(device, WORDS)
        return device

    def trust(self, id: str, *, documents: bool | None = None) -> None:
        self._refuse()
        now = replace(self.kept[id], state="active")
        self._keep(now if documents is None else replace(now, documents=documents))

    def forget(self, id: str, stop: Stop | None = None) -> bool:
        self._lending.forget(id)
        self._refuse()
        self.kept.pop(id, None)
        self._tell()
        return not self.is_deaf

    def _keep(self, one: Paired) -> None:
        self.kept[one.id] = one
        self._tell()

    def _tell(self) -> None:
        """The assistant places by the same devices."""
        self._assistant.allowed, self._assistant.devices = self.allowed(), list(self.devices())

    def _refuse(self) -> None:
        if self.error is not None:
            raise self.error


class FakeReceipts:
    def __init__(self) -> None:
        self.signed: list[Kept] = []
        self.verdict = Verdict(True, 64)
        self.error: FreeholdError | None = None

    def sign(
        self, job: str, device: str = DESK, *, chat: str = "c1", check: Check | None = None, **fields: Any
    ) -> Kept:
        told = {"manifest": LARGE, "tokens_in": 812, "tokens_out": 344, "closed": time.time(), **fields}
        kept = Kept(replace(signed(job), provider=device, **told), chat, check=check)
        self.signed.insert(0, kept)
        return kept

    def checks(self) -> Mapping[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for one in self.signed:
            if one.check is not None:
                passed, failed = found.get(one.receipt.provider, (0, 0))
                found[one.receipt.provider] = (passed + one.check.passed, failed + (not one.check.passed))
        return found

    def all(self) -> Sequence[Kept]:
        return list(self.signed)

    def export(self, part: str, path: Path) -> None:
        if self.error is not None:
            raise self.error
        path.write_text(part)

    def verify(self, path: Path, stop: Stop | None = None) -> Generator[Any, None, Verdict]:
        if self.error is not None:
            raise self.error
        yield "reading"
        return self.verdict


class FakeLending:
    """Starts at once unless `gate` is set. `told` is what the gateway has told so far."""

    def __init__(self) -> None:
        self.at = Status()
        self.error: FreeholdError | None = None
        self.gate: Stop | None = None
        self.codes = 0
        self.told: list[Happened] = []
        self.forgotten: list[str] = []
        self.recovered = 0

    @property
    def is_on(self) -> bool:
        return self.at.is_on

    def recover(self) -> None:
        self.recovered += 1

    def start(self) -> Shared:
        if self.gate is not None:
            self.gate.wait(30.0)
        if self.error is not None:
            raise self.error
        self.at = Status(True, "192.168.1.20:47017", "Qwen3 32B", announced=True)
        return self.new_code()

    def stop(self) -> bool:
        was_on, self.at = self.at.is_on, Status()
        return was_on

    def new_code(self) -> Shared:
        self.codes += 1
        code = f"{int(CODE) + self.codes - 1}"
        self.at = replace(self.at, code_seconds=600.0)
        invite = f"freehold://pair?at={self.at.address}&code={code}&tls={'ab' * 32}"
        return Shared(self.at.address, code, invite, 600.0)

    def status(self) -> Status:
        return self.at

    def news(self, since: int = 0) -> Sequence[Happened]:
        return [one for one in self.told if one.number > since]

    def forget(self, device: str) -> None:
        self.forgotten.append(device)

    def tell(self, kind: str, **more: Any) -> None:
        self.told.append(Happened(len(self.told) + 1, kind, **more))


def weights_of(manifest: Manifest) -> Model:
    """The same weights as a file on this computer."""
    return Model(
        manifest.sha256[:8], manifest.model, 19_762_149_024, manifest.quantisation, manifest.context, "Apache-2.0",
        manifest.sha256, manifest.parameters, "qwen3", "/models/large.gguf", "hub", "", "here", "fits", 23_800_000_000,
    )  # fmt: skip


def manifest_of(one: Paired) -> Manifest:
    return one.offers[0].manifest
