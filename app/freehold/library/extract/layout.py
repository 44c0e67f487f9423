"""Lines that stand on a page to blocks in reading order; whether they were written there or recognised. Pure."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from freehold.library.extract.blocks import Block, Blocks, Kind, heading, paragraph

SOFT_HYPHENS = "\ufffe\u0002\u00ad"  # how PDFium marks a word that the line's end divides
_ITEM = re.compile(r"(?:[•▪◦‣●○■□–—*·-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_LEAST_COLUMN = 15  # letters a line: what is shorter is a table's cell, and belongs to its row
_DEEPEST = 60  # cuts within cuts of one page


class Line(NamedTuple):
    """A line of a page. `top` and `bottom` are measured from the page's lower edge, `size` is the font's."""

    text: str
    top: float
    bottom: float
    left: float
    right: float
    size: float


def structured(lines: Sequence[Line], page: int) -> Blocks:
    """Headings are larger than what most of the page is set in; a paragraph ends at a gap, an indent or a bullet."""
    body = statistics.median_high(line.size for line in lines for _ in range(max(len(line.text) // 20, 1)))
    widest = max(line.right for line in lines)
    waiting: list[Line] = []
    for line in lines:
        if waiting and _divides(waiting[-1], line, widest):
            yield from _block(waiting, body, page)
            waiting = []
        waiting.append(line)
    yield from _block(waiting, body, page)


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Lines found anywhere on a page: columns one after the other, else from top to bottom and left to right."""
    return _ordered(sorted(lines, key=lambda line: -line.top), _DEEPEST)


def steadied(lines: Sequence[Line]) -> list[Line]:
    """Recognised lines are measured roughly: what is about as large as most is taken to be as large."""
    if not lines:
        return []
    body = statistics.median(line.size for line in lines)
    return [line._replace(size=body) if 0.65 * body < line.size < 1.45 * body else line for line in lines]


def _divides(above: Line, below: Line, widest: float) -> bool:
    height = max(above.top - above.bottom, above.size * 0.6, 1.0)
    gap = above.bottom - below.top
    if abs(above.size - below.size) > 0.1 * max(above.size, below.size):
        return True
    if gap > 0.9 * height or gap < -3 * height:  # white space, or the next column
        return True
    if _ITEM.match(below.text):
        return True
    ends_early = above.right < 0.8 * widest and above.text[-1:] in ".!?:;"
    return ends_early or (above.text[-1:] in ".:" and below.left > above.left + above.size)


def _block(lines: list[Line], body: float, page: int) -> Blocks:
    text = _joined(lines)
    large = lines[0].size / max(body, 0.1)
    if large >= 1.15 and len(text) < 160 and any(character.isalpha() for character in text):
        yield from heading(text, 1 if large >= 1.7 else 2 if large >= 1.35 else 3, page)
    elif _ITEM.match(text):
        yield Block(Kind.ITEM, text, page=page)
    else:
        yield from paragraph(text, page)


def _joined(lines: list[Line]) -> str:
    """Lines as running text, words that were divided at a line's end made whole."""
    text = lines[0].text
    for line in lines[1:]:
        if text[-1:] in SOFT_HYPHENS:
            text = text[:-1] + line.text
        elif text[-1:] == "-" and text[-2:-1].isalpha():
            text = (text[:-1] if line.text[:1].islower() else text) + line.text
        else:
            text = f"{text} {line.text}"
    return re.sub(f"[{SOFT_HYPHENS}]", "", text)


def _ordered(lines: list[Line], depth: int) -> list[Line]:
    """Cut the page along white space, again and again: between columns where there are any, else between rows."""
    if len(lines) < 2 or not depth:
        return lines
    place = _widest_gap([(line.left, line.right) for line in lines])
    if place is not None:
        left = [line for line in lines if line.right <= place]
        right = [line for line in lines if line.right > place]
        if _is_column(left) and _is_column(right):
            return _ordered(left, depth - 1) + _ordered(right, depth - 1)
    place = _widest_gap([(line.bottom, line.top) for line in lines])
    if place is None:  # the lines of one row, or overlapping ones
        return sorted(lines, key=lambda line: (-round(line.bottom / max(line.size, 1.0)), line.left))
    upper = [line for line in lines if line.bottom >= place]
    lower = [line for line in lines if line.bottom < place]
    return _ordered(upper, depth - 1) + _ordered(lower, depth - 1)


def _is_column(lines: list[Line]) -> bool:
    return len(lines) > 2 and sum(len(line.text) for line in lines) >= _LEAST_COLUMN * len(lines)


def _widest_gap(spans: Iterable[tuple[float, float]]) -> float | None:
    """The middle of the widest place that no span crosses; None when they all hang together."""
    best, place, reached = 0.0, None, float("inf")
    for start, end in sorted(spans):
        if start - reached > best:
            best, place = start - reached, (start + reached) / 2
        reached = end if reached == float("inf") else max(reached, end)
    return place
