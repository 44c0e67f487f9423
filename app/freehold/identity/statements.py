"""Bytes that a node key signs by themselves, outside of any HTTP message: receipts (Ed25519). Runs in workers."""

from __future__ import annotations


def sign(private: bytes, content: bytes) -> str:
    """The signature in hex. `private` is the node key's 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).sign(content).hex()


def is_signed(node_key: str, content: bytes, signature: str) -> bool:
    """Whether `node_key` (hex) signed exactly these bytes. False also for a key or signature that is none."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(node_key)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True
