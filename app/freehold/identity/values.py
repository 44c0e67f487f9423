"""What a device shows of itself to another, and what its owner allows it to sign. Pure: no clock, disk or library."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import MandateRefused, PeerUntrusted, UsageError

DataClass = Literal["words", "documents"]

MOST_COUNTED = 1_000_000_000
MOST_NAME = 80  # characters of a device's name
_LAST_TIME = 2**53  # what JSON carries exactly everywhere
_FORMS = {
    "owner": re.compile(r"0x[0-9a-fA-F]{40}"),
    "node_key": re.compile(r"[0-9a-f]{64}"),
    "hpke_key": re.compile(r"[0-9a-f]{64}"),
    "signature": re.compile(r"[0-9a-f]{130}"),
}


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    """What an owner key says of a device: that this node key and this HPKE key are its owner's, for a while.

    `name` is the device's, `owner` an Ethereum address in its checksummed form (EIP-55), `node_key` an Ed25519 and
    `hpke_key` an X25519 public key in hex, `signature` 65 bytes in hex over the EIP-712 typed data of docs/peers.md.
    Times are whole seconds since 1970. Holding one proves nothing: `certificates.verify` does.
    """

    name: str
    owner: str
    node_key: str
    hpke_key: str
    not_before: int
    not_after: int
    signature: str

    def __post_init__(self) -> None:
        """Raises PeerUntrusted on anything that no certificate can be."""
        for one in fields(self):
            if type(getattr(self, one.name)) is not (int if one.name.startswith("not_") else str):
                raise PeerUntrusted(f"a certificate whose {one.name} is of another type")
        for name, form in _FORMS.items():
            if not form.fullmatch(getattr(self, name)):
                raise PeerUntrusted(f"a certificate whose {name} is not one")
        if not self.name.strip() or len(self.name) > MOST_NAME or not self.name.isprintable():
            raise PeerUntrusted("a certificate with a name that cannot be shown")
        if not 0 <= self.not_before < self.not_after < _LAST_TIME:
            raise PeerUntrusted("a certificate that is valid at no time")

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the canonical JSON."""
        return hashlib.sha256(canonical(self.to_wire())).hexdigest()

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: object) -> NodeCertificate:
        """Raises PeerUntrusted: another machine wrote this. Fields that are not known are an error too."""
        if not isinstance(wire, Mapping) or set(wire) != {one.name for one in fields(cls)}:
            raise PeerUntrusted("a certificate with other fields than a certificate has")
        return cls(**wire)


@dataclass(frozen=True, slots=True)
class PeerMandate:
    """What is otherwise for one device. None leaves what holds for all; `documents` releases them to this device."""

    answers_per_day: int | None = None
    tokens_per_answer: int | None = None
    ask_first: bool | None = None
    documents: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Mandate:
    """What the owner lets this device ask of others, in plain words.

    `answers_per_day` counts over all devices, `first_contact` caps those of a device on the first day that it is asked;
    `tokens_per_answer` is the most an answer may be asked to have. With `ask_first` each answer needs the owner's own
    yes; `paused` stops everything. `peers` says what is otherwise for a device, by its owner's address in lower case.
    """

    answers_per_day: int = 200
    tokens_per_answer: int = 16_384
    first_contact: int = 50
    ask_first: bool = False
    paused: bool = False
    peers: Mapping[str, PeerMandate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises UsageError on what no mandate can say."""
        limits = [self.answers_per_day, self.tokens_per_answer, self.first_contact]
        for one in self.peers.values():
            limits += [limit for limit in (one.answers_per_day, one.tokens_per_answer) if limit is not None]
        if any(type(limit) is not int or not 0 <= limit <= MOST_COUNTED for limit in limits):
            raise UsageError(f"a limit is a whole number from 0 to {MOST_COUNTED}")
        claims = [self.ask_first, self.paused]
        for one in self.peers.values():
            claims += [one.documents, one.paused, one.ask_first or False]
        if any(type(claim) is not bool for claim in claims):
            raise UsageError("whether something is so is true or false")
        if not all(is_address(peer) and peer == peer.lower() for peer in self.peers):
            raise UsageError("a device is named by its address: 0x and 40 hex digits")

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Mandate:
        """What `to_wire` said. Raises UsageError."""
        try:
            peers = {str(peer): PeerMandate(**limits) for peer, limits in wire["peers"].items()}
            return cls(**{**wire, "peers": peers})
        except (TypeError, KeyError, AttributeError) as error:
            raise UsageError("a mandate with other fields than a mandate has") from error

    def with_peer(self, peer: str, **changes: Any) -> Mandate:
        """The same but for one device. Raises UsageError."""
        peer = peer.lower()
        changed = replace(self.peers.get(peer, PeerMandate()), **changes)
        rest = {other: limits for other, limits in self.peers.items() if other != peer}
        return replace(self, peers=rest if changed == PeerMandate() else {**rest, peer: changed})

    def judge(self, wish: Wish, counts: Counts) -> None:
        """Return when a job may be signed. Raises MandateRefused with the reason. `counts` are those of the day."""
        own = self.peers.get(wish.peer, PeerMandate())
        most = self.tokens_per_answer if own.tokens_per_answer is None else own.tokens_per_answer
        asks = self.ask_first if own.ask_first is None else own.ask_first
        if self.paused or own.paused:
            raise MandateRefused("asking other devices is paused" if self.paused else "asking this device is paused")
        if wish.data_class != "words" and not own.documents:
            raise MandateRefused("documents were not released to this device")
        if wish.tokens > most:
            raise MandateRefused(f"{wish.tokens} tokens were asked for one answer, {most} are allowed")
        if asks and not wish.confirmed:
            raise MandateRefused("each answer needs your own yes first")
        if counts.all >= self.answers_per_day:
            raise MandateRefused(f"the {self.answers_per_day} answers of today are used up")
        if own.answers_per_day is not None and counts.peer >= own.answers_per_day:
            raise MandateRefused(f"the {own.answers_per_day} answers of today with this device are used up")
        if counts.is_first_day and own.answers_per_day is None and counts.peer >= self.first_contact:
            raise MandateRefused(f"a device may give {self.first_contact} answers on its first day")


@dataclass(frozen=True, slots=True)
class Wish:
    """A job that is to be opened: its id, the device's address, what goes, how many tokens may come back.

    `confirmed` is the owner's own yes to this one.
    """

    job: str
    peer: str
    data_class: DataClass
    tokens: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """Answers of the day, over all devices and with one; whether that one is asked for the first day."""

    all: int = 0
    peer: int = 0
    is_first_day: bool = True


def is_address(text: str) -> bool:
    """Whether `text` has the form of an owner's address. Its checksum is the business of `certificates.verify`."""
    return _FORMS["owner"].fullmatch(text) is not None
