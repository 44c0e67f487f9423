"""What the library speaks of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

Mode = Literal["hybrid", "words", "meaning"]
GENERAL = "documents"  # the collection of what was added without naming one
PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")  # whose text is recognised


class State(StrEnum):
    """Where a document is on its way. WORDS: found by its words, not yet by its meaning."""

    WAITING = "waiting"
    WORDS = "words"
    INDEXED = "indexed"
    EMPTY = "empty"
    FAILED = "failed"
    UNSUPPORTED = "unsupported"


FINAL = frozenset({State.INDEXED, State.EMPTY, State.FAILED, State.UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class Stamp:
    """What tells whether a file changed, without opening it. Times in nanoseconds since 1970."""

    size: int
    mtime: int
    ctime: int
    inode: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file in the library. `reason` is filled where something is to be said; `pages` is 0 without pages.

    `kind` is a suffix (".pdf"), what the file really is once it was read; `modified` is in seconds since 1970.
    """

    id: int
    path: str
    collection: str
    state: State
    reason: str = ""
    title: str = ""
    pages: int = 0
    chunks: int = 0
    bytes: int = 0
    kind: str = ""
    modified: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """The row of `library status`."""
        return {
            "path": self.path, "collection": self.collection, "state": self.state.value, "reason": self.reason,
            "pages": self.pages, "chunks": self.chunks,
        }  # fmt: skip

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Document:
        return cls(**{**fields, "state": State(fields["state"])})


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document that was found. `text` is the document's text from `start` to `end` (code points).

    `words` is its BM25 score and `meaning` its cosine to the question, both raw, None where that ranker did not see
    it; `score` is what it was ranked by. `context` is the heading path and a table's header.
    """

    document: int
    path: str
    page: int | None
    start: int
    end: int
    text: str
    score: float
    title: str = ""
    context: str = ""
    words: float | None = None
    meaning: float | None = None

    def to_json(self) -> dict[str, Any]:
        """A CITATION of the command line's contract."""
        names = ("document", "path", "page", "start", "end", "text", "score")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Passage:
        return cls(**{name: fields[name] for name in cls.__slots__ if name in fields})


def digest_of(text: str) -> str:
    """By which a quoted text is known again."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Span(NamedTuple):
    """Where a text stood in a document when it was quoted. `digest` is `digest_of` that text."""

    document: int
    start: int
    end: int
    digest: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """What became of a Span. `here`: `text` stands from `start` to `end`, which may have moved since; `changed`: the
    document does not say it any more; `gone`: the document was forgotten, and of it nothing is known but its number;
    `elsewhere`: it is a document of another vault, which is not here.
    """

    document: int
    start: int
    end: int
    state: Literal["here", "changed", "gone", "elsewhere"]
    path: str | None = None
    title: str = ""
    page: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class FileText:
    """What was read from a file that is not in the library. `pieces` are (length in code points, page or None) and tile
    the text; `note` says what was left out.
    """

    text: str
    pieces: tuple[tuple[int, int | None], ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """The answer to a search, best first. `mode` is how it was found: by words alone while meaning is not up."""

    passages: tuple[Passage, ...]
    mode: Mode
    signal: Signal


@dataclass(frozen=True, slots=True)
class Signal:
    """How well the best passages fit the question, from which `grounding` decides whether the documents hold it.

    `best_meaning` is the highest cosine; `coverage` the share, by rarity, of the question's weighty terms that one of
    the three best passages says, name of the file included; `names` the same of its names and numbers, 1 where it has
    none; `standing_out` how much of the highest BM25 score is missing at the eleventh; `lead` by how many standard
    deviations the best passage is above the tenth, None where scores are not standardised. `model` is whose cosines.
    """

    best_meaning: float | None = None
    coverage: float = 0.0
    names: float = 1.0
    standing_out: float = 0.0
    lead: float | None = None
    model: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A named part of the library and the files and folders that make it up."""

    name: str
    documents: int
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """A file or folder that was added. `excluded` are patterns of names to leave out."""

    id: int
    path: str
    collection: str
    watched: bool = False
    first: bool = False
    excluded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A place on a page, as shares (0 to 1) of its width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as packed RGB rows, and where the passage stands in its own text; a page that is a picture has none."""

    width: int
    height: int
    rgb: bytes
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """One file has come further. `seconds_left` is None until it can be told."""

    done: int
    total: int
    path: str
    state: State
    seconds_left: float | None = None
