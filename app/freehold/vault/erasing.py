"""Erasing a whole profile. The keys go first: what a crash or a stubborn file leaves behind after that is noise.

A wish that was written down is carried out at the next start, should the first attempt be interrupted.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from freehold.foundation.paths import Profile, disk_error, sync_folder, write_atomically

_WISH = "erasing"
_WITH_MODELS, _WITHOUT = b"with models\n", b"without models\n"


def begin(profile: Profile, *, models: bool) -> None:
    """Remove everything but what holds the profile for its process, and, unless they shall go too, the models.

    Raises ProfileUnusable, also when something could not be removed; `finish` then goes on.
    """
    profile.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(profile.home / _WISH, _WITH_MODELS if models else _WITHOUT)
    finish(profile)


def finish(profile: Profile) -> bool:
    """Carry out a wish that was written down; whether there was one."""
    wish = profile.home / _WISH
    if not wish.exists():
        return False
    try:
        models = wish.read_bytes() == _WITH_MODELS
        for header in _headers(profile):
            _overwrite(header)
        kept = {wish, profile.lock, profile.socket, *(() if models else (profile.models,))}
        for path in sorted(set(profile.home.iterdir()) - kept):
            _remove(path)
        sync_folder(profile.home)
        wish.unlink()
    except OSError as error:
        raise disk_error(error, profile.home) from error
    return True


def _headers(profile: Profile) -> Iterator[Path]:
    """Every file that may hold a wrapped key: a header's copies, halves of them, older ones, identities."""
    from freehold.vault.header import NAMES  # as below

    yield from profile.identity.glob("*")
    for name in NAMES:
        yield from profile.vault.glob(f"*{name}*")
        yield from profile.backups.rglob(f"*{name}*")


def _overwrite(path: Path) -> None:
    """Zeros over a small file's content before its name goes. A disk that writes elsewhere may keep the old block."""
    if path.is_symlink() or not path.is_file():
        return
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()


def _remove(path: Path) -> None:
    import shutil  # this module lies on the way to the window's first frame

    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
