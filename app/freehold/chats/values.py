"""What a conversation is made of. Pure: no clock, no disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

from freehold.processes.frames import pack_ids, unpack_ids

Where = Literal["auto", "here", "peer"]
"""Where answers may be made: as the rule decides, on this computer alone, or by a paired device."""
DataClass = Literal["words", "documents"]
"""What an answer was made from: what was said alone, or documents too, however indirectly."""


class Role(StrEnum):
    USER = "user"
    ASSISTANT = "assistant"


class Ending(StrEnum):
    """How an answer ended. An answer that is still being written has none."""

    COMPLETE = "complete"
    STOPPED = "stopped"
    LENGTH = "length"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Context:
    """What the model was shown: tokens of the prompt, the limit they had to fit, and what was left out."""

    tokens: int = 0
    limit: int = 0
    dropped_turns: int = 0
    passages: int = 0


class Use(StrEnum):
    """What became of a passage that was found for a question."""

    CITED = "cited"  # sentences of the answer come from it
    USED = "used"  # the model was shown it
    LEFT_OUT = "left-out"  # found, but the context had no room for it
    NEAR = "near"  # a near miss: the documents do not hold the answer


@dataclass(frozen=True, slots=True)
class Source:
    """A passage of a document beside an answer, in numbers alone: they say nothing once the document is forgotten.

    `document` is its id in the library, below 0 the number of a file attached to the question (-1 is the first), and 0
    where the answer came from another vault and its document did not.
    `start` to `end` are code points of its text, `digest` tells whether they still say the same (`library.digest_of`).
    `marks` are the spans of the answer's text, in code points, that it supports.
    """

    document: int
    start: int
    end: int
    page: int | None
    digest: str
    use: Use
    score: float = 0.0
    marks: tuple[tuple[int, int], ...] = ()

    def to_wire(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in Source.__slots__}
        return {**plain, "use": self.use.value, "marks": [list(mark) for mark in self.marks]}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Source:
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        marks = tuple((int(start), int(end)) for start, end in known.pop("marks", ()))
        return cls(**{**known, "use": Use(fields["use"]), "marks": marks})


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer was made, by what, how fast and from what; kept with the turn for ever.

    `where` names who wrote it, in turn: "here" or a device's name. `first_token_s` is in seconds, `sampler` the full
    sampling settings by name, `notes` what a person should know ("the model was reloaded on the processor"). `grounded`
    is None where no documents were asked, False where they do not hold the answer; `sources` are the passages that were
    found, best first. `data_class` is that of everything it was made from ("" before it was noted down), `jobs` are the
    jobs of other devices that wrote at it, whose receipts are kept.
    """

    where: tuple[str, ...] = ("here",)
    model: str = ""
    model_sha256: str = ""
    sampler: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    context: Context = Context()
    first_token_s: float = 0.0
    tokens: int = 0
    tokens_per_s: float = 0.0
    notes: tuple[str, ...] = ()
    grounded: bool | None = None
    sources: tuple[Source, ...] = ()
    data_class: str = ""
    jobs: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        context = {name: getattr(self.context, name) for name in Context.__slots__}
        plain = {name: getattr(self, name) for name in Provenance.__slots__}
        return {
            **plain, "context": context, "where": list(self.where), "notes": list(self.notes), "jobs": list(self.jobs),
            "sampler": dict(self.sampler), "sources": [source.to_wire() for source in self.sources],
        }  # fmt: skip

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Provenance:
        """Tolerant of fields that an older or newer version had."""
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        context = {n: v for n, v in dict(known.pop("context", {})).items() if n in Context.__slots__}
        where, notes, jobs = (tuple(known.pop(name, ())) for name in ("where", "notes", "jobs"))
        sources = tuple(Source.from_wire(one) for one in known.pop("sources", ()))
        return cls(
            **known, where=where or ("here",), notes=notes, jobs=jobs, sources=sources, context=Context(**context)
        )


def renumbered(provenance: Mapping[str, Any], number: Callable[[int], int]) -> dict[str, Any]:
    """A provenance's wire form with the documents of its sources numbered as `number` says: attached files stay."""
    sources = provenance.get("sources", ())
    here = [{**one, "document": number(one["document"])} if one["document"] > 0 else one for one in sources]
    return {**provenance, "sources": here}


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with a question. `length` is of its text, in characters.

    `text` and `pieces`, which are (length in characters, page or None) and tile it, are empty unless they were asked
    for: turns name their files, `Conversations.attached` tells what is in them.
    """

    name: str
    length: int
    text: str = ""
    pieces: tuple[tuple[int, int | None], ...] = ()

    def to_wire(self) -> dict[str, Any]:
        whole = {"text": self.text, "pieces": [list(piece) for piece in self.pieces]} if self.text else {}
        return {"name": self.name, "length": self.length, **whole}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Attachment:
        pieces = tuple((int(length), page) for length, page in fields.get("pieces") or ())
        return cls(fields["name"], int(fields["length"]), fields.get("text", ""), pieces)


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said. Immutable once `ending` is set (answers) or from the start (questions).

    `created` is seconds since 1970, UTC. `tokens` are the ids an answer was made of, valid for the model
    `provenance.model_sha256` only; they let the next turn be read without reading this one again. `error` is the wire
    form of what broke a broken answer. `attachments` are the files that came with a question.
    """

    id: str
    chat: str
    parent: str | None
    role: Role
    text: str
    created: float
    ending: Ending | None = None
    provenance: Provenance | None = None
    tokens: tuple[int, ...] = ()
    error: Mapping[str, str] | None = None
    attachments: tuple[Attachment, ...] = ()

    def to_wire(self) -> dict[str, Any]:
        return {
            "id": self.id, "chat": self.chat, "parent": self.parent, "role": self.role.value, "text": self.text,
            "created": self.created, "ending": self.ending.value if self.ending else None,
            "provenance": self.provenance.to_wire() if self.provenance else None,
            "tokens": pack_ids(self.tokens) if self.tokens else "",
            "error": dict(self.error) if self.error else None,
            "attachments": [one.to_wire() for one in self.attachments],
        }  # fmt: skip

    def renumbered(self, number: Callable[[int], int]) -> Turn:
        """The same with its sources' documents numbered as `number` says."""
        if self.provenance is None or not self.provenance.sources:
            return self
        made = Provenance.from_wire(renumbered(self.provenance.to_wire(), number))
        return replace(self, provenance=made)

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Turn:
        ending, provenance, tokens = fields.get("ending"), fields.get("provenance"), fields.get("tokens")
        return cls(
            id=fields["id"], chat=fields["chat"], parent=fields.get("parent"), role=Role(fields["role"]),
            text=fields["text"], created=float(fields.get("created", 0.0)),
            ending=Ending(ending) if ending else None,
            provenance=Provenance.from_wire(provenance) if provenance else None,
            tokens=tuple(unpack_ids(tokens)) if tokens else (), error=fields.get("error"),
            attachments=tuple(Attachment.from_wire(one) for one in fields.get("attachments") or ()),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """Which documents an answer is made from: none, those of some `collections`, or all when none is named."""

    reads: bool = False
    collections: tuple[str, ...] = ()

    def to_wire(self) -> list[str] | None:
        return list(self.collections) if self.reads else None

    @classmethod
    def from_wire(cls, names: Sequence[str] | None) -> Scope:
        return NO_DOCUMENTS if names is None else cls(True, tuple(names))


NO_DOCUMENTS = Scope()
ALL_DOCUMENTS = Scope(True)


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation. `leaf` is the last turn of the branch in view; `turns` counts the turns of that branch.

    `system_prompt` None means the owner's general one; `sampling` holds only what this chat changes;
    `model` empty means whichever is in use; `deleted` is when it was put in the trash; `scope` which documents its
    answers are made from, and `where` they may be made.
    """

    id: str
    title: str
    created: float
    updated: float
    turns: int = 0
    leaf: str | None = None
    system_prompt: str | None = None
    sampling: Mapping[str, float | int] = field(default_factory=dict)
    model: str = ""
    draft: str = ""
    deleted: float | None = None
    scope: Scope = NO_DOCUMENTS
    where: Where = "auto"

    def to_wire(self) -> dict[str, Any]:
        plain = {name: getattr(self, name) for name in Chat.__slots__}
        return plain | {"sampling": dict(self.sampling), "scope": self.scope.to_wire()}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Chat:
        known = {name: fields[name] for name in cls.__slots__ if name in fields}
        return cls(**{**known, "scope": Scope.from_wire(fields.get("scope"))})


NEW_CHAT = Chat("", "", 0.0, 0.0)
"""One that begins with the next question."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One turn of a branch in outline: enough to lay a long chat out before its words are fetched.

    `length` is in characters; this turn is number `place` (from 0) of `siblings` alternatives.
    """

    id: str
    role: Role
    length: int
    place: int
    siblings: int


@dataclass(frozen=True, slots=True)
class Hit:
    r"""A turn that matches a search; `text` is an excerpt, with the matched words between \\x02 and \\x03."""

    chat: str
    title: str
    turn: str
    role: Role
    text: str


def storable(text: str) -> str:
    """`text` as a database can hold it: halves of surrogate pairs and NUL become U+FFFD, all else stays."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\0", "\ufffd")


def title_from(question: str) -> str:
    """A chat's first title: the first line of its first question, at most 60 characters, cut at a word."""
    line = next((line.strip() for line in question.splitlines() if line.strip()), "")
    if len(line) <= 60:
        return line or "New chat"
    return line[:60].rsplit(" ", 1)[0].rstrip(" ,;:.") + "…"


def split_thinking(text: str) -> tuple[str, str]:
    """An answer's thinking and the answer proper. Thinking stands first, between <think> and </think>.

    Some models' templates open the tag in the prompt, so a text that closes it without opening counts too.
    """
    opened = text.lstrip().startswith("<think>")
    body = text.lstrip().removeprefix("<think>") if opened else text
    thinking, closed, answer = body.partition("</think>")
    if closed:
        return thinking.strip(), answer.lstrip()
    return (thinking.strip(), "") if opened else ("", text)
