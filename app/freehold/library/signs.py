"""How well the best passages fit a question: the signs from which `grounding` decides. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from freehold.library.words import is_said, is_weighty, named_in, word_set

_LOOKED_AT = 3  # of the best passages
_OUTSTANDING = 10  # passages that a good fit by words leaves behind


def signs(
    question: str,
    counts: Iterable[tuple[str, int]],
    total: int,
    found: Sequence[Mapping[str, Any]],
    scores: Sequence[float],
) -> dict[str, Any]:
    """See values.Signal. `counts` are the question's terms with how many of the `total` searched chunks hold each,
    `found` the passages, best first, and `scores` the best by words.
    """
    weights = {term: math.log(1 + max(total, count) / (count + 0.5)) for term, count in counts}
    said = [_all_said(one) for one in found[:_LOOKED_AT]]
    weighty = [term for term in weights if is_weighty(term)] or list(weights)
    named = [name for name in named_in(question) if name in weights]
    signal = {"names": _share(named, weights, said) if named else 1.0}
    if said and weights:
        signal["coverage"] = _share(weighty, weights, said)
    if scores and scores[0] > 0:
        next_best = scores[_OUTSTANDING] if len(scores) > _OUTSTANDING else 0.0
        signal["standing_out"] = 1 - next_best / scores[0]
    return signal


def _share(wanted: Sequence[str], weights: Mapping[str, float], said: Sequence[str]) -> float:
    """The share of `wanted`, by rarity, that the one of `said` with most of it says."""
    total = sum(weights[term] for term in wanted)
    words = [word_set(one) for one in said]
    held = (
        sum(weights[term] for term in wanted if is_said(term, one, of_one))
        for one, of_one in zip(said, words, strict=True)
    )
    return max(held, default=0.0) / max(total, 1e-9)


def _all_said(passage: Mapping[str, Any]) -> str:
    """All that tells what a passage is about, in small letters: its text, and where it stands."""
    name = passage["path"].replace("\\", "/").rpartition("/")[2]
    return " ".join((passage["text"], passage["context"], passage["title"], name)).lower()
