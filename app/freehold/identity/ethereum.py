"""The door to the Ethereum libraries: addresses, EIP-712 signatures, keystores. Runs in workers; loads on first use.

py_ecc, which they bring along, raises Python's recursion limit to 100,000 on import. From then on a deeply nested JSON
document of a stranger ends the process instead of raising RecursionError: so the limit is put back.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TypedData:
    """What is signed under EIP-712: a domain, the types by name, and a message of the one type that is not named."""

    domain: Mapping[str, Any]
    types: Mapping[str, list[dict[str, str]]]
    message: Mapping[str, Any]


def address_of(private: bytes) -> str:
    """The address of a secp256k1 private key, checksummed (EIP-55). Raises ValueError on a key that is none."""
    load()
    from eth_account import Account

    return str(Account.from_key(private).address)


def sign(private: bytes, typed: TypedData) -> str:
    """65 bytes in hex, always the same for the same key and data (RFC 6979)."""
    load()
    from eth_account import Account

    return bytes(Account.sign_message(_signable(typed), private).signature).hex()


def signer_of(typed: TypedData, signature: str) -> str | None:
    """The address that signed, or None. The libraries below tell junk in several ways: all mean that nobody did."""
    load()
    from eth_account import Account
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    try:
        return str(Account.recover_message(_signable(typed), signature=bytes.fromhex(signature)))
    except (BadSignature, ValidationError, ValueError, TypeError, OverflowError):
        return None


def to_keystore(private: bytes, secret: bytes) -> dict[str, Any]:
    """A keystore of version 3 under scrypt."""
    load()
    from eth_keyfile.keyfile import create_keyfile_json

    return create_keyfile_json(private, secret, kdf="scrypt")


def from_keystore(fields: dict[str, Any], secret: bytes) -> bytes | None:
    """What is in a keystore of version 3, None when `secret` does not open it.

    Raises whatever the library raises on a malformed one (ValueError, TypeError, KeyError, AssertionError, ...).
    """
    load()
    from eth_keyfile.keyfile import decode_keyfile_json

    try:
        return bytes(decode_keyfile_json(fields, secret))
    except ValueError as error:
        if str(error) == "MAC mismatch":
            return None
        raise


@functools.cache
def load() -> None:
    """Import the libraries, once, and leave the interpreter as it was."""
    limit = sys.getrecursionlimit()
    try:
        import eth_account  # noqa: F401
        import eth_keyfile  # noqa: F401
    finally:
        sys.setrecursionlimit(limit)


def _signable(typed: TypedData) -> Any:
    from eth_account.messages import encode_typed_data

    return encode_typed_data(
        domain_data=dict(typed.domain), message_types=dict(typed.types), message_data=dict(typed.message)
    )
