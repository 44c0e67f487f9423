"""How a model is shown in a list, wherever it comes from: with the memory it needs and whether that fits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from freehold.engine.catalogue import Entry, Starter
from freehold.engine.elsewhere import Found
from freehold.engine.fit import USUAL_CONTEXT, Sized, judge, memory_needed
from freehold.engine.gguf import GgufFacts
from freehold.engine.machine import Machine
from freehold.engine.shelf import Record
from freehold.engine.values import Model
from freehold.network.values import Partial, hub_source


@dataclass(frozen=True, slots=True)
class Unread:
    """A model file that nobody looked into: guesses, on the high side for most."""

    weights: int
    architecture: str = ""
    window: int = 0
    context: int = 0
    vocabulary: int = 152_000

    @property
    def kv_width(self) -> int:
        """Elements of cache that a token takes: small models take more for their size, large ones level out."""
        return min(self.weights // 30_000, 130_000)


def from_starter(starter: Starter, path: Path, machine: Machine) -> Model:
    return _sized(
        replace(_described(starter), sha256=starter.sha256, path=str(path), source="starter", state="here"),
        starter,
        machine,
    )


def from_entry(entry: Entry, begun: Mapping[str, Partial], machine: Machine) -> Model:
    """A model of the catalogue that is not here; `begun` are the downloads under way, by source."""
    state: Literal["partial", "available"] = "partial" if hub_source(entry.repo, entry.file) in begun else "available"
    source = f"{entry.repo}/{entry.file}"
    return _sized(replace(_described(entry), source=source, state=state), entry, machine)


def from_record(record: Record, machine: Machine) -> Model:
    model = Model(
        id=record.id,
        name=record.name,
        bytes=record.bytes,
        quantisation=record.quantisation,
        context=record.context,
        licence=record.licence,
        sha256=record.sha256,
        parameters=record.parameters,
        architecture=record.architecture,
        path=record.path,
        source=record.source,
        words=record.words,
        state="here",
    )
    return _sized(model, record, machine)


def from_found(found: Found, id: str, machine: Machine) -> Model:
    """Another program's file, not yet looked into."""
    model = Model(id=id, name=found.name, bytes=found.bytes, path=found.path, source=found.app, state="here")
    return _sized(model, Unread(found.bytes), machine)


def record_of(id: str, path: Path, sha256: str, facts: GgufFacts, *, source: str, borrowed: bool = False) -> Record:
    """What is kept of a file that was checked just now."""
    found = path.stat()
    return Record(
        id=id,
        name=facts.name,
        path=str(path),
        borrowed=borrowed,
        source=source,
        bytes=found.st_size,
        changed=found.st_mtime_ns,
        sha256=sha256,
        architecture=facts.architecture,
        quantisation=facts.quantisation,
        context=facts.context,
        parameters=facts.parameters,
        licence=facts.licence,
        weights=facts.weights,
        kv_width=facts.kv_width,
        window=facts.window,
        vocabulary=facts.vocabulary,
    )


def named(id: str, models: Sequence[Model]) -> list[Model]:
    """The models that `id` may mean: by id, else by name, else by a beginning of either."""
    wanted = id.casefold()
    return (
        [model for model in models if model.id == id]
        or [model for model in models if model.name.casefold() == wanted]
        or [model for model in models if wanted and _begins(model, wanted)]
    )


def _begins(model: Model, wanted: str) -> bool:
    return model.id.startswith(wanted) or model.name.casefold().startswith(wanted)


def first_choice(entries: Sequence[Entry], machine: Machine) -> Entry:
    """The largest sensible first choice that answers at a fair pace here; the smallest of them on a poor machine."""
    choices = sorted(
        ((entry.recommended_from, entry) for entry in entries if entry.recommended_from is not None),
        key=lambda choice: choice[0],
    )
    good = [
        entry for least, entry in choices if least <= machine.memory and from_entry(entry, {}, machine).fit == "fits"
    ]
    return good[-1] if good else choices[0][1]


def _described(one: Entry | Starter) -> Model:
    return Model(
        id=one.id,
        name=one.name,
        bytes=one.bytes,
        quantisation=one.quantisation,
        context=one.context,
        licence=one.licence,
        parameters=one.parameters,
        architecture=one.architecture,
        words=one.words,
    )


def _sized(model: Model, size: Sized, machine: Machine) -> Model:
    needed = memory_needed(size, USUAL_CONTEXT)
    return replace(model, memory=needed, fit=judge(needed, size.weights, machine))
