"""The library as window and terminal use it: add, watch, search, read, forget."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.background import Background
from freehold.library.embed.reranker import READ
from freehold.library.errors import DocumentGone, LibraryNotFound, LibraryUnavailable
from freehold.library.extract.client import Extractor, Viewer
from freehold.library.grounding import CALIBRATED_FOR
from freehold.library.intake import Intake
from freehold.library.scan import Changes, Known, changes, look
from freehold.library.values import (
    GENERAL,
    Box,
    Collection,
    Document,
    Found,
    Mode,
    PagePicture,
    Passage,
    Progress,
    Quoted,
    Signal,
    Source,
    Span,
    Stamp,
    State,
)

_EVERY = 1_000_000  # documents of one folder


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...
    def stream(self, op: str, *, stop: Stop | None = None, **args: Any) -> Generator[Any, None, Any]: ...


class Coming(Protocol):
    @property
    def id(self) -> str: ...
    def embed(self, texts: Sequence[str], stop: Stop | None = None) -> list[str]: ...


class Reranker(Protocol):
    @property
    def id(self) -> str: ...
    def use(self, id: str) -> None: ...
    def order(self, question: str, texts: Sequence[str]) -> list[int]: ...
    def end_when_idle(self) -> None: ...
    def close(self) -> None: ...


class Embedder(Protocol):
    def end_when_idle(self) -> None: ...
    @property
    def id(self) -> str: ...
    @property
    def is_up(self) -> bool: ...
    def warm_soon(self) -> None: ...
    def embed(self, texts: Sequence[str], stop: Stop | None = None) -> list[str]: ...
    def embed_question(self, text: str) -> str: ...
    @property
    def coming(self) -> Coming | None: ...
    def change(self, id: str) -> None: ...
    def changed(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Text:
    """A document's whole text. `pages` are (page, start, end) in code points; empty without pages."""

    path: str
    text: str
    pages: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """How often a passage was among the first five for words taken from it, by way of searching.

    `embedder` is the model that found by meaning, `before` what was found the last time.
    """

    questions: int
    words: float
    meaning: float | None
    hybrid: float
    advice: str = ""
    embedder: str = ""
    before: Checked | None = None


class Library:
    """Everything about documents. Starts nothing until it is asked."""

    def __init__(
        self, vault: Vault, extractor: Extractor, embedder: Embedder, viewer: Viewer, *,
        is_answering: Callable[[], bool] = lambda: False, reranker: Reranker | None = None,
    ) -> None:  # fmt: skip
        self._reranker = reranker
        self._vault, self._extractor, self._embedder, self._viewer = vault, extractor, embedder, viewer
        self._intake = Intake(vault, extractor, embedder, is_answering)
        self._background = Background(self)

    def add(
        self, paths: Sequence[Path], *, collection: str = GENERAL, watch: bool = False, excluded: Sequence[str] = ()
    ) -> int:
        """Queue files and folders; how many files are to be read. Raises DocumentGone for a path that is not there.

        `work` reads them.
        """
        places = [Path(os.path.abspath(path)) for path in paths]  # noqa: PTH100 - resolve() would follow links
        for place in places:
            if not place.exists():
                raise DocumentGone(str(place))
        queued = 0
        for place in places:
            fields = self._vault.call(
                "library.add_source", path=str(place), collection=collection, watched=watch, excluded=list(excluded)
            )
            queued += self._scan(_source(fields))
        return queued

    def rescan(self, *, full: bool = False) -> int:
        """Look at every source again, opening no file; how many are to be read.

        With `full`, every file is compared by content too (`work` hashes it, and reads what is not the same), for disks
        whose times and sizes cannot be trusted.
        """
        found = sum(self._scan(source) for source in self.sources())
        return int(self._vault.call("library.doubt")) if full else found

    def unwatch(self, path: Path) -> None:
        """Follow a folder no longer; what was read of it stays. Raises LibraryNotFound."""
        self._vault.call("library.unwatch", source=self._source_at(path).id)

    def work(self, stop: Stop) -> Iterator[Progress]:
        """Read and embed what waits; see Intake.work."""
        return self._intake.work(stop)

    def watch(self, stop: Stop) -> Iterator[Progress]:
        """Follow the watched sources until `stop` is set: what changes on disk is read, moved or forgotten."""
        try:
            import watchfiles
        except ImportError as error:
            raise LibraryUnavailable(str(error.name)) from error
        self.rescan()
        yield from self.work(stop)
        watched = [source for source in self.sources() if source.watched and Path(source.path).exists()]
        if not watched:
            return
        places = {source.path for source in watched}
        has_looked = False
        for changed in watchfiles.watch(
            *places, stop_event=stop, recursive=True, raise_interrupt=False, rust_timeout=1000, yield_on_timeout=True
        ):
            if has_looked and not changed:
                continue
            has_looked = True  # once although nothing is told: what changed during the work above was told to nobody
            for source in watched:
                self._scan(source)
            yield from self.work(stop)

    def attend(self) -> None:
        """Read, embed and watch from now on, on a thread; when it does already, look again at what there is to do.

        For a process that holds the profile, and again after each `add` and `resume` there. `close` ends it.
        """
        self._background.wake()

    @property
    def is_busy(self) -> bool:
        """Whether files are being read or embedded now, here or in the background."""
        return self._background.is_busy or self._intake.is_working

    @property
    def failure(self) -> FreeholdError | None:
        """What ended the work in the background since the last `attend`, if anything."""
        return self._background.failure

    @property
    def progress(self) -> Progress | None:
        """How far the work in the background is. Asks nobody, so it may be asked often."""
        return self._background.progress

    @property
    def finds_meaning(self) -> bool:
        """Whether there is a model that finds by meaning."""
        return bool(self._embedder.id)

    @property
    def embedder(self) -> str:
        """The id of the model that finds by meaning; empty when there is none."""
        return self._embedder.id

    @property
    def refuses_by_words(self) -> bool:
        """Whether a model finds by meaning whose cosines do not say whether the documents hold an answer."""
        return self.finds_meaning and self.embedder not in CALIBRATED_FOR

    @property
    def coming_embedder(self) -> tuple[str, int, int] | None:
        """The model that takes its place when it has read every passage, how many it has read, and of how many."""
        coming = self._embedder.coming
        if coming is None:
            return None
        done, total = self._vault.call("library.embedded_so_far", embedder=coming.id)
        return coming.id, done, total

    def use_embedder(self, id: str) -> None:
        """Let another model, one that is here, find by meaning once `work` has read everything with it; until then the
        old one serves. The one that serves takes a change under way back.
        """
        self._embedder.change(id)

    @property
    def reranker(self) -> str:
        """The id of the model that puts results in order; empty when none is switched on."""
        return self._reranker.id if self._reranker else ""

    def use_reranker(self, id: str) -> None:
        """Let a model that is here put results in order from now on; none with an empty id."""
        if self._reranker is not None:
            self._reranker.use(id)

    def recover(self) -> int:
        """To be called once after unlocking; how many files wait from before."""
        return int(self._vault.call("library.recover"))

    def warm(self, stop: Stop) -> None:
        """Have the vault take the chunks into memory, some at a time; until then searches are by words alone."""
        while not stop.is_set() and self._vault.call("library.warm", embedder=self._embedder.id):
            pass

    def pause(self) -> None:
        """Stop after the file in hand, and stay stopped over restarts until `resume`."""
        self._vault.call("library.remember", name="paused", value="yes")

    def resume(self) -> None:
        self._vault.call("library.remember", name="paused", value="no")

    @property
    def is_paused(self) -> bool:
        return bool(self._vault.call("library.remembered", name="paused") == "yes")

    def put_first(self, path: Path) -> None:
        """Read this source before the others. Raises LibraryNotFound."""
        self._vault.call("library.put_first", source=self._source_at(path).id)

    def retry(self, path: Path, password: str | None = None) -> None:
        """Read a file again, with its password where it has one, or all in a folder that something was to be said of.

        What was read whole, and is still what it was, is left as it is: it may need a password that nobody gives now.
        The password is kept in memory, until they are read. Raises LibraryNotFound.
        """
        below = self.listed(below=str(path), limit=_EVERY)
        found = [one for one in below if one.reason or one.path == str(path)]
        if not found:
            raise LibraryNotFound(str(path))
        for document in found:
            if password is not None:
                self._intake.give_password(document.id, password)
            was_read = document.state in (State.WORDS, State.INDEXED) and not document.reason
            self._vault.call("library.again", document=document.id, keep=was_read and password is None)

    def status(self, collection: str | None = None) -> list[Document]:
        fields = self._vault.call("library.documents", collection=collection)
        return [Document.from_wire(one) for one in fields]

    def find_document(self, document: int) -> Document | None:
        """None when it was forgotten."""
        fields = self._vault.call("library.document", document=document)
        return None if fields is None else Document.from_wire(fields)

    def listed(
        self, *, collection: str | None = None, below: str = "", states: Sequence[State] = (), text: str = "",
        after: Document | None = None, limit: int = 200,
    ) -> list[Document]:  # fmt: skip
        """Part of `status`, for a list of thousands: `limit` documents by path, those that come behind `after`.

        `below` is a file or folder; no `states` are all of them; `text` is looked for in names and titles.
        """
        fields = self._vault.call(
            "library.listed", collection=collection, below=below, states=[one.value for one in states], text=text,
            after=[after.path, after.id] if after else None, limit=limit,
        )  # fmt: skip
        return [Document.from_wire(one) for one in fields]

    def counts(self) -> dict[str, int]:
        """Documents by state, and `chunks`."""
        return {str(name): int(count) for name, count in self._vault.call("library.counts").items()}

    def sources(self) -> list[Source]:
        return [_source(fields) for fields in self._vault.call("library.sources")]

    def places(self) -> list[str]:
        """What a process that reads documents has to see: the sources, files and folders.

        Programs save by putting a new file in the old one's place: one that was not to be read yet is met by a new
        process, as a source that was added later is.
        """
        return sorted({one.path for one in self.sources()})

    def collections(self) -> list[Collection]:
        sources = self.sources()
        return [
            Collection(one["name"], one["documents"], tuple(s for s in sources if s.collection == one["name"]))
            for one in self._vault.call("library.collections")
        ]

    def forget(self, path: Path) -> int:
        """Remove a file, or all that lies below a folder, from the library for good; how many documents went.

        The files themselves stay. Raises LibraryNotFound.
        """
        place = os.path.abspath(path)  # noqa: PTH100 - as in `add`
        sources = [source for source in self.sources() if _is_at_or_below(source.path, place)]
        documents = [one.id for one in self.status() if _is_at_or_below(one.path, place)]
        if not sources and not documents:
            raise LibraryNotFound(place)
        for source in self.sources():
            if _is_at_or_below(place, source.path) and source.path != place:
                self._vault.call("library.exclude", source=source.id, pattern=place)  # or the next look brings it back
        gone = self._vault.call("library.forget", documents=documents, sources=[source.id for source in sources])
        return int(gone)

    def search(
        self, query: str, *, k: int = 10, collections: Sequence[str] | None = None, mode: Mode = "hybrid",
        wait: bool = False, kinds: Sequence[str] = (), since: float | None = None, until: float | None = None,
    ) -> Found:  # fmt: skip
        """Passages for `query`, best first, of documents of these `collections` (None: all) and `kinds` (suffixes as
        ".pdf"; none: all), last changed from `since` on and before `until`, in seconds since 1970.

        While the embedder is cold, or the vault not warm, a hybrid search is by words alone, and says so; `wait` waits
        for both. Raises EmbedderMissing when `meaning` is asked for and there is none.
        """
        embedder, vector = self._embedder.id, self._vector(query, mode, wait)
        used: Mode = "words" if vector is None else mode
        if wait or mode == "meaning":
            self.warm(Stop())
        answer = self._vault.call(
            "library.search", query=query, vector=vector, embedder=embedder,
            k=max(k, READ) if self.reranker else k,
            collections=None if collections is None else list(collections), mode=used, kinds=list(kinds) or None,
            since=since, until=until,
        )  # fmt: skip
        passages = tuple(Passage.from_wire(one) for one in answer["passages"])
        if answer["mode"] != "words":  # of which somebody asked for just that, or for something at once
            passages = self._in_order(query, passages)
        return Found(passages[:k], answer["mode"], Signal(**answer["signal"], model=embedder))

    def text(self, path: Path, collection: str | None = None) -> Text:
        """The text that offsets point into. Raises LibraryNotFound."""
        pieces: list[str] = []
        pages: list[tuple[int, int, int]] = []
        for part in self._vault.stream("library.text", path=str(path), collection=collection):
            pieces.append(part["text"])
            end = part["start"] + len(part["text"])
            if part["page"] is not None and pages and pages[-1][0] == part["page"]:
                pages[-1] = (part["page"], pages[-1][1], end)
            elif part["page"] is not None:
                pages.append((part["page"], part["start"], end))
        return Text(str(path), "".join(pieces), tuple(pages))

    def whole(self, document: int, most: int) -> tuple[Passage, ...]:
        """All of a document that has at most `most` chunks, for a context that holds it whole; else nothing."""
        return tuple(
            Passage.from_wire(one) for one in self._vault.call("library.passages", document=document, around=most)
        )

    def passages_of(self, spans: Sequence[Span]) -> tuple[Quoted, ...]:
        """What became of texts that were quoted before, each found again where it moved within its document."""
        return tuple(Quoted(**one) for one in self._vault.call("library.quoted", spans=[list(span) for span in spans]))

    def page_sizes(self, path: Path, password: str | None = None) -> tuple[tuple[float, float], ...]:
        """Each page's width and height, in the document's own measure; of a PDF or a picture, nothing else has pages.

        Raises DocumentUnsupported for the rest, whose `text` is to be shown, and what reading raises.
        """
        return self._viewer.sizes(path, password)

    def page(self, path: Path, number: int, width: int, passage: str = "", password: str | None = None) -> PagePicture:
        """Page `number`, from 1, `width` pixels wide at most, and where the passage stands on it."""
        return self._viewer.page(path, number, width, passage, password)

    def find_on_page(self, path: Path, number: int, passage: str, password: str | None = None) -> tuple[Box, ...]:
        """Where the passage stands on a page that has no text of its own, by recognising it anew: takes seconds."""
        return self._viewer.find(path, number, passage, password)

    def check(self, questions: int = 40) -> Generator[int, None, Checked]:
        """Take words from passages and see whether searching finds the passage again; yields how many are done.

        What was found is kept in the vault, and compared the next time.
        """
        from freehold.library.check import compared, from_json, question_from, shares, to_json

        hits = {"words": 0, "meaning": 0, "hybrid": 0}
        sample = self._vault.call("library.sample", many=questions)
        for number, one in enumerate(sample, 1):
            for mode in _modes(self._embedder.id):
                found = self.search(question_from(one["text"]), k=5, mode=mode, wait=True)
                hits[mode] += any(
                    _covers(hit, one["document"], one["start"], len(one["text"])) for hit in found.passages
                )
            yield number
        result = shares(len(sample), hits, self._embedder.id)
        before = from_json(self._vault.call("library.remembered", name="last check"))
        if result.questions:
            self._vault.call("library.remember", name="last check", value=to_json(result))
        return compared(result, before, is_changing=self.coming_embedder is not None)

    def rest(self) -> None:
        """Give back the memory of what was not used for some minutes; to be called now and then."""
        self._embedder.end_when_idle()
        self._viewer.end_when_idle()
        if self._reranker is not None:
            self._reranker.end_when_idle()

    def close(self) -> None:
        """End the processes and what goes on in the background; nothing is lost. `attend` begins again."""
        self._background.end()
        self._extractor.close()
        self._viewer.close()
        self._embedder.close()
        if self._reranker is not None:
            self._reranker.close()

    def _in_order(self, query: str, passages: tuple[Passage, ...]) -> tuple[Passage, ...]:
        """The best of them as the reranker orders them, where one is switched on; the rest behind them."""
        if self._reranker is None or not self.reranker or len(passages) < 2:
            return passages
        order = self._reranker.order(query, [one.text for one in passages[:READ]])
        return (*(passages[place] for place in order), *passages[READ:])

    def _vector(self, query: str, mode: Mode, wait: bool) -> str | None:
        if mode == "words" or (mode == "hybrid" and not self._embedder.id):
            return None
        if mode == "hybrid" and not wait and not self._embedder.is_up:
            self._embedder.warm_soon()
            return None
        return self._embedder.embed_question(query)

    def _scan(self, source: Source) -> int:
        rows = self._vault.call("library.stamps", source=source.id)
        known = {row[1]: Known(row[0], Stamp(*row[2:6])) for row in rows}
        found = changes(known, look(Path(source.path), source.excluded))
        self._follow(source, found)
        return len(found.read)

    def _follow(self, source: Source, found: Changes) -> None:
        for start in range(0, len(found.read), 500):
            files = [[path, s.size, s.mtime, s.ctime, s.inode] for path, s in found.read[start : start + 500]]
            self._vault.call("library.enqueue", source=source.id, files=files)
        for document, path, s in found.moved:
            self._vault.call("library.moved", document=document, path=path, size=s.size, mtime=s.mtime, ctime=s.ctime,
                             inode=s.inode)  # fmt: skip
        if found.gone:
            self._vault.call("library.forget", documents=list(found.gone), sources=[])

    def _source_at(self, path: Path) -> Source:
        for source in self.sources():
            if source.path == str(path):
                return source
        raise LibraryNotFound(str(path))


def _modes(embedder: str) -> tuple[Mode, ...]:
    return ("words", "meaning", "hybrid") if embedder else ("words",)


def _covers(hit: Passage, document: int, start: int, length: int) -> bool:
    return hit.document == document and start <= hit.start < start + length


def _is_at_or_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _source(fields: dict[str, Any]) -> Source:
    return Source(**{**fields, "excluded": tuple(fields["excluded"])})
