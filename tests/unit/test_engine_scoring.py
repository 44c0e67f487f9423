"""How far a token is from the one that would be chosen: by the logits, the noise and the mask's border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.engine.answer import Pace
from freehold.engine.cache import PromptCache
from freehold.engine.sampling import choose, survivors
from freehold.engine.scoring import MOST_SCORED, Mask, Scorer, weighed
from freehold.engine.values import Sampling
from freehold.foundation.errors import EngineStopped, PromptTooLong
from freehold.foundation.stop import Stop

COLD = Sampling(temperature=0.0)
PLAIN = Sampling(temperature=1.0, top_p=1.0, top_k=0, seed=3)


def scores(seed: int, size: int = 300) -> np.ndarray:
    made = np.random.default_rng(seed)
    return (made.standard_normal(size) * 2).astype(np.float32)


def test_without_a_temperature_it_is_what_the_best_has_more():
    logits = np.array([1.0, 4.0, 3.5], np.float32)
    assert weighed(logits, COLD, 0, 1) == (1, 0.0)
    assert weighed(logits, COLD, 0, 2) == (1, 0.5)


def test_the_repeat_penalty_counts():
    logits = np.array([2.0, 2.2], np.float32)
    assert weighed(logits, Sampling(temperature=0.0, repeat_penalty=2.0), 0, 1, [1]) == (0, pytest.approx(0.9))


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10_000), temperature=st.sampled_from([0.3, 1.0, 2.0]), place=st.integers(0, 1000))
def test_without_a_mask_a_token_raised_by_a_little_more_than_its_margin_is_chosen(seed, temperature, place):
    logits, sampling = scores(seed, 40), Sampling(temperature=temperature, top_p=1.0, top_k=0, seed=seed)
    token = seed % 40
    chosen, margin = weighed(logits, sampling, place, token)
    assert chosen == choose(logits, sampling, place)
    for change, is_chosen in ((margin + 0.001, True), (margin - 0.001, chosen == token)):
        raised = logits.copy()
        raised[token] += np.float32(change)
        assert (choose(raised, sampling, place) == token) is is_chosen


masks = st.builds(
    Sampling,
    temperature=st.just(1.0),
    top_k=st.sampled_from([0, 1, 3, 40]),
    top_p=st.sampled_from([0.3, 0.9, 0.95, 1.0]),
    min_p=st.sampled_from([0.0, 0.05, 0.5]),
)


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), sampling=masks)
def test_what_is_inside_the_mask_has_depth_and_what_is_outside_has_none(seed, sampling):
    logits = scores(seed)
    mask = Mask(logits, sampling)
    deep = np.array([mask.depth(token) for token in range(len(logits))])
    kept = np.isin(np.arange(len(logits)), survivors(logits, sampling))
    assert (deep[kept] > -1e-6).all()
    assert (deep[~kept] < 1e-6).all()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000), sampling=masks, noise=st.sampled_from([0.001, 0.01, 0.1]))
def test_small_differences_in_the_logits_give_small_margins_whatever_the_mask(seed, sampling, noise):
    """The honest case: another machine's logits are these, each off by at most `noise`."""
    logits = scores(seed)
    theirs = logits + np.random.default_rng(seed + 1).uniform(-noise, noise, len(logits)).astype(np.float32)
    for place in range(20):
        assert weighed(logits, sampling, place, choose(theirs, sampling, place))[1] <= 2 * noise + 1e-4


def test_a_token_far_outside_the_mask_is_far():
    logits = np.array([10.0, 9.0, 2.0], np.float32)
    assert weighed(logits, Sampling(temperature=1.0, top_k=2, top_p=1.0), 0, 2)[1] >= 7.0
    assert weighed(logits, Sampling(temperature=1.0, top_k=0, top_p=0.9), 0, 2)[1] >= 4.0


class Cells:
    """A model whose scores after n tokens prefer token n % 50."""

    def __init__(self, *, limit: int = 1000, undo: bool = True) -> None:
        self.limit, self.can_undo = limit, undo
        self.cells: list[int] = []
        self.calls: list[tuple[int, tuple[int, ...]]] = []
        self.flag, self.is_up, self.abort_at = self, False, 0
        self.stop = Stop()
        self.is_damaged = False

    def raise_it(self) -> None:
        self.is_up = True

    def lower(self) -> None:
        self.is_up = False

    def decode(self, ids, scored=(-1,)) -> str:
        if len(self.calls) + 1 == self.abort_at:
            self.stop.set()
        if self.is_up:
            return "aborted"
        self.calls.append((len(ids), tuple(scored)))
        self.before = len(self.cells)
        self.cells.extend(ids)
        return "done"

    def logits(self, place: int = -1) -> np.ndarray:
        assert place in self.calls[-1][1]
        made = np.zeros(50, np.float32)
        made[(self.before + place + 1) % 50] = np.nan if self.is_damaged else 3.0
        return made

    def trim(self, keep: int) -> bool:
        self.cells = self.cells[:keep]
        return True

    def clear(self) -> None:
        self.cells = []

    def snapshot(self):
        return np.empty(0, np.uint8)

    def restore(self, state) -> bool:
        return False


def scored(model: Cells, ids, begun: int, positions, cache=None):
    cache = cache or PromptCache(model, budget=0, token_bytes=1)
    found = list(Scorer(model, cache, Pace(1)).scores(ids, begun, positions, COLD, model.stop))
    assert model.cells == cache.ids
    return [one for part in found for one in part]


HONEST = [number % 50 for number in range(900)]


def test_one_reading_scores_only_the_places_asked_and_reads_nothing_behind_the_last():
    model, ids = Cells(), [*HONEST]
    ids[14] = 49
    found = scored(model, ids, 10, (0, 4, 7))
    assert [(one.position, one.chosen, one.margin) for one in found] == [(0, 10, 0.0), (4, 14, 3.0), (7, 17, 0.0)]
    assert model.calls == [(17, (9, 13, 16))]


def test_many_places_are_read_in_several_calls_each_with_few_scores():
    model = Cells()
    found = scored(model, HONEST, 10, range(200))
    assert [one.position for one in found] == list(range(200))
    assert all(one.margin == 0.0 for one in found)
    assert max(len(places) for _, places in model.calls) == MOST_SCORED
    assert sum(length for length, _ in model.calls) == 209


def test_what_was_read_before_is_not_read_again_up_to_the_first_place():
    model = Cells()
    cache = PromptCache(model, budget=0, token_bytes=1)
    scored(model, HONEST, 400, (0, 100), cache)
    scored(model, HONEST, 400, (50,), cache)
    assert model.calls[-1] == (1, (0,))


def test_a_wish_to_stop_keeps_what_was_scored():
    model = Cells()
    model.abort_at = 2
    found = scored(model, HONEST, 10, range(200))
    assert [one.position for one in found] == list(range(MOST_SCORED))


def test_a_model_with_a_running_state_forgets_everything_after_an_abort():
    model = Cells(undo=False)
    model.abort_at = 2
    scored(model, HONEST, 10, range(200))
    assert model.cells == []


def test_damage_and_length_end_in_words():
    model = Cells(limit=100)
    assert len(scored(model, HONEST[:101], 10, (90,))) == 1
    with pytest.raises(PromptTooLong):
        scored(model, HONEST[:102], 10, (91,))
    model.is_damaged = True
    with pytest.raises(EngineStopped, match="not numbers"):
        scored(model, HONEST, 10, (5,))
    assert model.cells == []
