"""The sources of an answer, as they stand below it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from freehold.assistant.values import Reference
from freehold.chats.values import Use
from freehold.rendering.visible import visible
from freehold.terminal.library_words import shortened

_QUOTED = 160  # characters of a passage
_UNNAMED = {"gone": "a document that was forgotten", "elsewhere": "a document that is not in this vault"}


def references_text(references: Sequence[Reference]) -> RenderableType:
    """The passages that an answer cites, by number, or what came near when the documents do not say."""
    cited = [one for one in references if one.use is Use.CITED]
    near = [one for one in references if one.use is Use.NEAR]
    if not cited and not near:
        return Group()
    parts: list[RenderableType] = [Text("")] if cited else [Text("\nNearest in your documents:", style="dim")]
    for one in cited or near:
        name = one.path or _UNNAMED.get(one.state, "")
        place = visible(name) + (f", page {one.page}" if one.page else "")
        parts.append(Text.assemble((f"[{one.number}] " if one.number else "- ", "dim"), (place, "bold")))
        words = {"here": shortened(one.text, _QUOTED), "changed": "It has changed since."}.get(one.state, "")
        if words:
            parts.append(Padding(Text(visible(words), style="dim"), (0, 0, 0, 4)))
    return Group(*parts)
