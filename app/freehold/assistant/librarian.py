"""The assistant's way to documents: looking into them for a question, reading a file for one message, and finding an
answer's sources again.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from freehold.assistant.evidence import Evidence, best_pieces, choose, near_the_best, pieces_of, tokens_of
from freehold.assistant.values import Notice, Reference
from freehold.chats.values import Attachment, Scope, Source, Turn, Use
from freehold.foundation.errors import WorkerStopped
from freehold.foundation.stop import Stop
from freehold.library.grounding import holds_answer
from freehold.library.values import Collection, FileText, Found, Mode, Passage, Quoted, Span
from freehold.rendering.visible import visible

_FOUND = 10  # passages asked for
_WHOLE = 24  # chunks: a document of more is never tried whole


class Library(Protocol):
    def collections(self) -> list[Collection]: ...
    def search(
        self, query: str, *, k: int, collections: Sequence[str] | None, mode: Mode = "hybrid", wait: bool = False
    ) -> Found: ...
    def whole(self, document: int, most: int) -> tuple[Passage, ...]: ...
    def passages_of(self, spans: Sequence[Span]) -> tuple[Quoted, ...]: ...


class Files(Protocol):
    def read(self, path: Path, stop: Stop, password: str | None = None) -> FileText: ...


class Conversations(Protocol):
    def attached(self, turn: str) -> list[Attachment]: ...


class Librarian:
    """Knows the documents of the library and the files beside questions. Nothing here decides what a model says."""

    def __init__(self, library: Library, files: Files, conversations: Conversations) -> None:
        self._library, self._files, self._conversations = library, files, conversations

    def has_documents(self, scope: Scope) -> bool:
        """Whether anything would be looked into for a question of this `scope`."""
        counts = {one.name: one.documents for one in self._library.collections()} if scope.reads else {}
        return any(counts.get(name) for name in scope.collections or counts)

    def look(self, query: str, scope: Scope) -> Generator[Notice, None, Found | None]:
        """What the documents of `scope` have for `query`, best first; None when there are no documents in it."""
        if not self.has_documents(scope):
            return None
        yield Notice(_looking_into(scope))
        collections = list(scope.collections) or None
        try:
            return self._library.search(query, k=_FOUND, collections=collections, wait=True)
        except WorkerStopped:
            yield Notice("The model that finds by meaning stopped; documents were searched by their words.")
            return self._library.search(query, k=_FOUND, collections=collections, mode="words")

    def holds(self, found: Found) -> bool:
        """Whether the documents hold the answer: decided from calibrated scores, before a model is asked."""
        return bool(found.passages) and holds_answer(found.signal)

    def evidence(self, found: Found, room: int) -> Evidence:
        """What of `found` is to be shown: the best document whole when `room` tokens hold it, else its best pieces; and
        of the others what comes near.
        """
        near, far = near_the_best(found.passages)
        best = near[0]
        whole = self._library.whole(best.document, _WHOLE)
        if not whole or tokens_of(whole) > room:
            chosen = choose(near, room)
        else:
            scores = {passage.start: passage.score for passage in found.passages if passage.document == best.document}
            scored = [replace(passage, score=scores.get(passage.start, 0.0)) for passage in whole]
            chosen = choose([*scored, *(one for one in near if one.document != best.document)], room)
            far = tuple(one for one in far if one.document != best.document)
        return Evidence(chosen.used, (*chosen.left_out, *far))

    def attachments(self, turn: Turn, room: int) -> Evidence:
        """The files beside the question `turn`: whole when `room` tokens hold them, else the pieces that fit best."""
        if not turn.attachments:
            return Evidence()
        has_texts = all(one.text for one in turn.attachments)  # of a question that is not saved yet
        files = turn.attachments if has_texts else self._conversations.attached(turn.id)
        pieces = [piece for number, one in enumerate(files, 1) for piece in pieces_of(one, number)]
        return best_pieces(turn.text, pieces, room)

    def attach(self, path: Path, stop: Stop, password: str | None = None) -> Attachment:
        """Read a file for one message; it does not come into the library.

        Raises DocumentUnreadable, DocumentNeedsPassword, DocumentTooLarge, DocumentUnsupported, DocumentGone,
        Interrupted.
        """
        read = self._files.read(path, stop, password)
        return Attachment(path.name, len(read.text), read.text, read.pieces)

    def references(self, turn: Turn, question: Turn | None) -> tuple[Reference, ...]:
        """The sources of an answer, in their order, as they stand today; `question` is what it answers."""
        sources = turn.provenance.sources if turn.provenance else ()
        spans = [Span(one.document, one.start, one.end, one.digest) for one in sources if one.document > 0]
        known = iter(self._library.passages_of(spans) if spans else ())
        files = self._conversations.attached(question.id) if question is not None and question.attachments else []
        cited, shown = 0, []
        for source in sources:
            cited += source.use is Use.CITED
            number = cited if source.use is Use.CITED else 0
            quoted = next(known) if source.document > 0 else _of_file(source, files)
            shown.append(_reference(source, number, quoted))
        return tuple(shown)


def _looking_into(scope: Scope) -> str:
    if not scope.collections:
        return "Looking into your documents."
    many = len(scope.collections)
    return f"Looking into {many} collections." if many > 1 else f"Looking into {visible(scope.collections[0])}."


def _of_file(source: Source, files: Sequence[Attachment]) -> Quoted:
    number = -source.document
    if number == 0:
        return Quoted(source.document, source.start, source.end, "elsewhere")
    if not 0 < number <= len(files):
        return Quoted(source.document, source.start, source.end, "gone")
    file = files[number - 1]
    text = file.text[source.start : source.end]
    return Quoted(source.document, source.start, source.end, "here", file.name, file.name, source.page, text)


def _reference(source: Source, number: int, quoted: Quoted) -> Reference:
    return Reference(
        number, source.use, source.document, quoted.path or "", quoted.title, quoted.page, quoted.start, quoted.end,
        quoted.text, quoted.state, source.score, source.marks,
    )  # fmt: skip
