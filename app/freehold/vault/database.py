"""The SQLCipher database: opening it, reading it, changing it whole or not at all, and forgetting for good.

The one place where SQLite's errors become ours. Runs in the vault process only.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from freehold.foundation.errors import DiskFull, FreeholdError, ProfileBusy, ProfileUnusable, VaultDamaged
from freehold.foundation.paths import disk_error
from freehold.vault.keys import subkey

# Before the key: SQLCipher's own log would put lines on stderr. Its memory security stays off: it wipes what is freed
# and forbids swapping, at five to ten times the cost of a search (measured); locking ends this process and frees all.
_BEFORE_KEY = ("cipher_log_level = NONE", "cipher_memory_security = OFF")
_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "secure_delete = ON",
    "trusted_schema = OFF",
    "foreign_keys = ON",
    "cell_size_check = ON",
    "journal_size_limit = 8388608",
)
_CHECKED_BYTES = 64 * 1024 * 1024  # a quarter of a second; a larger one is verified page by page, as it is read
_PROBE_BYTES = 64 * 1024

_LOG_PAGES = 1000  # SQLite's own measure of when the log is folded in
_MOST_FAULTS = 20
_WHOLE = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_PART = ("SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part"))

_NOTES = "CREATE TABLE IF NOT EXISTS vault_notes (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_INDEXES = (
    "SELECT name FROM sqlite_schema WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%' AND sql NOT LIKE '%fts5vocab%'"
)
_PENDING = "CREATE TABLE IF NOT EXISTS vault_forgetting (started INTEGER PRIMARY KEY)"

Execute = Callable[..., Any]


class _OnlyARehearsal(Exception):
    """Ends a transaction that was only to show what would happen."""


class Database:
    """One open connection. Not for two threads at once: the worker runs one op at a time."""

    def __init__(self, path: Path, data_key: bytes, *, forget_copies: Callable[[], None] = lambda: None) -> None:
        """Open or make the database at `path`. `forget_copies` removes every other copy of what it holds.

        Raises VaultDamaged, ProfileUnusable, ProfileBusy, DiskFull. The key is taken to be right: the header said so.
        """
        self._path = path
        self._forget_copies = forget_copies
        self._is_damaged = False
        self._is_together = self._is_held = False
        self._before_change: Callable[[], None] | None = None
        log = path.with_name(path.name + "-wal")
        self.ended_badly = _size(log) > 0  # a clean end removes the log
        if self.ended_badly:
            from freehold.vault.wal import check_log  # numpy takes a while to import, and is needed after a crash only

            check_log(log)
        self._connection = self._connect(subkey(data_key, "database"))
        try:
            self._make_ready()
        except BaseException:
            self._connection.close()
            raise

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows. Raises VaultDamaged rather than fewer rows than there are."""
        with self._words():
            rows: list[tuple[Any, ...]] = self._connection.execute(sql, values).fetchall()
            return rows

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Everything inside happens or nothing does; on disk when this ends."""
        before, self._before_change = self._before_change, None
        if before is not None:
            before()
        from sqlcipher3 import dbapi2

        begin, end, undo = _PART if self._is_together else _WHOLE
        with self._words():
            self._connection.execute(begin)
            try:
                yield lambda sql, *values: self._connection.execute(sql, values)
                self._connection.execute(end)
            except dbapi2.Error:
                with suppress(dbapi2.Error):  # SQLite may have undone it by itself; what failed first is what counts
                    self._undo(undo)
                raise
            except BaseException:
                self._undo(undo)
                raise

    def before_change(self, tell: Callable[[], None]) -> None:
        """Have `tell` called once, before the next transaction."""
        self._before_change = tell

    def note(self, name: str, value: str | None) -> None:
        """Remember a fact about the vault itself, or forget it."""
        with self.transaction() as execute:
            execute(_NOTES)
            if value is None:
                execute("DELETE FROM vault_notes WHERE name = ?", name)
            else:
                execute("INSERT OR REPLACE INTO vault_notes VALUES (?, ?)", name, value)

    def noted(self, name: str) -> str | None:
        if not self.query("SELECT 1 FROM sqlite_schema WHERE name = 'vault_notes'"):
            return None
        rows = self.query("SELECT value FROM vault_notes WHERE name = ?", name)
        return str(rows[0][0]) if rows else None

    @contextmanager
    def together(self, *, keep: bool) -> Iterator[None]:
        """The transactions inside happen all or not at all; without `keep` not at all, as a rehearsal."""
        with suppress(_OnlyARehearsal), self.transaction():
            self._is_together = True
            try:
                yield
            finally:
                self._is_together = False
            if not keep:
                raise _OnlyARehearsal

    def hold(self) -> int:
        """Leave the file as it is until `let_go`: changes go to the log alone. Returns the file's size.

        What is erased meanwhile leaves the file at `let_go`. Raises ProfileBusy when it is held already.
        """
        if self._is_held:
            raise ProfileBusy("a backup is being made already")
        self.fold_log()
        self.query("PRAGMA wal_autocheckpoint = 0")
        self._is_held = True
        return _size(self._path)

    def let_go(self) -> None:
        """The end of `hold`; nothing when it is not held."""
        if not self._is_held:
            return
        self._is_held = False
        self.query(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        self._forget_what_waits()

    @contextmanager
    def forgetting(self) -> Iterator[Execute]:
        """A transaction whose deletions are gone from every file when this ends, or at the next open at the latest."""
        with self.transaction() as execute:
            execute("INSERT OR IGNORE INTO vault_forgetting VALUES (1)")
            yield execute
        if not self._is_held:
            self._forget()

    def check(self) -> list[str]:
        """Read and verify everything: the pages' seals, their order, the word indexes, references between rows.

        What is wrong, in technical words; empty when nothing is.
        """
        found = [str(row[0]) for row in self.query("PRAGMA cipher_integrity_check")]
        if found:
            return found[:_MOST_FAULTS]  # a page that is not ours makes all that follows meaningless
        found = [str(row[0]) for row in self.query(f"PRAGMA integrity_check({_MOST_FAULTS})") if row[0] != "ok"]
        for table, row, other, _ in self.query("PRAGMA foreign_key_check")[:_MOST_FAULTS]:
            found.append(f"{table}: row {row} belongs to a row of {other} that is not there")
        indexes = self.query(_INDEXES)
        return found + [f"{name}: the index of words is not whole" for (name,) in indexes if not self.is_whole(name)]

    def is_whole(self, index: str, *, as_its_content: bool = False) -> bool:
        """Whether a full-text index holds together, or holds exactly the words of the table it borrows from."""
        try:
            self.query(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', ?)", int(as_its_content))  # noqa: S608 - our own name
        except VaultDamaged:
            return False
        return True

    def close(self) -> None:
        """A clean end: the log is folded into the database and removed."""
        from sqlcipher3 import dbapi2

        with suppress(dbapi2.Error):  # nothing acknowledged depends on it: the log is read at the next open
            self._connection.close()

    def _connect(self, key: bytes) -> Any:
        from sqlcipher3 import dbapi2

        with self._words():
            # Made by us, since SQLite makes it readable by all; the log gets the same mode.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600))
            connection = dbapi2.connect(str(self._path), isolation_level=None, timeout=2.0, cached_statements=256)
            try:
                for setting in _BEFORE_KEY:
                    connection.execute(f"PRAGMA {setting}")
                connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
                connection.execute("PRAGMA cipher_compatibility = 4")
                # No second process, and, said before the first read, no shared-memory file beside the database.
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
                if _size(self._path) == 0:  # said later it would change the file, which a newer one may not suffer
                    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # what is erased gives its room back
                connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
                for setting in _SETTINGS:
                    connection.execute(f"PRAGMA {setting}")
            except BaseException:
                connection.close()
                raise
            return connection

    def _make_ready(self) -> None:
        with self._words():
            if self.ended_badly:
                with suppress(DiskFull):  # everything can still be read from the log
                    self.fold_log()
                if _size(self._path) <= _CHECKED_BYTES and self.check_pages():
                    raise VaultDamaged(f"{self._path.name} has pages that are not as they were written")
            if self.query("SELECT 1 FROM sqlite_schema WHERE name = 'vault_forgetting'"):
                self._forget_what_waits()

    def check_pages(self) -> bool:
        """Whether any page's seal is broken. Reads the whole file, at about 250 MB/s."""
        return bool(self.query("PRAGMA cipher_integrity_check"))

    def fold_log(self) -> None:
        """Move the log's changes into the database and empty it."""
        ((is_busy, *_),) = self.query("PRAGMA wal_checkpoint(TRUNCATE)")
        if is_busy:
            raise ProfileBusy(self._path.name)

    def prepare_forgetting(self) -> None:
        with self.transaction() as execute:
            execute(_PENDING)

    def _undo(self, steps: tuple[str, ...]) -> None:
        if self._connection.in_transaction:  # SQLite ends it by itself when the disk is full
            for step in steps:
                self._connection.execute(step)

    def _forget_what_waits(self) -> None:
        if self.query("SELECT 1 FROM vault_forgetting"):
            with suppress(DiskFull, ProfileUnusable):  # still noted, and tried again at the next open
                self._forget()

    def _forget(self) -> None:
        with self._words():
            self._forget_copies()
            with suppress(DiskFull):  # moving pages needs room in the log; forgetting does not
                self.query("PRAGMA incremental_vacuum")
            self.fold_log()
            with self.transaction() as execute:
                execute("DELETE FROM vault_forgetting")

    @contextmanager
    def _words(self) -> Iterator[None]:
        """Errors of SQLite as errors with words; what is none of the known ones is a bug and stays as it is."""
        from sqlcipher3 import dbapi2

        try:
            yield
        except dbapi2.Error as error:
            known = self._known(str(getattr(error, "sqlite_errorname", "")))
            if known is None:
                raise
            raise known from error
        except OSError as error:
            raise disk_error(error, self._path) from error

    def _known(self, name: str) -> FreeholdError | None:
        file = self._path.name
        if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or (self._is_damaged and "READONLY" in name):
            self._is_damaged = True  # SQLCipher refuses to write from here on, and calls it read-only
            return VaultDamaged(f"{file}: {name}")
        if name == "SQLITE_FULL" or (name.startswith("SQLITE_IOERR") and self._is_full()):
            return DiskFull(file)
        if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH", "SQLITE_IOERR")):
            return ProfileUnusable(f"{file}: {name}")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            return ProfileBusy(file)
        return None

    def _is_full(self) -> bool:
        """SQLite calls a quota that is used up an I/O error: try to write a little beside the database."""
        try:
            with tempfile.TemporaryFile(dir=self._path.parent) as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            return error.errno in (errno.ENOSPC, errno.EDQUOT)
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise disk_error(error, path) from error
