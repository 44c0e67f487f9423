"""What every tokenizer of another machine's model promises, held against the fake and the real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from freehold.engine.values import Message, Sampling
from freehold.engine.vocabulary_file import write_vocabulary
from freehold.foundation.errors import EngineStopped, ModelMalformed
from freehold.foundation.stop import Stop
from support.engines import (
    FakeEngine,
    FakeTokenizer,
    drain,
    prepared,
    real_engine,
    real_tokenizer,
    tiny_model,
    written,
)

TALK = [Message("user", "is the end near?"), Message("assistant", "no \u00e9"), Message("user", "why")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def file(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("vocabularies") / "tiny.gguf"
    write_vocabulary(Path(model.path), path)
    return path


@pytest.fixture(params=["fake", "real"])
def pair(request, tmp_path, model):
    """A tokenizer, and an engine that holds the whole model."""
    is_fake = request.param == "fake"
    engine = FakeEngine() if is_fake else real_engine(tmp_path)
    tokenizer = FakeTokenizer() if is_fake else real_tokenizer(tmp_path)
    prepared(engine, model)
    yield tokenizer, engine
    engine.unload()
    tokenizer.end()


@pytest.fixture
def ready(pair, file):
    pair[0].load(file)
    return pair[0]


def test_what_is_loaded_is_known(pair, file):
    tokenizer = pair[0]
    assert tokenizer.loaded is None
    loaded = tokenizer.load(file)
    assert tokenizer.loaded == loaded
    assert (loaded.size > 256, loaded.context) == (True, 512)
    tokenizer.end()
    assert tokenizer.loaded is None


def test_a_prompt_is_the_one_that_the_whole_model_reads(pair, ready):
    assert ready.read(TALK) == pair[1].read(TALK)


def test_the_text_of_an_answer_is_the_one_that_the_whole_model_wrote(pair, ready):
    prompt = ready.read(TALK).ids
    steps, finished = drain(pair[1].generate(prompt, Sampling(max_tokens=60, seed=3, temperature=1.5), Stop()))
    ids, text = written(steps)
    ready.begin()
    assert "".join(ready.text((one,)) for one in ids) + ready.rest(finished.ending) == text + finished.tail
    ready.begin()
    assert ready.text(ids) == text


def test_text_that_another_model_wrote_becomes_this_ones_tokens(ready):
    ids = ready.tokens("the end <|im_end|>")
    assert len(ids) > 3
    ready.begin()
    assert ready.text(ids) == "the end <|im_end|>"


def test_a_token_that_the_model_does_not_have_is_refused_and_the_next_answer_goes_on(ready):
    ready.begin()
    for bad in (-1, 2**31 - 1):
        with pytest.raises(EngineStopped):
            ready.text((bad,))
    ready.begin()
    assert ready.text(ready.tokens("and")) == "and"


def test_without_a_vocabulary_or_an_answer_there_is_no_text(pair, file):
    tokenizer = pair[0]
    for ask in (tokenizer.begin, lambda: tokenizer.read(TALK), lambda: tokenizer.tokens("x")):
        with pytest.raises(EngineStopped):
            ask()
    tokenizer.load(file)
    with pytest.raises(EngineStopped):
        tokenizer.text((5,))
    with pytest.raises(EngineStopped):
        tokenizer.rest("complete")


def test_a_file_that_is_not_there_is_refused_in_words_and_nothing_is_loaded(pair, file, tmp_path):
    tokenizer = pair[0]
    tokenizer.load(file)
    with pytest.raises(ModelMalformed):
        tokenizer.load(tmp_path / "gone.gguf")
    assert tokenizer.loaded is None
