"""The steps of an answer, as the window and the terminal see them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.chats.values import Context, Turn
from freehold.engine.values import Loading, Notice, Reading

__all__ = ["Answered", "Asked", "Began", "LeftOut", "Loading", "Notice", "Reading", "Step", "Words"]


@dataclass(frozen=True, slots=True)
class Asked:
    """The question is saved (committed to disk) and will not be lost, whatever happens next."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Began:
    """An answer has a place in the tree; its words follow."""

    turn: Turn


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


Step = Asked | Began | LeftOut | Words | Answered | Loading | Notice | Reading
