"""Two machines that share six digits for a moment become sure of each other's keys (SPAKE2); rules only, no sockets.

`Host` shows the code and answers, `Guest` types it and asks; docs/peers.md has what they say. Runs in workers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import PairingRefused
from freehold.foundation.paths import resources

PROTOCOL = "freehold-pair/1"
TRIES = 5
GOOD_FOR = 600.0  # seconds
_LONGEST_SEALED = 16384  # bytes

Side = Literal["host", "guest"]


def new_code() -> str:
    return f"{secrets.randbelow(10**6):06}"


@dataclass(frozen=True, slots=True)
class Introduction:
    """What one machine says of itself, to the other alone: its name, node certificate and TLS certificate (PEM).

    Whether an owner signed `certificate` is for the caller to check.
    """

    name: str
    certificate: Mapping[str, Any]
    tls: str

    def to_wire(self) -> dict[str, Any]:
        return {"name": self.name, "certificate": dict(self.certificate), "tls": self.tls}

    @classmethod
    def from_wire(cls, fields: Any) -> Introduction:
        """Raises PairingRefused."""
        if not isinstance(fields, dict):
            raise _strange()
        name, certificate, tls = (fields.get(key) for key in ("name", "certificate", "tls"))
        if not (isinstance(name, str) and isinstance(certificate, dict) and isinstance(tls, str)):
            raise _strange()
        return cls(name[:64], certificate, tls)


class Host:
    """The side that shows a code. Times are seconds of any clock that only moves forward, the same for every call.

    Each beginning costs one of five tries, whatever becomes of it, and ends the try before it: there is at most one.
    """

    def __init__(self, code: str, tls_fingerprint: str, introduction: Introduction, began: float) -> None:
        self._code, self._tls, self._introduction = code, tls_fingerprint, introduction
        self._until = began + GOOD_FOR
        self._tries_left = TRIES
        self._running: tuple[str, _Agreed] | None = None
        self.guest: Introduction | None = None
        self.words: tuple[str, ...] = ()

    def is_open(self, now: float) -> bool:
        """Whether a try can still be begun or ended."""
        return self.guest is None and now < self._until and (self._tries_left > 0 or self._running is not None)

    def answer(self, asked: Mapping[str, Any], now: float) -> dict[str, Any]:
        """What to answer to one step of a guest; after the last, `guest` and `words` are there.

        Raises PairingRefused, after which that try is over.
        """
        if not self.is_open(now):
            self._running = None
            raise PairingRefused("the code is no longer good")
        step = asked.get("step")
        if step == "begin":
            return self._begin(_hex(asked.get("message")))
        running, self._running = self._running, None
        if step != "confirm" or running is None or asked.get("session") != running[0]:
            raise _strange()
        return self._confirm(running[1], asked)

    def _begin(self, message: bytes) -> dict[str, Any]:
        if self._tries_left == 0:
            raise PairingRefused("the code is no longer good")
        self._tries_left -= 1
        self._running = None
        session = secrets.token_hex(16)
        exchange = _Exchange("host", self._code)
        self._running = (session, exchange.agree(message, session, self._tls))
        return {"session": session, "message": exchange.message.hex()}

    def _confirm(self, agreed: _Agreed, asked: Mapping[str, Any]) -> dict[str, Any]:
        agreed.check("guest", asked.get("proof"))
        self.guest = Introduction.from_wire(agreed.open("guest", asked.get("sealed")))
        sealed = agreed.seal("host", self._introduction.to_wire())
        self.words = agreed.words(str(asked["sealed"]), sealed)
        return {"proof": agreed.proof("host"), "sealed": sealed}


class Guest:
    """The side where the code is typed. `tls_fingerprint` is of the certificate that its own connection met."""

    def __init__(self, code: str, tls_fingerprint: str, introduction: Introduction) -> None:
        self._exchange = _Exchange("guest", code)
        self._tls, self._introduction = tls_fingerprint, introduction
        self._agreed: _Agreed | None = None
        self._sealed = ""
        self.words: tuple[str, ...] = ()

    def begin(self) -> dict[str, Any]:
        return {"step": "begin", "message": self._exchange.message.hex()}

    def confirm(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """What to send after the answer to `begin`. Raises PairingRefused. To be called once."""
        session = answer.get("session")
        if not isinstance(session, str) or not re.fullmatch(r"[0-9a-f]{32}", session):
            raise _strange()
        self._agreed = self._exchange.agree(_hex(answer.get("message")), session, self._tls)
        self._sealed = self._agreed.seal("guest", self._introduction.to_wire())
        proof = self._agreed.proof("guest")
        return {"step": "confirm", "session": session, "proof": proof, "sealed": self._sealed}

    def finish(self, answer: Mapping[str, Any]) -> Introduction:
        """The host's introduction; `words` are there afterwards. Raises PairingRefused."""
        if self._agreed is None:
            raise _strange()
        agreed, sealed = self._agreed, answer.get("sealed")
        agreed.check("host", answer.get("proof"))
        host = Introduction.from_wire(agreed.open("host", sealed))
        if tls_fingerprint(host.tls) != self._tls:
            raise PairingRefused("the other device shows two different certificates")
        self.words = agreed.words(self._sealed, str(sealed))
        return host


def tls_fingerprint(pem: str) -> str:
    """SHA-256 in hex of a certificate's DER. Raises PairingRefused for what is no PEM."""
    import ssl

    try:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    except ValueError as error:
        raise _strange() from error


@dataclass(frozen=True, slots=True)
class Invite:
    """Where a device is, its code of the moment, and the fingerprint of the certificate it must show."""

    host: str
    port: int
    code: str
    tls: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"freehold://pair?at={host}:{self.port}&code={self.code}&tls={self.tls}"


_INVITE = re.compile(
    r"freehold://pair\?at=(?P<host>[a-zA-Z0-9](?:[a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?|\[[0-9a-fA-F:.]{2,45}\])"
    r":(?P<port>[1-9][0-9]{0,4})&code=(?P<code>[0-9]{6})&tls=(?P<tls>[0-9a-f]{64})"
)


def parse_invite(text: str) -> Invite:
    """The invite that somebody sent. Raises PairingRefused for anything that `Invite` does not write."""
    import ipaddress

    found = _INVITE.fullmatch(text.strip(" \t\r\n")) if len(text) <= 512 else None
    if found is None or int(found["port"]) > 65535:
        raise PairingRefused("this is not an invite")
    host = found["host"].strip("[]")
    if ":" in host:
        try:
            host = str(ipaddress.IPv6Address(host))
        except ValueError as error:
            raise PairingRefused("this is not an invite") from error
    return Invite(host, int(found["port"]), found["code"], found["tls"])


class _Exchange:
    """One side's SPAKE2, good for one try."""

    def __init__(self, side: Side, code: str) -> None:
        from spake2 import SPAKE2_A, SPAKE2_B

        kind = SPAKE2_A if side == "guest" else SPAKE2_B
        self._side = side
        self._spake = kind(code.encode(), idA=b"freehold guest", idB=b"freehold host")
        self.message: bytes = self._spake.start()

    def agree(self, message: bytes, session: str, tls: str) -> _Agreed:
        """What both sides know if they had the same code, saw the same messages and the same certificate."""
        from spake2 import SPAKEError
        from spake2.ed25519_basic import NotOnCurve

        if len(message) != len(self.message):
            raise _strange()
        try:
            key: bytes = self._spake.finish(message)
        except (SPAKEError, NotOnCurve, ValueError, AssertionError) as error:  # it asserts what a point must be
            raise _strange() from error
        guest, host = (message, self.message) if self._side == "host" else (self.message, message)
        return _Agreed(key, [PROTOCOL, guest.hex(), host.hex(), session, tls])


class _Agreed:
    """Keys that come of one exchange: a proof and a sealing key for each side."""

    def __init__(self, key: bytes, transcript: list[str]) -> None:
        self._key, self._transcript = key, transcript

    def proof(self, side: Side) -> str:
        return self._derived(f"{side} proof", 32).hex()

    def check(self, side: Side, proof: Any) -> None:
        if not isinstance(proof, str) or not hmac.compare_digest(proof.encode(), self.proof(side).encode()):
            raise PairingRefused("the code is another one, or somebody stands between the two devices")

    def seal(self, side: Side, value: Mapping[str, Any]) -> str:
        return self._cipher(side).encrypt(bytes(12), canonical(dict(value)), None).hex()  # type: ignore[no-any-return]

    def open(self, side: Side, sealed: Any) -> Any:
        from cryptography.exceptions import InvalidTag

        try:
            return json.loads(self._cipher(side).decrypt(bytes(12), _hex(sealed, _LONGEST_SEALED), None))
        except (InvalidTag, ValueError, RecursionError) as error:
            raise _strange() from error

    def words(self, guest_sealed: str, host_sealed: str) -> tuple[str, ...]:
        """Four words for people to compare, made of everything both sides said."""
        said = hashlib.sha256(canonical([guest_sealed, host_sealed])).hexdigest()
        number = int.from_bytes(self._derived(f"words {said}", 8)) >> 20
        known = (resources() / "words" / "english.txt").read_text(encoding="ascii").split()
        return tuple(known[number >> shift & 2047] for shift in (33, 22, 11, 0))

    def _cipher(self, side: Side) -> Any:
        """Each side's key seals one message and no more, so its nonce may stand still."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        return ChaCha20Poly1305(self._derived(f"{side} seal", 32))

    def _derived(self, use: str, length: int) -> bytes:
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        return HKDF(SHA256(), length, salt=None, info=canonical([*self._transcript, use])).derive(self._key)


def _hex(text: Any, longest: int = 64) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * longest or not re.fullmatch(r"([0-9a-f]{2})+", text):
        raise _strange()
    return bytes.fromhex(text)


def _strange() -> PairingRefused:
    return PairingRefused("the other device says something that is no pairing")
