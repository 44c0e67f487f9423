"""A backup's file: what it consists of, writing it, and taking it apart again. Needs no key.

docs/vault-format.md describes it: two lines (the backup's own facts, then the vault's header as it was), the database
as it lies on disk, a SHA-256 of all that, and a seal under the vault's key over that SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from freehold.foundation.errors import BackupDamaged, DiskFull, PlaceUnusable, VaultDamaged, VaultNewer
from freehold.foundation.paths import disk_error, sync_folder
from freehold.vault import header as headers
from freehold.vault.values import Header

FORMAT, VERSION = "freehold-backup", 1
DATABASE, HEADER = "vault.db", "header"
_DIGEST = _SEAL = 32
_MOST_FACTS = 4096
_PIECE = 1 << 20
_UNFINISHED = ".unfinished"


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. `size` is its database's; `lines` begin it, `digest` and `seal` end it."""

    made: float
    size: int
    header: Header
    lines: bytes = b""
    digest: bytes = b""
    seal: bytes = b""

    @property
    def slots(self) -> tuple[str, ...]:
        """What opens it. Its keyring is not asked: it may be another computer's."""
        return tuple(slot.kind for slot in self.header.slots if slot.kind != "keyring")


def is_backup(path: Path) -> bool:
    """Whether a file begins like one, of any version."""
    with _opened(path) as file:
        return _facts(file.readline(_MOST_FACTS)) is not None


def write(
    path: Path, database: Path, *, made: float, size: int, header: bytes, seal: Callable[[bytes], bytes]
) -> Generator[int, None, None]:
    """Write the first `size` bytes of `database`, which must not change meanwhile, and all around them to `path`.

    The file appears whole or not at all, readable by its owner alone. Yields the bytes done. Raises DiskFull,
    PlaceUnusable.
    """
    facts = {"bytes": size, "format": FORMAT, "made": made, "version": VERSION}
    lines = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode() + b"\n" + header
    with _opened(database) as source, _appearing(path) as out:
        digest = hashlib.sha256(lines)
        out.write(lines)
        for done, piece in _pieces(source, size):
            digest.update(piece)
            out.write(piece)
            yield done
        out.write(digest.digest() + seal(digest.digest()))


def unpack(path: Path, folder: Path) -> Generator[tuple[int, int], None, Backup]:
    """Take a backup apart into `folder`: its database and its header. Yields the bytes of the database done and in all.

    Raises BackupDamaged when a byte is missing, added or another, VaultNewer, DiskFull, PlaceUnusable.
    """
    with _opened(path) as source:
        backup = _beginning(source, path)
        try:
            folder.mkdir(mode=0o700, parents=True)
            (folder / HEADER).write_bytes(backup.lines.split(b"\n", 1)[1])
            with os.fdopen(os.open(folder / DATABASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                digest = yield from _copied(source, backup, out)
                out.flush()
                os.fsync(out.fileno())
        except OSError as error:
            raise disk_error(error, folder) from error
        return _ending(source, backup, digest, path)


def inspect(path: Path) -> Generator[tuple[int, int], None, Backup]:
    """What a backup says of itself, all of it read and compared. Yields and raises as `unpack` does."""
    with _opened(path) as source, Path(os.devnull).open("wb") as nowhere:
        backup = _beginning(source, path)
        digest = yield from _copied(source, backup, nowhere)
        return _ending(source, backup, digest, path)


def _beginning(source: IO[bytes], path: Path) -> Backup:
    facts, header = source.readline(_MOST_FACTS), source.readline(headers.MOST_BYTES)
    said = _facts(facts)
    if said is None:
        raise BackupDamaged(f"{path.name} does not begin like a backup", advice="Check that this is the right file.")
    if said["version"] > VERSION:
        raise VaultNewer(f"{path.name} is a backup of version {said['version']}, this Freehold knows {VERSION}")
    try:
        backup = Backup(float(said["made"]), int(said["bytes"]), headers.decode(header), facts + header)
    except (KeyError, TypeError, ValueError, OverflowError, VaultDamaged) as error:
        raise BackupDamaged(f"{path.name}: its first lines are not as they were written") from error
    whole = len(backup.lines) + backup.size + _DIGEST + _SEAL
    if backup.size < 0 or os.fstat(source.fileno()).st_size != whole:
        raise BackupDamaged(f"{path.name} is cut off or has something added to it")
    return backup


def _facts(line: bytes) -> dict[str, Any] | None:
    """The first line, of any version; None when it is none."""
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    is_ours = isinstance(said, dict) and said.get("format") == FORMAT and type(said.get("version")) is int
    return said if is_ours else None


def _copied(source: IO[bytes], backup: Backup, out: IO[bytes]) -> Generator[tuple[int, int], None, bytes]:
    digest = hashlib.sha256(backup.lines)
    for done, piece in _pieces(source, backup.size):
        digest.update(piece)
        out.write(piece)
        yield done, backup.size
    return digest.digest()


def _ending(source: IO[bytes], backup: Backup, digest: bytes, path: Path) -> Backup:
    kept, seal = source.read(_DIGEST), source.read(_SEAL)
    if kept != digest:
        raise BackupDamaged(f"{path.name} has bytes that are not as they were written")
    return replace(backup, digest=kept, seal=seal)


def _pieces(source: IO[bytes], size: int) -> Iterator[tuple[int, bytes]]:
    """(bytes until then, piece). Fewer than `size` when the file ends early: the digest then tells."""
    done = 0
    while done < size and (piece := source.read(min(_PIECE, size - done))):
        done += len(piece)
        yield done, piece


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for
            raise PlaceUnusable(f"{path} is not a file")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise place_error(error, path) from error


@contextmanager
def _appearing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside `path` that takes its name once it is whole and on disk."""
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_UNFINISHED)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - `temporary` is a name from mkstemp
        sync_folder(path.parent)
    except BaseException as error:
        if temporary:
            with suppress(OSError):
                Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise place_error(error, path) from error
        raise


def place_error(error: OSError, place: Path) -> DiskFull | PlaceUnusable:
    """What an operating system error on a place outside the profile means to a person."""
    if isinstance(known := disk_error(error, place), DiskFull):
        return known
    return PlaceUnusable(f"{place}: {error.strerror or error}")
