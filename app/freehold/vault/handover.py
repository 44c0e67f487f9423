"""Passing a secret from one worker to another through the app, sealed so that the app never sees it.

Who wants it makes an X25519 key for one use; who has it seals to that with an ephemeral key of its own. So the
keyring's secret reaches the vault, the vault's key for the identity the signer, and the node key a gateway.
"""

from __future__ import annotations

import os


class Misdirected(ValueError):
    """Sealed for somebody else, changed on the way, or no key to seal to."""


class Receiver:
    """The end that wants a secret: tell `public` to the one that has it, `open` what it sends. Good for one secret."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def open(self, sealed: bytes) -> bytes:
        """Raises Misdirected when `sealed` was not made for this receiver."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        theirs, nonce, rest = sealed[:32], sealed[32:44], sealed[44:]
        try:
            shared = self._private.exchange(X25519PublicKey.from_public_bytes(theirs))
            return AESGCM(_key(shared, theirs, self.public)).decrypt(nonce, rest, None)
        except (InvalidTag, ValueError) as error:
            raise Misdirected from error


def seal(public: bytes, secret: bytes) -> bytes:
    """`secret`, readable by the receiver of `public` alone. Raises Misdirected on a key that is none."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    ours = X25519PrivateKey.generate()
    mine = ours.public_key().public_bytes_raw()
    try:
        shared = ours.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as error:
        raise Misdirected from error
    nonce = os.urandom(12)
    return mine + nonce + AESGCM(_key(shared, mine, public)).encrypt(nonce, secret, None)


def _key(shared: bytes, sender: bytes, receiver: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), 32, salt=sender + receiver, info=b"freehold vault 1 hand-over").derive(shared)
