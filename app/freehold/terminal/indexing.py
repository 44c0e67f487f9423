"""Reading and embedding as a command shows it: a bar for people, lines for programs, and the sum at the end."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.errors import FreeholdError
from freehold.library.values import Progress as FileDone
from freehold.library.values import State
from freehold.terminal.call import Call
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.output import Output, Progress
from freehold.terminal.words import count

if TYPE_CHECKING:
    from freehold.library.library import Library
    from freehold.library.values import Document

_LOOK_SECONDS = 0.5
_IN_WORDS = {
    State.INDEXED: "searchable", State.WORDS: "found by words only", State.WAITING: "waiting",
    State.EMPTY: "without text", State.FAILED: "failed", State.UNSUPPORTED: "of a kind that cannot be read",
}  # fmt: skip
_COUNTED = (State.INDEXED, State.EMPTY, State.FAILED, State.UNSUPPORTED)


def read_words(call: Call, library: Library) -> None:
    """Read what waits, so that its words are found; meaning is left for later."""
    if library.counts().get("waiting"):
        show_files(call, _until_words(library, library.work(call.stop)), library.counts())


def read_all(call: Call, library: Library) -> None:
    """Read and embed until nothing waits. In a process that works already, look on until it is done."""
    steps = _look_on(call, library) if call.is_served else library.work(call.stop)
    show_files(call, steps, library.counts())


def show_files(call: Call, steps: Iterator[FileDone], counts: Mapping[str, int]) -> None:
    """Follow `steps` to their end or until Ctrl-C. `counts` are the library's when they begin."""
    with ExitStack() as while_it_lasts:
        while_it_lasts.enter_context(stops_on_interrupt(call.stop))
        if isinstance(steps, Generator):
            while_it_lasts.enter_context(closing(steps))
        shown = _Shown(call.output, while_it_lasts.enter_context(call.output.progress()), counts.get("waiting", 0))
        try:
            for step in steps:
                shown.tell(step)
        except FreeholdError:
            if not call.stop.is_set():  # a worker that was too deep in its work to heed Ctrl-C was ended: no failure
                raise


class Tally:
    """What became of the files at or below `places`, since it was made."""

    def __init__(self, library: Library, places: Sequence[Path], collection: str | None = None) -> None:
        self._library, self._collection = library, collection
        self._places = [str(place) for place in places]
        self._began = time.monotonic()

    def documents(self) -> list[Document]:
        found = self._library.status(self._collection)
        return [one for one in found if any(_is_at_or_below(one.path, place) for place in self._places)]

    def document(self) -> dict[str, Any]:
        """`waiting` are the files that meaning does not find yet: none after a --wait that came to its end."""
        states = [one.state for one in self.documents()]
        return {
            "files": {state.value: states.count(state) for state in _COUNTED},
            "chunks": sum(one.chunks for one in self.documents()),
            "seconds": round(time.monotonic() - self._began, 1),
            "waiting": states.count(State.WAITING) + states.count(State.WORDS),
        }

    def words(self) -> str:
        documents = self.documents()
        states = [one.state for one in documents]
        parts = [f"{states.count(state)} {words}" for state, words in _IN_WORDS.items() if state in states]
        passages = count(sum(one.chunks for one in documents), "passage")
        told = f"{count(len(documents), 'file')}: {', '.join(parts) or 'nothing to read'}; {passages}."
        needs_words = [one for one in documents if one.state in _COUNTED[1:]]
        return told + (" `freehold library status` says why." if needs_words else "")


def _is_at_or_below(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip(os.sep) + os.sep)


def _until_words(library: Library, steps: Iterator[FileDone]) -> Iterator[FileDone]:
    for step in steps:
        yield step
        if not library.counts().get("waiting"):
            return


def _look_on(call: Call, library: Library) -> Iterator[FileDone]:
    library.attend()
    before = {one.id: one.state for one in library.status()}
    while True:
        is_busy = library.is_busy
        now = library.status()
        waiting = sum(one.state in (State.WAITING, State.WORDS) for one in now)
        for one in now:
            if before.get(one.id) is not one.state and one.state is not State.WAITING:
                yield FileDone(len(now) - waiting, len(now), one.path, one.state)
        before = {one.id: one.state for one in now}
        if not is_busy or call.stop.wait(_LOOK_SECONDS):
            break
    if library.failure is not None and not call.stop.is_set():
        raise library.failure


class _Shown:
    """Each file as a line of JSON, or as a part of two bars: first the words of all files, then their meaning."""

    def __init__(self, output: Output, progress: Progress, to_read: int) -> None:
        self._output, self._progress = output, progress
        self._read, self._to_read = 0, to_read

    def tell(self, step: FileDone) -> None:
        if self._output.json:
            document = {"done": step.done, "total": step.total, "path": step.path, "state": step.state.value}
            self._output.document_line(document)
            return
        left = ""
        if self._output.err_screen.moves and step.seconds_left:  # in a log it would be a line for every second
            left = f", {_duration(step.seconds_left)} left"
        if step.state is State.INDEXED:
            self._progress.update("Meaning" + left, step.done, step.total)
        else:
            self._read += 1
            self._progress.update("Words" + left, self._read, max(self._read, self._to_read))


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
