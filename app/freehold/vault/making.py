"""How a vault comes to be: its database laid out beside its name, its header written, and only then the name given.

Until that rename there is no vault, and its making can be begun again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from freehold.foundation.paths import disk_error, sync_folder
from freehold.vault import header as headers
from freehold.vault import migrations
from freehold.vault.database import Database
from freehold.vault.values import Header

DATABASE = "vault.db"
AGE = "generation"  # what the database's own generation is noted under
_BEING_MADE = "vault.db.new"


def is_new(folder: Path) -> bool:
    """No vault yet. One whose making was cut short counts as none: nobody was told that it exists."""
    if (folder / DATABASE).exists():
        return False
    has_header = any((folder / name).exists() for name in headers.NAMES)
    return not has_header or (folder / _BEING_MADE).exists()


def make(folder: Path, header: Header, data_key: bytes, stores: Sequence[type[Any]]) -> Header:
    """Make an empty vault, closed; its header with its schema. Raises DiskFull, ProfileUnusable: then there is none."""
    unfinished = folder / _BEING_MADE
    try:
        _remove(unfinished)
        database = Database(unfinished, data_key)
        try:
            migrations.lay_out(database)
            schema = migrations.upgrade(database, migrations.pending({}, stores))
            database.note(AGE, str(header.generation))
            database.fold_log()  # closing would keep silent about a log that could not be, and stays behind below
        finally:
            database.close()
        made = replace(header, schema=schema)
        _begin_to_be(folder, made, data_key)
        return made
    except OSError as error:
        raise disk_error(error, folder) from error


def take_over(folder: Path, database: Path, header: Header, data_key: bytes) -> None:
    """Make a vault of a backup's database, which is moved, and its header. Raises as `make` does."""
    unfinished = folder / _BEING_MADE
    try:
        _remove(unfinished)
        database.rename(unfinished)
        _begin_to_be(folder, header, data_key)
    except OSError as error:
        raise disk_error(error, folder) from error


def _begin_to_be(folder: Path, header: Header, data_key: bytes) -> None:
    headers.write(folder, header, data_key)
    _remove(folder / DATABASE)  # a log that an older vault left would be read into this one
    (folder / _BEING_MADE).rename(folder / DATABASE)
    sync_folder(folder)


def _remove(unfinished: Path) -> None:
    for name in (unfinished.name, unfinished.name + "-wal"):
        with suppress(FileNotFoundError):
            unfinished.with_name(name).unlink()
