"""The egress ledger's rows. Runs in the vault worker."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Database(Protocol):
    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]: ...
    def transaction(self) -> AbstractContextManager[Callable[..., Any]]: ...


Rows = list[dict[str, Any]]  # the method `list` hides the type inside the class


class LedgerStore:
    """Every connection, written before it is made and completed after it."""

    room = "ledger"
    MIGRATIONS = (
        """
        CREATE TABLE connections (
            id INTEGER PRIMARY KEY,
            time REAL NOT NULL,
            purpose TEXT NOT NULL,
            host TEXT NOT NULL,
            port INTEGER NOT NULL,
            data_class TEXT NOT NULL,
            bytes_out INTEGER NOT NULL DEFAULT 0,
            bytes_in INTEGER NOT NULL DEFAULT 0,
            refused INTEGER NOT NULL DEFAULT 0,
            error TEXT NOT NULL DEFAULT '',
            ended REAL
        );
        CREATE INDEX connections_by_time ON connections (time);
        """,
    )
    _COLUMNS = (
        "id", "time", "purpose", "host", "port", "data_class", "bytes_out", "bytes_in", "refused", "error", "ended",
    )  # fmt: skip

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(
        self,
        *,
        time: float,
        purpose: str,
        host: str,
        port: int,
        data_class: str,
        refused: bool = False,
        error: str = "",
    ) -> int:
        """A connection that is about to be made, or was refused. Returns its row."""
        ended = time if refused else None
        with self._db.transaction() as execute:
            row = execute(
                "INSERT INTO connections (time, purpose, host, port, data_class, refused, error, ended)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                time, purpose, host, port, data_class, int(refused), error, ended,
            ).lastrowid  # fmt: skip
        return int(row)

    def note(self, row: int, bytes_out: int, bytes_in: int) -> None:
        """What has crossed so far, so that a crash leaves more than zeros."""
        with self._db.transaction() as execute:
            execute("UPDATE connections SET bytes_out = ?, bytes_in = ? WHERE id = ?", bytes_out, bytes_in, row)

    def end(
        self, *, row: int, time: float, bytes_out: int, bytes_in: int, error: str = "", refused: bool = False
    ) -> None:
        with self._db.transaction() as execute:
            execute(
                "UPDATE connections SET ended = ?, bytes_out = ?, bytes_in = ?, error = ?, refused = ? WHERE id = ?",
                time, bytes_out, bytes_in, error, int(refused), row,
            )  # fmt: skip

    def list(self, since: float, limit: int = 1000) -> list[dict[str, Any]]:
        """The newest `limit` rows from `since` (seconds since 1970) on, oldest first, and the `limit` written last: a
        clock that was set back lets them look old.
        """
        rows = self._db.query(
            f"SELECT {', '.join(self._COLUMNS)} FROM connections WHERE time >= ?1 AND ("  # noqa: S608 - our own column names
            "id IN (SELECT id FROM connections ORDER BY time DESC, id DESC LIMIT ?2) OR "
            "id IN (SELECT id FROM connections ORDER BY id DESC LIMIT ?2)) ORDER BY time, id",
            since, limit,
        )  # fmt: skip
        return [dict(zip(self._COLUMNS, row, strict=True)) for row in rows]

    def everything(self) -> Generator[Rows, None, None]:
        """All rows for another vault, oldest first."""
        last = 0
        while rows := self._db.query(
            f"SELECT {', '.join(self._COLUMNS)} FROM connections WHERE id > ? ORDER BY id LIMIT 500",  # noqa: S608 - as above
            last,
        ):
            yield [dict(zip(self._COLUMNS[1:], row[1:], strict=True)) for row in rows]
            last = rows[-1][0]

    def take(self, items: Rows) -> dict[str, int]:
        """What `everything` gave and is not here. Rows have no id of their own: time, host, port and purpose tell."""
        new = 0
        with self._db.transaction() as execute:
            for item in items:
                new += execute(
                    "INSERT INTO connections (time, purpose, host, port, data_class, bytes_out, bytes_in, refused,"
                    " error, ended) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM"
                    " connections WHERE time = ?1 AND purpose = ?2 AND host = ?3 AND port = ?4)",
                    *_row(item),
                ).rowcount
        return {"connections": new}


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    """An item's columns, each of its type. Raises KeyError, TypeError or ValueError when it has another form."""
    ended = item["ended"]
    return (
        float(item["time"]), str(item["purpose"]), str(item["host"]), int(item["port"]), str(item["data_class"]),
        int(item["bytes_out"]), int(item["bytes_in"]), int(bool(item["refused"])), str(item["error"]),
        None if ended is None else float(ended),
    )  # fmt: skip
