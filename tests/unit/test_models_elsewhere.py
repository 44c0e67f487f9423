"""Model files that other programs have on this disk already."""

from __future__ import annotations

import json
import os

import pytest

from freehold.engine.elsewhere import SMALLEST, find

HEX = "ab" * 32


def model(path, extra=0, magic=b"GGUF"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(magic)
        file.truncate(SMALLEST + extra)
    return path


def manifest(models, name="llama3.2", tag="3b", digest=HEX, **other):
    path = models / "manifests/registry.example/library" / name / tag
    path.parent.mkdir(parents=True, exist_ok=True)
    layer = {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": 1}
    rest = {"mediaType": "application/vnd.ollama.image.template", "digest": "sha256:" + "cd" * 32}
    path.write_text(json.dumps({"layers": [rest, layer], **other}))
    return path


@pytest.mark.parametrize(
    ("app", "place"),
    [
        ("LM Studio", ".lmstudio/models/maker/Repo-GGUF/m.gguf"),
        ("LM Studio", ".cache/lm-studio/models/maker/Repo-GGUF/m.gguf"),
        ("Jan", "jan/models/m/m.gguf"),
        ("Jan", ".local/share/Jan/data/llamacpp/models/maker/m/m.gguf"),
        ("GPT4All", ".local/share/nomic.ai/GPT4All/m.gguf"),
    ],
)
def test_a_model_of_another_program_is_found_where_that_program_keeps_it(tmp_path, app, place):
    path = model(tmp_path / place)
    assert [(one.app, one.name, one.path, one.bytes) for one in find(tmp_path)] == [(app, "m", str(path), SMALLEST)]


def test_the_hugging_face_cache_is_followed_through_its_links(tmp_path):
    repo = tmp_path / ".cache/huggingface/hub/models--maker--name"
    blob = model(repo / "blobs" / HEX)
    link = repo / "snapshots/0123/m.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(os.path.relpath(blob, link.parent))
    assert [(one.app, one.path) for one in find(tmp_path)] == [("Hugging Face", str(link))]


def test_ollama_s_names_come_from_its_manifests_and_its_files_from_their_digests(tmp_path):
    blob = model(tmp_path / ".ollama/models/blobs" / f"sha256-{HEX}")
    manifest(tmp_path / ".ollama/models")
    assert [(one.app, one.name, one.path) for one in find(tmp_path)] == [("Ollama", "llama3.2:3b", str(blob))]


def test_a_folder_that_the_environment_names_is_looked_into(tmp_path):
    model(tmp_path / "big/blobs" / f"sha256-{HEX}")
    manifest(tmp_path / "big")
    model(tmp_path / "cache/hub/models--a--b/snapshots/1/x.gguf", extra=1)
    environment = {"OLLAMA_MODELS": str(tmp_path / "big"), "HF_HOME": str(tmp_path / "cache")}
    assert [one.app for one in find(tmp_path / "home", environment)] == ["Ollama", "Hugging Face"]


def test_an_ollama_of_the_whole_system_is_found(tmp_path):
    models = tmp_path / "usr/share/ollama/.ollama/models"
    model(models / "blobs" / f"sha256-{HEX}")
    manifest(models)
    assert [one.app for one in find(tmp_path / "home", {}, tmp_path)] == ["Ollama"]


@pytest.mark.parametrize(
    "digest", ["../../../etc/passwd", "sha256", HEX[:-1], HEX + "0", HEX.upper(), "a" * 63 + "/", "a" * 63 + "\n"]
)
def test_a_digest_in_a_manifest_that_is_none_leads_nowhere(tmp_path, digest):
    model(tmp_path / ".ollama/models/blobs" / f"sha256-{HEX}")
    manifest(tmp_path / ".ollama/models", digest=digest)
    assert find(tmp_path) == []


def test_a_manifest_that_is_junk_is_passed_over(tmp_path):
    models = tmp_path / ".ollama/models"
    model(models / "blobs" / f"sha256-{HEX}")
    for name, junk in {
        "a": b"",
        "b": b"[]",
        "c": b"{",
        "d": b"\xff",
        "e": b'{"layers": 3}',
        "f": b"[" * 100_000,
    }.items():
        path = manifest(models, name)
        path.write_bytes(junk)
    assert find(tmp_path) == []


def test_what_is_no_model_is_passed_over(tmp_path):
    folder = tmp_path / ".lmstudio/models/a/b"
    model(folder / "page.gguf", magic=b"<htm")
    model(folder / "mmproj-model-f16.gguf")
    model(folder / "big-00002-of-00003.gguf")
    (folder / "tiny.gguf").write_bytes(b"GGUF")
    (folder / "folder.gguf").mkdir()
    (folder / "gone.gguf").symlink_to(folder / "nothing")
    os.mkfifo(folder / "pipe.gguf")
    assert find(tmp_path) == []


def test_a_loop_of_folders_does_not_hold_the_search_up(tmp_path):
    folder = tmp_path / ".lmstudio/models"
    path = model(folder / "a/m.gguf")
    (folder / "a/again").symlink_to(folder)
    (folder / "up").symlink_to(tmp_path)
    assert [one.path for one in find(tmp_path)] == [str(path)]


def test_one_file_under_two_names_is_listed_once(tmp_path):
    path = model(tmp_path / ".lmstudio/models/m.gguf")
    other = tmp_path / ".cache/lm-studio/models/m.gguf"
    other.parent.mkdir(parents=True)
    other.symlink_to(path)
    assert [one.path for one in find(tmp_path)] == [str(path)]


def test_smaller_files_come_first(tmp_path):
    for extra, name in ((300, "c"), (100, "a"), (200, "b")):
        model(tmp_path / f".lmstudio/models/{name}.gguf", extra=extra)
    assert [one.name for one in find(tmp_path)] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["\u202egpj", "a\nb", "x\x1b[31m", "\udcff"])
def test_a_hostile_name_is_shown_without_its_tricks(tmp_path, name):
    model(tmp_path / ".lmstudio/models" / f"{name}.gguf")
    (found,) = find(tmp_path)
    assert found.name.isprintable()


def test_a_home_without_any_of_these_programs_has_nothing(tmp_path):
    assert find(tmp_path / "nobody") == []
