"""HTTP messages signed by a node key (RFC 9421), with exactly the components that docs/peers.md names.

Runs in workers: the signer signs requests, the gateway verifies them and signs responses.
"""

from __future__ import annotations

import base64
import datetime
import functools
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from freehold.foundation.canonical import canonical, object_from

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

LABEL = "freehold"
TAG = "freehold-job/1"
LIFETIME = 60  # seconds that a request is good for
SKEW = 300  # seconds that two clocks may be apart
CERTIFICATE_HEADER = "Freehold-Certificate"

_REQUEST = ("@method", "@authority", "@path", "@query", "content-digest", "freehold-certificate")
_STREAM = ("@status", '"@method";req', '"@path";req', '"signature";req;key="freehold"')
_RESPONSE = ("@status", "content-digest", *_STREAM[1:])
_HEADERS = frozenset({"signature", "signature-input", "content-digest", "freehold-certificate"})
_LONGEST_HEADER = 8192

Code = Literal["unsigned", "signature-invalid", "expired", "clock-skew", "malformed"]


class Refused(Exception):
    """A message does not carry the signature that it must. `code` is all that the other side is told."""

    def __init__(self, code: Code) -> None:
        super().__init__(code)
        self.code: Code = code


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request its response is bound to. `url` is absolute; `headers` hold at least those of the signature."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request's signature proves: that `node_key` (hex) made it. Times are seconds since 1970.

    Whether `certificate` is the owner's, and certifies this key, is for the caller to check; so are replays (`Nonces`).
    """

    node_key: str
    certificate: Mapping[str, Any]
    nonce: str
    created: int
    expires: int


def sign_request(
    private: bytes, *, method: str, url: str, body: bytes, certificate: Mapping[str, Any], now: float, nonce: str
) -> dict[str, str]:
    """Every header to send with a request. `private` is the node key's 32 bytes, `nonce` 32 hex digits never used
    before. Raises ValueError for a URL that cannot be signed.
    """
    headers = {CERTIFICATE_HEADER: base64.b64encode(canonical(dict(certificate))).decode()}
    expires = _moment(now + LIFETIME)
    _sign(private, _Request(method, url, headers), _REQUEST, body, now, nonce=nonce, expires=expires)
    return headers


def verify_request(*, method: str, url: str, headers: Mapping[str, str], body: bytes, now: float) -> Signed:
    """Who made this request, of a receiver whose clock says `now`. Raises Refused.

    `url` is the absolute one that the sender meant: the Host header, and path and query as they came.
    """
    message = _Request(method, url, _relevant(headers))
    certificate = _certificate(message.headers)
    proven = _verify(message, _REQUEST, body)
    key, nonce, created, expires = (proven.get(name) for name in ("keyid", "nonce", "created", "expires"))
    if not isinstance(nonce, str) or not re.fullmatch(r"[0-9a-f]{32}", nonce):
        raise Refused("malformed")
    if type(created) is not int or type(expires) is not int or not created < expires <= created + LIFETIME:
        raise Refused("malformed")
    if now > expires + SKEW:
        raise Refused("expired")
    if created > now + SKEW:
        raise Refused("clock-skew")
    return Signed(str(key), certificate, nonce, created, expires)


def sign_response(
    private: bytes, *, status: int, body: bytes | None, headers: Mapping[str, str], request: Request, now: float
) -> dict[str, str]:
    """`headers` and those of the signature. A stream's head has no `body`: what follows is sealed by itself.

    Raises Refused where the request's own signature cannot be read: its answer cannot be bound to it, so goes unsigned.
    """
    signed = {name: value for name, value in headers.items() if name.lower() not in _HEADERS}
    message = _Response(status, signed, _bound(request))
    try:
        _sign(private, message, _RESPONSE if body is not None else _STREAM, body, now)
    except ValueError as error:
        raise Refused("malformed") from error
    return signed


def verify_response(
    *, node_key: str, status: int, headers: Mapping[str, str], body: bytes | None, request: Request
) -> None:
    """Whether `node_key` (hex) gave this answer to this very request. Raises Refused.

    No clock is asked: it answers a signature that was made just now, and a clock that is wrong must be able to hear so.
    """
    message = _Response(status, _relevant(headers), _bound(request))
    proven = _verify(message, _RESPONSE if body is not None else _STREAM, body)
    if proven.get("keyid") != node_key:
        raise Refused("signature-invalid")


def sign_content(private: bytes, content: bytes) -> str:
    """The node key's own signature (Ed25519, hex) over something that is no message: a receipt."""
    return _private_key(private)[0].sign(content).hex()


def verify_content(*, node_key: str, content: bytes, signature: str) -> None:
    """Whether `node_key` (hex) made this `signature` (hex) over `content`. Raises Refused."""
    from cryptography.exceptions import InvalidSignature

    key = _public_key(node_key)
    if key is None or not re.fullmatch(r"[0-9a-f]{128}", signature):
        raise Refused("signature-invalid")
    try:
        key.verify(bytes.fromhex(signature), content)
    except InvalidSignature as error:
        raise Refused("signature-invalid") from error


class Nonces:
    """Which requests were seen before. Each is forgotten when its signature would be refused anyway.

    It holds `most` and takes no more: a flood by paired devices costs answers, never memory or a replay.
    """

    def __init__(self, most: int = 50_000) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._until: dict[tuple[str, str], int] = {}
        self._swept = 0.0

    def take(self, signed: Signed, now: float) -> bool:
        """Whether this request is seen for the first time."""
        with self._lock:
            if now - self._swept > LIFETIME or len(self._until) >= self._most or now < self._swept:
                self._until = {known: until for known, until in self._until.items() if until >= now}
                self._swept = now
            known = (signed.node_key, signed.nonce)
            if known in self._until or len(self._until) >= self._most:
                return False
            self._until[known] = signed.expires + SKEW
            return True

    def __len__(self) -> int:
        return len(self._until)


@dataclass(frozen=True, slots=True)
class _Request:
    """A request as the library reads and completes it."""

    method: str
    url: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Response:
    """A response as the library reads and completes it; it knows one by its `status_code`."""

    status_code: int
    headers: dict[str, str]
    request: _Request


def _relevant(headers: Mapping[str, str]) -> dict[str, str]:
    """The few fields that count; nothing else of a stranger's headers is ever parsed."""
    found = {name.lower(): value for name, value in headers.items() if name.lower() in _HEADERS}
    if not {"signature", "signature-input"} <= found.keys():
        raise Refused("unsigned")
    if any(len(value) > _LONGEST_HEADER for value in found.values()):
        raise Refused("malformed")
    return found


def _bound(request: Request) -> _Request:
    return _Request(request.method, request.url, _relevant(request.headers))


def _certificate(headers: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        return object_from(base64.b64decode(headers["freehold-certificate"], validate=True))
    except (KeyError, ValueError) as error:
        raise Refused("malformed") from error


def _sign(
    private: bytes, message: _Request | _Response, components: tuple[str, ...], body: bytes | None, now: float,
    **more: Any,
) -> None:  # fmt: skip
    """Add digest and signature to the message's headers. Raises ValueError."""
    from http_message_signatures import HTTPMessageSignaturesException

    key, key_id = _private_key(private)
    try:
        prepared = _signer().prepare(
            message, key_id=key_id, created=_moment(now), label=LABEL, tag=TAG, covered_component_ids=components,
            body=body, **more,
        )  # fmt: skip
    except HTTPMessageSignaturesException as error:
        raise ValueError(str(error)) from error
    message.headers["Signature-Input"] = f"{LABEL}={prepared.signature_params}"
    message.headers["Signature"] = f"{LABEL}=:{base64.b64encode(key.sign(prepared.signature_base)).decode()}:"


def _verify(message: _Request | _Response, components: tuple[str, ...], body: bytes | None) -> dict[str, Any]:
    """The signature's own parameters, once it is proved over exactly `components`. Raises Refused."""
    from http_message_signatures import HTTPMessageSignaturesException

    try:
        proven: Any = _verifier().verify(message, max_age=None, expect_tag=TAG, expect_label=LABEL, body=body)[0]
    except HTTPMessageSignaturesException as error:  # InvalidSignature is one
        raise Refused("signature-invalid") from error
    if tuple(proven.covered_components) != (*_quoted(components), '"@signature-params"'):
        raise Refused("signature-invalid")
    return dict(proven.parameters)


def _quoted(components: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name if name.startswith('"') else f'"{name}"' for name in components)


def _moment(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(int(seconds), tz=datetime.UTC)


@functools.cache
def _signer() -> Any:
    from http_message_signatures import HTTPMessageSigner
    from http_message_signatures.algorithms import ED25519

    return HTTPMessageSigner(signature_algorithm=ED25519)


@functools.cache
def _verifier() -> Any:
    from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
    from http_message_signatures.algorithms import ED25519

    class Keys(HTTPSignatureKeyResolver):
        def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
            return _public_key(key_id)

    class Verifier(HTTPMessageVerifier):
        def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
            """The caller does, by the clock it was given."""

    return Verifier(signature_algorithm=ED25519, key_resolver=Keys())


@functools.lru_cache(maxsize=4)
def _private_key(private: bytes) -> tuple[Ed25519PrivateKey, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(private)
    return key, key.public_key().public_bytes_raw().hex()


@functools.lru_cache(maxsize=256)
def _public_key(key_id: str) -> Ed25519PublicKey | None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if not re.fullmatch(r"[0-9a-f]{64}", key_id):
        return None
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_id))
