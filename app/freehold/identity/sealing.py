"""What only the right machine can read: jobs sealed to a key (HPKE), and the numbered envelopes of a job's stream.

Runs in workers.
"""

from __future__ import annotations

import base64
import functools
import json
from typing import TYPE_CHECKING, Any

from freehold.foundation.canonical import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hpke import Suite

PAD = 256  # bytes; a length says no more than how many of these
LONGEST_ENVELOPE = 1 << 20  # characters of one event


class SealBroken(ValueError):
    """It was sealed for another key, job or place, or changed on the way."""


def seal(public_hex: str, plaintext: bytes, info: bytes) -> bytes:
    """HPKE (RFC 9180, base mode; X25519, HKDF-SHA256, ChaCha20-Poly1305) to the key `public_hex`, bound to `info`.

    Raises SealBroken for what is no key.
    """
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    try:
        return _suite().encrypt(plaintext, X25519PublicKey.from_public_bytes(bytes.fromhex(public_hex)), info)
    except ValueError as error:
        raise SealBroken("no key to seal to") from error


def unseal(private: bytes, sealed: bytes, info: bytes) -> bytes:
    """What `seal` was given, with the key's 32 private bytes. Raises SealBroken."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    try:
        return _suite().decrypt(sealed, X25519PrivateKey.from_private_bytes(private), info)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("not sealed for this") from error


class Envelopes:
    """One job's stream of values, each sealed at its own number so that none can be changed, moved or left out.

    `key` is the job's reply key, 32 bytes that are used for this one job's stream and for nothing else: a number must
    never be sealed with two different values.
    """

    def __init__(self, key: bytes, job: str) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self._cipher, self._job = ChaCha20Poly1305(key), job.encode()

    def seal(self, number: int, value: Any) -> str:
        """`value` (JSON) as the stream's event `number`: base64, of a length that says little."""
        plain = canonical(value)
        padded = plain.ljust(-(-len(plain) // PAD) * PAD)
        return base64.b64encode(self._cipher.encrypt(_nonce(number), padded, self._job)).decode()

    def open(self, number: int, text: str) -> Any:
        """The value of the event `number`. Raises SealBroken."""
        from cryptography.exceptions import InvalidTag

        try:
            if len(text) > LONGEST_ENVELOPE:
                raise SealBroken("an envelope that is too long")
            sealed = base64.b64decode(text, validate=True)
            return json.loads(self._cipher.decrypt(_nonce(number), sealed, self._job))
        except (InvalidTag, ValueError, RecursionError) as error:
            raise SealBroken("not this job's envelope of this number") from error


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "little")


@functools.cache
def _suite() -> Suite:
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
