"""The numbers that Word paints before headings and list items; the file holds only how to count."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_COUNTED = {"decimal": str, "decimalZero": str}


class Numbering:
    """Counts along as paragraphs come. `next` is the number's text, empty for a bullet, None for no list."""

    def __init__(self, document: Any) -> None:
        self._formats: dict[tuple[str, int], tuple[str, str]] = {}
        self._abstract: dict[str, str] = {}
        self._styled: dict[str, tuple[str, int]] = {}
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 9)
        self._read_styles(document)
        self._read_definitions(document)

    def next(self, paragraph: Any) -> str | None:
        properties = paragraph.find(f"{_W}pPr")
        if properties is None:
            return None
        style = properties.find(f"{_W}pStyle")
        styled = self._styled.get(style.get(f"{_W}val", "")) if style is not None else None
        number, level = _list_of(properties, styled)
        if number in ("", "0"):
            return None
        return self._count(self._abstract.get(number, number), level)

    def _count(self, list_id: str, level: int) -> str:
        counts = self._counts[list_id]
        counts[level] += 1
        counts[level + 1 :] = [0] * (8 - level)
        form, words = self._formats.get((list_id, level), ("bullet", ""))
        if form not in _COUNTED:
            return ""
        return re.sub(r"%(\d)", lambda match: str(max(counts[int(match[1]) - 1], 1)) if match[1] != "0" else "", words)

    def _read_styles(self, document: Any) -> None:
        for style in document.styles.element.iter(f"{_W}style"):
            properties = style.find(f"{_W}pPr")
            if properties is not None and properties.find(f"{_W}numPr") is not None:
                self._styled[style.get(f"{_W}styleId", "")] = _list_of(properties, None)

    def _read_definitions(self, document: Any) -> None:
        try:
            root = document.part.numbering_part.element
        except (KeyError, NotImplementedError, AttributeError):
            return
        for definition in root.iter(f"{_W}abstractNum"):
            for level in definition.iter(f"{_W}lvl"):
                form, words = level.find(f"{_W}numFmt"), level.find(f"{_W}lvlText")
                key = definition.get(f"{_W}abstractNumId", ""), _whole(level.get(f"{_W}ilvl"))
                self._formats[key] = (
                    form.get(f"{_W}val", "decimal") if form is not None else "decimal",
                    words.get(f"{_W}val", "") if words is not None else "",
                )
        for number in root.iter(f"{_W}num"):
            abstract = number.find(f"{_W}abstractNumId")
            if abstract is not None:
                self._abstract[number.get(f"{_W}numId", "")] = abstract.get(f"{_W}val", "")


def _list_of(properties: Any, styled: tuple[str, int] | None) -> tuple[str, int]:
    """Which list a paragraph or style belongs to, and how deep."""
    number, level = styled or ("", 0)
    own = properties.find(f"{_W}numPr")
    if own is not None:
        own_number, own_level = own.find(f"{_W}numId"), own.find(f"{_W}ilvl")
        number = own_number.get(f"{_W}val", "") if own_number is not None else number
        level = _whole(own_level.get(f"{_W}val")) if own_level is not None else level
    return number, level


def _whole(text: str | None) -> int:
    return min(int(text), 8) if text and text.isdigit() else 0
