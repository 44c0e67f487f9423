"""A library in memory for the window's tests: documents that are given, every outcome scripted."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentNeedsPassword, EmbedderMissing, LibraryNotFound
from freehold.library.library import Checked, Text
from freehold.library.values import (
    GENERAL,
    Collection,
    Document,
    Found,
    Mode,
    Passage,
    Progress,
    Signal,
    Source,
    State,
)

NEEDS_PASSWORD = f"{DocumentNeedsPassword.title}. {DocumentNeedsPassword.advice}"


class FakeLibrary:
    """Follows the real one's promises with what `put` gave it. `asked` tells in order what was wanted of it."""

    def __init__(self) -> None:
        self.documents: list[Document] = []
        self.kept_sources: list[Source] = []
        self.asked: list[str] = []
        self.is_paused = self.is_busy = False
        self.finds_meaning = self.is_meaning_up = True
        self.progress: Progress | None = None
        self.failure: FreeholdError | None = None
        self.error: FreeholdError | None = None  # raised by the next add, forget or search
        self.passages: list[Passage] = []
        self.meaning_gate = Stop()  # what a search that waits for meaning waits for
        self.meaning_gate.set()

    def put(self, path: str, state: State = State.INDEXED, *, collection: str = GENERAL, reason: str = "",
            **facts: float | str) -> Document:  # fmt: skip
        """A document that is in the library, below the source of its folder."""
        document = Document(len(self.documents) + 1, path, collection, state, reason, **facts)  # type: ignore[arg-type]
        self.documents.append(document)
        return document

    def source(self, path: str, *, collection: str = GENERAL, **facts: bool | tuple[str, ...]) -> Source:
        made = Source(len(self.kept_sources) + 1, path, collection, **facts)  # type: ignore[arg-type]
        self.kept_sources.append(made)
        return made

    def attend(self) -> None:
        self.asked.append("attend")
        self.failure = None

    def rest(self) -> None:
        pass

    def close(self) -> None:
        self.is_busy = False

    def add(
        self, paths: Sequence[Path], *, collection: str = GENERAL, watch: bool = False, excluded: Sequence[str] = ()
    ) -> int:
        self._fail()
        for path in paths:
            self.asked.append(f"add {path} to {collection}{' watched' if watch else ''} {' '.join(excluded)}".strip())
            self.source(str(path), collection=collection, watched=watch, excluded=tuple(excluded))
            self.put(str(path / "one.txt") if path.is_dir() else str(path), State.WAITING, collection=collection)
        return len(paths)

    def counts(self) -> dict[str, int]:
        states = [one.state.value for one in self.documents]
        return {state: states.count(state) for state in states} | {"chunks": sum(one.chunks for one in self.documents)}

    def listed(
        self, *, collection: str | None = None, below: str = "", states: Sequence[State] = (), text: str = "",
        after: Document | None = None, limit: int = 200,
    ) -> list[Document]:  # fmt: skip
        found = [
            one for one in sorted(self.documents, key=lambda one: (one.path, one.id))
            if collection in (None, one.collection) and (not states or one.state in states)
            and (not below or one.path == below or one.path.startswith(below + "/"))
            and text.casefold() in one.path.casefold()
            and (after is None or (one.path, one.id) > (after.path, after.id))
        ]  # fmt: skip
        return found[:limit]

    def collections(self) -> list[Collection]:
        names = dict.fromkeys(one.collection for one in self.kept_sources)
        return [
            Collection(name, sum(one.collection == name for one in self.documents),
                       tuple(one for one in self.kept_sources if one.collection == name))
            for name in names
        ]  # fmt: skip

    def pause(self) -> None:
        self.is_paused = True

    def resume(self) -> None:
        self.is_paused = False

    def put_first(self, path: Path) -> None:
        self.kept_sources = [replace(one, first=one.path == str(path)) for one in self.kept_sources]

    def retry(self, path: Path, password: str | None = None) -> None:
        self.asked.append(f"retry {path} {password or ''}".strip())
        self.documents = [
            replace(one, state=State.WAITING, reason="") if one.path == str(path) else one for one in self.documents
        ]

    def rescan(self) -> int:
        self.asked.append("rescan")
        return 0

    def forget(self, path: Path) -> int:
        self._fail()
        gone = [one for one in self.documents if one.path == str(path) or one.path.startswith(f"{path}/")]
        if not gone:
            raise LibraryNotFound(str(path))
        self.asked.append(f"forget {path}")
        self.documents = [one for one in self.documents if one not in gone]
        self.kept_sources = [one for one in self.kept_sources if one.path != str(path)]
        return len(gone)

    def check(self, questions: int = 40) -> Generator[int, None, Checked]:
        self._fail()
        yield from range(1, 3)
        return Checked(2, 1.0, 0.5, 1.0, "All is well.")

    def search(
        self, query: str, *, k: int = 10, collections: Sequence[str] | None = None, mode: Mode = "hybrid",
        wait: bool = False, kinds: Sequence[str] = (), since: float | None = None, until: float | None = None,
    ) -> Found:  # fmt: skip
        self._fail()
        self.asked.append(f"search {query} {mode} {','.join(collections or ())} {','.join(kinds)}".strip())
        if mode == "meaning" and not self.finds_meaning:
            raise EmbedderMissing
        used: Mode = "words" if mode == "hybrid" and not (wait or self.is_meaning_up) else mode
        if wait:
            self.meaning_gate.wait(30.0)
            self.is_meaning_up = True
        wanted = query.casefold().split()
        found = [
            one for one in self.passages if any(word in re.findall(r"\w+", one.text.casefold()) for word in wanted)
        ]
        return Found(tuple(found[:k]), used, Signal())

    def text(self, path: Path, collection: str | None = None) -> Text:
        return Text(str(path), "".join(one.text for one in self.passages if one.path == str(path)), ())

    def _fail(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error
