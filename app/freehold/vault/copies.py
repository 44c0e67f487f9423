"""Copies made before an upgrade: the encrypted files as they are, under the same keys. The last three are kept.

To go back, put the three files of a copy in place of those in the vault folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from freehold.foundation.ids import new_id
from freehold.foundation.paths import Profile, disk_error, sync_folder
from freehold.vault.header import NAMES

_PREFIX, _UNFINISHED, _KEPT = "before-upgrade-", ".unfinished-", 3


def keep_copy(profile: Profile, schema: int) -> Path:
    """Copy the closed vault to the backups folder. Raises DiskFull or ProfileUnusable, leaving no half of it."""
    name = f"{_PREFIX}{new_id()}-schema-{schema}"
    unfinished = profile.backups / f"{_UNFINISHED}{name}"
    try:
        unfinished.mkdir(mode=0o700, parents=True)
        for part in (*NAMES, "vault.db"):
            if (profile.vault / part).exists():
                _copy(profile.vault / part, unfinished / part)
        sync_folder(unfinished)
        unfinished.rename(profile.backups / name)
        sync_folder(profile.backups)
    except OSError as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise disk_error(error, profile.backups) from error
    for old in _copies(profile)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return profile.backups / name


def forget_copies(profile: Profile) -> None:
    """Remove every copy: what was erased must not live on in them. Raises ProfileUnusable."""
    try:
        for folder in [*_copies(profile), *profile.backups.glob(f"{_UNFINISHED}*")]:
            shutil.rmtree(folder)
    except OSError as error:
        raise disk_error(error, profile.backups) from error


def _copies(profile: Profile) -> list[Path]:
    """Oldest first: their names hold ids that sort by time."""
    return sorted(profile.backups.glob(f"{_PREFIX}*"))


def _copy(source: Path, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out, source.open("rb") as content:
        shutil.copyfileobj(content, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
