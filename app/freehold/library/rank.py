"""Making one order of two rankers. Pure; arrays are numpy's, one place for each chunk of the collection.

z-fusion: each ranker's scores are standardised over the whole collection, so that a ranker for which all chunks look
alike says little; the less near the nearest chunk is, the more words count. Then each chunk gains a part of its
neighbours' scores, since an answer seldom stands alone. Measured against reciprocal ranks and against either ranker
alone: docs/library.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import Any

Scores = Any  # a numpy array of float32; numpy is imported by those who make them, in the vault process only

NEIGHBOUR_SHARE = 0.2
OF_THE_TIME = 1.0  # what a passage gains for being of the time that the question names; standard deviations
MOST_HITS = 15_000  # chunks whose words are scored for one question: about 20 ms
MOST_ALIKE = 0.95  # share of shared words above which a passage says what a better one said already


# (best cosine, weight of words): where nothing is near in meaning, as in a language that the model knows little, and
# where something is.
_WORDS_AT = ((0.5, 0.6), (0.7, 0.25))


def words_weight(best_meaning: float) -> float:
    """The weight of words for a question whose nearest chunk has this cosine; meaning has the rest."""
    (far, most), (near, least) = _WORDS_AT
    share = min(max((best_meaning - far) / (near - far), 0.0), 1.0)
    return most + (least - most) * share


def standardise(scores: Scores, sample: Scores | None = None) -> Scores:
    """`scores` as deviations from their mean, or from that of a `sample` of them; all zero when those are all alike."""
    sample = scores if sample is None else sample
    spread = sample.std()
    return (scores - sample.mean()) / spread if spread > 1e-9 else scores * 0.0


def fuse(words: Scores | None, meaning: Scores | None, sample: Scores | None = None) -> Scores:
    """Both rankers' scores of every chunk as one. A ranker that is None has nothing to say. `sample` stands for the
    meaning of all chunks where only that of candidates is known.
    """
    if words is None or meaning is None:
        only = words if meaning is None else meaning
        assert only is not None, "a search has at least one ranker"
        return standardise(only, None if meaning is None else sample)
    weight = words_weight(float(meaning.max()))
    return weight * standardise(words) + (1 - weight) * standardise(meaning, sample)


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
        if any(says_the_same(words, other) for other in seen) or pages.get(page, 0) >= most_of_a_page:
            continue
        chosen.append(place)
        seen.append(words)
        pages[page] = pages.get(page, 0) + 1
        if len(chosen) == many:
            break
    return chosen


def says_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether a passage brings nothing new beside another: nearly the same words, and no number that is not there too.
    Reports of two quarters differ in little else.
    """
    return alike(one, other) > MOST_ALIKE and not any(word[0].isdigit() for word in one - other)


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of words that two passages have in common, 0 to 1."""
    both = len(one & other)
    return both / (len(one) + len(other) - both) if both else 0.0


def rarest(terms: Sequence[tuple[str, int]], most: int = MOST_HITS) -> list[str]:
    """The terms worth searching for, of (term, number of chunks that hold it): the rarest first, until `most` chunks
    are to be looked at; one at least. Terms that no chunk holds are dropped.
    """
    known = sorted((count, term) for term, count in terms if count)
    hits = accumulate(count for count, _ in known)
    return [term for (_, term), so_far in zip(known, hits, strict=True) if so_far <= most] or [
        term for _, term in known[:1]
    ]
