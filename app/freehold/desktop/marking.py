"""Which words of a passage a search was about, and the part of the passage to show. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from freehold.library.words import spaced, terms

_WORD = re.compile(r"[^\W_]+")
_SPACE = re.compile(r"\s+")
_SHORT = 3  # letters: beside longer words, words up to this length say little
_STEM = 4  # letters that two forms of a word share at least
_ENDING = 3  # letters an ending has at most

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Marked:
    """A text and the spans in it that stand out."""

    text: str
    spans: tuple[Span, ...] = ()


def marked(query: str, text: str) -> Marked:
    """`text` with the words marked that `query` has too, in whatever form."""
    plain = [_plain(word) for term in terms(query) for word in term.split()]
    wanted = [word for word in plain if len(word) > _SHORT or word.isdigit() or not word.isascii()] or plain
    found = [
        found.span() for found in _words(text) if any(_agree(_plain(found[0]), word) for word in wanted)
    ]  # fmt: skip
    return Marked(text, tuple(found))


def excerpt(whole: Marked, most: int) -> Marked:
    """The `most` characters of it that hold the most marks, on one line, with … where something was left out."""
    line = _on_one_line(whole)
    if len(line.text) <= most:
        return line
    start = _best_start(line, most)
    if start:
        start = line.text.find(" ", start) + 1
    end = min(len(line.text), start + most)
    if end < len(line.text):
        end = max(line.text.rfind(" ", start, end), start + most // 2)
    before, after = ("… " if start else ""), (" …" if end < len(line.text) else "")
    shift = len(before) - start
    spans = tuple((max(one, start) + shift, other + shift) for one, other in line.spans if start <= one < other <= end)
    return Marked(f"{before}{line.text[start:end]}{after}", spans)


def units(text: str, place: int) -> int:
    """Where a code point stands as Qt counts, which is in UTF-16."""
    return place if text.isascii() else len(text[:place].encode("utf-16-le", "surrogatepass")) // 2


def cut(whole: Marked, units_kept: int) -> Marked:
    """What fits, counted as Qt counts, with … for the rest."""
    text = whole.text
    while units(text, len(text)) > units_kept:
        text = text[: len(text) - max(1, (units(text, len(text)) - units_kept) // 2)]
    text = text.rstrip()
    text = text.rpartition(" ")[0] or text[:-1]
    return Marked(f"{text} …", tuple(span for span in whole.spans if span[1] <= len(text)))


def _words(text: str) -> Sequence[re.Match[str]]:
    """In scripts that write no spaces every character is a word; `spaced` keeps count of nothing, so they are found
    by themselves.
    """
    if spaced(text) == text:
        return list(_WORD.finditer(text))
    return [found for run in _WORD.finditer(text) for found in _characters(run, text)]


def _characters(run: re.Match[str], text: str) -> list[re.Match[str]]:
    if spaced(run[0]) == run[0]:
        return [run]
    one = re.compile(".")
    return [found for place in range(*run.span()) if (found := one.match(text, place, place + 1))]


def _agree(word: str, other: str) -> bool:
    """Whether they are forms of one word: the same beginning, and endings that are short."""
    if word == other:
        return True
    shared = 0
    for one, two in zip(word, other, strict=False):
        if one != two:
            break
        shared += 1
    return shared >= _STEM and max(len(word), len(other)) - shared <= _ENDING


def _plain(word: str) -> str:
    """Without case and accents, as the word index compares."""
    parts = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def _on_one_line(whole: Marked) -> Marked:
    pieces: list[str] = []
    places: list[int] = []  # where each character of the whole text comes to stand
    length = 0
    for number, part in enumerate(re.split(r"(\s+)", whole.text)):
        shown = " " if number % 2 else part
        places += [length] * len(part) if number % 2 else range(length, length + len(part))
        pieces.append(shown if part else "")
        length += len(pieces[-1])
    spans = tuple((places[one], places[other - 1] + 1) for one, other in whole.spans)
    return Marked("".join(pieces), spans)


def _best_start(line: Marked, most: int) -> int:
    """Where a window of `most` characters holds the most different marks; a little before its first."""
    best, most_held = 0, 0
    for start, _ in line.spans:
        inside = {
            line.text[one:other].casefold() for one, other in line.spans if start <= one and other <= start + most
        }
        if len(inside) > most_held:
            best, most_held = start, len(inside)
    return max(0, best - most // 5)
