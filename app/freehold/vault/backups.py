"""Backing up and bringing back, as flows: each yields (bytes done, bytes in all) and returns what came of it.

Runs in the app process, which never sees a key: a backup is the encrypted file as it lies there.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from freehold.foundation.errors import PlaceUnusable, VaultLocked, WorkerStopped
from freehold.foundation.ids import new_id
from freehold.foundation.paths import Profile
from freehold.vault import backup as files
from freehold.vault.backup import Backup
from freehold.vault.keeper import Vault
from freehold.vault.moving import Counts

_MERGE_SILENCE = 600.0  # a document of many chunks is one step

Bytes = tuple[int, int]


def back_up(vault: Vault, profile: Profile, path: Path, *, proposed: bool = False) -> Generator[Bytes, None, int]:
    """Write one encrypted file that holds the open vault as it is now; work in it goes on meanwhile.

    With `proposed` it opens by the recovery code that does not count yet. An older backup of that name is replaced.
    Returns the file's size. Raises VaultLocked, also when it is locked half-way; DiskFull, PlaceUnusable, ProfileBusy.
    """
    if path.exists() and not files.is_backup(path):
        raise PlaceUnusable(f"{path} is there already, and is no backup", advice="Choose another name.")
    held = vault.call("vault.hold", proposed=proposed)
    try:
        size, header = int(held["bytes"]), str(held["header"]).encode("ascii")
        pieces = files.write(
            path, profile.vault / files.DATABASE, made=time.time(), size=size, header=header,
            seal=lambda digest: bytes.fromhex(vault.call("vault.seal", digest=digest.hex())),
        )  # fmt: skip
        for done in pieces:
            yield done, size
    finally:
        with suppress(VaultLocked, WorkerStopped):  # an ended process holds nothing
            vault.call("vault.let_go")
    return path.stat().st_size


def look_into(path: Path) -> Generator[Bytes, None, Backup]:
    """What a backup says of itself. Raises BackupDamaged, VaultNewer, PlaceUnusable."""
    return (yield from files.inspect(path))


class Opened:
    """A backup taken apart in the profile's scratch folder, still encrypted, ready to be restored or merged."""

    def __init__(self, vault: Vault, backup: Backup, folder: Path) -> None:
        self._vault, self.backup = vault, backup
        self._fields = {"folder": str(folder), "digest": backup.digest.hex(), "seal": backup.seal.hex()}

    @property
    def slots(self) -> tuple[str, ...]:
        return self.backup.slots

    def restore(self, **secret: str) -> None:
        """Make it this profile's vault and open that, by `passphrase`, `recovery` or `raw`.

        Raises UsageError where there is a vault, WrongPassphrase, BackupDamaged, VaultNewer, DiskFull.
        """
        self._vault.restore(self._fields, secret)

    def merge(
        self, secret: Mapping[str, str], *, keep: bool, from_another: bool = False
    ) -> Generator[str, None, dict[str, Counts]]:
        """Take over what the open vault lacks; how many of what, by room. Without `keep`, only what would come.

        A backup of the same vault needs no secret. Raises BackupForeign, WrongPassphrase, BackupDamaged, VaultNewer.
        """
        parts = self._vault.stream(
            "vault.merge", silence=_MERGE_SILENCE, backup=self._fields, secret=dict(secret), keep=keep,
            from_another=from_another,
        )  # fmt: skip
        taken: dict[str, Counts] = yield from parts
        return taken


def bring_back(vault: Vault, profile: Profile, path: Path, secret: Mapping[str, str]) -> Generator[Bytes, None, None]:
    """Make the backup at `path` this profile's vault and open that; see `Opened.restore` for what it raises."""
    with unpacked(vault, profile, path) as steps:
        opened = yield from steps
        opened.restore(**secret)


def take_in(
    vault: Vault, profile: Profile, path: Path, secret: Mapping[str, str], *, keep: bool
) -> Generator[Bytes | str, None, tuple[Backup, dict[str, Counts]]]:
    """Bring what the backup at `path` has and the open vault lacks into it; without `keep`, only tell what would come.

    Yields bytes while it reads, rooms while it compares. A backup of another vault needs one of its secrets.
    """
    with unpacked(vault, profile, path) as steps:
        opened = yield from steps
        return opened.backup, (yield from opened.merge(secret, keep=keep, from_another=bool(secret)))


@contextmanager
def unpacked(vault: Vault, profile: Profile, path: Path) -> Iterator[Generator[Bytes, None, Opened]]:
    """A flow that takes the backup at `path` apart; what it left is removed when this ends."""
    folder = profile.scratch / f"backup-{new_id()}"

    def steps() -> Generator[Bytes, None, Opened]:
        backup = yield from files.unpack(path, folder)
        return Opened(vault, backup, folder)

    try:
        yield steps()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
