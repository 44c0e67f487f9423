"""The steps of an answer, as the window and the terminal see them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from freehold.chats.values import Context, DataClass, Turn, Use
from freehold.engine.values import Loading, Message, Notice, Reading
from freehold.library.values import Mode, Passage

__all__ = ["Answered", "Asked", "Began", "LeftOut", "Loading", "Notice", "Reading", "Sources", "Step", "Words"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The question is saved (committed to disk) and will not be lost, whatever happens next."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Began:
    """An answer has a place in the tree; its words follow."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Sources:
    """What the documents gave for the question of the answer `turn`, best first. `holds` says whether they hold the
    answer; otherwise they are near misses, and no model is asked. `mode` is how they were found.
    """

    turn: str
    passages: tuple[Passage, ...]
    holds: bool
    mode: Mode


@dataclass(frozen=True, slots=True)
class LeftOut:
    """The chat is longer than the context: the oldest `turns` turns were not shown to the model."""

    turns: int
    context: Context


@dataclass(frozen=True, slots=True)
class Words:
    """More of the answer `turn`."""

    turn: str
    text: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer is sealed and saved, with its ending and provenance."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Reference:
    """A source of an answer as it can be shown today.

    `number` counts the cited ones from 1 and is 0 for the others. `document` is its id in the library, below 0 the
    number of an attached file. `text` stands at `start` to `end` of the document's text as it is now; it is empty when
    the document has `changed` since, is `gone`: forgotten, or `elsewhere`: in the vault that this answer came from.
    """

    number: int
    use: Use
    document: int
    path: str
    title: str
    page: int | None
    start: int
    end: int
    text: str
    state: Literal["here", "changed", "gone", "elsewhere"]
    score: float
    marks: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, object]:
        """A CITATION of the command line's contract."""
        names = ("document", "path", "page", "start", "end", "text", "score")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be read of a message, and by whom, before it is sent. `where` names who is asked, the first one first.

    `messages` are everything that a device would read, word for word and in order; empty when the message stays here.
    `tokens` are those of the whole prompt, template included.
    """

    where: tuple[str, ...]
    why: str
    data_class: DataClass
    messages: tuple[Message, ...] = ()
    tokens: int = 0

    @property
    def size(self) -> int:
        """Bytes of the words, in UTF-8."""
        return sum(len(one.text.encode("utf-8", "surrogatepass")) for one in self.messages)


Step = Asked | Began | Sources | LeftOut | Words | Answered | Loading | Notice | Reading
