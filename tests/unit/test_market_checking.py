"""The verdict on margins: honest ones pass whatever their number, others fail soon, and nothing is made up."""

from __future__ import annotations

import json
import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.market.checking import (
    ALARM,
    CAP,
    ENOUGH,
    FULLY,
    LEAST,
    TILTS,
    Calibration,
    calibrated,
    evidence,
    failed_after,
    judged,
    to_check,
)
from freehold.market.receipts import Bundle
from freehold.market.values import Malformed, Manifest, Receipt
from freehold.market.verifying import MOST_PLACES, check_bundle, own_runs
from support.engines import FakeEngine, prepared, tiny_model


def honest(chance: Random, count: int) -> list[float]:
    """Three in a hundred tokens differ, by a tenth of a logit or so."""
    return [min(chance.expovariate(10), 0.5) if chance.random() < 0.03 else 0.0 for _ in range(count)]


def other(chance: Random, count: int) -> list[float]:
    """As a file with coarser weights was measured: a third of the tokens, by more than a logit."""
    return [chance.expovariate(0.9) if chance.random() < 0.34 else 0.0 for _ in range(count)]


CALIBRATION = calibrated({"one": honest(Random(1), 2000), "another": honest(Random(2), 2000)})


def test_a_calibration_says_what_it_was_made_of():
    made = calibrated({"f16": [0.0, 0.0, 0.2, 0.0], "q8_0": [0.0, 0.4], "never run": []})
    assert (made.tokens, made.settings, made.largest) == (6, 2, 0.4)
    assert made.exact_share == pytest.approx(4 / 6)
    assert list(made.moments) == sorted(made.moments)
    worst = (1 + math.exp(0.4) + math.exp(CAP)) / 3
    assert made.moments[TILTS.index(1.0)] == pytest.approx(math.log(worst))
    with pytest.raises(ValueError, match="no honest answer"):
        calibrated({"f16": []})


def test_a_calibration_survives_being_stored():
    assert Calibration.from_wire(json.loads(json.dumps(CALIBRATION.to_wire()))) == CALIBRATION


@pytest.mark.parametrize(
    "change",
    [{"moments": [1.0]}, {"moments": [1.0, math.nan, 1.0]}, {"largest": -1.0}, {"tokens": None}, {"moments": 3}],
)
def test_a_calibration_that_was_damaged_is_refused(change):
    with pytest.raises(Malformed):
        Calibration.from_wire(CALIBRATION.to_wire() | change)


def test_honest_answers_pass_and_others_fail_within_the_tokens_that_are_checked():
    chance = Random(3)
    assert all(judged(honest(chance, ENOUGH), CALIBRATION).passed for _ in range(500))
    caught = [failed_after(other(chance, ENOUGH), CALIBRATION) for _ in range(300)]
    assert None not in caught
    assert all(judged(other(chance, ENOUGH), CALIBRATION).state == "failed" for _ in range(20))


def test_looking_on_for_long_does_not_make_an_honest_machine_fail():
    assert failed_after(honest(Random(4), 50_000), CALIBRATION) is None


def test_a_single_token_is_never_proof():
    assert judged([0.0] * 40 + [1e9], CALIBRATION).passed
    assert evidence(CAP, 1, CALIBRATION) < math.log(ALARM)


def test_what_was_checked_is_told():
    verdict = judged([0.0] * 38 + [0.25, 0.1], CALIBRATION)
    assert (verdict.checked_tokens, verdict.largest_margin, verdict.exact_share) == (40, 0.25, 0.95)
    assert "38 of 40" in verdict.words
    assert "0.25" in verdict.words


def test_a_short_answer_may_fail_and_cannot_pass():
    assert judged([0.0] * (LEAST - 1), CALIBRATION).state == "unverified"
    assert judged([], CALIBRATION).state == "unverified"
    assert judged([3.0] * (LEAST - 1), CALIBRATION).state == "failed"


def test_without_a_calibration_nothing_passes_and_only_what_is_grossly_another_model_fails():
    chance = Random(5)
    verdicts = [judged(honest(chance, ENOUGH)) for _ in range(100)]
    assert {one.state for one in verdicts} == {"unverified"}
    assert "never calibrated" in verdicts[0].words
    assert judged([2.0] * ENOUGH).state == "failed"


margins = st.lists(st.floats(0, 5), max_size=60)


@settings(max_examples=100, deadline=None)
@given(margins=margins, more=margins)
def test_a_failure_stands_whatever_comes_after_it(margins, more):
    failed = failed_after(margins, CALIBRATION)
    if failed is not None:
        assert failed_after(margins + more, CALIBRATION) == failed


@settings(max_examples=100, deadline=None)
@given(margins=margins, place=st.integers(0, 59), worse=st.floats(0, 5))
def test_a_larger_margin_never_helps(margins, place, worse):
    if place < len(margins) and failed_after(margins, CALIBRATION) is not None:
        margins[place] += worse
        assert failed_after(margins, CALIBRATION) is not None


def test_the_first_answers_are_checked_fully_and_later_ones_now_and_then():
    chance = Random(6)
    for before in range(FULLY):
        assert to_check(300, before, chance) == tuple(range(300))
    later = [to_check(300, FULLY + number, chance) for number in range(5000)]
    checked = [places for places in later if places]
    assert 50 <= len(checked) <= 150
    assert all(len(set(places)) == ENOUGH and list(places) == sorted(places) for places in checked)
    assert len({place for places in checked for place in places}) > 250
    assert to_check(0, 0, chance) == ()


@pytest.fixture
def engine(tmp_path):
    made = FakeEngine(limit=2000)
    prepared(made, tiny_model(tmp_path), context=2000)
    return made


def bundle(prompt, answer, **sampling) -> Bundle:
    manifest = Manifest("tiny", "ab" * 32, "cd" * 32, "F32", 512, "test")
    receipt = Receipt("job", "0x1", "0x2", manifest, "", len(prompt), len(answer), "", "complete", 0.0, 1.0, {})
    return Bundle(receipt, tuple(prompt), tuple(answer), sampling)


def letters(engine, prompt, count: int, seed: int) -> list[int]:
    return [ord(engine._letter(len(prompt) + place, seed)) for place in range(count)]


def test_a_bundle_is_held_against_the_weights(engine):
    prompt = tuple(map(ord, "why"))
    own, wrong = letters(engine, prompt, 80, 5), letters(engine, prompt, 80, 6)
    assert check_bundle(engine, bundle(prompt, own, seed=5), CALIBRATION).passed
    verdict = check_bundle(engine, bundle(prompt, wrong, seed=5), CALIBRATION)
    assert (verdict.state, verdict.checked_tokens) == ("failed", 80)
    assert check_bundle(engine, bundle(prompt, own, seed=5)).state == "unverified"
    assert check_bundle(engine, bundle(prompt, (), seed=5), CALIBRATION).state == "unverified"


def test_of_a_long_bundle_some_places_are_looked_at(engine):
    prompt = tuple(map(ord, "why"))
    long = letters(engine, prompt, 1500, 5)
    assert (
        check_bundle(engine, bundle(prompt, long, seed=5), CALIBRATION, chance=Random(1)).checked_tokens == MOST_PLACES
    )


def test_an_engine_is_calibrated_with_answers_of_its_own(engine):
    from freehold.foundation.stop import Stop

    made = own_runs(engine, Stop(), answers=2)
    assert (made.tokens, made.settings, made.exact_share, made.is_assumed) == (128, 1, 1.0, False)
    stop = Stop()
    stop.set()
    assert own_runs(engine, stop) is None
