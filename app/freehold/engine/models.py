"""The models there are: here, for download, begun, and those of other programs; and the one that answers."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Protocol

from freehold.engine import catalogue, elsewhere, gguf
from freehold.engine.adding import copied, hashed
from freehold.engine.catalogue import Catalogue, Starter
from freehold.engine.gguf import GgufFacts
from freehold.engine.listing import first_choice, from_entry, from_found, from_record, from_starter, named, record_of
from freehold.engine.machine import Machine, read_machine
from freehold.engine.shelf import Record, Shelf, slug
from freehold.engine.starter import StarterNotes, installed
from freehold.engine.values import Model
from freehold.engine.wishes import Wishes
from freehold.foundation.errors import FreeholdError, Interrupted, ModelMalformed, ModelMissing, Offline, VaultLocked
from freehold.foundation.paths import Profile, disk_error
from freehold.foundation.stop import Stop
from freehold.network.values import Fetched, Partial, Progress, hub_source

# The class below has a method called `list`.
Shown = list[Model]
Records = list[Record]


class Door(Protocol):
    """The way out, as far as a download needs it."""

    def hub_file(
        self, repo: str, file: str, *, revision: str = "main", sha256: str = "", stop: Stop | None = None
    ) -> Generator[Progress, None, Fetched]: ...
    def partials(self) -> list[Partial]: ...
    def forget_partial(self, source: str) -> None: ...


class Settings(Protocol):
    def text(self, name: str) -> str: ...
    def set(self, name: str, value: object) -> None: ...


class Models:
    """What the owner can choose from. Needs no vault but for a download, and asks nobody outside otherwise."""

    def __init__(
        self,
        profile: Profile,
        settings: Settings,
        door: Door,
        *,
        home: Path | None = None,
        environment: Mapping[str, str] | None = None,
        machine: Callable[[], Machine] = read_machine,
        offered: Catalogue | None = None,
        starter_file: Callable[[Starter], Path | None] = installed,
    ) -> None:
        self._folder, self._settings, self._door = profile.models, settings, door
        self._home, self._machine = home or Path.home(), machine
        self._environment = os.environ if environment is None else environment
        self._shelf = Shelf(profile.models / "known")
        self._given, self._starter_file = offered, starter_file
        self._starter_notes = StarterNotes(profile.models / "starter.json")
        self._wishes = Wishes(profile.models / "wanted.json")

    def list(self) -> Shown:
        """The starter, what is here, what was begun, what can be downloaded; each group from small to large."""
        machine = self._machine()
        starter = self.starter()
        here = sorted(self._records(), key=lambda record: record.bytes)
        known = {record.id for record in here}
        begun = {partial.source: partial for partial in self._door.partials()}
        offered = [from_entry(entry, begun, machine) for entry in self._offered.entries if entry.id not in known]
        offered.sort(key=lambda model: model.state != "partial")
        return [*([starter] if starter else []), *(from_record(record, machine) for record in here), *offered]

    def starter(self) -> Model | None:
        """The model that came with the install, None when there is none or its owner removed it from the list."""
        pinned = self._offered.starter
        path = self._starter_file(pinned)
        if path is None or self._starter_notes.is_hidden:
            return None
        return from_starter(pinned, path, self._machine())

    def find(self, id: str) -> Model:
        """By id, name, or a unique beginning of one. Raises ModelMissing; DigestMismatch for a damaged starter."""
        return self._trusted(self._named(id))

    def in_use(self) -> Model:
        """The model that answers: the chosen one, else the only one here, else the starter, else the smallest here.

        Raises ModelMissing when none is here, DigestMismatch when it would be a damaged starter.
        """
        here = self._here()
        if not here:
            raise ModelMissing("there is no model on this machine yet")
        chosen = self._settings.text("model")
        return self._trusted(next((model for model in here if model.id == chosen), here[0]))

    def smaller(self, model: Model) -> Shown:
        """What is here and needs less memory than `model`, the largest first."""
        return sorted(
            (one for one in self._here() if one.memory < model.memory), key=lambda one: one.memory, reverse=True
        )

    def recommended(self) -> Model:
        """One model for this machine's memory: the largest sensible first choice that answers at a fair pace."""
        return self._by_id(first_choice(self._offered.entries, self._machine()).id)

    def elsewhere(self) -> Shown:
        """GGUF files of other programs on this disk, to be used where they lie. Not yet checked: `import_file` does."""
        machine = self._machine()
        known = {os.path.realpath(record.path) for record in self._records()}
        found = elsewhere.find(self._home, self._environment)
        return [
            from_found(one, slug(one.name, _digest_of(one.path)), machine)
            for one in found
            if os.path.realpath(one.path) not in known
        ]

    def inspect(self, path: Path) -> GgufFacts:
        """What a GGUF file says of itself. Raises ModelMalformed with a reason."""
        return gguf.inspect(path)

    def use(self, id: str) -> Model:
        """Let this model answer from now on. Raises ModelMissing when it is not here."""
        if id == self._offered.starter.id:
            self._starter_notes.hide(False)
        model = self.find(id)
        if model.state != "here":
            raise ModelMissing(model.name, advice=f"Download it first: freehold models get {model.id}")
        self._settings.set("model", model.id)
        return model

    def get(self, id: str, stop: Stop | None = None) -> Generator[Progress, None, Model]:
        """Download a model of the catalogue, or go on with it. A model that is here is returned at once.

        One that is interrupted stays `wanted`, unless that is said to `pause`. Raises ModelMissing, ModelMalformed (the
        file is deleted) and what Door.hub_file raises.
        """
        if id == self._offered.starter.id:
            self._starter_notes.hide(False)
        model = self._named(id)
        entry = self._offered.entry(model.id)
        if model.state == "here" or entry is None:
            return model
        with self._wanting(entry.id):
            fetched = yield from self._door.hub_file(entry.repo, entry.file, stop=stop)
        yield Progress(fetched.bytes, fetched.bytes, "Checking the model")
        path = Path(fetched.path)
        try:
            facts = gguf.inspect(path)
        except ModelMalformed:
            path.unlink(missing_ok=True)
            raise
        record = record_of(entry.id, path, fetched.sha256, facts, source=f"{entry.repo}/{entry.file}")
        self._shelf.put(replace(record, name=entry.name, licence=entry.licence, words=entry.words))
        return self._by_id(entry.id)

    def wanted(self) -> Shown:
        """The downloads that locking, the offline switch, the end of Freehold or a crash cut off, in their order."""
        known = {model.id: model for model in self.list() if model.state != "here"}
        return [known[id] for id in self._wishes.all() if id in known]

    def pause(self, id: str) -> None:
        """The owner stopped a download: what is here of it is kept, and it goes on when it is asked for again."""
        self._wishes.drop(id)

    @contextmanager
    def _wanting(self, id: str) -> Iterator[None]:
        self._wishes.add(id)
        try:
            yield
        except (Interrupted, Offline, VaultLocked):
            raise
        except FreeholdError:
            self._forget_wish(id)
            raise
        self._forget_wish(id)

    def _forget_wish(self, id: str) -> None:
        with suppress(FreeholdError):  # a full disk: what is here is no longer wanted, and what failed fails once more
            self._wishes.drop(id)

    def import_file(
        self, path: Path, *, copy: bool = False, stop: Stop | None = None
    ) -> Generator[Progress, None, Model]:
        """Add a GGUF file: where it lies, at zero bytes, or as a `copy` in the profile. It is checked and hashed.

        Raises ModelMalformed, Interrupted, DiskFull.
        """
        path, stop = path.expanduser().absolute(), stop or Stop()
        facts = gguf.inspect(path)
        if copy:
            path, digest = yield from copied(path, self._folder, stop)
        else:
            digest = yield from hashed(path, stop)
        ours = path.parent == self._folder
        known = self._known_by(digest)
        if known is not None:
            if copy and known.path != str(path):
                path.unlink()
            return known
        source = "file" if ours else self._whose(path)
        record = record_of(slug(facts.name, digest), path, digest, facts, source=source, borrowed=not ours)
        self._shelf.put(record)
        return self._by_id(record.id)

    def _known_by(self, digest: str) -> Model | None:
        """The model that is here already with the same content."""
        pinned = self._offered.starter
        if digest == pinned.sha256 and self._starter_file(pinned) is not None:
            self._starter_notes.hide(False)
            return self._by_id(pinned.id)
        same = next((one for one in self._records() if one.sha256 == digest), None)
        return self._by_id(same.id) if same is not None else None

    def remove(self, id: str) -> str:
        """Forget a model; its file is deleted only where it is ours. Returns what happened, in words."""
        model = self._named(id)
        if model.id == self._offered.starter.id:
            self._starter_notes.hide(True)
        record = next((one for one in self._records() if one.id == model.id), None)
        if record is not None:
            self._forget(record)
        entry = self._offered.entry(model.id)
        self._forget_wish(model.id)
        if entry is not None and model.state == "partial":
            self._door.forget_partial(hub_source(entry.repo, entry.file))
        return self._said(model, record)

    def _forget(self, record: Record) -> None:
        self._shelf.drop(record.id)
        if record.borrowed or any(one.path == record.path for one in self._shelf.records()):
            return
        try:
            Path(record.path).unlink(missing_ok=True)
        except OSError as error:
            raise disk_error(error, self._folder) from error

    def _said(self, model: Model, record: Record | None) -> str:
        kept = " Its file stays where it is." if record is not None and record.borrowed else ""
        if self._settings.text("model") != model.id:
            return f"{model.name} was removed.{kept}"
        self._settings.set("model", "")
        try:
            return f"{model.name} was removed.{kept} {self.in_use().name} answers from now on."
        except FreeholdError:
            return f"{model.name} was removed.{kept} No model is left."

    @cached_property
    def _offered(self) -> Catalogue:
        return self._given or catalogue.load()

    def _records(self) -> Records:
        """What the profile knows and is still as it was when it was checked."""
        return [record for record in self._shelf.records() if record.is_intact]

    def _here(self) -> Shown:
        """The starter first, then the others from small to large."""
        return [model for model in self.list() if model.state == "here"]

    def _by_id(self, id: str) -> Model:
        return next(model for model in self.list() if model.id == id)

    def _named(self, id: str) -> Model:
        alike = named(id, self.list())
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise ModelMissing(f"{id[:100]} could be {', '.join(model.id for model in alike[:6])}")
        for lost in self._shelf.records():
            if lost.id == id:
                raise ModelMissing(
                    f"{lost.name}: its file is no longer there, or was changed since it was added ({lost.path})",
                    advice="Add it again: freehold models import FILE",
                )
        raise ModelMissing(id[:100])

    def _trusted(self, model: Model) -> Model:
        """The starter is somebody else's repackaging: its digest is checked before it is first used."""
        if model.source == "starter":
            self._starter_notes.check(Path(model.path), model.sha256)
        return model

    def _whose(self, path: Path) -> str:
        real = os.path.realpath(path)
        found = elsewhere.find(self._home, self._environment)
        return next((one.app for one in found if os.path.realpath(one.path) == real), "file")


def _digest_of(path: str) -> str:
    """Tells files of one name apart before anybody has read them."""
    return hashlib.sha256(os.fsencode(path)).hexdigest()
