"""Taking in a model file: its digest, and where wanted a copy of our own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Generator
from pathlib import Path

from freehold.foundation.errors import Interrupted, ModelMalformed
from freehold.foundation.paths import disk_error, sync_folder
from freehold.foundation.stop import Stop
from freehold.network.values import Progress

_PIECE = 1 << 22


def hashed(path: Path, stop: Stop) -> Generator[Progress, None, str]:
    """The SHA-256 of the file in hex. Raises Interrupted, and ModelMalformed when it changes meanwhile."""
    return (yield from _read_through(path, None, stop, "Checking the file"))


def copied(path: Path, folder: Path, stop: Stop) -> Generator[Progress, None, tuple[Path, str]]:
    """Copy the file into `folder` under its digest; returns both. Raises as `hashed` does, and DiskFull."""
    temporary = folder / f".{os.getpid()}.copy"
    try:
        digest = yield from _read_through(path, temporary, stop, "Copying the file")
        place = folder / f"sha256-{digest}.gguf"
        os.replace(temporary, place)  # noqa: PTH105 - as in foundation: replaces on every system
        sync_folder(folder)
    except OSError as error:
        raise disk_error(error, folder) from error
    finally:
        temporary.unlink(missing_ok=True)
    return place, digest


def _read_through(path: Path, copy: Path | None, stop: Stop, words: str) -> Generator[Progress, None, str]:
    digest = hashlib.sha256()
    target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600) if copy is not None else None
    try:
        with path.open("rb") as file:
            before = os.fstat(file.fileno())
            done = 0
            while piece := file.read(_PIECE):
                if stop.is_set():
                    raise Interrupted("Nothing was added.")
                digest.update(piece)
                if target is not None:
                    _write_all(target, piece)
                done += len(piece)
                yield Progress(done, before.st_size, words)
            after = os.fstat(file.fileno())
        if target is not None:
            os.fsync(target)
    finally:
        if target is not None:
            os.close(target)
    if done != before.st_size or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ModelMalformed("it changed while it was read", advice="Wait until it is complete, then try again.")
    return digest.hexdigest()


def _write_all(target: int, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(target, left) :]
