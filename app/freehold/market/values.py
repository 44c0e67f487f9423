"""What two machines say to each other about a job (docs/peers.md). Pure: canonical forms, digests and rules."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeVar, get_origin, get_type_hints

from freehold.foundation.canonical import canonical

PROTOCOL = "freehold-job/1"
SAMPLER = "gumbel-blake2b-1"  # engine/sampling.py
LEASE = 64  # tokens; a provider writes at most two leases beyond what was accepted
MOST_PROMPT = 1_000_000  # tokens of one prompt, whatever a manifest claims

Ending = Literal["complete", "length", "stopped", "starved", "broken"]
ENDINGS: tuple[Ending, ...] = ("complete", "length", "stopped", "starved", "broken")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What exactly answers: enough to check an answer against the same weights.

    `sha256` is the GGUF's, `vocabulary_sha256` that of the GGUF without tensors which the peer hands out (tokenizer and
    chat template; `engine/vocabulary_file.py`). `context` is in tokens, prompt and answer together; `engine` names the
    build, `parameters` are counted (0: unknown), `kv_type` says how keys and values are kept ("f16").
    """

    model: str
    sha256: str
    vocabulary_sha256: str
    quantisation: str
    context: int
    engine: str
    parameters: int = 0
    kv_type: str = "f16"
    sampler: str = SAMPLER
    lease: int = LEASE

    @property
    def digest(self) -> str:
        """SHA-256 in hex of the canonical JSON: what quotes and receipts name a manifest by."""
        return hashlib.sha256(canonical(asdict(self))).hexdigest()

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Manifest:
        """Raises Malformed: a peer wrote this."""
        return _checked(cls, fields)


@dataclass(frozen=True, slots=True)
class Offer:
    """One model that a peer answers with, and how it is doing.

    `hpke_key` (hex, X25519) is what jobs are sealed to; speeds are the peer's own medians in tokens a second, 0 when it
    has not answered yet; `free` of `slots` are idle.
    """

    manifest: Manifest
    hpke_key: str
    slots: int = 1
    free: int = 1
    waiting: int = 0
    tokens_per_s: float = 0.0
    read_per_s: float = 0.0

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Offer:
        """Raises Malformed."""
        if not isinstance(fields, Mapping) or not isinstance(fields.get("manifest"), Mapping):
            raise Malformed("an offer without a manifest")
        return _checked(cls, {**fields, "manifest": Manifest.from_wire(fields["manifest"])})


@dataclass(frozen=True, slots=True)
class Quote:
    """What a peer promises for one job, without having seen any of it. `expires` is seconds since 1970."""

    id: str
    manifest: str  # its digest
    tokens_in: int
    tokens_out: int
    wait_s: float
    expires: float

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Quote:
        """Raises Malformed."""
        return _checked(cls, fields)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a peer signs about a job, at each lease and at its end (`ending` empty until then).

    `opening` binds manifest, prompt and sampling (`opening_hash`), `transcript` every token id (`rolled`), so neither
    side can change them afterwards. `charged` is 0 between own devices. `signature` is Ed25519 in hex, by the node key
    of `provider_certificate`, over `signed_bytes`. Times are seconds since 1970.
    """

    job: str
    provider: str  # owner's address
    client: str  # owner's address
    manifest: Manifest
    opening: str
    tokens_in: int
    tokens_out: int
    transcript: str
    ending: str
    opened: float
    closed: float
    provider_certificate: Mapping[str, Any]
    charged: int = 0
    protocol: str = PROTOCOL
    signature: str = ""

    def signed_bytes(self) -> bytes:
        """What the signature is over: everything else, canonically."""
        return canonical(asdict(replace(self, signature="")))

    def to_wire(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Receipt:
        """Raises Malformed."""
        if not isinstance(fields, Mapping) or not isinstance(fields.get("manifest"), Mapping):
            raise Malformed("a receipt without a manifest")
        if not isinstance(fields.get("provider_certificate"), Mapping):
            raise Malformed("a receipt without its signer's certificate")
        return _checked(cls, {**fields, "manifest": Manifest.from_wire(fields["manifest"])})


@dataclass(frozen=True, slots=True)
class Device:
    """A paired device that may be asked. `parameters` are its model's (0: unknown), speeds in tokens a second (0: not
    measured yet); `takes_documents`: the owner released documents for it.
    """

    id: str
    name: str
    model: str = ""
    parameters: int = 0
    tokens_per_s: float = 0.0
    takes_documents: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the owner allows: the toggle, and whether a device is asked only when it is wished for by name."""

    is_on: bool = False
    asks_first: bool = False


class Malformed(ValueError):
    """The other machine, or a file, said something that the protocol does not have. The words are for logs of code
    paths only: nothing of what was said is in them.
    """


def opening_hash(manifest: Manifest, prompt: Sequence[int], sampling: Mapping[str, Any]) -> str:
    """SHA-256 in hex that binds a job's start: the manifest's digest, the sampling and the prompt's ids (LE int32)."""
    head = canonical({"protocol": PROTOCOL, "manifest": manifest.digest, "sampling": dict(sampling)})
    return hashlib.sha256(head + b"\0" + _packed(prompt)).hexdigest()


def rolled(previous: str, ids: Sequence[int]) -> str:
    """The transcript's hash after `ids`, one id at a time, so that how they were cut into frames does not matter."""
    digest = bytes.fromhex(previous)
    for one in ids:
        digest = hashlib.sha256(digest + struct.pack("<i", one)).digest()
    return digest.hex()


def granted(accepted: int, lease: int = LEASE) -> int:
    """How many tokens a provider may have written in all, once `accepted` were acknowledged: one lease ahead."""
    return accepted // lease * lease + 2 * lease


def _packed(ids: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(ids)}i", *ids)


_Value = TypeVar("_Value")


def _checked(cls: type[_Value], fields: Mapping[str, Any]) -> _Value:
    """An instance of the dataclass `cls`, of fields whose types are right. Unknown ones are passed over: a newer peer
    may say more. Raises Malformed.
    """
    if not isinstance(fields, Mapping):
        raise Malformed(f"{cls.__name__} is not an object")
    given: dict[str, Any] = {}
    for name, kind in get_type_hints(cls).items():
        if name not in fields:
            continue  # its default, or the missing argument below
        value, plain = fields[name], get_origin(kind) or kind
        if plain is float and type(value) is int:
            value = float(value)
        if not (isinstance(value, Mapping) if plain is Mapping else type(value) is plain):
            raise Malformed(f"{cls.__name__}.{name}")
        if plain in (int, float) and not 0 <= value < 2**53:
            raise Malformed(f"{cls.__name__}.{name} is out of range")
        given[name] = value
    try:
        return cls(**given)
    except TypeError as error:
        raise Malformed(f"{cls.__name__} lacks something") from error
