"""One answer by several engines, killed anywhere: no token lost, none twice, and it is said who wrote what."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from freehold.engine.values import Loaded, Loading, Message, Model, Notice, Prompt, Sampling, Written
from freehold.foundation.errors import (
    EngineStopped,
    MandateRefused,
    PeerUnreachable,
    PeerUntrusted,
    VaultLocked,
)
from freehold.foundation.stop import Stop
from freehold.market.failover import HERE, Begun, Candidate, Relay, next_in_turn
from support.engines import FakeEngine, drain, prepared, written

SAME, OTHER = "aa" * 32, "cc" * 32
QUESTION = [Message("user", "is the end near?")]


class Mortal:
    """A fake engine that dies after writing so many tokens (None: never), or cannot be made ready at all."""

    def __init__(self, dies: int | None = None, sha256: str = SAME, *, here: bool = False, error=None, unready=None):
        self.inner = FakeEngine(limit=4000)
        self.dies, self.sha256, self.leaves_device = dies, sha256, not here
        self.error, self.unready = error or PeerUnreachable("gone"), unready
        self.jobs: tuple[str, ...] = ()
        self.asked: list[tuple[int, int]] = []

    @property
    def loaded(self):
        return self.inner.loaded

    def prepare(self, model, **_):
        if self.unready is not None:
            raise self.unready
        yield Loading("it", 1.0)
        self.inner._loaded = Loaded("m", "M", self.sha256, 4000, 0, 1, "freehold", 1)
        return self.inner.loaded

    def read(self, messages):
        extra = (7,) if self.sha256 == OTHER else ()  # another model's tokens are others
        prompt = self.inner.read(messages)
        return Prompt((*extra, *prompt.ids), prompt.counts)

    def tokens(self, text):
        return self.inner.tokens(text)

    def generate(self, prompt, sampling, stop, chat="", *, replayed=0):
        self.asked.append((len(prompt), replayed))
        if self.leaves_device:
            self.jobs = (*self.jobs, f"job of {id(self)}")
        steps = self.inner.generate(prompt, sampling, stop, chat, replayed=replayed)
        count = 0
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    return end.value
                if isinstance(step, Written):
                    if self.dies is not None and count + len(step.ids) > self.dies:
                        raise self.error
                    count += len(step.ids)
                yield step
        finally:
            steps.close()


def relay_of(*engines, only_devices=False):
    names = [HERE if not one.leaves_device else f"Device {number}" for number, one in enumerate(engines)]
    candidates = [
        Candidate(name, one, frozenset() if name == HERE else frozenset([one.sha256]))
        for name, one in zip(names, engines, strict=True)
    ]
    return Relay(candidates, only_devices=only_devices)


def ask(relay, *, tokens=30, stop=None):
    """Steps, how it finished, and the notices."""
    prepared(relay, Model("m", "M", 1))
    prompt = relay.read(QUESTION).ids
    steps, finished = drain(relay.generate(prompt, Sampling(max_tokens=tokens, seed=5), stop or Stop(), "a chat"))
    return steps, finished


def alone(tokens=30, sha256=SAME):
    return written(ask(relay_of(Mortal(sha256=sha256)), tokens=tokens)[0])


@settings(max_examples=200, deadline=None)
@given(some.lists(some.integers(0, 12), max_size=6), some.integers(1, 40), some.booleans())
def test_wherever_engines_die_the_answer_is_the_one_that_nobody_interrupted(deaths, tokens, ends_here):
    engines = [Mortal(dies) for dies in deaths] + [Mortal(here=ends_here)]
    relay = relay_of(*engines)
    steps, finished = ask(relay, tokens=tokens)
    ids, text = written(steps)
    assert (ids, text) == alone(tokens)
    assert finished.ending == "length"
    assert relay.is_one_model
    wrote = [
        (HERE if not one.leaves_device else f"Device {number}") for number, one in enumerate(engines)
        if one.asked and (one.dies is None or one.dies > 0)
    ]  # fmt: skip
    assert list(relay.makers) == wrote
    assert len(relay.jobs) == sum(bool(one.asked) for one in engines if one.leaves_device)
    for one in engines:
        for length, replayed in one.asked:
            assert length - replayed == engines[0].asked[0][0]  # each read the same question, and then the ids


@settings(max_examples=100, deadline=None)
@given(some.integers(0, 12), some.integers(13, 40))
def test_another_model_here_goes_on_from_the_words(dies, tokens):
    device, local = Mortal(dies), Mortal(here=True, sha256=OTHER)
    relay = relay_of(device, local)
    steps, finished = ask(relay, tokens=tokens)
    ids, text = written(steps)
    assert finished.ending == "length"
    assert len(ids) == tokens
    begun = alone(tokens)[1][:dies]
    assert text.startswith(begun)
    question = len(local.read(QUESTION).ids)
    assert local.asked == [(question + dies, dies)]
    notices = [step.words for step in steps if isinstance(step, Notice)]
    assert len(notices) == 1
    assert ("another model" in notices[0]) == (dies > 0)
    assert relay.is_one_model == (dies == 0)
    assert relay.makers == ((HERE,) if dies == 0 else ("Device 0", HERE))


@settings(max_examples=60, deadline=None)
@given(some.lists(some.tuples(some.integers(0, 8), some.booleans()), min_size=1, max_size=6), some.integers(0, 40))
def test_stopping_anywhere_ends_it_with_what_was_written(kills, when):
    engines = [Mortal(dies, SAME if same else OTHER) for dies, same in kills] + [Mortal(here=True)]
    relay, stop, heard = relay_of(*engines), Stop(), []
    prepared(relay, Model("m", "M", 1))
    steps = relay.generate(relay.read(QUESTION).ids, Sampling(max_tokens=40, seed=5), stop, "a chat")
    finished = None
    while finished is None:
        try:
            heard.append(next(steps))
        except StopIteration as end:
            finished = end.value
        if len(written(heard)[0]) >= when:
            stop.set()
    assert finished.ending in ("stopped", "length")
    assert len(written(heard)[0]) >= min(when, 40)
    assert not any(one.inner.is_busy for one in engines)


def test_a_device_with_another_model_does_not_go_on_with_words_of_the_first():
    first, other, same = Mortal(5), Mortal(sha256=OTHER), Mortal()
    assert written(ask(relay_of(first, other, same))[0]) == alone()
    assert other.asked == []


def test_before_the_first_word_a_device_with_another_model_answers():
    first, other = Mortal(0), Mortal(sha256=OTHER)
    relay = relay_of(first, other)
    steps, _ = ask(relay)
    assert written(steps) == alone(sha256=OTHER)
    assert relay.makers == ("Device 1",)


def test_a_device_that_turns_out_to_have_another_model_is_passed_over():
    first, changed, local = Mortal(5), Mortal(), Mortal(here=True)
    relay = relay_of(first, changed, local)
    changed.sha256 = OTHER
    assert written(ask(relay)[0]) == alone()
    assert relay.makers == ("Device 0", HERE)


def test_who_cannot_be_asked_is_passed_over_and_it_is_said():
    relay = relay_of(
        Mortal(unready=PeerUnreachable("off")), Mortal(unready=MandateRefused("used up")), Mortal(here=True)
    )
    steps, _ = drain(relay.prepare(Model("m", "M", 1), context=512, gpu_layers=-1, threads=1))
    assert [step.words for step in steps if isinstance(step, Notice)] == [
        "The other device cannot be reached. Device 1 is asked instead.",
        "This is not within what you allowed. This computer is asked instead.",
    ]


def test_when_nobody_can_be_asked_the_first_reason_is_raised():
    relay = relay_of(Mortal(unready=PeerUntrusted("another certificate")), Mortal(unready=PeerUnreachable("off")))
    with pytest.raises(PeerUntrusted):
        prepared(relay, Model("m", "M", 1))
    with pytest.raises(PeerUnreachable):
        prepared(Relay([]), Model("m", "M", 1))


def test_wished_for_devices_are_not_replaced_by_this_computer_before_they_spoke():
    relay = relay_of(Mortal(unready=PeerUnreachable("off")), Mortal(here=True), only_devices=True)
    with pytest.raises(PeerUnreachable):
        prepared(relay, Model("m", "M", 1))
    relay = relay_of(Mortal(0), Mortal(here=True), only_devices=True)
    with pytest.raises(PeerUnreachable):
        ask(relay)
    relay = relay_of(Mortal(3), Mortal(here=True), only_devices=True)
    assert written(ask(relay)[0]) == alone()


def test_when_the_last_one_dies_what_ended_it_is_raised_and_the_words_stay():
    relay, heard = relay_of(Mortal(4), Mortal(3, error=EngineStopped("crashed"))), []
    prepared(relay, Model("m", "M", 1))
    prompt = relay.read(QUESTION).ids
    with pytest.raises(EngineStopped):
        heard.extend(relay.generate(prompt, Sampling(max_tokens=30, seed=5), Stop(), "a chat"))
    assert written(heard)[0] == alone()[0][:7]
    assert relay.makers == ("Device 0", "Device 1")


def test_a_locked_vault_is_nobody_s_turn():
    second = Mortal()
    relay = relay_of(Mortal(4, error=VaultLocked()), second)
    prepared(relay, Model("m", "M", 1))
    with pytest.raises(VaultLocked):
        list(relay.generate(relay.read(QUESTION).ids, Sampling(max_tokens=30), Stop(), "a chat"))
    assert second.asked == []


def test_an_engine_that_died_at_its_very_last_token_has_answered():
    steps, finished = ask(relay_of(Mortal(30), Mortal(here=True)), tokens=30)
    assert (len(written(steps)[0]), finished.ending) == (30, "length")


def test_a_question_that_was_never_read_here_cannot_be_taken_up_by_another_model():
    relay = relay_of(Mortal(3), Mortal(here=True, sha256=OTHER))
    prepared(relay, Model("m", "M", 1))
    with pytest.raises(PeerUnreachable):
        list(relay.generate((1, 2, 3), Sampling(max_tokens=9), Stop(), "a chat"))


def test_nothing_is_asked_of_a_relay_that_was_not_prepared():
    relay = relay_of(Mortal())
    for wish in (
        lambda: relay.read(QUESTION),
        lambda: relay.tokens("a"),
        lambda: list(relay.generate((1,), Sampling(), Stop())),
    ):
        with pytest.raises(EngineStopped):
            wish()
    assert (relay.loaded, relay.makers, relay.jobs, relay.leaves_device) == (None, (), (), True)


def test_the_rule_of_turns():
    here, same, other = (
        Candidate(HERE, Mortal(here=True)), Candidate("A", Mortal(), frozenset([SAME])),
        Candidate("B", Mortal(), frozenset([OTHER])),
    )  # fmt: skip
    nothing, some_words = Begun((1,), SAME), Begun((1,), SAME, (5,), "x", 1)
    for order in itertools.permutations((here, same, other)):
        assert next_in_turn(order, nothing) is order[0]
        assert next_in_turn(order, nothing, only_devices=True) is next(one for one in order if one is not here)
        assert next_in_turn(order, some_words) is next(one for one in order if one is not other)
    assert next_in_turn([other], some_words) is None
    assert next_in_turn([], nothing) is None
