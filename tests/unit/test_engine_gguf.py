"""Which files are shown to llama.cpp, and what the others are told."""

from __future__ import annotations

import os
import struct
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.engine.gguf import GgufFacts, inspect
from freehold.foundation.errors import ModelMalformed
from support.tiny_gguf import TEMPLATE, TOKENS, Draft, array, scalar, text, write_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def draft(tiny) -> Draft:
    return Draft.of(tiny)


def test_a_sound_model_says_what_it_is(tiny):
    facts = inspect(tiny)
    assert facts == GgufFacts(
        architecture="llama", name="Tiny", layers=2, context=512, quantisation="F32", parameters=facts.parameters,
        licence="apache-2.0", template=TEMPLATE, embedding=64, heads=4, kv_heads=2, key_length=16, value_length=16,
        kv_width=2 * 2 * 32, window=0, vocabulary=len(TOKENS), weights=facts.parameters * 4,
        bytes=tiny.stat().st_size,
    )  # fmt: skip
    assert facts.parameters > 50_000


def test_a_draft_put_together_again_is_the_same_model(tiny, draft, tmp_path):
    assert inspect(draft.write(tmp_path / "tiny.gguf")) == inspect(tiny)


Change = Callable[[Draft], Draft]
U32 = "UINT32"


def _field(key: str, kind: str | int, value: object = None, raw: bytes | None = None) -> Change:
    return lambda draft: draft.with_field(key, kind, value, raw=raw)


def _tensor(which: str, /, **changes: object) -> Change:
    return lambda draft: draft.with_tensor(which, **changes)


TABLE = "token_embd.weight"
NORM = "output_norm.weight"
WRONG: dict[str, tuple[Change, str]] = {
    "another magic": (lambda d: replace(d, magic=b"GGML"), "does not begin"),
    "the magic backwards": (lambda d: replace(d, magic=b"FUGG"), "big-endian"),
    "an old magic": (lambda d: replace(d, magic=b"tjgg"), "old GGML"),
    "version 0": (lambda d: replace(d, version=0), "unknown version 0"),
    "version 1": (lambda d: replace(d, version=1), "version 1"),
    "version 99": (lambda d: replace(d, version=99), "unknown version 99"),
    "a big-endian version": (lambda d: replace(d, version=0x03000000), "big-endian"),
    "2^63 tensors": (lambda d: replace(d, tensor_count=2**63), "more than it can hold"),
    "2^64-1 fields": (lambda d: replace(d, field_count=2**64 - 1), "more than it can hold"),
    "2^63 fields": (lambda d: replace(d, field_count=2**63), "more than it can hold"),
    "a million tensors": (lambda d: replace(d, tensor_count=1_000_000), "more than it can hold"),
    "one tensor too many": (lambda d: replace(d, tensor_count=len(d.tensors) + 1), ""),
    "one field too many": (lambda d: replace(d, field_count=len(d.fields) + 1), ""),
    "one field too few": (lambda d: replace(d, field_count=len(d.fields) - 1), ""),
    "no tensors": (lambda d: replace(d, tensors=()), "no weights"),
    "no fields": (lambda d: replace(d, fields=()), "architecture"),
    "a key twice": (lambda d: d.with_twice("llama.block_count"), "there twice"),
    "an empty key": (lambda d: d.with_field("", U32, 1), "empty"),
    "a key of 2 kB": (lambda d: d.with_field("k" * 2000, U32, 1), "2000 bytes"),
    "a key that is not text": (lambda d: replace(d, fields=((b"\xff\xfe", 4, b"\0\0\0\0"), *d.fields)), "not text"),
    "an unknown value type": (_field("general.name", 13, raw=b""), "unknown type 13"),
    "a value type of 2^32-1": (_field("general.name", 2**32 - 1, raw=b""), "unknown type"),
    "a string of 2^64-1 bytes": (_field("general.name", "STRING", raw=text("x", length=2**64 - 1)), "claims"),
    "a string of 1 GB": (_field("general.name", "STRING", raw=text("x", length=2**30)), "claims"),
    "a string past the end": (_field("general.name", "STRING", raw=text("x", length=10_000_000)), ""),
    "a name that is not text": (_field("general.name", "STRING", raw=text(b"\xc3\x28")), "not text"),
    "a yes-or-no of 7": (_field("tokenizer.ggml.add_bos_token", "BOOL", 7), "neither yes nor no"),
    "a yes-or-no of 255": (_field("tokenizer.ggml.add_bos_token", "BOOL", 255), "neither yes nor no"),
    "an array of yes-or-no with a 9": (_field("x.y", "ARRAY", raw=array("BOOL", [0, 1, 9])), "neither"),
    "an array of arrays": (_field("x.y", "ARRAY", raw=array(9, [], length=1)), "array of arrays"),
    "an array of unknowns": (_field("x.y", "ARRAY", raw=array(77, [])), "unknown type 77"),
    "an array of 2^63 numbers": (_field("x.y", "ARRAY", raw=array("UINT8", [], length=2**63)), "claims"),
    "an array of 2^61 doubles": (_field("x.y", "ARRAY", raw=array("FLOAT64", [], length=2**61)), "claims"),
    "an array of 2^40 strings": (_field("x.y", "ARRAY", raw=array("STRING", [], length=2**40)), "claims"),
    "an array item of 2^63 bytes": (
        _field("x.y", "ARRAY", raw=struct.pack("<IQ", 8, 1) + text("", length=2**63)), "claims"),
    "alignment 0": (_field("general.alignment", U32, 0), "alignment"),
    "alignment 3": (_field("general.alignment", U32, 3), "alignment"),
    "alignment 4": (_field("general.alignment", U32, 4), "alignment"),
    "alignment 2^31": (_field("general.alignment", U32, 2**31), "alignment"),
    "alignment as INT32": (_field("general.alignment", "INT32", 32), "alignment"),
    "alignment as UINT64": (_field("general.alignment", "UINT64", 32), "alignment"),
    "alignment as text": (_field("general.alignment", "STRING", "32"), "alignment"),
    "no architecture": (lambda d: d.without("general.architecture"), "architecture"),
    "an architecture that is a number": (_field("general.architecture", U32, 7), "not text"),
    "an unknown architecture": (_field("general.architecture", "STRING", "frobnicator"), "unknown"),
    "an architecture of control characters": (_field("general.architecture", "STRING", "\x1b[2J\u202e"), "unknown"),
    "a vision part": (_field("general.architecture", "STRING", "clip"), "vision"),
    "a part marked mmproj": (_field("general.type", "STRING", "mmproj"), "vision"),
    "a speech recogniser": (_field("general.architecture", "STRING", "whisper"), "speech"),
    "an embedding model": (_field("general.architecture", "STRING", "bert"), "embedding"),
    "a diffusion model": (_field("general.architecture", "STRING", "dream"), "diffusion"),
    "an image model": (_field("general.architecture", "STRING", "flux"), "image"),
    "a translation model": (_field("general.architecture", "STRING", "t5"), "translation"),
    "an adapter": (_field("general.type", "STRING", "adapter"), "adapter"),
    "one part of three": (_field("split.count", "UINT16", 3), "split"),
    "no layers": (_field("llama.block_count", U32, 0), "block_count is 0"),
    "2^31 layers": (_field("llama.block_count", U32, 2**31), "cannot be"),
    "layers as text": (_field("llama.block_count", "STRING", "2"), "not a UINT32"),
    "layers not said": (lambda d: d.without("llama.block_count"), "block_count"),
    "layers as INT64": (_field("llama.block_count", "INT64", 2), "not a UINT32"),
    "context 0": (_field("llama.context_length", U32, 0), "context_length"),
    "context not said": (lambda d: d.without("llama.context_length"), "context_length"),
    "context 2^32-1": (_field("llama.context_length", U32, 2**32 - 1), "cannot be"),
    "embedding 0": (_field("llama.embedding_length", U32, 0), "embedding_length"),
    "embedding of another size": (_field("llama.embedding_length", U32, 32), "shape"),
    "no heads": (_field("llama.attention.head_count", U32, 0), "head_count"),
    "heads not said": (lambda d: d.without("llama.attention.head_count"), "head_count"),
    "heads as text for each layer": (
        _field("llama.attention.head_count", "ARRAY", raw=array("STRING", ["4", "4"])), "each layer"),
    "heads for fewer layers": (_field("llama.attention.head_count", "ARRAY", raw=array(U32, [4])), "each layer"),
    "negative heads": (_field("llama.attention.head_count", "ARRAY", raw=array("INT32", [4, -4])), "cannot be"),
    "2^31 key-value heads": (_field("llama.attention.head_count_kv", U32, 2**31), "cannot be"),
    "an epsilon that is not a number": (
        _field("llama.attention.layer_norm_rms_epsilon", "FLOAT32", float("nan")), "positive"),
    "an infinite epsilon": (_field("llama.attention.layer_norm_rms_epsilon", "FLOAT32", float("inf")), "positive"),
    "a negative frequency": (_field("llama.rope.freq_base", "FLOAT32", -1.0), "positive"),
    "2^31 experts": (_field("llama.expert_count", U32, 2**31), "cannot be"),
    "experts of which none is used": (_field("llama.expert_count", U32, 4), "expert_used_count"),
    "more experts used than there are": (
        lambda d: d.with_field("llama.expert_count", U32, 4).with_field("llama.expert_used_count", U32, 5),
        "expert_used_count",
    ),
    "a tokenizer that only reads": (_field("tokenizer.ggml.model", "STRING", "bert"), "no tokenizer"),
    "no tokenizer": (lambda d: d.without("tokenizer.ggml.model"), "no tokenizer"),
    "a tokenizer that is none": (_field("tokenizer.ggml.model", "STRING", "none"), "no tokenizer"),
    "no tokens": (lambda d: d.without("tokenizer.ggml.tokens"), "no tokenizer"),
    "an empty vocabulary": (_field("tokenizer.ggml.tokens", "ARRAY", raw=array("STRING", [])), "0 tokens"),
    "tokens that are numbers": (_field("tokenizer.ggml.tokens", "ARRAY", raw=array(U32, [1, 2])), "not an array"),
    "tokens that are one text": (_field("tokenizer.ggml.tokens", "STRING", "a b c"), "not an array"),
    "a byte token <0x-1>": (_field("tokenizer.ggml.tokens", "ARRAY", raw=array("STRING", ["<0x-1>"])), "no byte"),
    "a byte token <0xZZ>": (_field("tokenizer.ggml.tokens", "ARRAY", raw=array("STRING", ["<0xZZ>"])), "no byte"),
    "one token fewer than the table": (
        lambda d: d.with_field("tokenizer.ggml.tokens", "ARRAY", raw=array("STRING", TOKENS[:-1])), ""),
    "fewer scores than tokens": (_field("tokenizer.ggml.scores", "ARRAY", raw=array("FLOAT32", [0.0])), "scores"),
    "scores as INT8": (_field("tokenizer.ggml.scores", "ARRAY", raw=array("INT8", [0] * len(TOKENS))), "FLOAT32"),
    "token types as INT8": (
        _field("tokenizer.ggml.token_type", "ARRAY", raw=array("INT8", [1] * len(TOKENS))), "INT32"),
    "fewer token types than tokens": (
        _field("tokenizer.ggml.token_type", "ARRAY", raw=array("INT32", [1])), "token_type"),
    "a byte-pair tokenizer without merges": (_field("tokenizer.ggml.model", "STRING", "gpt2"), "merges"),
    "merges that are numbers": (_field("tokenizer.ggml.merges", "ARRAY", raw=array(U32, [1])), "not an array"),
    "an end token that is text": (_field("tokenizer.ggml.eos_token_id", "STRING", "2"), "not a UINT32"),
    "a negative end token": (_field("tokenizer.ggml.eos_token_id", "INT32", -1), "not a UINT32"),
    "a vocabulary size of 0": (_field("llama.vocab_size", U32, 0), "vocab_size"),
    "a template that is a number": (_field("tokenizer.chat_template", U32, 1), "template"),
    "a tensor without dimensions": (_tensor(NORM, rank=0), ""),
    "a tensor of 5 dimensions": (_tensor(NORM, shape=(1, 1, 1, 1, 64)), "5 dimensions"),
    "a tensor of 2^32-1 dimensions": (_tensor(NORM, rank=2**32 - 1), "dimensions"),
    "a tensor of size 0": (_tensor(NORM, shape=(0,)), "impossible shape"),
    "a tensor of size 2^63": (_tensor(NORM, shape=(2**63,)), "impossible shape"),
    "a tensor of -1": (_tensor(NORM, shape=(2**64 - 1,)), "impossible shape"),
    "a product beyond 64 bits": (_tensor(NORM, shape=(2**33, 2**33, 2**33)), "impossible shape"),
    "a product that wraps to 64": (_tensor(NORM, shape=(2**32, 2**32, 64)), "impossible shape"),
    "a tensor of unknown type": (_tensor(NORM, type=43), "unknown type 43"),
    "a tensor of a removed type": (_tensor(NORM, type=4), "unknown type 4"),
    "a tensor of type 2^32-1": (_tensor(NORM, type=2**32 - 1), "unknown type"),
    "rows that are no whole blocks": (_tensor(NORM, type=12), "blocks"),
    "an offset past the end": (_tensor(NORM, offset=2**40), "cut short"),
    "an offset of 2^64-32": (_tensor(NORM, offset=2**64 - 32), "cut short"),
    "an offset that is not aligned": (_tensor(NORM, offset=33), "not aligned"),
    "two tensors in one place": (_tensor(NORM, offset=0), "over another"),
    "two tensors of one name": (_tensor(NORM, name=b"output.weight"), "twice"),
    "a tensor without a name": (_tensor(NORM, name=b""), "no name"),
    "a tensor name of 64 bytes": (_tensor(NORM, name=b"n" * 64), "64 bytes"),
    "a tensor name that is not text": (_tensor(NORM, name=b"\xff" * 4), "not text"),
    "no embedding table": (lambda d: d.without_tensor(TABLE), "token embeddings"),
    "an embedding table of another shape": (_tensor(TABLE, shape=(64, 4)), "shape"),
    "data cut in half": (lambda d: replace(d, data=d.data[: len(d.data) // 2]), "cut short"),
    "no data": (lambda d: replace(d, data=b""), "cut short"),
}  # fmt: skip


def test_there_are_at_least_eighty_malformed_variants():
    assert len(WRONG) >= 80


@pytest.mark.parametrize("name", WRONG)
def test_a_file_with_(name, draft, tmp_path):
    change, words = WRONG[name]
    path = change(draft).write(tmp_path / "model.gguf")
    with pytest.raises(ModelMalformed) as refusal:
        inspect(path)
    assert refusal.value.detail.startswith("model.gguf: ")
    assert words in refusal.value.detail


RIGHT: dict[str, Change] = {
    "version 2": lambda d: replace(d, version=2),
    "alignment 64": lambda d: replace(d.with_field("general.alignment", U32, 64), alignment=64),
    "a chat template of 70 kB": _field("tokenizer.chat_template", "STRING", "x" * 70_000),
    "no chat template": lambda d: d.without("tokenizer.chat_template"),
    "an end token outside the vocabulary": _field("tokenizer.ggml.eos_token_id", U32, 999_999),
    "heads for each layer": _field("llama.attention.head_count", "ARRAY", raw=array(U32, [4, 4])),
    "key-value heads for some layers": _field("llama.attention.head_count_kv", "ARRAY", raw=array("INT32", [2, 0])),
    "no name": lambda d: d.without("general.name"),
    "a name with control characters": _field("general.name", "STRING", "Ti\x1b[2Jny\u202e"),
    "licences in a list": _field("general.license", "ARRAY", raw=array("STRING", ["mit", "apache-2.0"])),
    "an unknown file type": _field("general.file_type", U32, 1024),
    "fields nobody knows": _field("x.y", "ARRAY", raw=array("FLOAT64", [1.0, 2.0])),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_sound_file_with_(name, draft, tmp_path):
    facts = inspect(RIGHT[name](draft).write(tmp_path / "model.gguf"))
    assert facts.layers == 2
    assert facts.quantisation == "F32"


def test_a_template_that_is_too_large_is_left_out_and_noted(draft, tmp_path):
    facts = inspect(RIGHT["a chat template of 70 kB"](draft).write(tmp_path / "m.gguf"))
    assert facts.template is None
    assert "template" in facts.notes[0]


def test_names_are_shown_without_control_characters(draft, tmp_path):
    changed = RIGHT["a name with control characters"](draft)
    assert inspect(changed.write(tmp_path / "m.gguf")).name == "Ti[2Jny"


def test_layers_without_a_cache_take_none(draft, tmp_path):
    facts = inspect(RIGHT["key-value heads for some layers"](draft).write(tmp_path / "m.gguf"))
    assert facts.kv_width == 2 * 32
    assert facts.kv_heads == 2


OTHER_FILES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "three bytes": (b"GGU", "does not begin"),
    "the magic alone": (b"GGUF", "ends in the middle"),
    "a Git LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 1\n", "Git LFS"),
    "a login page": (b"\n<!DOCTYPE html><html><title>Sign in</title></html>", "web page"),
    "an error message": (b'{"error": "not found"}', "JSON"),
    "a zip archive": (b"PK\x03\x04" + bytes(100), "zip"),
    "a gzip archive": (b"\x1f\x8b\x08" + bytes(100), "archive"),
    "safetensors": (struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}}' + bytes(64), "safetensors"),
    "a pickle": (b"\x80\x04\x95" + bytes(64), "pickle"),
    "zeros": (bytes(4096), "zeros"),
    "a program": (b"\x7fELF" + bytes(64), "program"),
    "a PDF": (b"%PDF-1.7\n", "PDF"),
    "noise": (bytes(range(1, 200)), "does not begin"),
}


@pytest.mark.parametrize("name", OTHER_FILES)
def test_what_is_no_model_is_recognised(name, tmp_path):
    content, words = OTHER_FILES[name]
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(ModelMalformed, match=words):
        inspect(tmp_path / "m.gguf")


def test_a_part_of_a_split_model_is_known_by_its_name(tiny, tmp_path):
    part = tmp_path / "big-00001-of-00003.gguf"
    part.write_bytes(tiny.read_bytes())
    with pytest.raises(ModelMalformed, match="split"):
        inspect(part)


def test_what_is_not_there_or_no_file_is_refused_too(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")
    for path in (tmp_path / "none.gguf", tmp_path, tmp_path / "pipe.gguf", Path("/dev/null"), Path("a\0b")):
        with pytest.raises(ModelMalformed):
            inspect(path)


def test_a_name_with_hostile_characters_is_told_without_them(tmp_path):
    path = tmp_path / "a\n\u202eb.gguf"
    path.write_bytes(b"x")
    with pytest.raises(ModelMalformed) as refusal:
        inspect(path)
    assert refusal.value.detail.startswith("ab.gguf: ")


def test_cut_at_every_byte_of_the_header_it_is_refused(draft, tmp_path):
    path, whole, header = tmp_path / "m.gguf", draft.encoded(), len(draft.header())
    for length in range(header):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelMalformed):
            inspect(path)


def test_cut_anywhere_in_the_data_it_is_refused(draft, tmp_path):
    path, whole, header = tmp_path / "m.gguf", draft.encoded(), len(draft.header())
    for length in range(header, len(whole) - 32, 4001):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelMalformed):
            inspect(path)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_bytes_are_changed_it_is_read_or_refused(draft, tmp_path, data):
    whole, header = bytearray(draft.encoded()), len(draft.header())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, header - 1))
        whole[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "m.gguf"
    path.write_bytes(whole)
    try:
        assert inspect(path).layers >= 1
    except ModelMalformed as refusal:
        assert refusal.detail


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.sampled_from([0, 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1]), data=st.data())
def test_a_large_number_anywhere_never_takes_memory(draft, tmp_path, number, data):
    whole, header = bytearray(draft.encoded()), len(draft.header())
    place = data.draw(st.integers(4, header - 8))
    whole[place : place + 8] = struct.pack("<Q", number)
    path = tmp_path / "m.gguf"
    path.write_bytes(whole)
    tracemalloc.start()
    try:
        inspect(path)
    except ModelMalformed:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16_000_000


def test_a_sparse_file_of_many_gigabytes_takes_no_longer(draft, tmp_path):
    """An array that claims a billion empty strings, in a file that is long enough to hold them."""
    path = draft.with_field("x.y", "ARRAY", raw=array("STRING", [], length=10**9)).write(tmp_path / "m.gguf")
    os.truncate(path, 20 * 10**9)
    with pytest.raises(ModelMalformed, match="claims"):
        inspect(path)


def test_the_reader_keeps_no_vocabulary_in_memory(draft, tmp_path):
    words = [f"token{number}" for number in range(50_000)]
    path = (
        draft.with_field("tokenizer.ggml.tokens", "ARRAY", raw=array("STRING", words))
        .with_field("tokenizer.ggml.scores", "ARRAY", raw=scalar("UINT32", 6) + struct.pack("<Q", 0))
        .write(tmp_path / "m.gguf")
    )
    tracemalloc.start()
    with pytest.raises(ModelMalformed, match="scores"):
        inspect(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3_000_000
