"""What Freehold offers for download is well formed and honest."""

from __future__ import annotations

import json

import pytest

from freehold.engine import catalogue, gguf
from freehold.engine.starter import installed
from freehold.foundation.paths import resources

OFFERED = catalogue.load()


def test_about_a_dozen_models_from_half_a_billion_to_32_billion_parameters():
    sizes = [entry.parameters for entry in OFFERED.entries]
    assert 12 <= len(sizes) <= 16
    assert min(sizes) < 700_000_000 and 30_000_000_000 < max(sizes) < 34_000_000_000
    assert {entry.architecture for entry in OFFERED.entries} >= {"qwen2", "qwen3", "llama", "gemma3", "phi3"}


def test_only_the_starter_is_pinned_by_a_digest():
    text = (resources() / "models.json").read_text(encoding="utf-8")
    assert text.count('sha256":') == 1
    assert OFFERED.starter.bytes == 98_362_432


def test_every_model_has_one_honest_sentence_and_a_licence():
    for entry in OFFERED.entries:
        assert entry.words.endswith(".") and 30 < len(entry.words) < 120, entry.id
        assert entry.licence == entry.licence.lower(), entry.id


def test_bytes_and_parameters_agree_with_the_quantisation():
    """4-bit K quants take between 4.5 and 6.7 bits a weight, small vocabularies and mixes included."""
    for entry in OFFERED.entries:
        assert 4.4 < entry.bytes * 8 / entry.parameters < 6.8, entry.id


def test_the_first_choices_do_not_think_for_long_and_have_free_licences():
    chosen = [entry for entry in OFFERED.entries if entry.recommended_from is not None]
    assert [entry.id for entry in chosen] == ["qwen2.5-1.5b", "qwen3-4b", "qwen2.5-7b"]
    assert all(entry.licence == "apache-2.0" for entry in chosen)


def test_the_starter_s_facts_are_those_of_its_file():
    path = installed(OFFERED.starter)
    if path is None:
        pytest.skip("the starter pack is not installed")
    facts, starter = gguf.inspect(path), OFFERED.starter
    for name in ("architecture", "layers", "context", "quantisation", "parameters", "licence", "kv_heads",
                 "key_length", "value_length", "kv_width", "window", "vocabulary", "bytes"):  # fmt: skip
        assert getattr(facts, name) == getattr(starter, name), name


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../x"},
        {"id": "UPPER"},
        {"bytes": -1},
        {"bytes": "9"},
        {"bytes": True},
        {"words": ""},
        {"repo": "one"},
        {"repo": "a/b/c"},
        {"file": "../x.gguf"},
        {"file": "x.bin"},
        {"id": "smollm2-135m"},
        {"surprise": 1},
        {"layers": None},
    ],
)
def test_a_catalogue_that_is_not_as_it_should_be_is_refused(tmp_path, change):
    known = json.loads((resources() / "models.json").read_bytes())
    known["models"][0].update(change)
    path = tmp_path / "models.json"
    path.write_text(json.dumps(known))
    with pytest.raises(ValueError, match=r"\w"):
        catalogue.load(path)


def test_a_missing_field_is_named(tmp_path):
    known = json.loads((resources() / "models.json").read_bytes())
    del known["models"][0]["licence"]
    (tmp_path / "models.json").write_text(json.dumps(known))
    with pytest.raises(ValueError, match="licence is missing"):
        catalogue.load(tmp_path / "models.json")
