"""The models that Freehold offers, read from resources/models.json and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from freehold.foundation.paths import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model by its published facts. Lengths are in elements of one head, `context` in tokens, `window` is the
    sliding attention window in tokens (0: none).
    """

    id: str
    name: str
    file: str
    bytes: int
    quantisation: str
    licence: str
    architecture: str
    context: int
    parameters: int
    layers: int
    kv_heads: int
    key_length: int
    value_length: int
    vocabulary: int
    words: str
    window: int = 0

    @property
    def weights(self) -> int:
        return self.bytes

    @property
    def kv_width(self) -> int:
        return self.layers * self.kv_heads * (self.key_length + self.value_length)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Described):
    """A model on the hub. `bytes` is approximate, and its digest is read from the hub when a download begins.

    `recommended_from` is the memory in bytes from which it is a sensible first choice; None: it is not.
    """

    repo: str
    recommended_from: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter(Described):
    """The tiny model that comes with the install, in the Python package `package`, pinned by digest."""

    package: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Catalogue:
    starter: Starter
    entries: tuple[Entry, ...]

    def entry(self, id: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == id), None)


def load(path: Path | None = None) -> Catalogue:
    """Raises ValueError when the file, which ships with the app, is not as it should be."""
    known = json.loads((path or resources() / "models.json").read_bytes())
    starter = Starter(**_checked(Starter, known["starter"]))
    entries = tuple(Entry(**_checked(Entry, one)) for one in known["models"])
    names = [entry.id for entry in entries] + [starter.id]
    if len(set(names)) != len(names):
        raise ValueError("two models have the same id")
    if not re.fullmatch(r"[0-9a-f]{64}", starter.sha256):
        raise ValueError("the starter's digest is not one")
    for entry in entries:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo) or not re.fullmatch(r"[\w.-]+\.gguf", entry.file):
            raise ValueError(f"{entry.id}: not a file of a repository")
    return Catalogue(starter, tuple(sorted(entries, key=lambda entry: entry.bytes)))


def _checked(kind: type[Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    for field in fields(kind):
        if field.name not in values:
            if field.default is MISSING:
                raise ValueError(f"{values.get('id')}: {field.name} is missing")
            continue
        value = values[field.name]
        wanted = str if field.type == "str" else int
        if type(value) is not wanted or value == "" or (isinstance(value, int) and value < 0):
            raise ValueError(f"{values.get('id')}: {field.name} is not as it should be")
    if values.keys() - {field.name for field in fields(kind)}:
        raise ValueError(f"{values.get('id')}: a field that nobody knows")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,60}", values["id"]):
        raise ValueError(f"{values['id']}: not an id")
    return values
