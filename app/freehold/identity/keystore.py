"""The owner key as a file for other programs: an Ethereum keystore, version 3, under scrypt. Runs in the signer."""

from __future__ import annotations

import json
import os
from typing import Any

from freehold.foundation.errors import ImportFailed, KeyPassphraseWrong, NeedsPassphrase
from freehold.identity import ethereum

MOST_BYTES = 64 * 1024
_MOST_MEMORY = 512 * 1024 * 1024  # a hostile file may not ask for more; geth's own ask for 256 MiB
_MOST_ROUNDS = 10_000_000
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1 (SEC 2)
_ADVICE = "Choose an Ethereum keystore (version 3), as `freehold key export` writes."


def new_owner_key() -> bytes:
    """32 random bytes that are a private key of secp256k1; all but one in 2^128 are."""
    while not _is_key(key := os.urandom(32)):
        pass
    return key


def to_keystore(owner_key: bytes, passphrase: str) -> str:
    """The file's text. Raises NeedsPassphrase for an empty one."""
    if not passphrase.strip():
        raise NeedsPassphrase("an empty passphrase protects nothing", advice="Choose a passphrase.")
    return json.dumps(ethereum.to_keystore(owner_key, _secret(passphrase)), indent=1) + "\n"


def from_keystore(text: str, passphrase: str) -> bytes:
    """The owner key in a file. Raises ImportFailed for what is no keystore, KeyPassphraseWrong."""
    fields = _checked(text)
    try:
        key = ethereum.from_keystore(fields, _secret(passphrase))
    except (KeyError, TypeError, ValueError, AssertionError, AttributeError, OverflowError) as error:
        raise ImportFailed("the file is cut or altered", advice=_ADVICE) from error
    except MemoryError as error:
        raise ImportFailed("there is too little memory to open it", advice="Close other programs.") from error
    if key is None:
        raise KeyPassphraseWrong
    if not _is_key(key):
        raise ImportFailed("what it holds is no key", advice=_ADVICE)
    return key


def _secret(passphrase: str) -> bytes:
    return passphrase.encode("utf-8", "surrogatepass")


def _is_key(key: bytes) -> bool:
    return len(key) == 32 and 0 < int.from_bytes(key) < _ORDER


def _checked(text: str) -> dict[str, Any]:
    """The fields, once they ask for a bearable amount of work. Raises ImportFailed."""
    try:
        fields = json.loads(text)
        crypto = next(value for name, value in fields.items() if name.lower() == "crypto")
        numbers, kdf = crypto["kdfparams"], crypto["kdf"]
        is_known = fields["version"] == 3 and crypto["cipher"] == "aes-128-ctr" and numbers["dklen"] == 32
        work = {"scrypt": lambda: 128 * numbers["n"] * numbers["r"], "pbkdf2": lambda: numbers["c"]}[kdf]()
        most = {"scrypt": _MOST_MEMORY, "pbkdf2": _MOST_ROUNDS}[kdf]
        is_bearable = type(work) is int and 0 < work <= most and 0 < numbers.get("p", 1) <= 16
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration, RecursionError) as error:
        raise ImportFailed("the file is no keystore", advice=_ADVICE) from error
    if not (is_known and is_bearable):
        raise ImportFailed("the file is of another kind, or opening it would take too much work", advice=_ADVICE)
    return dict(fields)
