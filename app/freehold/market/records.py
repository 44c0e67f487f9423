"""What is kept about other devices: who they are, what was asked of them, what they signed, how checks went. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from freehold.market.values import Offer, Receipt

Kind = Literal["own", "stranger"]
DeviceState = Literal["active", "blocked", "forgotten"]
JobState = Literal["wished", "open", "closed"]


@dataclass(frozen=True, slots=True)
class Paired:
    """One machine that may answer for this one.

    `id` is its owner's address in lower case. `node_key` and `hpke_key` are hex, `tls` the PEM of the certificate that
    is pinned, `host` and `port` where it was last met. `documents` says whether its owner here lets documents go to it.
    A `blocked` one failed a check and is asked nothing; a `forgotten` one is kept for the names in old receipts.
    """

    id: str
    name: str
    node_key: str
    hpke_key: str
    certificate: Mapping[str, Any]
    tls: str
    host: str
    port: int
    kind: Kind = "own"
    documents: bool = False
    state: DeviceState = "active"
    paired: float = 0.0
    offers: tuple[Offer, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        fields = {name: getattr(self, name) for name in self.__slots__}
        return fields | {"certificate": dict(self.certificate), "offers": [one.to_wire() for one in self.offers]}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Paired:
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        return cls(**known | {"offers": tuple(Offer.from_wire(one) for one in fields.get("offers", ()))})


@dataclass(frozen=True, slots=True)
class Job:
    """One answer that was asked of a device; written before the asking. Speeds are 0 where none was measured."""

    id: str
    device: str
    manifest: str  # its digest
    model: str
    model_sha256: str
    data_class: str
    tokens_in: int
    opened: float
    tokens_out: int = 0
    state: JobState = "wished"
    ending: str = ""
    closed: float = 0.0
    first_token_s: float = 0.0
    tokens_per_s: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Job:
        return cls(**{name: fields[name] for name in cls.__slots__ if name in fields})


@dataclass(frozen=True, slots=True)
class Check:
    """How an answer compared with its weights: `tokens` were computed again, `margin` is the largest by which another
    token was likelier than the one that was given.
    """

    job: str
    time: float
    passed: bool
    tokens: int
    margin: float = 0.0
    reason: str = ""

    def to_wire(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Check:
        return cls(
            **{name: fields[name] for name in cls.__slots__ if name in fields} | {"passed": bool(fields["passed"])}
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """A receipt with what it is about. `prompt` and `answer` are packed ids; both are empty where the answer belonged
    to no chat, for then nothing would ever erase them.
    """

    receipt: Receipt
    chat: str = ""
    prompt: str = ""
    answer: str = ""
    sampling: Mapping[str, Any] = field(default_factory=dict)
    check: Check | None = None

    def to_wire(self) -> dict[str, Any]:
        return {
            "receipt": self.receipt.to_wire(), "chat": self.chat, "prompt": self.prompt, "answer": self.answer,
            "sampling": dict(self.sampling),
        }  # fmt: skip

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Kept:
        return cls(
            Receipt.from_wire(fields["receipt"]), fields["chat"] or "", fields["prompt"], fields["answer"],
            fields["sampling"], Check.from_wire(fields["check"]) if fields.get("check") else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lent:
    """One job that this machine did for another, from the gateway's sealed journal."""

    job: str
    client: str
    model: str
    tokens_in: int
    tokens_out: int
    ending: str
    opened: float
    closed: float

    def to_wire(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Lent:
        return cls(**{name: fields[name] for name in cls.__slots__ if name in fields})
