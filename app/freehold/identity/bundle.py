"""What a key file keeps sealed: the private keys, the key of the journal, and what the owner allows."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import FreeholdError, KeyDamaged
from freehold.identity.values import Mandate, NodeCertificate


@dataclass(frozen=True, slots=True)
class Bundle:
    """`owner` is a secp256k1, `node` an Ed25519 and `hpke` an X25519 private key, `journal` seals the journal.

    `certificate` is the last that was made.
    """

    owner: bytes
    node: bytes
    hpke: bytes
    journal: bytes
    mandate: Mandate
    certificate: NodeCertificate | None = None

    def __repr__(self) -> str:
        return "Bundle(...)"  # a private key has no place in a traceback

    @classmethod
    def new(cls, owner: bytes) -> Bundle:
        """A device of this owner, with fresh keys of its own."""
        return cls(owner, os.urandom(32), os.urandom(32), os.urandom(32), Mandate())

    @property
    def node_public(self) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.node).public_key().public_bytes_raw()

    @property
    def hpke_public(self) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        return X25519PrivateKey.from_private_bytes(self.hpke).public_key().public_bytes_raw()

    def to_bytes(self) -> bytes:
        keys = {"owner": self.owner, "node": self.node, "hpke": self.hpke, "journal": self.journal}
        return canonical(
            {name: key.hex() for name, key in keys.items()}
            | {"mandate": self.mandate.to_wire(), "certificate": self.certificate and self.certificate.to_wire()}
        )

    @classmethod
    def from_bytes(cls, content: bytes) -> Bundle:
        """What `to_bytes` gave, once its seal was checked. Raises KeyDamaged where another version wrote it."""
        try:
            fields = json.loads(content)
            owner, node, hpke, journal = (bytes.fromhex(fields[name]) for name in ("owner", "node", "hpke", "journal"))
            certificate = fields["certificate"] and NodeCertificate.from_wire(fields["certificate"])
            return cls(owner, node, hpke, journal, Mandate.from_wire(fields["mandate"]), certificate)
        except (KeyError, TypeError, ValueError, FreeholdError) as error:
            raise KeyDamaged("another version wrote it", advice="Install the newest version.") from error
