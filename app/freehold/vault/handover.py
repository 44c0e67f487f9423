"""Passing the keyring's secret from one worker to another through the app, sealed so that the app never sees it.

The vault makes an X25519 key for one use; the keyring worker seals to it with an ephemeral key of its own.
"""

from __future__ import annotations

import os

from freehold.foundation.errors import KeyringUnavailable


class Receiver:
    """The vault's end: tell `public` to the keyring worker, `open` what it sends. Good for one secret."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def open(self, sealed: bytes) -> bytes:
        """Raises KeyringUnavailable when `sealed` was not made for this receiver."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        theirs, nonce, rest = sealed[:32], sealed[32:44], sealed[44:]
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
            return AESGCM(_key(shared, theirs, self.public)).decrypt(nonce, rest, None)
        except (InvalidTag, ValueError) as error:
            raise KeyringUnavailable("the keyring's answer was not for this vault") from error


def seal(public: bytes, secret: bytes) -> bytes:
    """`secret`, readable by the receiver of `public` alone. Raises KeyringUnavailable on a key that is none."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ours = X25519PrivateKey.generate()
    mine = ours.public_key().public_bytes_raw()
    try:
        shared = ours.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise KeyringUnavailable("not a key to seal to") from error
    nonce = os.urandom(12)
    return mine + nonce + AESGCM(_key(shared, mine, public)).encrypt(nonce, secret, None)


def _key(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=sender + receiver, info=b"freehold vault 1 hand-over").derive(shared)
