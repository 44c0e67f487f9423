"""What the Peers page shows, as plain values: gathered on a thread (peer_facts.py), painted by the cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DeviceState = Literal["ready", "paused", "blocked", "guest"]
LendingState = Literal["off", "starting", "on"]


@dataclass(frozen=True, slots=True)
class DeviceShown:
    """A paired device. `tokens_per_s` 0: not measured; `seen` is when it last answered, 0 for never. `documents`: they
    were released to it. A `blocked` one failed a check; a `paused` one is asked nothing because the owner said so; a
    `guest` only asks this machine.
    """

    id: str
    name: str
    model: str = ""
    tokens_per_s: float = 0.0
    seen: float = 0.0
    state: DeviceState = "ready"
    documents: bool = False
    passed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Nearby:
    """A device that says on the local network that it is there. Nothing of it is proved yet."""

    name: str
    host: str
    port: int
    tls: str
    is_paired: bool = False


@dataclass(frozen=True, slots=True)
class Agreed:
    """A device that proved it had the code. Both screens show the same `words`."""

    id: str
    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckShown:
    """How an answer compared with the weights."""

    passed: bool
    tokens: int
    margin: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptShown:
    """What a device signed about one answer. `has_content`: it can be exported with what it is about."""

    job: str
    time: float
    device: str
    device_name: str
    model: str
    model_sha256: str
    tokens_in: int
    tokens_out: int
    ending: str
    has_content: bool = False
    check: CheckShown | None = None
    can_check: bool = False  # the weights are here


@dataclass(frozen=True, slots=True)
class LimitsShown:
    """What the signer holds to, and how far today has come. `is_closed`: what was counted today cannot be read."""

    answers_per_day: int = 200
    tokens_per_answer: int = 16_384
    ask_first: bool = False
    paused: bool = False
    today: int = 0
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """A device of the owner's that this machine is lent to. `tokens` were written of the answer that is open now;
    `state` is the job's, "" when it has none.
    """

    name: str
    state: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class LendingShown:
    """`code` is empty when none is known here; `seconds` for how long one is good. `at` is where this machine listens,
    `answered` counts what was done for others since the start.
    """

    state: LendingState = "off"
    model: str = ""
    code: str = ""
    seconds: float = 0.0
    invite: str = ""
    at: str = ""
    guests: tuple[Guest, ...] = ()
    answered: int = 0
    while_locked: bool = True

    @property
    def connected(self) -> int:
        return len(self.guests)


NOT_LENT = LendingShown()


@dataclass(frozen=True, slots=True)
class KeyShown:
    """What is public of the key. `certified_until` is seconds since 1970."""

    address: str
    node_key: str
    certified_until: float


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the page shows but what is going on this second. Without a `key` there is nothing else."""

    key: KeyShown | None = None
    is_on: bool = False
    devices: tuple[DeviceShown, ...] = ()
    limits: LimitsShown = LimitsShown()
    receipts: tuple[ReceiptShown, ...] = ()
