"""What the vault is described by: its state, its key slots, the cost of a passphrase. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freehold.vault.age import Older

SlotKind = Literal["passphrase", "keyring", "recovery"]
KINDS: tuple[SlotKind, ...] = ("passphrase", "keyring", "recovery")


@dataclass(frozen=True, slots=True)
class Status:
    """`schema` counts the migration steps the database has had; `bytes` is its size on disk; `vault` the vault's id.

    Of an open vault: `older` says what is older than something else that was written with it (age.py), and
    `check_due` that Freehold did not end cleanly and a check has not been made, or found something.
    """

    state: Literal["new", "locked", "open"]
    slots: tuple[str, ...] = ()
    schema: int = 0
    bytes: int = 0
    older: Older = ""
    check_due: bool = False
    vault: str = ""


@dataclass(frozen=True, slots=True)
class Argon2Cost:
    """What one guess at a passphrase costs (RFC 9106): memory in KiB, passes over it, lanes."""

    memory: int
    iterations: int
    lanes: int = 4

    @property
    def is_sane(self) -> bool:
        """Whether a header may ask for this: at least 64 MiB, at most 1 GiB and about a minute of work.

        A hostile header could otherwise ask for 64 GiB of memory or an hour of it.
        """
        return (
            64 * 1024 <= self.memory <= 1024 * 1024
            and 1 <= self.iterations <= 64
            and 1 <= self.lanes <= 16
            and self.memory * self.iterations <= 16 * 1024 * 1024
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """The data key, wrapped under one secret. `cost` is a passphrase's; `backend` and `account` a keyring's."""

    kind: SlotKind
    salt: bytes
    nonce: bytes
    wrapped: bytes
    cost: Argon2Cost | None = None
    backend: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What lies beside the database in the clear. `is_raw` marks a test vault, opened by its data key itself.

    `generation` grows with every change. `schema` is the database's, kept here so that a newer vault is refused
    before anyone types a passphrase.
    """

    vault: str
    generation: int
    schema: int
    slots: tuple[Slot, ...] = ()
    is_raw: bool = False

    def slot(self, kind: str) -> Slot | None:
        return next((slot for slot in self.slots if slot.kind == kind), None)


def can_stand_alone(kinds: frozenset[str]) -> bool:
    """A keyring is never the only way in: another desktop or a reinstalled system must not lock anyone out."""
    return bool(kinds & {"passphrase", "recovery"})
