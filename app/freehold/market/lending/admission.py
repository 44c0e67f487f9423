"""Who may ask: requests signed by a paired device, each of them once, and not too many at a time."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import PeerUntrusted
from freehold.identity import certificates, signatures
from freehold.identity.signatures import Nonces
from freehold.identity.values import NodeCertificate
from freehold.market.lending.values import Limits, Refusal

_MOST_CERTIFICATES = 256  # remembered as verified: that takes milliseconds, and every request carries one


class Admission:
    """`allowed` are owners' addresses. `now` counts seconds since 1970, `steady` those that no clock change moves."""

    def __init__(
        self,
        allowed: Iterable[str],
        limits: Limits,
        now: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = {one.lower() for one in allowed}
        self._limits, self._now, self._steady = limits, now, steady
        self._nonces = Nonces()
        self._verified: dict[str, NodeCertificate] = {}
        self._rates: dict[str, Rate] = {}
        self.seen: dict[str, float] = {}  # by address: when it last asked, in seconds since 1970

    @property
    def allowed(self) -> frozenset[str]:
        return frozenset(self._allowed)

    def allow(self, address: str) -> None:
        self._allowed.add(address.lower())

    def forget(self, address: str) -> None:
        self._allowed.discard(address.lower())
        self.seen.pop(address.lower(), None)

    def admit(self, *, method: str, url: str, headers: Mapping[str, str], body: bytes) -> str:
        """The owner's address of the device that signed this request. Raises Refusal."""
        now = self._now()
        try:
            signed = signatures.verify_request(method=method, url=url, headers=headers, body=body, now=now)
        except signatures.Refused as refused:
            late = refused.code in ("expired", "clock-skew")
            raise Refusal(refused.code, str(int(now)) if late else "") from refused
        certificate = self.known(signed.certificate)
        if certificate.node_key != signed.node_key:
            raise Refusal("certificate-wrong")
        if certificate.owner.lower() not in self._allowed:
            raise Refusal("not-paired")
        if not self._nonces.take(signed, now):
            raise Refusal("replayed")
        self._slow_down(certificate.owner)
        self.seen[certificate.owner.lower()] = now
        return certificate.owner

    def known(self, wire: object) -> NodeCertificate:
        """A certificate that is its owner's and valid now. Raises Refusal."""
        try:
            certificate = NodeCertificate.from_wire(wire)
            digest = hashlib.sha256(canonical(certificate.to_wire())).hexdigest()
            if digest not in self._verified:
                certificates.verify(certificate, self._now())
                self._remember(digest, certificate)
        except (PeerUntrusted, ValueError) as error:
            raise Refusal("certificate-wrong") from error
        if not certificate.not_before <= self._now() < certificate.not_after:
            raise Refusal("certificate-wrong")
        return certificate

    def _remember(self, digest: str, certificate: NodeCertificate) -> None:
        while len(self._verified) >= _MOST_CERTIFICATES:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = certificate

    def _slow_down(self, owner: str) -> None:
        rate = self._rates.setdefault(owner, Rate(self._limits.requests, self._limits.burst, self._steady()))
        if not rate.take(self._steady()):
            raise Refusal("too-many-requests")


class Rate:
    """So many a second, and `burst` at once."""

    def __init__(self, per_second: float, burst: int, now: float) -> None:
        self._per_second, self._burst, self._left, self._at = per_second, burst, float(burst), now

    def take(self, now: float) -> bool:
        self._left = min(self._burst, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
