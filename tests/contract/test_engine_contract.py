"""What every engine promises, held against the fake, the real one on a tiny model, and one that asks another device."""

from __future__ import annotations

import threading

import pytest

from freehold.engine.values import Loaded, Loading, Message, Model, Reading, Sampling, Written
from freehold.foundation.errors import EngineStopped, ModelMissing, PromptTooLong
from freehold.foundation.stop import Stop
from freehold.market.peer_engine import PeerEngine
from support.engines import FakeEngine, drain, prepared, real_engine, tiny_model, written
from support.fake_peer import FakePeer, House, loaded_fake, manifest_of
from support.vaults import opened

QUESTION = Message("user", "is the end near?")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Model:
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(params=["fake", "real", "peer"])
def engine(request, tmp_path, model):
    if request.param == "peer":
        with opened(tmp_path) as vault:
            yield House(tmp_path, FakePeer(loaded_fake(), manifest=manifest_of(model.sha256)), vault=vault).engine()
        return
    made = FakeEngine() if request.param == "fake" else real_engine(tmp_path)
    yield made
    made.unload()


@pytest.fixture(params=["fake", "real"])
def engine_here(request, tmp_path):
    """One that computes on this machine: what it can beyond a device that is asked."""
    made = FakeEngine() if request.param == "fake" else real_engine(tmp_path)
    yield made
    made.unload()


@pytest.fixture
def ready(engine, model):
    prepared(engine, model)
    return engine


@pytest.fixture
def ready_here(engine_here, model):
    prepared(engine_here, model)
    return engine_here


def answer(engine, prompt, *, stop: Stop | None = None, replayed: int = 0, **sampling):
    wish = Sampling(**{"max_tokens": 8, **sampling})
    steps, finished = drain(engine.generate(prompt, wish, stop or Stop(), replayed=replayed))
    return *written(steps), finished


def test_a_model_is_loaded_with_progress_and_is_then_known(engine, model):
    assert engine.loaded is None
    steps, loaded = drain(engine.prepare(model, context=512, gpu_layers=-1, threads=1))
    done = [step.done for step in steps if isinstance(step, Loading)]
    assert done == sorted(done)
    assert done[-1] == 1.0
    assert isinstance(loaded, Loaded)
    assert (loaded.id, loaded.sha256, loaded.limit, loaded.threads) == (model.id, model.sha256, 512, 1)
    assert engine.loaded == loaded
    assert not engine.is_busy


def test_a_loaded_model_is_not_loaded_again(ready, model):
    assert drain(ready.prepare(model, context=512, gpu_layers=-1, threads=1)) == ([], ready.loaded)


def test_a_model_that_is_not_here_is_missing(engine_here, tmp_path):
    for path in ("", str(tmp_path / "gone.gguf")):
        with pytest.raises(ModelMissing):
            prepared(engine_here, Model("gone", "Gone", 1, path=path))
    assert engine_here.loaded is None


def test_it_is_said_whether_anything_leaves_the_device(engine):
    assert engine.leaves_device is isinstance(engine, PeerEngine)


def test_a_prompt_is_counted_message_by_message(ready):
    one = ready.read([QUESTION])
    two = ready.read([QUESTION, Message("assistant", "no"), Message("user", "why")])
    assert sum(one.counts) == len(one.ids)
    assert sum(two.counts) == len(two.ids)
    assert len(two.counts) == 3
    assert all(count > 0 for count in two.counts)


def test_plain_text_has_tokens_that_an_answer_can_go_on_from(ready):
    prompt, begun = ready.read([QUESTION]).ids, ready.tokens("the end")
    assert len(begun) > 1
    assert len(answer(ready, prompt + begun, replayed=len(begun))[0]) == 8
    ready.unload()
    with pytest.raises(EngineStopped):
        ready.tokens("the end")


def test_an_answer_is_read_then_written_until_its_longest(ready):
    prompt = ready.read([QUESTION]).ids
    steps, finished = drain(ready.generate(prompt, Sampling(max_tokens=8), Stop()))
    reading = [step for step in steps if isinstance(step, Reading)]
    assert reading[-1] == Reading(len(prompt), len(prompt))
    first = next(number for number, step in enumerate(steps) if isinstance(step, Written))
    assert all(isinstance(step, Written) for step in steps[first:])
    assert finished.ending == "length"
    assert len(written(steps)[0]) == 8


def test_the_same_seed_writes_the_same_and_another_does_not(ready):
    prompt = ready.read([QUESTION]).ids
    first = answer(ready, prompt, seed=1, temperature=1.0, max_tokens=12)
    assert answer(ready, prompt, seed=1, temperature=1.0, max_tokens=12)[:2] == first[:2]
    assert answer(ready, prompt, seed=2, temperature=1.0, max_tokens=12)[:2] != first[:2]


def test_an_answer_cut_anywhere_goes_on_as_the_same_answer(ready):
    prompt = ready.read([QUESTION]).ids
    whole = answer(ready, prompt, seed=5, temperature=1.0, max_tokens=12)[0]
    for cut in (1, 5, 11):
        assert answer(ready, prompt + whole[:cut], seed=5, temperature=1.0, max_tokens=12 - cut)[0] == whole[cut:]


def test_an_answer_begun_elsewhere_goes_on_as_the_same_answer_with_the_same_text(ready):
    prompt = ready.read([QUESTION]).ids
    whole, text, _ = answer(ready, prompt, seed=5, temperature=1.0, max_tokens=12)
    for cut in (1, 5, 11):
        begun = answer(ready, prompt, seed=5, temperature=1.0, max_tokens=cut)[1]
        other = ready.read([Message("user", "something else")]).ids
        answer(ready, other)
        rest = answer(ready, prompt + whole[:cut], replayed=cut, seed=5, temperature=1.0, max_tokens=12 - cut)
        assert (rest[0], begun + rest[1]) == (whole[cut:], text)


def test_what_was_read_together_is_not_what_an_answer_goes_on_from(ready):
    prompt = ready.read([QUESTION]).ids
    begun = answer(ready, prompt, seed=5)[0]
    answer(ready, ready.read([Message("user", "something else")]).ids)
    answer(ready, prompt + begun, max_tokens=1)
    assert answer(ready, prompt + begun, max_tokens=1)[2].reused == len(prompt + begun) - 1
    assert answer(ready, prompt + begun, max_tokens=1, replayed=8)[2].reused == len(prompt)
    assert answer(ready, prompt + begun, max_tokens=1, replayed=8)[2].reused == len(prompt + begun) - 1


def test_its_own_answer_is_what_it_would_have_written(ready_here):
    prompt = ready_here.read([QUESTION]).ids
    for wish in (Sampling(temperature=0.0, max_tokens=40), Sampling(temperature=1.0, seed=7, max_tokens=40)):
        ids = written(drain(ready_here.generate(prompt, wish, Stop()))[0])[0]
        scored = ready_here.score(prompt, ids, range(40), wish, Stop())
        assert [one.position for one in scored] == list(range(40))
        assert sum(one.chosen == ids[one.position] for one in scored) >= 38
        assert max(one.margin for one in scored) < 0.05


def test_a_token_that_was_swapped_has_a_margin_and_nothing_is_said_of_other_places(ready_here):
    prompt, wish = ready_here.read([QUESTION]).ids, Sampling(temperature=1.0, seed=7, max_tokens=12)
    ids = list(written(drain(ready_here.generate(prompt, wish, Stop()))[0])[0])
    own, ids[6] = ids[6], ready_here.read([Message("user", "z")]).ids[-2]
    scored = ready_here.score(prompt, ids, (6, 3, 6), wish, Stop())
    assert [one.position for one in scored] == [3, 6]
    assert (scored[1].chosen, scored[1].margin > 0.1) == (own, True)


def test_what_cannot_be_scored_is_refused_in_words_and_stopping_comes_first(ready_here):
    prompt = ready_here.read([QUESTION]).ids
    with pytest.raises(PromptTooLong):
        ready_here.score(prompt, prompt * 100, (len(prompt) * 100 - 1,), Sampling(), Stop())
    with pytest.raises(EngineStopped):
        ready_here.score(prompt, prompt, (len(prompt),), Sampling(), Stop())
    stop = Stop()
    stop.set()
    assert ready_here.score(prompt, prompt, (0, 1), Sampling(), stop) == ()
    assert ready_here.score(prompt, prompt, (), Sampling(), Stop()) == ()
    ready_here.unload()
    with pytest.raises(EngineStopped):
        ready_here.score(prompt, prompt, (0,), Sampling(), Stop())


def test_the_next_prompt_continues_what_was_read_and_written(ready):
    first = ready.read([QUESTION])
    ids, text, _ = answer(ready, first.ids)
    second = ready.read([QUESTION, Message("assistant", text, ids), Message("user", "why")])
    assert second.ids[: len(first.ids) + len(ids)] == first.ids + ids
    assert answer(ready, second.ids)[2].reused >= len(first.ids) + len(ids) - 1


def test_a_wish_to_stop_that_comes_first_writes_nothing(ready):
    stop = Stop()
    stop.set()
    ids, text, finished = answer(ready, ready.read([QUESTION]).ids, stop=stop)
    assert (ids, text, finished.ending) == ((), "", "stopped")


def test_stopping_keeps_what_was_written_and_the_engine_goes_on(ready):
    prompt, stop = ready.read([QUESTION]).ids, Stop()
    steps = ready.generate(prompt, Sampling(max_tokens=400), stop)
    seen = []
    for step in iter(lambda: next(steps), None):
        seen.append(step)
        if isinstance(step, Written):
            stop.set()
            break
    rest, finished = drain(steps)
    assert finished.ending == "stopped"
    assert 1 <= len(written(seen + rest)[0]) < 400
    assert answer(ready, prompt)[2].ending == "length"


def test_closing_an_answer_frees_the_engine(ready):
    prompt = ready.read([QUESTION]).ids
    steps = ready.generate(prompt, Sampling(max_tokens=400), Stop())
    next(steps)
    assert ready.is_busy
    steps.close()
    assert not ready.is_busy
    assert answer(ready, prompt)[2].ending == "length"


def test_a_prompt_beyond_the_context_is_refused_in_words(ready):
    prompt = ready.read([QUESTION]).ids
    with pytest.raises(PromptTooLong):
        answer(ready, prompt * 100)
    assert answer(ready, prompt)[2].ending == "length"


def test_an_answer_ends_where_the_context_does(ready):
    prompt = (ready.read([QUESTION]).ids * 100)[:500]
    ids, _, finished = answer(ready, prompt, max_tokens=400)
    assert finished.ending == "length"
    assert 500 + len(ids) in (512, 513)


def test_a_second_asker_waits_and_may_give_up_waiting(ready):
    prompt = ready.read([QUESTION]).ids
    first = ready.generate(prompt, Sampling(max_tokens=400), Stop())
    next(first)
    stop, heard = Stop(), []
    second = threading.Thread(target=lambda: heard.append(answer(ready, prompt, stop=stop)))
    second.start()
    assert not heard
    stop.set()
    second.join(20)
    assert heard[0][2].ending == "stopped"
    third = threading.Thread(target=lambda: heard.append(answer(ready, prompt)))
    third.start()
    first.close()
    third.join(20)
    assert heard[1][2].ending == "length"


def test_unloading_gives_everything_back_until_it_is_loaded_again(ready, model):
    prompt = ready.read([QUESTION]).ids
    ready.unload()
    assert ready.loaded is None
    with pytest.raises(EngineStopped):
        answer(ready, prompt)
    with pytest.raises(EngineStopped):
        ready.read([QUESTION])
    prepared(ready, model)
    assert answer(ready, prompt)[2].ending == "length"


def test_it_is_unloaded_only_when_idle(ready):
    prompt = ready.read([QUESTION]).ids
    steps = ready.generate(prompt, Sampling(max_tokens=400), Stop())
    next(steps)
    assert not ready.unload_if_idle(0)
    steps.close()
    assert not ready.unload_if_idle(3600)
    assert ready.unload_if_idle(0)
    assert ready.loaded is None
    assert not ready.unload_if_idle(0)
