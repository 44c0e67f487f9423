"""The data key and how secrets wrap it: Argon2id or HKDF, then AES-256-GCM. Runs in the vault process only."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
import unicodedata
from typing import Any

from freehold.foundation.errors import VaultDamaged
from freehold.vault.values import Argon2Cost, Slot, SlotKind

KEY_BYTES = 32
_MIB = 1024  # Argon2 counts memory in KiB


def new_data_key() -> bytes:
    return os.urandom(KEY_BYTES)


def subkey(data_key: bytes, purpose: str) -> bytes:
    """A key for one purpose (HKDF-SHA256, RFC 5869): the data key itself is never used for anything else."""
    return _hkdf(data_key, b"", f"freehold vault 1 {purpose}")


def authenticate(data_key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 of a header's content, under a key of its own."""
    return hmac.new(subkey(data_key, "header"), content, hashlib.sha256).digest()


def seal_backup(data_key: bytes, digest: bytes) -> bytes:
    """HMAC-SHA256 of a backup's SHA-256: only the owner of the key can have made it."""
    return hmac.new(subkey(data_key, "backup"), digest, hashlib.sha256).digest()


def wrap(
    data_key: bytes,
    vault: str,
    kind: SlotKind,
    secret: bytes,
    *,
    cost: Argon2Cost | None = None,
    backend: str = "",
    account: str = "",
) -> Slot:
    """A slot that opens with `secret`. Fresh salt and nonce each time; every parameter is authenticated."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    bare = Slot(kind, os.urandom(16), os.urandom(12), b"", cost, backend, account)
    sealed = AESGCM(_wrapping_key(bare, secret)).encrypt(bare.nonce, data_key, _bound(vault, bare))
    return Slot(kind, bare.salt, bare.nonce, sealed, cost, backend, account)


def unwrap(slot: Slot, vault: str, secret: bytes) -> bytes | None:
    """The data key, or None when `secret` is not the slot's."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_wrapping_key(slot, secret)).decrypt(slot.nonce, slot.wrapped, _bound(vault, slot))
    except InvalidTag:
        return None


def passphrase_bytes(passphrase: str) -> bytes:
    """NFC, so that é typed on another system's keyboard is the same é."""
    return unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")


def tuned_cost() -> Argon2Cost:
    """A cost that takes this machine about a second: 256 MiB, or as far down as 64 MiB where memory is short."""
    memory = 256 * _MIB
    while True:
        try:
            started = time.perf_counter()
            _argon2(b"tuning", b"0" * 16, Argon2Cost(memory, 1))
            once = time.perf_counter() - started
            break
        except MemoryError:
            if memory == 64 * _MIB:
                raise
            memory //= 2
    return Argon2Cost(memory, min(max(round(1.0 / max(once, 0.01)), 1), 16))


def _wrapping_key(slot: Slot, secret: bytes) -> bytes:
    if slot.kind == "passphrase":
        if slot.cost is None or not slot.cost.is_sane:
            raise VaultDamaged("the header asks for an impossible amount of work")
        return _argon2(secret, slot.salt, slot.cost)
    return _hkdf(secret, slot.salt, f"freehold vault 1 {slot.kind} slot")


def _bound(vault: str, slot: Slot) -> bytes:
    """What a slot's seal vouches for besides the key: nothing of it can be changed or moved to another vault."""
    cost = [slot.cost.memory, slot.cost.iterations, slot.cost.lanes] if slot.cost else None
    fields: list[Any] = ["freehold-vault", 1, vault, slot.kind, slot.salt.hex(), cost, slot.backend, slot.account]
    return json.dumps(fields, separators=(",", ":")).encode()


def _argon2(secret: bytes, salt: bytes, cost: Argon2Cost) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(
        salt=salt, length=KEY_BYTES, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory
    ).derive(secret)


def _hkdf(secret: bytes, salt: bytes, label: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), KEY_BYTES, salt=salt or None, info=label.encode()).derive(secret)
