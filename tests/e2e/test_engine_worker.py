"""The real starter model in the real engine process."""

from __future__ import annotations

import threading
import time

import pytest

from freehold.engine.gguf import inspect
from freehold.engine.native import NativeModel, Wanted
from freehold.engine.values import Message, Reading, Sampling, Written
from freehold.engine.vocabulary_file import write_vocabulary
from freehold.foundation.stop import Stop
from support.engines import drain, prepared, real_engine, real_tokenizer, starter_model, starter_path, written

pytestmark = pytest.mark.e2e

LONG = "The river runs past an old mill where people once ground their corn and told each other stories. "


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    made = real_engine(tmp_path_factory.mktemp("home"))
    # One thread: on a machine that runs other tests too, two would spend their time waiting for each other.
    prepared(made, starter_model(), context=8192)
    yield made
    made.unload()


def answer(engine, prompt, **sampling):
    settings = Sampling(**{"max_tokens": 24, "temperature": 0.0, **sampling})
    steps, finished = drain(engine.generate(prompt, settings, Stop()))
    return *written(steps), finished


def test_the_starter_says_what_it_is():
    facts = inspect(starter_path())
    assert (facts.architecture, facts.layers, facts.context, facts.quantisation) == ("llama", 30, 8192, "Q4_1")
    assert (facts.licence, facts.vocabulary, facts.kv_heads, facts.heads) == ("apache-2.0", 49152, 3, 9)
    assert facts.bytes == 98_362_432
    assert facts.template is not None


def test_it_answers_in_words(engine):
    loaded = engine.loaded
    assert (loaded.template, loaded.limit, loaded.notes) == ("model", 8192, ())
    ids, text, finished = answer(engine, engine.read([Message("user", "What colour is the sky?")]).ids)
    assert "sky" in text
    assert finished.ending in ("complete", "length")
    assert len(ids) > 3


def test_a_prompt_has_the_very_tokens_that_llama_cpp_makes_of_it(engine):
    import llama_cpp

    whole = llama_cpp.Llama(str(starter_path()), vocab_only=True, verbose=False)
    talk = [
        Message("system", "Be brief."),
        Message("user", "def f(x):\n\treturn  x\n\n\n\u00e9\u4e16\u754c \U0001f600"),
        Message("assistant", " Yes.\n"),
        Message("user", "Why?"),
    ]
    rendered = "".join(f"<|im_start|>{m.role}\n{m.text}<|im_end|>\n" for m in talk) + "<|im_start|>assistant\n"
    expected = whole.tokenize(rendered.encode(), add_bos=False, special=True)
    assert list(engine.read(talk).ids) == expected


def test_its_vocabulary_alone_speaks_as_the_whole_model_does(engine, tmp_path):
    write_vocabulary(starter_path(), tmp_path / "starter.gguf")
    assert (tmp_path / "starter.gguf").stat().st_size < 2_000_000
    talk = [Message("system", "Be brief."), Message("user", "\u4e16\u754c \U0001f600 <|im_end|>")]
    tokenizer = real_tokenizer(tmp_path)
    try:
        assert tokenizer.load(tmp_path / "starter.gguf").size == 49152
        assert tokenizer.read(talk) == engine.read(talk)
        ids, text, _ = answer(engine, engine.read(talk).ids, temperature=1.5, seed=3)
        tokenizer.begin()
        assert "".join(tokenizer.text((one,)) for one in ids) == text
    finally:
        tokenizer.end()


def test_characters_of_several_tokens_arrive_whole(engine):
    prompt = engine.read(
        [Message("user", "Repeat exactly: \U0001f600\U0001f680\U0001f468\u200d\U0001f469 \u4e16\u754c")]
    ).ids
    steps, _ = drain(engine.generate(prompt, Sampling(max_tokens=30, temperature=1.5, seed=3), Stop()))
    _, text = written(steps)
    text.encode("utf-8")
    assert all(isinstance(step.text, str) for step in steps if isinstance(step, Written))


def test_the_second_turn_and_the_return_to_a_chat_read_only_what_is_new(engine):
    def turn(name: str) -> tuple[list[Message], int]:
        first = [Message("user", f"{name}. " + LONG * 12)]
        prompt = engine.read(first).ids
        ids, text, _ = answer(engine, prompt, max_tokens=8)
        return [*first, Message("assistant", text, ids)], len(prompt) + len(ids)

    talks = [turn(name) for name in ("Alpha", "Beta", "Gamma")]
    for talk, known in (talks[2], talks[1], talks[0]):
        prompt = engine.read([*talk, Message("user", "And then?")]).ids
        reused = answer(engine, prompt, max_tokens=4)[2].reused
        assert reused >= known - 1


def test_a_stop_while_reading_keeps_what_was_read(engine):
    prompt, stop = engine.read([Message("user", "Stop. " + LONG * 60)]).ids, Stop()
    assert len(prompt) > 1100
    steps, read = engine.generate(prompt, Sampling(), stop), []
    for step in steps:
        assert isinstance(step, Reading)
        read.append(step.done)
        if step.done > 100:
            threading.Timer(0.05, stop.set).start()
            break
    rest, finished = drain(steps)
    assert finished.ending == "stopped"
    assert written(rest)[0] == ()
    read += [step.done for step in rest]
    again = engine.generate(prompt, Sampling(max_tokens=1), Stop())
    assert next(again).done >= read[-1]
    again.close()


def test_an_answer_that_was_stopped_goes_on_from_where_it_was(engine):
    prompt = engine.read([Message("user", "Tell me about rivers.")]).ids
    whole, text, _ = answer(engine, prompt, temperature=0.7, seed=11, max_tokens=20)
    half = answer(engine, prompt, temperature=0.7, seed=11, max_tokens=10)
    rest = answer(engine, prompt + half[0], temperature=0.7, seed=11, max_tokens=10)
    assert half[0] == whole[:10]
    assert half[0] + rest[0] == whole
    assert half[1] + rest[1] == text


def test_an_answer_begun_elsewhere_goes_on_as_if_it_had_never_been_interrupted(engine):
    prompt = engine.read([Message("user", "Tell me about mountains.")]).ids
    other = engine.read([Message("user", "And now something else entirely.")]).ids
    whole, text, _ = answer(engine, prompt, temperature=0.7, seed=4, max_tokens=30)
    begun = answer(engine, prompt, temperature=0.7, seed=4, max_tokens=17)[1]
    answer(engine, other, max_tokens=1)
    wish = Sampling(temperature=0.7, seed=4, max_tokens=13)
    steps, finished = drain(engine.generate(prompt + whole[:17], wish, Stop(), replayed=17))
    assert finished.reused < len(prompt)
    assert (written(steps)[0], begun + written(steps)[1]) == (whole[17:], text)


def test_a_check_gives_way_to_an_answer_and_is_completed_afterwards(engine):
    prompt = engine.read([Message("user", "Check. " + LONG * 40)]).ids
    wish = Sampling(temperature=0.7, seed=2, max_tokens=24)
    ids = written(drain(engine.generate(prompt, wish, Stop()))[0])[0]
    other = engine.read([Message("user", "What colour is the sky?")]).ids
    answer(engine, other, max_tokens=1)
    found = []
    check = threading.Thread(
        target=lambda: found.extend(engine.score(prompt, ids, range(len(ids)), wish, Stop())), daemon=True
    )
    check.start()
    time.sleep(0.3)
    assert not engine.is_busy
    assert answer(engine, other, max_tokens=8)[2].ending == "length"
    check.join(120)
    assert [one.position for one in found] == list(range(len(ids)))
    assert sum(one.chosen == ids[one.position] for one in found) >= len(ids) - 3
    assert max(one.margin for one in found) < 1.0


def test_native_code_hears_a_wish_to_stop_in_the_middle_of_a_computation():
    model = NativeModel(Wanted(starter_path(), 2048, 0, 1))
    ids = model.vocabulary.tokens(LONG * 20)[:400]
    assert model.decode(ids[:10]) == "done"
    threading.Timer(0.05, model.flag.raise_it).start()
    assert model.decode(ids) == "aborted"
    assert model.flag.is_up
    assert model.trim(10)
    model.flag.lower()
    assert model.decode(ids[10:20]) == "done"
    model.free()


def test_another_model_takes_its_place(engine):
    pid = engine.pid
    assert prepared(engine, starter_model(), context=1024).limit == 1024
    assert engine.pid != pid
    assert prepared(engine, starter_model(), context=8192).limit == 8192
