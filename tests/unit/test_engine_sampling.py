"""Which token comes next: llama.cpp's own filters, and noise that hangs on the seed and the place alone."""

from __future__ import annotations

import ctypes
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from freehold.engine.sampling import NotNumbers, choose, gumbel, survivors
from freehold.engine.values import Sampling, sampling_from_wire

LOGITS = np.array([0.0, 1.0, 2.0, 3.0], np.float32)
ALL = Sampling(temperature=1.0, top_p=1.0, top_k=0)


def real_logits(seed: int, size: int = 5000) -> np.ndarray:
    """A few likely tokens above a broad floor, as a model gives them; no two equal."""
    made = np.random.default_rng(seed)
    logits = made.standard_normal(size).astype(np.float32)
    logits[made.choice(size, 30, replace=False)] += made.uniform(3, 14, 30).astype(np.float32)
    return logits


def native_survivors(logits: np.ndarray, sampling: Sampling) -> list[int]:
    """What llama.cpp's own chain leaves."""
    import llama_cpp.llama_cpp as lib

    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(sampling.top_k))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(sampling.top_p, 1))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_min_p(sampling.min_p, 1))
    entries = (lib.llama_token_data * len(logits))(*((number, float(one), 0.0) for number, one in enumerate(logits)))
    candidates = lib.llama_token_data_array(entries, len(logits), -1, False)
    lib.llama_sampler_apply(chain, ctypes.byref(candidates))
    left = sorted(candidates.data[number].id for number in range(candidates.size))
    lib.llama_sampler_free(chain)
    return left


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(),
        Sampling(top_k=5),
        Sampling(top_k=0, top_p=0.9),
        Sampling(top_k=0, top_p=0.97),
        Sampling(top_k=1000, top_p=1.0),
        Sampling(top_k=0, top_p=1.0, min_p=0.05),
        Sampling(top_k=50, top_p=0.95, min_p=0.1),
        Sampling(top_k=0, top_p=0.5, min_p=0.3),
    ],
    ids=str,
)
def test_the_same_tokens_survive_as_in_llama_cpp(seed, sampling):
    logits = real_logits(seed)
    assert survivors(logits, sampling).tolist() == native_survivors(logits, sampling)


@settings(max_examples=60, deadline=None)
@given(
    logits=arrays.arrays(np.float32, st.integers(1, 60), elements=st.floats(-30, 30, width=32)),
    top_k=st.integers(0, 70),
    top_p=st.floats(0.01, 1.0),
    min_p=st.floats(0.0, 1.0),
)
def test_what_survives_is_never_nothing_and_never_less_likely_than_what_does_not(logits, top_k, top_p, min_p):
    kept = survivors(logits, Sampling(top_k=top_k, top_p=top_p, min_p=min_p))
    assert len(kept) >= 1
    assert kept.tolist() == sorted(set(kept.tolist()))
    assert len(kept) <= (top_k or len(logits))
    left_out = np.setdiff1d(np.arange(len(logits)), kept)
    assert not len(left_out) or logits[kept].min() >= logits[left_out].max()


def test_noise_is_the_same_on_every_machine():
    """Pinned: a stored answer must be reproducible by a later version and by another machine."""
    noise = gumbel(42, 7, np.array([0, 1, 49151]))
    assert noise.tolist() == pytest.approx([-1.3906809951304524, 0.6209060437119291, 1.1193939596768572])


def test_noise_differs_by_seed_by_place_and_by_token():
    ids = np.arange(100)
    one = gumbel(1, 1, ids)
    assert len(set(one.tolist())) == 100
    assert not np.isclose(one, gumbel(2, 1, ids)).any()
    assert not np.isclose(one, gumbel(1, 2, ids)).any()
    assert np.array_equal(one, gumbel(1, 1, ids))
    assert np.array_equal(one[10:20], gumbel(1, 1, ids[10:20]))


def test_the_largest_seed_and_place_are_fine():
    assert np.isfinite(gumbel(2**64 - 1, 2**40, np.array([2**31 - 1]))).all()


def test_tokens_are_drawn_as_often_as_they_are_likely():
    drawn = Counter(choose(LOGITS, ALL, place) for place in range(20_000))
    likely = np.exp(LOGITS) / np.exp(LOGITS).sum()
    for token, share in enumerate(likely):
        assert drawn[token] / 20_000 == pytest.approx(share, abs=0.012)


def test_temperature_sharpens_and_flattens():
    def share_of_best(temperature: float) -> float:
        sampling = Sampling(temperature=temperature, top_p=1.0, top_k=0)
        return sum(choose(LOGITS, sampling, place) == 3 for place in range(2000)) / 2000

    assert share_of_best(0.2) > 0.98
    assert share_of_best(5.0) < 0.45


def test_temperature_zero_is_the_likeliest_and_of_equals_the_first():
    cold = Sampling(temperature=0.0)
    assert choose(LOGITS, cold, 0) == 3
    assert choose(np.array([1.0, 5.0, 5.0], np.float32), cold, 9) == 1


def test_a_penalty_makes_repeated_tokens_less_likely():
    logits = np.array([2.0, 2.1, -1.0], np.float32)
    cold = Sampling(temperature=0.0, repeat_penalty=1.5)
    assert choose(logits, cold, 0, []) == 1
    assert choose(logits, cold, 0, [1, 1]) == 0
    assert choose(logits, cold, 0, [0, 1]) == 1
    assert logits.tolist() == pytest.approx([2.0, 2.1, -1.0])


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_scores_that_are_not_numbers_are_noticed(bad):
    with pytest.raises(NotNumbers):
        choose(np.array([1.0, bad, 2.0], np.float32), Sampling(), 0)


def test_scores_of_minus_infinity_are_never_chosen():
    logits = np.array([-np.inf, 0.0, -np.inf], np.float32)
    assert {choose(logits, ALL, place) for place in range(50)} == {1}


def test_settings_from_elsewhere_are_brought_within_their_ranges():
    wild = {"temperature": -3, "top_p": 7, "top_k": -1, "min_p": 2, "repeat_penalty": 99, "seed": -1, "max_tokens": 0}
    assert sampling_from_wire({**wild, "unknown": 1, "seed": 2**64 + 5}) == Sampling(0.0, 1.0, 0, 1.0, 2.0, 5, 1)
    assert sampling_from_wire({"temperature": "hot", "top_k": None, "top_p": float("nan")}) == Sampling()
