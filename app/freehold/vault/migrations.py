"""Bringing a database to this version: each room's scripts in order, each step and its record in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from freehold.foundation.errors import VaultDamaged, VaultNewer
from freehold.vault.database import Database

_VERSIONS = "CREATE TABLE vault_rooms (room TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID"


def lay_out(database: Database) -> None:
    """The vault's own tables, in a database that was just made."""
    with database.transaction() as execute:
        execute(_VERSIONS)
    database.prepare_forgetting()


def versions(database: Database) -> dict[str, int]:
    """Steps taken so far by room. Raises VaultDamaged on a database that has no record of them (an emptied file)."""
    if not database.query("SELECT 1 FROM sqlite_schema WHERE name = 'vault_rooms'"):
        raise VaultDamaged("the database does not hold a vault")
    return {str(room): int(version) for room, version in database.query("SELECT room, version FROM vault_rooms")}


def pending(found: Mapping[str, int], stores: Sequence[type[Any]]) -> list[tuple[str, int, str]]:
    """(room, step, script) still to run. Raises VaultNewer when the database has steps this program does not know."""
    known = {store.room: len(store.MIGRATIONS) for store in stores}
    for room, version in found.items():
        if version > known.get(room, 0):
            raise VaultNewer(f"{room} has step {version}, this Freehold knows {known.get(room, 0)}")
    return [
        (store.room, step, script)
        for store in stores
        for step, script in enumerate(store.MIGRATIONS, 1)
        if step > found.get(store.room, 0)
    ]


def upgrade(database: Database, steps: Sequence[tuple[str, int, str]]) -> int:
    """Run `steps`; the schema number afterwards. One that fails leaves those before it done and recorded."""
    for room, step, script in steps:
        with database.transaction() as execute:
            for statement in statements(script):
                execute(statement)
            execute("INSERT OR REPLACE INTO vault_rooms VALUES (?, ?)", room, step)
            total = execute("SELECT sum(version) FROM vault_rooms").fetchone()[0]
            execute(f"PRAGMA user_version = {int(total)}")
    return sum(versions(database).values())


def statements(script: str) -> Iterator[str]:
    """The statements of a script, triggers whole: `executescript` would commit before the first."""
    *pieces, rest = script.split(";")
    waiting = ""
    for piece in pieces:
        waiting += piece + ";"
        if sqlite3.complete_statement(waiting):
            yield waiting.strip()
            waiting = ""
    if (waiting + rest).strip():
        raise ValueError("a migration script that ends inside a statement")
