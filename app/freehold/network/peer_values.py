"""What is said about connections to other devices. Pure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

MOST_BODY = 8 * 1024 * 1024  # bytes of an answer, unless more was asked for
MOST_STREAM = 64 * 1024 * 1024  # bytes of one stream
MOST_FOUND = 64  # devices that one look around shows


@dataclass(frozen=True, slots=True)
class Target:
    """A device that is paired, or about to be: exactly this host and port, exactly this certificate (PEM).

    `name` is what its owner calls it, for words to people.
    """

    host: str
    port: int
    tls_pem: str
    name: str = ""

    @property
    def authority(self) -> str:
        return authority_of(self.tls_pem)

    def url(self, path: str) -> str:
        """The absolute URL of `path`, as a signature needs it: what was signed for one device is good for no other."""
        return f"https://{self.authority}{path}"


def authority_of(tls_pem: str) -> str:
    """The name by which a device is asked, wherever it is: made of its certificate, it cannot be another's.

    This is what the Host header of a request says. Nobody resolves it.
    """
    shown = re.search("BEGIN CERTIFICATE-----(.*?)-----END", tls_pem, re.DOTALL)
    try:
        der = base64.b64decode(shown[1] if shown else "")
    except ValueError:
        der = b""  # no certificate: the network process will not connect to it
    return f"{hashlib.sha256(der).hexdigest()[:32]}.freehold.local"


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent to a device. `silence` limits the seconds without a byte, `most` the bytes of the answer's body."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    silence: float
    most: int

    def to_wire(self) -> dict[str, Any]:
        return {**asdict(self), "headers": dict(self.headers), "body": base64.b64encode(self.body).decode("ascii")}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Question:
        """Raises KeyError and ValueError: the other end of the pipe is of the same build."""
        plain = {name: fields[name] for name in cls.__slots__}
        return cls(**{**plain, "body": base64.b64decode(fields["body"])})


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """What a device answered. Nothing of it is proved yet: its signature is for the asker to check.

    `headers` are those of the signature and the content type, names in lower case; `body` is empty for a stream.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Found:
    """A device that announced itself on the local network. Its words are a stranger's, cut and cleaned.

    `tls` are the first 16 hex digits of its certificate's fingerprint.
    """

    name: str
    host: str
    port: int
    tls: str


PeerEnd = Literal["answered", "cut", "untrusted", "wrong", "barred", "stopped"]


@dataclass(frozen=True, slots=True)
class PeerOutcome:
    """How one exchange of the network process ended.

    answered: with `status` and `headers`. cut: nobody there, silent, or gone half-way. untrusted: another certificate,
    or no encryption as it must be. wrong: it sent what the protocol does not have. barred: refused by our own rules.
    """

    end: PeerEnd
    words: str = ""
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    def to_wire(self, sent: int, received: int) -> dict[str, Any]:
        return {**asdict(self), "out": sent, "in": received}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> PeerOutcome:
        return cls(**{name: fields[name] for name in cls.__slots__})


class Counts:
    """What has crossed in one exchange so far, in bytes of HTTP messages."""

    def __init__(self) -> None:
        self.sent = self.received = 0
