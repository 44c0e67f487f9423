"""Where an answer was made, by what and from what, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from freehold.chats.values import Ending, Provenance, Turn, Use
from freehold.rendering.visible import one_line

HERE = "here"


def _tr(text: str) -> str:
    return QCoreApplication.translate("transcript", text)


def summary(turn: Turn) -> str:
    """One line under an answer."""
    made = turn.provenance
    if made is None:
        return _tr("Imported") if turn.ending is not None else ""
    if made.grounded is False:
        return _tr("Looked up here, no model was asked")
    parts = [place(made)]
    if made.tokens_per_s > 0:
        parts.append(_tr("{0} tok/s").format(speed(made.tokens_per_s)))
    if made.context.passages:
        parts.append(_tr("{0} passages read").format(f"{made.context.passages:,}"))
    if made.context.limit:
        parts.append(_tr("{0} left out").format(left_out(made)))
    if made.notes:
        parts.append(_tr("1 note") if len(made.notes) == 1 else _tr("{0} notes").format(len(made.notes)))
    return "    ".join(parts)


def leaves(made: Provenance) -> bool:
    """Whether anybody but this computer wrote at it, and so read what it was made from."""
    return any(where != HERE for where in made.where)


def place(made: Provenance) -> str:
    """Who wrote it, in turn: "Made by Desk, then here"."""
    if not leaves(made):
        return _tr("Made here")
    makers = [_tr("here") if where == HERE else one_line(where) for where in made.where]
    first = _tr("Made here") if made.where[0] == HERE else _tr("Made by {0}").format(makers[0])
    return _tr(", then ").join([first, *makers[1:]])


def left_out(made: Provenance) -> str:
    """What the model was not shown: the chat's oldest messages, and passages that its context had no room for."""
    messages, passages = made.context.dropped_turns, sum(one.use is Use.LEFT_OUT for one in made.sources)
    parts = []
    if messages:
        parts.append(_tr("1 message") if messages == 1 else _tr("{0} messages").format(f"{messages:,}"))
    if passages:
        parts.append(_tr("1 passage") if passages == 1 else _tr("{0} passages").format(f"{passages:,}"))
    return _tr(" and ").join(parts) or _tr("nothing")


def ending_words(ending: Ending | None) -> str:
    """What is said under an answer that did not end by itself; broken ones say it larger."""
    if ending is Ending.STOPPED:
        return _tr("You stopped this answer here.")
    if ending is Ending.LENGTH:
        return _tr("The answer reached the longest length that is allowed. Settings can raise it.")
    return ""


def speed(tokens_per_s: float) -> str:
    return f"{tokens_per_s:.1f}" if tokens_per_s < 9.95 else f"{tokens_per_s:,.0f}"
