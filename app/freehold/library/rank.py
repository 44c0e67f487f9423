"""Making one order of two rankers. Pure; arrays are numpy's, one place for each chunk of the collection.

z-fusion: each ranker's scores are standardised over the whole collection, so that a ranker for which all chunks look
alike says little. Then each chunk gains a part of its neighbours' scores, since an answer seldom stands alone.
Measured against reciprocal ranks and against either ranker alone: docs/library.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Scores = Any  # a numpy array of float32; numpy is imported by those who make them, in the vault process only

WORDS_WEIGHT, MEANING_WEIGHT = 0.3, 0.7
NEIGHBOUR_SHARE = 0.2
MOST_ALIKE = 0.8  # share of shared words above which a passage says what a better one said already


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each ranker counts, and the part of its neighbours' scores that a chunk gains."""

    words: float = WORDS_WEIGHT
    meaning: float = MEANING_WEIGHT
    neighbours: float = NEIGHBOUR_SHARE


def standardise(scores: Scores) -> Scores:
    """`scores` as deviations from their mean; all zero when they are all alike."""
    spread = scores.std()
    return (scores - scores.mean()) / spread if spread > 1e-9 else scores * 0.0


def fuse(words: Scores | None, meaning: Scores | None, weights: Weights = Weights()) -> Scores:
    """Both rankers' scores of every chunk as one. A ranker that is None has nothing to say."""
    if words is None or meaning is None:
        only = words if meaning is None else meaning
        assert only is not None, "a search has at least one ranker"
        return standardise(only)
    return weights.words * standardise(words) + weights.meaning * standardise(meaning)


def smooth(scores: Scores, same_document_as_next: Scores, share: float = NEIGHBOUR_SHARE) -> Scores:
    """Each chunk's score with `share` of the chunk's before and after it in the same document.

    `same_document_as_next[i]` says whether chunks i and i+1 are of one document.
    """
    if len(scores) < 2 or share == 0:
        return scores
    gained = scores.copy()
    gained[:-1] += share * scores[1:] * same_document_as_next
    gained[1:] += share * scores[:-1] * same_document_as_next
    return gained


def diverse(
    order: Iterable[int],
    many: int,
    words_of: Callable[[int], frozenset[str]],
    page_of: Callable[[int], object],
    most_of_a_page: int = 3,
) -> list[int]:
    """The first `many` of `order` that are not nearly the same words as a better one, nor too many of one page."""
    chosen: list[int] = []
    seen: list[frozenset[str]] = []
    pages: dict[object, int] = {}
    for place in order:
        words, page = words_of(place), page_of(place)
        if any(alike(words, other) > MOST_ALIKE for other in seen) or pages.get(page, 0) >= most_of_a_page:
            continue
        chosen.append(place)
        seen.append(words)
        pages[page] = pages.get(page, 0) + 1
        if len(chosen) == many:
            break
    return chosen


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of words that two passages have in common, 0 to 1."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def rarest(terms: Sequence[tuple[str, int]], chunks: int, most_share: float = 0.1, least: int = 3) -> list[str]:
    """The terms worth searching for, of (term, number of chunks that hold it): not those in more than `most_share`
    of the chunks, unless fewer than `least` would be left. Terms that no chunk holds are dropped.
    """
    known = sorted((count, term) for term, count in terms if count)
    rare = [term for count, term in known if count <= max(most_share * chunks, 20)]
    return rare if len(rare) >= least else [term for _, term in known[:least]]
