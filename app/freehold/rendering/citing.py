"""Puts the numbers of sources behind the sentences that come from them, in a text that is rendered already.

The Markdown is not touched, so that nothing of it can break: a sentence is found again by its letters. One that is not
found, for half of it became a link's address, gets no number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from freehold.rendering.values import Block, Code, Heading, Item, Listing, Paragraph, Quote, Rule, Span, Spans, Table

MOST_CITED = 400  # sentences of one text
_TAILS = (60, 30, 15)  # letters at a sentence's end by which it is found when the whole is not
_LEAST = 4
_WINDOW = 20_000  # letters after the last one found
_BEFORE = frozenset(".!?…。！？,;:")  # a number stands before these


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence as it was written, Markdown and all, and the numbers of its sources."""

    words: str
    numbers: tuple[int, ...]


def with_numbers(blocks: Sequence[Block], cited: Sequence[Cited]) -> tuple[Block, ...]:
    """`blocks` with the numbers of `cited`, which is in the order of the text. Code stays as it is."""
    if not cited:
        return tuple(blocks)
    runs = [spans for block in blocks for spans in _runs(block)]
    numbers = _placed(runs, cited[:MOST_CITED])
    renewed = iter([_with_numbers(spans, numbers.get(place, {})) for place, spans in enumerate(runs)])
    return tuple(_renewed(block, renewed) for block in blocks)


def _runs(block: Block) -> Iterator[Spans]:
    """Every run of spans inside, in the order they are read."""
    match block:
        case Paragraph() | Heading():
            yield block.spans
        case Quote():
            for inner in block.blocks:
                yield from _runs(inner)
        case Listing():
            for item in block.items:
                for inner in item.blocks:
                    yield from _runs(inner)
        case Table():
            for row in (block.header, *block.rows):
                yield from row
        case Code() | Rule():
            pass


def _renewed(block: Block, runs: Iterator[Spans]) -> Block:
    """The same block with its runs replaced, taken in the order of `_runs`."""
    match block:
        case Paragraph() | Heading():
            return replace(block, spans=next(runs))
        case Quote():
            return Quote(tuple(_renewed(inner, runs) for inner in block.blocks))
        case Listing():
            items = [
                Item(tuple(_renewed(inner, runs) for inner in item.blocks), item.continues) for item in block.items
            ]
            return replace(block, items=tuple(items))
        case Table():
            header = tuple(next(runs) for _ in block.header)
            return replace(block, header=header, rows=tuple(tuple(next(runs) for _ in row) for row in block.rows))
        case Code() | Rule():
            return block


Numbers = dict[int, dict[tuple[int, int], tuple[int, ...]]]


def _placed(runs: Sequence[Spans], cited: Sequence[Cited]) -> Numbers:
    """By run, then by span and character after which they stand: the numbers."""
    letters: list[str] = []
    places: list[tuple[int, int, int]] = []
    for run, spans in enumerate(runs):
        for number, span in enumerate(spans):
            if span.note or span.chip:
                continue
            for at, character in enumerate(span.text):
                if character.isalnum():
                    letters.append(character)
                    places.append((run, number, at))
    text, found, after = "".join(letters), Numbers(), 0
    for one in cited:
        end = _end_of(text, "".join(filter(str.isalnum, one.words)), after)
        if end:
            after = end
            run, number, at = places[end - 1]
            spot = (number, _after_word(runs[run][number].text, at + 1))
            there = found.setdefault(run, {})
            there[spot] = (*there.get(spot, ()), *(new for new in one.numbers if new not in there.get(spot, ())))
    return found


def _end_of(text: str, wanted: str, after: int) -> int:
    """Where the letters `wanted` end in `text`, looked for from `after`; 0 when they are not there."""
    for tail in (wanted, *(wanted[-size:] for size in _TAILS if size < len(wanted))):
        if len(tail) >= _LEAST:
            at = text.find(tail, after, after + _WINDOW + len(tail))
            if at >= 0:
                return at + len(tail)
    return 0


def _after_word(text: str, at: int) -> int:
    """The end of the word that `at` stands in or behind, its closing quote, bracket or percent sign included."""
    while at < len(text) and not text[at].isspace() and text[at] not in _BEFORE:
        at += 1
    return at


def _with_numbers(spans: Spans, numbers: dict[tuple[int, int], tuple[int, ...]]) -> Spans:
    if not numbers:
        return spans
    renewed: list[Span] = []
    for place, span in enumerate(spans):
        cuts = sorted(at for number, at in numbers if number == place)
        start = 0
        for at in cuts:
            if span.text[start:at]:
                renewed.append(replace(span, text=span.text[start:at]))
            renewed += [Span(f"[{number}]", source=number) for number in numbers[place, at]]
            start = at
        if span.text[start:]:
            renewed.append(replace(span, text=span.text[start:]))
    return tuple(renewed)
