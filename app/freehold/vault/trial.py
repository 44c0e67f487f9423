"""A recovery code counts once it has restored the vault: in a folder of its own, by a process of its own."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from freehold.foundation.errors import VaultDamaged
from freehold.foundation.ids import new_id
from freehold.foundation.paths import Profile
from freehold.vault.backups import back_up, unpacked
from freehold.vault.keeper import Vault

_T = TypeVar("_T")


def new_recovery_code(vault: Vault, profile: Profile) -> str:
    """A fresh code that has restored a backup of the open vault. Until it has, the old one stays.

    Raises DiskFull when the trial does not fit beside the vault, VaultDamaged when what it restored is not whole.
    """
    code = str(vault.call("vault.propose_recovery"))
    try_restore(vault, profile, code, proposed=True)
    vault.call("vault.accept_recovery")
    return code


def try_restore(vault: Vault, profile: Profile, code: str, *, proposed: bool = False) -> None:
    """Restore a backup of the open vault by `code`, verify it, and throw it away. Raises WrongPassphrase."""
    with _folder_for_trial(profile) as folder:
        copy = folder / "trial.backup"
        _finished(back_up(vault, profile, copy, proposed=proposed))
        there = Profile(folder / "home")
        there.prepare()
        restored = Vault(there)
        try:
            with unpacked(restored, there, copy) as steps:
                _finished(steps).restore(recovery=code)
            if faults := restored.check():
                raise VaultDamaged(faults[0])
        finally:
            restored.lock()


@contextmanager
def _folder_for_trial(profile: Profile) -> Iterator[Path]:
    folder = profile.scratch / f"trial-{new_id()}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finished(steps: Generator[Any, None, _T]) -> _T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: _T = end.value
            return result
