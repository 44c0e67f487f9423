"""Downloads that were asked for and have not ended: written down before they begin, so that they can go on later."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from freehold.foundation.paths import write_atomically


class Wishes:
    """Ids of models in the file at `path`, in the order they were asked for. One that cannot be read holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def all(self) -> tuple[str, ...]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError):
            return ()
        return tuple(id for id in known if isinstance(id, str)) if isinstance(known, list) else ()

    def add(self, id: str) -> None:
        """Raises DiskFull or ProfileUnusable."""
        with self._lock:
            if id not in (known := self.all()):
                self._write((*known, id))

    def drop(self, id: str) -> None:
        """Raises DiskFull or ProfileUnusable."""
        with self._lock:
            if id in (known := self.all()):
                self._write(tuple(one for one in known if one != id))

    def _write(self, ids: tuple[str, ...]) -> None:
        write_atomically(self._path, json.dumps(ids).encode())
