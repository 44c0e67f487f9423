"""What the library found, for people; and the questions of a batch. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from freehold.foundation.errors import UsageError
from freehold.library.values import Collection, Document, Passage, Source
from freehold.rendering.visible import visible
from freehold.terminal.tables import table

if TYPE_CHECKING:
    from typing import Any

_SHOWN = 500  # characters of a passage


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a batch. `id` is given back as it came; an empty `collection` means all of them."""

    id: Any
    query: str
    collection: str


def questions(lines: str, collection: str = "") -> list[Question]:
    """The lines of a batch, read before any is answered. `collection` is for those that name none.

    Raises UsageError with the number of the line that does not read.
    """
    found = []
    for number, line in enumerate(lines.split("\n"), 1):
        if line.strip():
            found.append(_question(line, number, collection))
    if not found:
        raise UsageError("the batch holds no question")
    return found


def _question(line: str, number: int, collection: str) -> Question:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise UsageError(f"line {number} of the batch is no JSON") from error
    if not isinstance(fields, dict) or "id" not in fields or not isinstance(fields.get("query"), str):
        raise UsageError(f"line {number} of the batch lacks id or query")
    named = fields.get("collection") or collection
    if not isinstance(named, str):
        raise UsageError(f"line {number} of the batch names no collection")
    return Question(fields["id"], fields["query"], named)


def documents_table(documents: Sequence[Document]) -> RenderableType:
    """Each document's state, and below them why those that were not read were not."""
    rows = [(one.state.value, one.path, str(one.pages or ""), str(one.chunks), one.collection) for one in documents]
    parts: list[RenderableType] = [table("state", "file", "pages", "passages", "collection", rows=rows, wide="file")]
    for one in documents:
        if one.reason:
            parts += [Text(f"\n{visible(one.path)}"), Padding(Text(visible(one.reason), style="dim"), (0, 0, 0, 2))]
    return Group(*parts)


def collections_table(collections: Sequence[Collection]) -> RenderableType:
    rows = []
    for one in collections:
        rows += [
            (one.name if not place else "", str(one.documents) if not place else "", _source_words(source),
             "watched" if source.watched else "")
            for place, source in enumerate(one.sources)
        ]  # fmt: skip
    return table("collection", "documents", "from", "", rows=rows, wide="from")


def _source_words(source: Source) -> str:
    """A file or folder, and what is not read of it: names left out, files forgotten."""
    return f"{source.path}, without {', '.join(source.excluded)}" if source.excluded else source.path


def passages_text(passages: Sequence[Passage]) -> RenderableType:
    """Where each passage stands, how well it fits beside the best one, and its beginning."""
    parts: list[RenderableType] = []
    best = max((one.score for one in passages), default=0.0)
    for number, one in enumerate(passages, 1):
        place = visible(one.path) + (f", page {one.page}" if one.page else "")
        parts.append(Text.assemble((f"{number}. ", "dim"), (place, "bold"), (f"  {_beside(best, one.score)}", "dim")))
        parts.append(Padding(Text(visible(shortened(one.text, _SHOWN))), (0, 0, 0, 3)))
    return Group(*parts)


def _beside(best: float, score: float) -> str:
    """A score is in deviations from what is usual, which says nothing by itself."""
    return f"{max(score, 0.0) / best:.0%}" if best > 0 else ""


def shortened(text: str, most: int) -> str:
    """`text` in one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 3] + "..."
