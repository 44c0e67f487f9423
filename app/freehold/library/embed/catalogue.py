"""The models that find by meaning and that Freehold offers, read from resources/embedders.json and checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from freehold.foundation.paths import resources

Kind = Literal["embedder", "reranker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model on the hub. `bytes` is about the size of its weights; `window` is in tokens; `query` and `passage` stand
    before a question and before a text, as the model learned them.
    """

    id: str
    name: str
    kind: Kind
    repo: str
    bytes: int
    licence: str
    languages: str
    dimensions: int
    window: int
    query: str
    passage: str
    files: tuple[str, ...]
    words: str


def load(path: Path | None = None) -> tuple[Offer, ...]:
    """Raises ValueError when the file, which ships with the app, is not as it should be."""
    known = json.loads((path or resources() / "embedders.json").read_bytes())
    offers = tuple(_checked(one) for one in known["models"])
    if len({offer.id for offer in offers}) != len(offers):
        raise ValueError("two models have the same id")
    return offers


def _checked(values: dict[str, object]) -> Offer:
    name = values.get("id")
    wanted = {field.name: str(field.type) for field in fields(Offer)}
    if values.keys() != wanted.keys():
        raise ValueError(f"{name}: a field is missing, or one that nobody knows is there")
    files = values["files"]
    whole = all(type(values[field]) is int for field, kind in wanted.items() if kind == "int")
    plain = all(type(values[field]) is str for field, kind in wanted.items() if kind in ("str", "Kind"))
    if not whole or not plain or not isinstance(files, list):
        raise ValueError(f"{name}: a field is not as it should be")
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]{0,60}", str(name)) or values["kind"] not in ("embedder", "reranker"):
        raise ValueError(f"{name}: not an id, or not a kind")
    if not all(re.fullmatch(r"([\w-]+/)?[\w-]+\.(json|safetensors)", str(file)) for file in files):
        raise ValueError(f"{name}: a file that is neither settings nor weights")
    return Offer(**{**values, "files": tuple(files)})  # type: ignore[arg-type]
