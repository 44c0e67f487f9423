"""The key file, in two copies: a signer's secrets under a random file key, and that key wrapped in slots.

docs/decisions/0020 says why. AES-256-GCM seals the secrets and vouches for every slot; a slot's own seal vouches for
what it says of itself. The newest copy that is whole counts. Runs in the signer.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import FreeholdError, KeyDamaged
from freehold.foundation.paths import bytes_of, write_atomically
from freehold.vault.values import Argon2Cost

FORMAT, VERSION = "freehold-identity", 1
NAMES = ("key.json", "key.copy.json")
MOST_BYTES = 1024 * 1024

SlotKind = Literal["vault", "passphrase"]


@dataclass(frozen=True, slots=True)
class KeySlot:
    """The file key, wrapped under the vault's subkey or under a passphrase, whose guesses cost `cost`."""

    kind: SlotKind
    salt: bytes
    nonce: bytes
    wrapped: bytes
    cost: Argon2Cost | None = None


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What lies on the disk. `generation` grows with every change; nothing in it names its owner."""

    id: str
    generation: int
    slots: tuple[KeySlot, ...]
    nonce: bytes = b""
    sealed: bytes = b""

    def slot(self, kind: SlotKind) -> KeySlot | None:
        return next((slot for slot in self.slots if slot.kind == kind), None)

    def with_slot(self, slot: KeySlot) -> KeyFile:
        """A file has one slot of each kind."""
        return replace(self, slots=(*(one for one in self.slots if one.kind != slot.kind), slot))


def seal(file: KeyFile, file_key: bytes, secrets: bytes) -> KeyFile:
    """The file with these secrets in it, under a fresh nonce."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    bare = replace(file, nonce=os.urandom(12), sealed=b"")
    return replace(bare, sealed=AESGCM(file_key).encrypt(bare.nonce, secrets, canonical(_fields(bare))))


def unseal(file: KeyFile, file_key: bytes) -> bytes:
    """The secrets. Raises KeyDamaged when the file is not as the owner of its key wrote it."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(file_key).decrypt(file.nonce, file.sealed, canonical(_fields(replace(file, sealed=b""))))
    except InvalidTag as error:
        raise KeyDamaged("it was changed by someone else") from error


def wrap(file_key: bytes, file: str, kind: SlotKind, secret: bytes, cost: Argon2Cost | None = None) -> KeySlot:
    """A slot of the file with this id that opens with `secret`."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    bare = KeySlot(kind, os.urandom(16), os.urandom(12), b"", cost)
    return replace(bare, wrapped=AESGCM(_wrapping_key(bare, secret)).encrypt(bare.nonce, file_key, _bound(file, bare)))


def unwrap(slot: KeySlot, file: str, secret: bytes) -> bytes | None:
    """The file key, or None when `secret` is not the slot's."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_wrapping_key(slot, secret)).decrypt(slot.nonce, slot.wrapped, _bound(file, slot))
    except InvalidTag:
        return None


def write(folder: Path, content: bytes) -> None:
    """Bring both copies to `content`. The change is made once the first is written.

    Raises DiskFull or ProfileUnusable when not even that could be; then both are old.
    """
    for number, name in enumerate(NAMES):
        try:
            write_atomically(folder / name, content)
        except FreeholdError:
            if number == 0:
                raise


def read(folder: Path) -> list[KeyFile]:
    """The copies that are whole, newest first; none where there is no key. Raises KeyDamaged when all are damaged."""
    contents = [content for name in NAMES if (content := bytes_of(folder / name, MOST_BYTES)) is not None]
    found, damage = [], None
    for content in contents:
        try:
            found.append(decode(content))
        except KeyDamaged as error:
            damage = error
    if damage is not None and not found:
        raise damage
    return sorted(found, key=lambda file: -file.generation)


def encode(file: KeyFile) -> bytes:
    """One line of JSON with a checksum, which tells damage before any secret is known."""
    fields = _fields(file)
    return canonical(fields | {"checksum": hashlib.sha256(canonical(fields)).hexdigest()}) + b"\n"


def decode(content: bytes) -> KeyFile:
    """Raises KeyDamaged."""
    try:
        fields = json.loads(content)
        if fields["format"] == FORMAT and type(fields["version"]) is int and fields["version"] > VERSION:
            raise KeyDamaged("a newer Freehold wrote it", advice="Install the newer version. Nothing was changed.")
        slots = tuple(_slot(slot) for slot in fields["slots"])
        nonce, sealed = bytes.fromhex(fields["nonce"]), bytes.fromhex(fields["sealed"])
        file = KeyFile(str(fields["id"]), int(fields["generation"]), slots, nonce, sealed)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise KeyDamaged("it is cut or altered") from error
    # Compared as whole bytes: a flipped bit in white space or a repeated name is damage too.
    if encode(file) != content or len(nonce) != 12:
        raise KeyDamaged("it is cut or altered")
    return file


def _fields(file: KeyFile) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": file.id,
        "generation": file.generation,
        "slots": [_slot_fields(slot) for slot in file.slots],
        "nonce": file.nonce.hex(),
        "sealed": file.sealed.hex(),
    }


def _slot_fields(slot: KeySlot) -> dict[str, Any]:
    fields = {"kind": slot.kind, "salt": slot.salt.hex(), "nonce": slot.nonce.hex(), "wrapped": slot.wrapped.hex()}
    return fields | ({} if slot.cost is None else {"argon2id": _numbers(slot.cost)})


def _slot(fields: dict[str, Any]) -> KeySlot:
    kind = fields["kind"]
    if kind not in ("vault", "passphrase"):
        raise ValueError("a slot of an unknown kind")
    cost = Argon2Cost(*(int(number) for number in fields["argon2id"])) if kind == "passphrase" else None
    if cost is not None and not cost.is_sane:
        raise ValueError("a passphrase slot that asks for an impossible amount of work")
    salt, nonce, wrapped = (bytes.fromhex(fields[name]) for name in ("salt", "nonce", "wrapped"))
    if (len(salt), len(nonce), len(wrapped)) != (16, 12, 48):
        raise ValueError("a slot of the wrong size")
    return KeySlot(kind, salt, nonce, wrapped, cost)


def _numbers(cost: Argon2Cost) -> list[int]:
    return [cost.memory, cost.iterations, cost.lanes]


def _bound(file: str, slot: KeySlot) -> bytes:
    """Nothing that a slot says of itself can be changed, and no slot moved to another file."""
    return canonical([FORMAT, VERSION, file, _slot_fields(replace(slot, wrapped=b""))])


def _wrapping_key(slot: KeySlot, secret: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    if (cost := slot.cost) is not None:
        argon2 = Argon2id(
            salt=slot.salt, length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory
        )
        return argon2.derive(secret)
    return HKDF(SHA256(), 32, salt=slot.salt, info=f"freehold identity 1 {slot.kind} slot".encode()).derive(secret)
