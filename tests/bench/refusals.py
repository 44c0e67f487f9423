"""Whether it is told right that the documents hold no answer: questions with their document there, and with it away.

A question is asked of all documents, or of all but those of its home. The weights of `grounding` are fitted here too:
on one half of the homes and judged on the other, and on all for the program.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy
from figures import Figure
from question_sets import Question, all_questions

from freehold.library.grounding import holds_answer
from freehold.library.library import Library
from freehold.library.values import Mode, Signal

FEATURES = {"hybrid": ("best_meaning", "coverage", "names", "lead"), "words": ("coverage", "names", "standing_out")}
_ROUNDS, _PULL = 30, 1e-4  # of the fit; towards small weights
_RIGHTLY = 0.93  # refused of the cases fitted on: the goal is .9, and others are a little harder


@dataclass(frozen=True, slots=True)
class Case:
    """A question, `is_here` when asked of all collections, else of all but its home."""

    asked: Question
    is_here: bool

    @property
    def group(self) -> str:
        return self.asked.group

    def collections(self, library: Library) -> list[str]:
        return [one.name for one in library.collections() if self.is_here or one.name != self.asked.home]


def cases() -> list[Case]:
    """Every question of the three sets twice: with its documents there, and with them away."""
    return [Case(one, is_here) for is_here in (True, False) for one in all_questions()]


def mixed(many: int = 120) -> list[Case]:
    """`many` questions with their documents there and as many without, evenly from each group, spread over each."""
    chosen: list[Case] = []
    for is_here in (True, False):
        groups: dict[str, list[Case]] = {}
        for case in cases():
            if case.is_here is is_here:
                groups.setdefault(case.group, []).append(case)
        each = -(-many // len(groups))
        spread = [group[:: max(len(group) // each, 1)][:each] for group in groups.values()]
        chosen += [case for row in zip_longest(*spread) for case in row if case is not None][:many]
    return chosen


def refusals(library: Library) -> Iterator[Figure]:
    """Of 120 questions each: the decision alone, as the program makes it."""
    decided = [(case, holds_answer(_signal(library, case, "hybrid"))) for case in mixed()]
    here = [not holds for case, holds in decided if case.is_here]
    away = [not holds for case, holds in decided if not case.is_here]
    yield Figure("120 questions whose document is here: wrongly refused", float(numpy.mean(here)), "share", 0.1)
    yield Figure("120 questions whose document is not here: refused", float(numpy.mean(away)), "share", 0.9, "at least")


def held_out(library: Library, mode: Mode = "hybrid") -> Iterator[Figure]:
    """All questions, judged by weights that were fitted on the other half of the articles, corpora and companies."""
    asked = cases()
    features = numpy.asarray([_row(_signal(library, case, mode), mode) for case in asked])
    for name, train, judge in _halves(asked):
        weights = fit(features[train], [asked[place] for place in train])
        wrong, right = judged(features[judge] @ weights, [asked[place] for place in judge])
        yield Figure(f"{mode}, held out, {name}: wrongly refused", wrong["all"], "share", 0.1, note=_each(wrong))
        yield Figure(
            f"{mode}, held out, {name}: rightly refused", right["all"], "share", 0.9, "at least", note=_each(right)
        )
    weights = fit(features, asked)
    told = ", ".join(f"{name} {weight:.2f}" for name, weight in zip((*FEATURES[mode], "bias"), weights, strict=True))
    yield Figure(f"{mode}: the weights of grounding, fitted on all", float(len(asked)), "cases", note=told)


def fit(features: Any, asked: Sequence[Case]) -> Any:
    """A logistic regression in which each group counts the same, with its documents there and without: Newton's way."""
    truth = numpy.asarray([case.is_here for case in asked], dtype=float)
    pulled = numpy.asarray([1.0] * (features.shape[1] - 1) + [0.0])  # the bias is free
    counts = {key: sum(_kind(case) == key for case in asked) for key in set(map(_kind, asked))}
    share = numpy.asarray([1 / counts[_kind(case)] / len(counts) for case in asked])
    weights = numpy.zeros(features.shape[1])
    for _ in range(_ROUNDS):
        odds = 1 / (1 + numpy.exp(-features @ weights))
        slope = features.T @ (share * (odds - truth)) + _PULL * weights * pulled
        bend = (features * (share * odds * (1 - odds))[:, None]).T @ features + _PULL * numpy.diag(pulled)
        weights -= numpy.linalg.solve(bend, slope)
    return _moved(weights, features, asked)


def _moved(weights: Any, features: Any, asked: Sequence[Case]) -> Any:
    """The same with a bias by which `_RIGHTLY` of these cases are refused rightly."""
    least, most = -10.0, 10.0
    for _ in range(_ROUNDS):
        middle = (least + most) / 2
        if judged(features @ weights - middle, asked)[1]["all"] < _RIGHTLY:
            least = middle
        else:
            most = middle
    return numpy.append(weights[:-1], weights[-1] - most)


def judged(fits: Any, asked: Sequence[Case]) -> tuple[dict[str, float], dict[str, float]]:
    """Shares refused wrongly and rightly, by group; `all` is the mean of the groups."""
    shares: list[dict[str, float]] = []
    for is_here in (True, False):
        refused: dict[str, list[bool]] = {}
        for value, case in zip(fits, asked, strict=True):
            if case.is_here is is_here:
                refused.setdefault(case.group, []).append(value <= 0)
        by_group = {group: float(numpy.mean(values)) for group, values in refused.items()}
        shares.append({"all": float(numpy.mean(list(by_group.values()))), **by_group})
    return shares[0], shares[1]


def _halves(asked: Sequence[Case]) -> Iterator[tuple[str, list[int], list[int]]]:
    """Articles and companies alternate; of the three corpora the largest is one half."""
    homes = sorted({case.asked.home for case in asked if not case.asked.home.startswith("spans")})
    first = {*homes[::2], "spans wikitexts.md"}
    one = [place for place, case in enumerate(asked) if case.asked.home in first]
    other = [place for place, case in enumerate(asked) if case.asked.home not in first]
    yield "one half", other, one
    yield "the other half", one, other


def _signal(library: Library, case: Case, mode: Mode) -> Signal:
    return library.search(case.asked.question, k=5, collections=case.collections(library), mode=mode, wait=True).signal


def _row(signal: Signal, mode: Mode) -> list[float]:
    return [*(getattr(signal, name) or 0.0 for name in FEATURES[mode]), 1.0]


def _kind(case: Case) -> tuple[str, bool]:
    return case.group, case.is_here


def _each(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.3f}" for name, share in shares.items() if name != "all")
