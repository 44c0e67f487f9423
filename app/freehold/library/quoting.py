"""Finding a text again that was quoted from a document, by its digest. Pure."""

from __future__ import annotations

import re

from freehold.library.values import digest_of

QUOTED_NEAR = 400_000  # characters before and after where it stood, in which it is looked for
_BEGINS = re.compile(r"(?:(?<!\S)|(?<=[.!?。！？]))\S")
_ENDS = re.compile(r"(?<=\S)(?!\S)|(?<=[.!?。！？])")


def standing(text: str, start: int, length: int, digest: str) -> tuple[int, str] | None:
    """Where the text of this digest stands in `text`, and the text itself: at `start`, else at the nearest place where
    a passage could begin and end.
    """
    nearest = sorted((match.start() for match in _BEGINS.finditer(text)), key=lambda place: abs(place - start))
    for place in (start, *nearest):
        end = place + length
        is_cut_well = place == start or _ENDS.match(text, end)
        if 0 <= place < end <= len(text) and is_cut_well and digest_of(text[place:end]) == digest:
            return place, text[place:end]
    return None
