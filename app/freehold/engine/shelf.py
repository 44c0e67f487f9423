"""The models this profile knows: one small file each, written whole or not at all. No user words."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from freehold.foundation.paths import sync_folder, write_atomically


@dataclass(frozen=True, slots=True)
class Record:
    """A model whose file is on this disk and was checked. `borrowed` files belong to another program or to a folder
    of the owner's: they are never deleted. `changed` is the file's time of change in ns when it was hashed.
    """

    id: str
    name: str
    path: str
    borrowed: bool
    source: str
    bytes: int
    changed: int
    sha256: str
    architecture: str
    quantisation: str
    context: int
    parameters: int
    licence: str
    weights: int
    kv_width: int
    window: int
    vocabulary: int
    words: str = ""

    @property
    def is_intact(self) -> bool:
        """Whether the file is there and looks as it did when it was hashed."""
        try:
            found = Path(self.path).stat()
        except (OSError, ValueError):
            return False
        return (found.st_size, found.st_mtime_ns) == (self.bytes, self.changed)


class Shelf:
    """The records in `folder`. One that cannot be read is passed over: its model can be added again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def records(self) -> list[Record]:
        found = (_read(path) for path in sorted(self._folder.glob("*.json")))
        return [record for record in found if record is not None]

    def put(self, record: Record) -> None:
        """Raises DiskFull or ProfileUnusable."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._place(record.id), json.dumps(asdict(record), indent=1).encode())

    def drop(self, id: str) -> None:
        self._place(id).unlink(missing_ok=True)
        sync_folder(self._folder)

    def _place(self, id: str) -> Path:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,80}", id), "ids are made by slug"
        return self._folder / f"{id}.json"


def slug(name: str, digest: str) -> str:
    """A short id that is safe as a file name, of a name that may be hostile."""
    plain = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:48].strip("-.")
    return f"{plain or 'model'}-{digest[:8]}"


def _read(path: Path) -> Record | None:
    try:
        known = json.loads(path.read_bytes())
        record = Record(**{field.name: known[field.name] for field in fields(Record)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    wanted = {"str": str, "int": int, "bool": bool}
    typed = all(type(getattr(record, field.name)) is wanted[str(field.type)] for field in fields(Record))
    return record if typed and path.stem == record.id else None
