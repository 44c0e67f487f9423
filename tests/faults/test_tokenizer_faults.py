"""A vocabulary file comes from another machine: whatever is in it ends in words, and touches nothing else."""

from __future__ import annotations

import hashlib
import os
import signal

import pytest

from freehold.engine.gguf import inspect_vocabulary
from freehold.engine.tokenizer import Tokenizer
from freehold.engine.values import Message
from freehold.engine.vocabulary_file import write_vocabulary
from freehold.foundation.errors import EngineStopped, ModelMalformed
from freehold.foundation.paths import Profile
from support.engines import real_tokenizer
from support.tiny_gguf import KINDS, TOKENS, Draft, array, write_tiny
from support.workers import wait_until

QUESTION = [Message("user", "is the end near?")]


@pytest.fixture
def model(tmp_path):
    return write_tiny(tmp_path / "tiny.gguf")


@pytest.fixture
def vocabulary(model, tmp_path):
    write_vocabulary(model, tmp_path / "vocabulary.gguf")
    return tmp_path / "vocabulary.gguf"


@pytest.fixture
def tokenizer(tmp_path):
    made = real_tokenizer(tmp_path / "home")
    yield made
    made.end()


def test_everybody_makes_the_same_file_of_a_model_and_it_holds_no_weights(model, tmp_path):
    digests = {write_vocabulary(model, tmp_path / f"{number}.gguf") for number in range(2)}
    raw = (tmp_path / "0.gguf").read_bytes()
    assert digests == {hashlib.sha256(raw).hexdigest()}
    whole, without = Draft.of(model), Draft.of(tmp_path / "0.gguf")
    assert (without.fields, without.tensors, without.data) == (whole.fields, (), b"")
    assert len(raw) % 32 == 0
    assert inspect_vocabulary(tmp_path / "0.gguf").vocabulary == len(TOKENS)
    assert not list(tmp_path.glob(".*"))


def test_of_a_file_that_is_no_model_no_vocabulary_is_made(tmp_path):
    (tmp_path / "page.gguf").write_text("<html>log in</html>")
    with pytest.raises(ModelMalformed, match="web page"):
        write_vocabulary(tmp_path / "page.gguf", tmp_path / "out.gguf")
    assert not (tmp_path / "out.gguf").exists()


def broken(vocabulary):
    draft = Draft.of(vocabulary)
    endless = "{% for a in range(100000000) %}{% endfor %}"
    cases = {
        "it brings no tokenizer": draft.without("tokenizer.ggml.tokens"),
        "which cannot be": draft.with_field("llama.block_count", "UINT32", 2**31),
        "is no byte": draft.with_field(
            "tokenizer.ggml.tokens", KINDS["ARRAY"], raw=array("STRING", ["<0xZZ>", *TOKENS[1:]])
        ),
        "tokens and": draft.with_field("tokenizer.ggml.scores", KINDS["ARRAY"], raw=array("FLOAT32", [0.0])),
        "more than it can hold": draft.with_field(
            "tokenizer.ggml.tokens", KINDS["ARRAY"], raw=array("STRING", [], length=2**40)
        ),
        "power of two": draft.with_field("general.alignment", "UINT32", 7),
        "speech": draft.with_field("general.architecture", "STRING", "whisper"),
    }
    return cases, draft.with_field("tokenizer.chat_template", "STRING", endless)


def test_a_vocabulary_that_lies_is_refused_before_native_code_sees_it(vocabulary, tokenizer, tmp_path):
    for words, draft in broken(vocabulary)[0].items():
        with pytest.raises(ModelMalformed, match=words):
            tokenizer.load(draft.write(tmp_path / "bad.gguf"))
        assert tokenizer.loaded is None
    tokenizer.load(vocabulary)
    assert tokenizer.read(QUESTION).ids


def test_a_whole_model_is_no_vocabulary(model, tokenizer):
    with pytest.raises(ModelMalformed, match="holds weights"):
        tokenizer.load(model)


def test_a_template_without_end_is_replaced_by_ours(vocabulary, tokenizer, tmp_path):
    loaded = tokenizer.load(broken(vocabulary)[1].write(tmp_path / "endless.gguf"))
    assert loaded.template == "freehold"
    assert any("does not work" in note for note in loaded.notes)
    assert tokenizer.read(QUESTION).ids


def test_when_its_process_dies_that_is_said_and_loading_again_helps(vocabulary, tokenizer):
    tokenizer.load(vocabulary)
    os.kill(tokenizer.pid, signal.SIGKILL)
    wait_until(lambda: tokenizer.loaded is None)
    with pytest.raises(EngineStopped):
        tokenizer.tokens("x")
    tokenizer.load(vocabulary)
    assert tokenizer.tokens("x")


@pytest.mark.e2e
def test_it_works_in_the_engines_box(vocabulary, tmp_path):
    profile = Profile(tmp_path / "home")
    profile.prepare()
    tokenizer = Tokenizer(profile)
    try:
        tokenizer.load(vocabulary)
        tokenizer.begin()
        assert tokenizer.text(tokenizer.tokens("the end")) == "the end"
    finally:
        tokenizer.end()
