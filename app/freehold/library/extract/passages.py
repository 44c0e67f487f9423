"""Finding a passage on a page, although reading joined its lines, made divided words whole or left parts out. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

from freehold.library.extract.layout import SOFT_HYPHENS, Line

_IGNORED = re.compile(r"[\s\-\u2010\u2011" + SOFT_HYPHENS + "]+")
_WORD = re.compile(r"\w+")
_MOST_WORDS = 6_000  # of a page, and a quarter of it of a passage: comparing takes the product of both
_FEWEST = 3  # words in a row that are no accident
_SKIPPED = 4  # words between two finds that the passage leaves out, and a reader would not

Span = tuple[int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom as shares (0 to 1) from the page's upper left corner


def spans_of(passage: str, text: str) -> list[Span]:
    """Where in `text` the passage stands, as half-open ranges: as a whole, else the runs of its words."""
    letters, places = _letters(text)
    wanted = _letters(passage)[0]
    if not wanted:
        return []
    at = letters.find(wanted)
    if at >= 0:
        return [(places[at], places[at + len(wanted) - 1] + 1)]
    return _runs(passage, text)


def boxes_on(lines: Sequence[Line], across: float, down: float, passage: str) -> list[Box]:
    """The passage's boxes on a page of recognised lines: of a line that it holds in part, that part by its letters."""
    found = []
    spans = spans_of(passage, "\n".join(line.text for line in lines))
    at = 0
    for line in lines:
        length = len(line.text)
        for start, end in spans:
            first, last = max(start - at, 0), min(end - at, length)
            if first < last:
                wide = (line.right - line.left) / length
                left, right = line.left + first * wide, line.left + last * wide
                found.append((left / across, 1 - line.top / down, right / across, 1 - line.bottom / down))
        at += length + 1
    return found


def _letters(text: str) -> tuple[str, list[int]]:
    """The text without what reading may change, and where each letter stood."""
    places = [place for place, letter in enumerate(text) if not _IGNORED.fullmatch(letter)]
    return "".join(text[place] for place in places), places


def _runs(passage: str, text: str) -> list[Span]:
    here = list(_WORD.finditer(text))[:_MOST_WORDS]
    wanted = [word.casefold() for word in _WORD.findall(passage)[: _MOST_WORDS // 4]]
    matcher = SequenceMatcher(None, [word[0].casefold() for word in here], wanted, autojunk=False)
    spans: list[tuple[int, int]] = []
    for block in matcher.get_matching_blocks():
        if block.size < min(_FEWEST, len(wanted)) or not block.size:
            continue
        if spans and block.a - spans[-1][1] <= _SKIPPED:
            spans[-1] = (spans[-1][0], block.a + block.size)
        else:
            spans.append((block.a, block.a + block.size))
    return [(here[first].start(), here[last - 1].end()) for first, last in spans]
