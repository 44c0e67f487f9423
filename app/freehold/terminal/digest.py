"""The SHA-256 of a file, with its progress shown: models have gigabytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from freehold.foundation.paths import disk_error
from freehold.terminal.output import Progress

_PIECE = 1 << 22


def sha256_of(path: Path, progress: Progress | None = None) -> str:
    """In hex. Raises ProfileUnusable when the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            total = path.stat().st_size
            while piece := file.read(_PIECE):
                digest.update(piece)
                if progress is not None:
                    progress.update(f"Hashing {path.name}", file.tell(), total)
    except OSError as error:
        raise disk_error(error, path) from error
    return digest.hexdigest()
