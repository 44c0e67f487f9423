"""The models that find by meaning: the one that came with the install, those in the profile, those for download."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import disk_error, sync_folder, write_atomically
from freehold.foundation.stop import Stop
from freehold.library.embed import catalogue
from freehold.library.embed.catalogue import Kind, Offer
from freehold.library.embed.client import MINILM, EmbeddingModel, bundled
from freehold.library.embed.folder import NOTE, WEIGHTS, digest_of, files_of, kind_of, prompts_of
from freehold.library.errors import EmbedderUnknown
from freehold.network.values import Fetched, Progress, Remote

# The class below has a method called `list`.
Shown = list["Listed"]


class Door(Protocol):
    """The way out, as far as a download needs it."""

    def hub_facts(
        self, repo: str, file: str, *, revision: str = "main", stop: Stop | None = None
    ) -> Generator[Progress, None, Remote]: ...
    def hub_file(
        self, repo: str, file: str, *, revision: str = "main", sha256: str = "", stop: Stop | None = None
    ) -> Generator[Progress, None, Fetched]: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A model as it is shown. `bytes` are those of its weights."""

    id: str
    name: str
    kind: Kind
    bytes: int
    licence: str
    languages: str
    words: str
    state: Literal["here", "partial", "available"]


@dataclass(frozen=True, slots=True)
class Note:
    """What the profile keeps of a model that is here, beside its files."""

    id: str
    name: str
    kind: Kind
    source: str
    sha256: str
    bytes: int
    licence: str = ""
    languages: str = ""
    query: str = ""
    passage: str = ""
    words: str = ""


class EmbedderModels:
    """Folders below `folder`, one a model, each moved there whole when all of its files were there and checked."""

    def __init__(
        self, folder: Path, door: Door, *, offers: Sequence[Offer] | None = None,
        included: Callable[[], EmbeddingModel | None] = bundled,
    ) -> None:  # fmt: skip
        self._folder, self._door, self._given, self._included = folder, door, offers, included

    def list(self) -> Shown:
        """What came with the install, what is here, what can be downloaded."""
        notes = self._notes()
        known = {note.id for note in notes}
        here = [_listed(note) for note in notes]
        offered = [self._offered(one) for one in self._offers if one.id not in known]
        return [*([_INCLUDED] if self._included() else []), *here, *offered]

    def find(self, id: str) -> Listed:
        """By id, or a unique beginning of one. Raises EmbedderUnknown."""
        found = self.list()
        alike = [one for one in found if one.id == id] or [one for one in found if one.id.startswith(id.lower())]
        if len(alike) != 1:
            raise EmbedderUnknown(id[:100] if not alike else f"{id} could be {', '.join(one.id for one in alike)}")
        return alike[0]

    def model(self, id: str) -> EmbeddingModel | None:
        """What the embedder process needs to load it; None when it is not here."""
        included = self._included()
        if id in ("", MINILM):
            return included
        note = next((note for note in self._notes() if note.id == id), None)
        if note is None:
            return None
        return EmbeddingModel(note.id, self._folder / note.id, note.sha256, note.query, note.passage)

    def get(self, id: str, stop: Stop | None = None) -> Generator[Progress, None, Listed]:
        """Download a model of the catalogue, or go on with it; one that is here is returned at once.

        Raises EmbedderUnknown, EmbedderUnfit, and what Door.hub_file raises.
        """
        listed = self.find(id)
        offer = next((one for one in self._offers if one.id == listed.id), None)
        if listed.state == "here" or offer is None:
            return listed
        begun = self._begun(offer.id)
        begun.mkdir(mode=0o700, parents=True, exist_ok=True)
        commit = yield from self._commit(offer, begun, stop)
        for file in offer.files:
            if not (begun / file).is_file():  # moved there only when it was whole and checked
                fetched = yield from self._door.hub_file(offer.repo, file, revision=commit, stop=stop)
                (begun / file).parent.mkdir(mode=0o700, exist_ok=True)
                os.replace(fetched.path, begun / file)  # noqa: PTH105 - as in foundation: replaces on every system
        yield Progress(offer.bytes, offer.bytes, "Checking the model")
        note = self._checked(begun, Note(offer.id, offer.name, offer.kind, offer.repo, "", 0, offer.licence,
                                         offer.languages, offer.query, offer.passage, offer.words))  # fmt: skip
        return self._keep(begun, note)

    def import_folder(self, folder: Path) -> Listed:
        """Add a model of the owner's own, as a copy. Raises EmbedderUnfit with the reason, DiskFull."""
        folder = folder.expanduser().absolute()
        files = files_of(folder)
        digest = digest_of(folder / WEIGHTS)
        plain = re.sub(r"[^a-z0-9.]+", "-", folder.name.lower()).strip("-.")[:40].strip("-.")
        id = f"{plain or 'model'}-{digest[:8]}"
        begun = self._begun(id)
        shutil.rmtree(begun, ignore_errors=True)
        try:
            for file in files:
                (begun / file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(folder / file, begun / file)
        except OSError as error:
            raise disk_error(error, self._folder) from error
        query, passage = prompts_of(begun)
        note = Note(id, folder.name[:60], kind_of(begun), "folder", "", 0, query=query, passage=passage)
        return self._keep(begun, self._checked(begun, note))

    def remove(self, id: str) -> Listed:
        """Delete a model from the profile. Raises EmbedderUnknown; that which came with the install stays."""
        listed = self.find(id)
        for place in (self._folder / listed.id, self._begun(listed.id)):
            shutil.rmtree(place, ignore_errors=True)
        return listed

    @cached_property
    def _offers(self) -> tuple[Offer, ...]:
        return catalogue.load() if self._given is None else tuple(self._given)

    def _offered(self, offer: Offer) -> Listed:
        state: Literal["partial", "available"] = "partial" if self._begun(offer.id).is_dir() else "available"
        return Listed(offer.id, offer.name, offer.kind, offer.bytes, offer.licence, offer.languages, offer.words, state)

    def _begun(self, id: str) -> Path:
        return self._folder / "begun" / id

    def _commit(self, offer: Offer, begun: Path, stop: Stop | None) -> Generator[Progress, None, str]:
        """The commit that all files are of, kept so that another try goes on with the same."""
        kept = begun / ".commit"
        if not kept.is_file():
            remote = yield from self._door.hub_facts(offer.repo, offer.files[0], stop=stop)
            write_atomically(kept, remote.commit.encode())
        return kept.read_text().strip()

    def _checked(self, begun: Path, note: Note) -> Note:
        """`note` with what the files say. What is unfit is deleted. Raises EmbedderUnfit."""
        try:
            files_of(begun)
            kind_of(begun)
        except FreeholdError:
            shutil.rmtree(begun, ignore_errors=True)
            raise
        return replace(note, sha256=digest_of(begun / WEIGHTS), bytes=(begun / WEIGHTS).stat().st_size)

    def _keep(self, begun: Path, note: Note) -> Listed:
        place = self._folder / note.id
        write_atomically(begun / NOTE, json.dumps(asdict(note), indent=1).encode())
        shutil.rmtree(place, ignore_errors=True)
        try:
            os.replace(begun, place)  # noqa: PTH105 - as in foundation: replaces on every system
            sync_folder(self._folder)
        except OSError as error:
            raise disk_error(error, self._folder) from error
        return _listed(note)

    def _notes(self) -> Sequence[Note]:
        """Those in the profile. One whose note cannot be read is passed over: it can be fetched again."""
        found = (_read(path) for path in sorted(self._folder.glob(f"*/{NOTE}")))
        return [note for note in found if note is not None]


_INCLUDED = Listed(
    MINILM, "MiniLM, English", "embedder", 90_868_376, "apache-2.0", "English",
    "Comes with Freehold: small and quick.", "here",
)  # fmt: skip


def _listed(note: Note) -> Listed:
    return Listed(note.id, note.name, note.kind, note.bytes, note.licence, note.languages, note.words, "here")


def _read(path: Path) -> Note | None:
    try:
        note = Note(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return note if note.id == path.parent.name else None
