"""The wrapped key file as a row of the vault, so that a backup carries it. Runs in the vault worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...


class IdentityStore:
    """Offers nothing to merges and exports: a key opens nothing in another vault, and would lie about in an export. A
    whole backup has it, and `freehold key export` gives it to its owner.
    """

    room = "identity"
    MIGRATIONS = ("CREATE TABLE identity (name TEXT PRIMARY KEY, content TEXT NOT NULL) WITHOUT ROWID;",)

    def __init__(self, database: Database) -> None:
        self._db = database

    def kept(self) -> str:
        """The key file's text, empty when there is none. It opens with the vault's subkey, which is not in here."""
        rows = self._db.query("SELECT content FROM identity WHERE name = 'key'")
        return str(rows[0][0]) if rows else ""

    def keep(self, content: str) -> None:
        with self._db.transaction() as execute:
            execute("INSERT OR REPLACE INTO identity VALUES ('key', ?)", content)
