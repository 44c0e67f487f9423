"""The header beside the database, in two copies: what is needed to try a key, and nothing else.

docs/vault-format.md describes every field. A checksum tells damage before any key is known; a MAC under the data
key tells tampering after.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Any

from freehold.foundation.errors import FreeholdError, VaultDamaged, VaultNewer
from freehold.foundation.paths import bytes_of, disk_error, write_atomically
from freehold.vault.keys import authenticate
from freehold.vault.values import KINDS, Argon2Cost, Header, Slot

FORMAT, VERSION = "freehold-vault", 1
NAMES = ("header.a", "header.b")
MOST_BYTES = 64 * 1024

_log = logging.getLogger(__name__)


class _Unreadable(ValueError):
    """A copy that is cut, flipped or no header at all; the other may still be good."""


def write(folder: Path, header: Header, data_key: bytes) -> None:
    """Bring both copies to `header`, one after the other; a copy that says so already is left alone.

    The newest copy counts, so the change is made once the first is written: a second that cannot be is brought up
    to date at the next unlock. Raises DiskFull or ProfileUnusable when not even the first could be; then both are old.
    """
    content = encode(header, data_key)
    stale = [folder / name for name in NAMES if bytes_of(folder / name, MOST_BYTES) != content]
    for number, path in enumerate(stale):
        try:
            write_atomically(path, content)
        except FreeholdError:
            if number == 0 and len(stale) == len(NAMES):
                raise
            _log.warning("%s could not be brought up to date", path.name)


def sweep(folder: Path) -> None:
    """Remove what a crash left of half-written copies: they may hold slots that were since replaced."""
    try:
        for leftover in folder.glob(".header.*"):
            leftover.unlink()
    except OSError as error:
        raise disk_error(error, folder) from error


def read(folder: Path) -> list[tuple[Header, bytes]]:
    """The readable copies with their bytes, newest first; empty where there is no header at all.

    Raises VaultNewer, and VaultDamaged when copies are there and none can be read.
    """
    found, lost = [], False
    for name in NAMES:
        content = bytes_of(folder / name, MOST_BYTES)
        if content is None:
            continue
        try:
            found.append((decode(content), content))
        except _Unreadable:
            lost = True
    if lost and not found:
        raise VaultDamaged("both copies of the vault's header are unreadable")
    return sorted(found, key=lambda copy: -copy[0].generation)


def encode(header: Header, data_key: bytes) -> bytes:
    """One line of JSON. The same header and key always give the same bytes."""
    fields = _fields(header)
    fields["mac"] = authenticate(data_key, _canonical(fields)).hex()
    fields["checksum"] = hashlib.sha256(_canonical(fields)).hexdigest()
    return _canonical(fields) + b"\n"


def decode(content: bytes) -> Header:
    """The header in `content`. Raises VaultNewer, or a ValueError when it is damaged."""
    fields = _parse(content)
    if fields["version"] > VERSION:
        raise VaultNewer(f"header version {fields['version']}, this Freehold knows {VERSION}")
    try:
        slots = tuple(_slot(slot) for slot in fields["slots"])
        generation, schema = int(fields["generation"]), int(fields["schema"])
        header = Header(str(fields["vault"]), generation, schema, slots, bool(fields["raw"]))
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise _Unreadable(str(error)) from error
    plain = {name: fields[name] for name in fields if name not in ("mac", "checksum")}
    if _canonical(_fields(header)) != _canonical(plain):
        raise _Unreadable("fields that version 1 does not have, or of another type")
    return header


def is_authentic(content: bytes, data_key: bytes) -> bool:
    """Whether the owner of `data_key` wrote this copy."""
    fields = _parse(content)
    del fields["checksum"]
    mac = str(fields.pop("mac", ""))
    return hmac.compare_digest(authenticate(data_key, _canonical(fields)).hex(), mac)


def _parse(content: bytes) -> dict[str, Any]:
    """Raises _Unreadable unless this is a JSON object of our format whose checksum is right, of any version."""
    try:
        fields = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _Unreadable("not JSON") from error
    if not isinstance(fields, dict) or fields.get("format") != FORMAT or type(fields.get("version")) is not int:
        raise _Unreadable("not a vault header")
    rest = {name: value for name, value in fields.items() if name != "checksum"}
    # Compared as whole bytes: a flipped bit in white space or a repeated name is damage too.
    right = {**rest, "checksum": hashlib.sha256(_canonical(rest)).hexdigest()}
    if content != _canonical(right) + b"\n":
        raise _Unreadable("checksum")
    return fields


def _fields(header: Header) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "vault": header.vault,
        "generation": header.generation,
        "schema": header.schema,
        "raw": header.is_raw,
        "slots": [_slot_fields(slot) for slot in header.slots],
    }


def _slot_fields(slot: Slot) -> dict[str, Any]:
    fields: dict[str, Any] = {"kind": slot.kind}
    if slot.cost is not None:
        fields["argon2id"] = [slot.cost.memory, slot.cost.iterations, slot.cost.lanes]
    if slot.kind == "keyring":
        fields |= {"backend": slot.backend, "account": slot.account}
    return fields | {"salt": slot.salt.hex(), "nonce": slot.nonce.hex(), "wrapped": slot.wrapped.hex()}


def _slot(fields: dict[str, Any]) -> Slot:
    kind = fields["kind"]
    if kind not in KINDS:
        raise ValueError(f"a slot of an unknown kind {str(kind)[:40]!r}")
    cost = Argon2Cost(*(int(number) for number in fields["argon2id"])) if kind == "passphrase" else None
    if cost is not None and not cost.is_sane:
        raise ValueError("a passphrase slot that asks for an impossible amount of work")
    salt, nonce, wrapped = (bytes.fromhex(fields[name]) for name in ("salt", "nonce", "wrapped"))
    if (len(salt), len(nonce), len(wrapped)) != (16, 12, 48):
        raise ValueError("a slot of the wrong size")
    return Slot(kind, salt, nonce, wrapped, cost, str(fields.get("backend", "")), str(fields.get("account", "")))


def _canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
