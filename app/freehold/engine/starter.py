"""The tiny model that comes with the install: where it is, whether it is what it should be, whether it is wanted."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from freehold.engine.catalogue import Starter
from freehold.foundation.errors import DigestMismatch, FreeholdError, ModelMissing
from freehold.foundation.paths import write_atomically


def installed(starter: Starter) -> Path | None:
    """The starter's file inside its Python package, which is found but never imported."""
    try:
        spec = importlib.util.find_spec(starter.package)
    except (ImportError, ValueError):
        return None
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder) / starter.file
        if path.is_file():
            return path
    return None


class StarterNotes:
    """Two things to remember of the starter: that its owner does not want to see it, and that its digest was right."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def is_hidden(self) -> bool:
        return self._read().get("hidden") is True

    def hide(self, hidden: bool) -> None:
        """Raises DiskFull or ProfileUnusable."""
        if self.is_hidden != hidden:
            self._write({**self._read(), "hidden": hidden})

    def check(self, path: Path, sha256: str) -> None:
        """Hash the file, unless the same one was found right before. Raises DigestMismatch, ModelMissing."""
        try:
            seen = _seen(path)
            if self._read().get("checked") == [*seen, sha256]:
                return
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ModelMissing(f"the starter model cannot be read: {error.strerror}") from error
        if found != sha256:
            raise DigestMismatch(
                f"the starter model that came with the install has sha256 {found}, {sha256} was expected",
                advice="It is not used. Install Freehold's starter pack again, or download another model.",
            )
        with suppress(FreeholdError):  # a full or read-only disk: then it is hashed again next time
            self._write({**self._read(), "checked": [*seen, sha256]})

    def _read(self) -> dict[str, Any]:
        try:
            known = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, Any]) -> None:
        write_atomically(self._path, json.dumps(known).encode())


def _seen(path: Path) -> list[Any]:
    found = path.stat()
    return [str(path), found.st_size, found.st_mtime_ns]
