"""How each kind of secret finds the data key in a header, and how its slots change. Runs in the vault process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from freehold.foundation.errors import KeyringUnavailable, VaultLocked, WrongPassphrase
from freehold.vault import keys
from freehold.vault.values import Header, Slot, SlotKind

FindKey = Callable[[Header], bytes | None]


def by_slot(kind: SlotKind, secret: bytes) -> FindKey:
    """By a slot's secret. Raises WrongPassphrase; for a keyring KeyringUnavailable: nobody can type it better."""
    return partial(_data_key, kind=kind, secret=secret)


def by_raw_key(data_key: bytes) -> FindKey:
    """By the data key itself, which opens test vaults only."""
    return lambda header: data_key if header.is_raw else None


def keyring_slot(data_key: bytes, vault: str, slot: Slot, secret: bytes) -> Slot:
    """`slot`, which says where the secret is kept, with the data key in it."""
    return keys.wrap(data_key, vault, "keyring", secret, backend=slot.backend, account=slot.account)


def with_slot(header: Header, slot: Slot) -> Header:
    """A header has one slot of each kind."""
    return replace(header, slots=(*(one for one in header.slots if one.kind != slot.kind), slot))


def _data_key(header: Header, *, kind: str, secret: bytes) -> bytes:
    slot = header.slot(kind)
    if slot is None:
        raise WrongPassphrase(f"this vault has no {kind.replace('recovery', 'recovery code')}")
    try:
        data_key = keys.unwrap(slot, header.vault, secret)
    except MemoryError as error:
        words = "there is too little free memory to check the passphrase"
        raise VaultLocked(words, advice="Close other programs and try again.") from error
    if data_key is None and kind == "keyring":
        raise KeyringUnavailable("the keyring holds another secret than this vault's")
    if data_key is None:
        raise WrongPassphrase()
    return data_key
