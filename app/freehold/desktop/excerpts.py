"""The part of a passage that is worth a glance: the sentence that says it, and a little around it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from freehold.library.grounding import sentences, weighty_words
from freehold.rendering.visible import visible

MOST = 170  # characters
_AROUND = 40
_CONSIDERED = 20_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Words of a passage on one line; `start` to `end` is what matters most, nothing when they are equal."""

    text: str
    start: int = 0
    end: int = 0


def excerpt(passage: str, said: str = "", most: int = MOST) -> Excerpt:
    """What of `passage` says `said`, with the sentence that does; the beginning when no sentence stands out."""
    text = " ".join(passage[:_CONSIDERED].split())
    begin, end = _closest(text, said) or (0, 0)
    start = _word_start(text, begin - _AROUND) if begin > _AROUND else 0
    stop = _word_end(text, max(start + most, min(end, start + 2 * most)))
    end = min(end, stop)
    before, after = ("… " if start else ""), (" …" if stop < len(text) else "")
    lead, matters = visible(text[start:begin]), visible(text[begin:end])
    at = len(before) + len(lead)
    return Excerpt(f"{before}{lead}{matters}{visible(text[end:stop])}{after}", at, at + len(matters))


def _closest(text: str, said: str) -> tuple[int, int] | None:
    """The sentence that shares the most weighty words with `said`."""
    wanted = weighty_words(said)
    if not wanted:
        return None
    scored = [(len(wanted & weighty_words(text[at:to])), -at, (at, to)) for at, to in sentences(text)]
    best = max(scored, default=(0, 0, (0, 0)))
    return best[2] if best[0] else None


def _word_start(text: str, at: int) -> int:
    """The beginning of the next word from `at` on."""
    space = text.find(" ", at)
    return space + 1 if space >= 0 else at


def _word_end(text: str, at: int) -> int:
    """The end of the last word that ends before `at`; `at` itself inside a word without end."""
    if at >= len(text):
        return len(text)
    space = text.rfind(" ", max(0, at - _AROUND), at + 1)
    return space if space > 0 else at
