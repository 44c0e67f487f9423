"""What a gateway is to others: its certificate, and what it signs with the node key. Runs in the gateway."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from freehold.identity.certificates import fingerprint
from freehold.identity.signatures import sign_content
from freehold.identity.values import NodeCertificate
from freehold.market.lending.job import Facts
from freehold.market.values import Receipt


@dataclass(frozen=True, slots=True)
class Own:
    """`node` and `hpke` are the private keys, 32 bytes each; `tls` is the PEM of the certificate that peers pin."""

    certificate: NodeCertificate
    node: bytes
    hpke: bytes
    tls: str

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.tls.encode())

    def renewed(self, certificate: Mapping[str, Any]) -> Own:
        """With a newer certificate of the same keys. Raises PeerUntrusted."""
        return replace(self, certificate=NodeCertificate.from_wire(certificate))

    def receipt(self, facts: Facts) -> Receipt:
        """The signed receipt. `facts` count seconds by `time.monotonic`, receipts since 1970."""
        since = time.time() - time.monotonic()
        terms = facts.terms
        bare = Receipt(
            job=terms.job, provider=self.certificate.owner, client=terms.client, manifest=facts.manifest,
            opening=terms.opening, tokens_in=len(terms.prompt), tokens_out=facts.tokens_out,
            transcript=facts.transcript, ending=facts.ending, opened=round(facts.opened + since, 3),
            closed=round(facts.closed + since, 3), provider_certificate=self.certificate.to_wire(),
        )  # fmt: skip
        return replace(bare, signature=sign_content(self.node, bare.signed_bytes()))
