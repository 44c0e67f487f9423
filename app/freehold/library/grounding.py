"""Whether the documents hold the answer, and which passage each sentence of an answer came from. Pure.

Small models cannot be trusted with either (the starter invented on three of three unanswerable questions), so both are
decided from scores: the first before the model is asked.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from freehold.library.values import Passage, Signal

# Logistic regressions on 2,646 cases: questions of data/xquad (three languages), data/spans and data/filings with their
# documents there and taken away; `tests/bench/refusals.py` fits them, docs/library.md says how well they do. A cosine
# of one model says nothing of another's: where `_BOTH` was not fitted for a model, words decide alone.
CALIBRATED_FOR = frozenset({"all-minilm-l6-v2"})
_BOTH = {"best_meaning": 12.40, "coverage": 6.51, "names": 2.65, "lead": 0.41}
_BOTH_BIAS = -11.61
_WORDS = {"coverage": 9.78, "names": 2.53, "standing_out": 1.39}
_WORDS_BIAS = -6.21

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[。！？]+|\n+")  # not the point of 3.5
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
LEAST_SHARED = 0.5  # of a sentence's weighty words, by rarity, that a passage must hold to be its source
LEAST_WORDS = 3  # that they have in common, unless the sentence has fewer
_ALIKE = 0.1  # by which shares may differ and still say the same
_MARKER = re.compile(r"^\s*(?:\[?\d{1,2}[\]).:]+|[-*•])\s+")  # of a list
_SHORT_WORD = 3  # letters: words up to this length carry little


def fits(signal: Signal) -> float:
    """How surely the documents hold the answer: above 0 they do, below 0 they do not; the log of the odds."""
    if signal.best_meaning is None or signal.model not in CALIBRATED_FOR:
        return _weigh(signal, _WORDS, _WORDS_BIAS)
    return _weigh(signal, _BOTH, _BOTH_BIAS)


def holds_answer(signal: Signal) -> bool:
    """Whether to answer from the documents at all; otherwise the nearest passages are shown as near misses."""
    return fits(signal) > 0.0


def _weigh(signal: Signal, weights: dict[str, float], bias: float) -> float:
    return sum(weight * (getattr(signal, name) or 0.0) for name, weight in weights.items()) + bias


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence of the answer, from `start` to `end`, with the number of its passage; None where none supports it."""

    start: int
    end: int
    passage: int | None
    share: float


def attribute(answer: str, passages: Sequence[Passage]) -> tuple[Cited, ...]:
    """For each sentence of `answer` the passage that says it: most of its weighty words, the rarer ones counting more,
    and all of its numbers.
    """
    held = [weighty_words(f"{passage.context} {passage.text}") for passage in passages]
    numbers = [_numbers(passage.text) for passage in passages]
    counts = Counter(word for words in held for word in words)
    said = sentences(answer)
    cited = [_source_of(answer[start:end], start, held, numbers, counts) for start, end in said]
    # "Apple Inc." by itself may be an answer; before a sentence it is a scrap that any passage holds.
    is_scrap = [len(said) > 1 and len(weighty_words(answer[start:end])) < 2 for start, end in said]
    return tuple(replace(one, passage=None) if scrap else one for one, scrap in zip(cited, is_scrap, strict=True))


def sentences(text: str) -> list[tuple[int, int]]:
    """Where each sentence of `text` that has words begins and ends, white space left out."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)] + [len(text)]
    found = []
    for start, end in zip([0, *ends], ends, strict=False):
        sentence = text[start:end]
        if _WORD.search(sentence):
            begin = start + len(sentence) - len(sentence.lstrip())
            found.append((begin, begin + len(sentence.strip())))
    return found


def _source_of(
    sentence: str, start: int, held: Sequence[frozenset[str]], numbers: Sequence[frozenset[str]], counts: Counter[str]
) -> Cited:
    """The first passage that says about as much of `sentence` as any: they come best first, and reports repeat each
    other.
    """
    plain = _MARKER.sub("", sentence)
    stated = _numbers(plain)
    words = weighty_words(plain)
    words = frozenset(word for word in words if not word.isdigit()) or words  # numbers alone make no sentence
    weights = {word: math.log(1 + len(held) / (counts[word] + 0.5)) for word in words}
    total = max(sum(weights.values()), 1e-9)
    shares = [
        sum(weights[word] for word in words & of_passage) / total
        if stated <= numbers[place]
        and len(words & of_passage) + len(stated) >= min(LEAST_WORDS, len(words) + len(stated))
        else 0.0
        for place, of_passage in enumerate(held)
    ]
    most = max(shares, default=0.0)
    if not words or most < LEAST_SHARED:
        return Cited(start, start + len(sentence), None, round(most, 3))
    place = next(place for place, share in enumerate(shares) if share >= max(most - _ALIKE, LEAST_SHARED))
    return Cited(start, start + len(sentence), place, round(shares[place], 3))


def weighty_words(text: str) -> frozenset[str]:
    """Words that say something, by their first letters, so that inflections agree."""
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(
        word if word.isdigit() else word[:6] for word in found if len(word) > _SHORT_WORD or word.isdigit()
    )


def _numbers(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "").rstrip(".") for number in _NUMBER.findall(text))
