"""A turn as it is printed after the fact, for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from freehold.chats.values import Role, Turn, split_thinking
from freehold.rendering.visible import visible_lines
from freehold.terminal.answering import provenance_document

if TYPE_CHECKING:
    from rich.console import RenderableType


def turn_document(turn: Turn) -> dict[str, Any]:
    """One turn of `chats show --json`."""
    return {
        "id": turn.id,
        "parent": turn.parent,
        "role": turn.role.value,
        "text": turn.text,
        "ending": turn.ending.value if turn.ending else None,
        "provenance": provenance_document(turn.provenance) if turn.provenance else None,
    }


def body(turn: Turn) -> RenderableType:
    """What was said: a question as it was typed, an answer with its Markdown drawn and its thinking left out."""
    from rich.text import Text

    from freehold.rendering.stream import render
    from freehold.terminal.markdown import rich_document

    if turn.role is Role.USER:
        return Text(visible_lines(turn.text))
    return rich_document(render(split_thinking(turn.text)[1]))
