"""Certificates: what the owner key says of a device's keys (EIP-712), and the TLS certificate that a device shows.

Imported anywhere, but each function loads its libraries itself: they take a second, and belong to no process that has
nothing to sign or to check.
"""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass, replace
from typing import Any

from freehold.foundation.errors import PeerUntrusted
from freehold.identity import ethereum
from freehold.identity.values import NodeCertificate

LONGEST_SECONDS = 7 * 24 * 3600
SKEW_SECONDS = 300  # two honest clocks may be this far apart; a new certificate is valid that much earlier

_DOMAIN = {"name": "Freehold", "version": "1"}
_TYPES = {
    "NodeCertificate": [
        {"name": "name", "type": "string"},
        {"name": "nodeKey", "type": "bytes32"},
        {"name": "hpkeKey", "type": "bytes32"},
        {"name": "notBefore", "type": "uint64"},
        {"name": "notAfter", "type": "uint64"},
    ]
}
# A TLS certificate is pinned, never dated: these are the first and the last moment that X.509 can name (RFC 5280).
_ALWAYS = (
    datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC),
    datetime.datetime(9999, 12, 31, 23, 59, 59, 0, datetime.UTC),
)
TLS_NAME = "freehold"


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """A self-signed certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes


def certify(owner_key: bytes, *, name: str, node_key: bytes, hpke_key: bytes, now: float) -> NodeCertificate:
    """A certificate by `owner_key` for the public keys `node_key` and `hpke_key`, valid for seven days about `now`."""
    begins = max(int(now) - SKEW_SECONDS, 0)
    owner, ends = ethereum.address_of(owner_key), begins + LONGEST_SECONDS
    bare = NodeCertificate(name, owner, node_key.hex(), hpke_key.hex(), begins, ends, "0" * 130)
    return replace(bare, signature=ethereum.sign(owner_key, _typed(bare)))


def verify(certificate: NodeCertificate, now: float) -> None:
    """Return when `certificate` is its owner's and valid at `now`. Raises PeerUntrusted with words otherwise."""
    if certificate.not_after - certificate.not_before > LONGEST_SECONDS:
        raise PeerUntrusted("its certificate claims more than seven days")
    if now < certificate.not_before:
        raise PeerUntrusted("its certificate is not valid yet", advice="Check the clocks of both devices.")
    if now >= certificate.not_after:
        raise PeerUntrusted("its certificate has expired", advice="Check the clocks of both devices.")
    if ethereum.signer_of(_typed(certificate), certificate.signature) != certificate.owner:
        raise PeerUntrusted("its certificate was not signed by its owner")


def tls_identity(node_key: bytes) -> TlsIdentity:
    """The TLS certificate of a node key (Ed25519, private): the same bytes each time, so that it can be pinned."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.x509.oid import NameOID

    private = Ed25519PrivateKey.from_private_bytes(node_key)
    public, name = private.public_key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, TLS_NAME)])
    serial = int.from_bytes(hashlib.sha256(b"freehold tls serial" + public.public_bytes_raw()).digest()[:16]) | 1
    builder = x509.CertificateBuilder(name, name, public, serial, *_ALWAYS)
    for extension, is_critical in _extensions(public):
        builder = builder.add_extension(extension, critical=is_critical)
    return TlsIdentity(
        builder.sign(private, None).public_bytes(form.Encoding.PEM),
        private.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()),
    )


def fingerprint(certificate: bytes) -> str:
    """SHA-256 in hex of a PEM certificate's DER: what pairing pins. Raises PeerUntrusted when it is none."""
    from ssl import PEM_cert_to_DER_cert

    try:
        return hashlib.sha256(PEM_cert_to_DER_cert(certificate.decode("ascii").strip())).hexdigest()
    except ValueError as error:
        raise PeerUntrusted("that is no certificate") from error


def _typed(certificate: NodeCertificate) -> ethereum.TypedData:
    message = {
        "name": certificate.name,
        "nodeKey": bytes.fromhex(certificate.node_key),
        "hpkeKey": bytes.fromhex(certificate.hpke_key),
        "notBefore": certificate.not_before,
        "notAfter": certificate.not_after,
    }
    return ethereum.TypedData(_DOMAIN, _TYPES, message)


def _extensions(public: Any) -> list[tuple[Any, bool]]:
    """What OpenSSL's strict checks want of a certificate that vouches for itself and for no other."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Use

    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
         "encipher_only", "decipher_only"), False)  # fmt: skip
    return [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.KeyUsage(digital_signature=True, **usage), True),
        (x509.ExtendedKeyUsage([Use.SERVER_AUTH, Use.CLIENT_AUTH]), False),
        (x509.SubjectAlternativeName([x509.DNSName(TLS_NAME)]), False),
        (x509.SubjectKeyIdentifier.from_public_key(public), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(public), False),
    ]
