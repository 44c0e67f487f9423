"""What a device shows of itself to another. Pure: canonical forms and digests."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from freehold.foundation.errors import PeerUntrusted

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
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not (int if field.name.startswith("not_") else str):
                raise PeerUntrusted(f"a certificate whose {field.name} is of another type")
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
        if not isinstance(wire, Mapping) or set(wire) != {field.name for field in fields(cls)}:
            raise PeerUntrusted("a certificate with other fields than a certificate has")
        return cls(**wire)


def canonical(value: Any) -> bytes:
    """JSON with sorted names and no spaces, ASCII only: the same value always gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
