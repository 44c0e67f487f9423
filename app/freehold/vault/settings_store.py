"""Settings that hold the owner's words, as rows of the vault."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Any]: ...


class SettingsStore:
    room = "settings"
    MIGRATIONS: tuple[str, ...] = ("CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",)

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, name: str) -> Any:
        """The value as it was put, or None."""
        rows = self._db.query("SELECT value FROM settings WHERE name = ?", name)
        return json.loads(rows[0][0]) if rows else None

    def put(self, name: str, value: Any) -> None:
        with self._db.transaction() as execute:
            execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, json.dumps(value))

    def everything(self) -> Generator[list[dict[str, Any]], None, None]:
        """All settings for another vault."""
        yield [{"name": name, "value": json.loads(value)} for name, value in self._db.query("SELECT * FROM settings")]

    def take(self, items: list[dict[str, Any]]) -> dict[str, int]:
        """What `everything` gave and was never set here."""
        new = 0
        with self._db.transaction() as execute:
            for item in items:
                row = str(item["name"]), json.dumps(item["value"])
                new += execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", *row).rowcount
        return {"settings": new}
