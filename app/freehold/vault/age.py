"""Noticing an old copy that was put back: which generation header, database and keyring have seen. Pure.

A change of the vault is written down in the database first, then made in the header, then confirmed in the database.
So header and database agree, or a crash stands between them, or one of them was put back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Older = Literal["", "database", "header", "vault"]


@dataclass(frozen=True, slots=True)
class Age:
    """What the database knows: the newest generation, and whether the header is known to have reached it."""

    generation: int
    is_settled: bool

    @property
    def certain(self) -> int:
        return self.generation if self.is_settled else self.generation - 1


def older(header: int, age: Age | None, seen: int) -> Older:
    """What is older than something else says. `seen` is the keyring's; `age` None is a database from before this."""
    if age is not None and age.generation < header:
        return "database"
    if age is not None and age.certain > header:
        return "header"
    return "vault" if max(header, age.certain if age else 0) < seen else ""


def newest(header: int, age: Age | None, seen: int) -> int:
    """The generation to go on from."""
    return max(header, age.certain if age else 0, seen)
