"""A file that names the model being loaded, so that one which took the engine down is known by next time."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import write_atomically


class Marker:
    """Set before a load, cleared after one that ended in words: what is still there at the next load crashed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self, model: str) -> bool:
        try:
            fields = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return False
        return isinstance(fields, dict) and fields.get("model") == model

    def set(self, model: str) -> None:
        # A full disk costs the next start its warning, not this load.
        with contextlib.suppress(FreeholdError):
            write_atomically(self._path, json.dumps({"model": model}).encode())

    def clear(self) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink()
