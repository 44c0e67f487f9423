"""Listing, downloading, adding, choosing and removing models."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.engine import catalogue
from freehold.engine.machine import Machine
from freehold.engine.models import Models
from freehold.foundation.errors import (
    DigestMismatch,
    DownloadFailed,
    Interrupted,
    ModelMalformed,
    ModelMissing,
    Offline,
    VaultLocked,
)
from freehold.foundation.stop import Stop
from support.hub import outside, result_of
from support.tiny_gguf import write_tiny

GB = 1_000_000_000
OFFERED = catalogue.load()


class World:
    """A profile, a hub that offers one tiny model under every name, and a starter of our own."""

    def __init__(self, outer, folder: Path) -> None:
        self.outer, self.folder, self.home = outer, folder, folder / "owner"
        self.home.mkdir()
        self.starter = write_tiny(folder / "starter.gguf", name="Starter")
        digest = hashlib.sha256(self.starter.read_bytes()).hexdigest()
        pinned = replace(OFFERED.starter, sha256=digest, bytes=self.starter.stat().st_size)
        self.offered = replace(OFFERED, starter=pinned)
        self.content = write_tiny(folder / "offered.gguf", name="Offered").read_bytes()
        outer.hub.offer(self.content)
        self.has_starter = True
        self.memory = 16 * GB

    def models(self) -> Models:
        """As after a new start of the app."""
        return Models(
            self.outer.profile, self.outer.settings, self.outer.door, home=self.home, environment={},
            machine=lambda: Machine(self.memory, self.memory * 3 // 4, 8), offered=self.offered,
            starter_file=lambda _: self.starter if self.has_starter else None,
        )  # fmt: skip

    def file(self, name="mine.gguf", model="My Model", **tiny) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return write_tiny(path, name=model, **tiny)

    @property
    def kept(self) -> list[str]:
        return sorted(path.name for path in self.outer.profile.models.glob("*.gguf"))


@pytest.fixture
def world(tmp_path):
    with outside(tmp_path) as outer:
        yield World(outer, tmp_path)


def states(models):
    return {model.id: model.state for model in models.list()}


def test_a_fresh_profile_has_the_starter_and_everything_on_offer(world):
    models = world.models().list()
    assert models[0].id == "smollm2-135m" and models[0].state == "here"
    assert len(models) == 1 + len(OFFERED.entries)
    assert all(model.state == "available" and model.fit in ("fits", "slow", "no") for model in models[1:])
    assert all(model.memory > model.bytes for model in models)
    assert world.outer.hub.seen == []


def test_the_fit_of_a_model_is_known_before_any_download(world):
    world.memory = 4 * GB
    fits = {model.id: model.fit for model in world.models().list()}
    assert (fits["qwen2.5-0.5b"], fits["qwen2.5-7b"], fits["qwen2.5-32b"]) == ("fits", "no", "no")


def test_the_starter_answers_when_nothing_was_chosen(world):
    assert world.models().in_use().id == "smollm2-135m"


def test_without_starter_and_files_no_model_answers(world):
    world.has_starter = False
    with pytest.raises(ModelMissing):
        world.models().in_use()
    assert world.models().starter() is None


def test_a_downloaded_model_is_here_checked_and_remembered(world):
    model = result_of(world.models().get("qwen2.5-0.5b"))
    assert (model.state, model.name) == ("here", "Qwen2.5 0.5B Instruct")
    assert model.sha256 == hashlib.sha256(world.content).hexdigest()
    assert model.architecture == "llama" and model.bytes == len(world.content)
    assert Path(model.path).read_bytes() == world.content
    assert states(world.models())["qwen2.5-0.5b"] == "here"
    assert world.outer.hub.seen[0][1] == (
        "/Qwen/Qwen2.5-0.5B-Instruct-GGUF/resolve/main/qwen2.5-0.5b-instruct-q4_k_m.gguf"
    )


def test_a_model_that_is_here_is_not_downloaded_again(world):
    result_of(world.models().get("qwen2.5-0.5b"))
    world.outer.hub.seen.clear()
    assert result_of(world.models().get("qwen2.5-0.5b")).state == "here"
    assert world.outer.hub.seen == []


def test_the_only_other_model_answers_only_when_it_is_chosen(world):
    models = world.models()
    result_of(models.get("qwen2.5-0.5b"))
    assert models.in_use().id == "smollm2-135m"
    models.use("qwen2.5-0.5b")
    assert world.models().in_use().id == "qwen2.5-0.5b"


def test_a_model_that_is_not_here_cannot_be_chosen(world):
    with pytest.raises(ModelMissing, match="Qwen3 4B"):
        world.models().use("qwen3-4b")


def test_a_download_that_broke_off_is_listed_as_begun_and_goes_on(world):
    world.outer.hub.offer(world.content, cuts=[5000, 0, 0, 0, 0])
    with pytest.raises(DownloadFailed):
        result_of(world.models().get("qwen2.5-0.5b"))
    assert states(world.models())["qwen2.5-0.5b"] == "partial"
    world.outer.hub.offer(world.content)
    result_of(world.models().get("qwen2.5-0.5b"))
    assert world.outer.hub.gets()[-1]["range"] == "bytes=5000-"
    assert states(world.models())["qwen2.5-0.5b"] == "here"


def begun(world, stop=None):
    """A download of which some is here."""
    steps = world.models().get("qwen2.5-0.5b", stop)
    while next(steps).done < 3000:
        pass
    return steps


@pytest.fixture
def slow(world):
    """The hub sends some and then waits."""
    world.outer.hub.offer(world.content, drips=[4000, 4000, 4000])
    return world


def wanted(world):
    return [model.id for model in world.models().wanted()]


def test_a_download_that_locking_cut_off_is_wanted_and_goes_on(slow):
    steps = begun(slow)
    slow.outer.vault.is_locked = True
    slow.outer.door.close()
    with pytest.raises((Interrupted, VaultLocked)):
        result_of(steps)
    slow.outer.vault.is_locked = False
    assert wanted(slow) == ["qwen2.5-0.5b"]
    slow.outer.hub.offer(slow.content)
    assert result_of(slow.models().get("qwen2.5-0.5b")).state == "here"
    assert wanted(slow) == []


def test_a_download_that_a_crash_cut_off_is_wanted_at_the_next_start(slow):
    steps = begun(slow)
    steps.close()  # all that is left of it is what is on the disk
    assert wanted(slow) == ["qwen2.5-0.5b"]


def test_a_download_that_its_owner_stopped_is_not_wanted(slow):
    stop = Stop()
    steps = begun(slow, stop)
    stop.set()
    with pytest.raises(Interrupted):
        result_of(steps)
    slow.models().pause("qwen2.5-0.5b")
    assert wanted(slow) == []
    assert states(slow.models())["qwen2.5-0.5b"] == "partial"


def test_a_download_that_the_switch_stopped_is_wanted_until_it_may_be(world):
    world.outer.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(world.models().get("qwen2.5-0.5b"))
    assert wanted(world) == ["qwen2.5-0.5b"]


def test_a_download_that_failed_or_was_thrown_away_is_not_wanted(world):
    world.outer.hub.offer(world.content, statuses=[404])
    with pytest.raises(DownloadFailed):
        result_of(world.models().get("qwen2.5-0.5b"))
    assert wanted(world) == []
    world.outer.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(world.models().get("qwen2.5-0.5b"))
    world.models().remove("qwen2.5-0.5b")
    assert wanted(world) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"a": 1}', b'[1, null, "no-such-model"]', b"\xff"])
def test_wishes_that_cannot_be_read_are_none(world, content):
    (world.outer.profile.models / "wanted.json").write_bytes(content)
    assert wanted(world) == []
    assert result_of(world.models().get("qwen2.5-0.5b")).state == "here"


def test_a_begun_download_can_be_thrown_away(world):
    world.outer.hub.offer(world.content, cuts=[5000, 0, 0, 0, 0])
    with pytest.raises(DownloadFailed):
        result_of(world.models().get("qwen2.5-0.5b"))
    world.models().remove("qwen2.5-0.5b")
    assert states(world.models())["qwen2.5-0.5b"] == "available"
    assert world.outer.staged == []


def test_a_download_that_is_no_model_is_deleted_with_a_reason(world):
    world.outer.hub.offer(b"GGUF" + bytes(5000))
    with pytest.raises(ModelMalformed):
        result_of(world.models().get("qwen2.5-0.5b"))
    assert world.kept == []
    assert states(world.models())["qwen2.5-0.5b"] == "available"


def test_a_file_is_added_where_it_lies_at_zero_bytes(world):
    path = world.file()
    model = result_of(world.models().import_file(path))
    assert (model.name, model.path, model.state, model.licence) == ("My Model", str(path), "here", "apache-2.0")
    assert model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert world.kept == []
    assert world.models().use(model.id).id == model.id


def test_a_copy_is_ours_and_outlives_the_original(world):
    path = world.file()
    model = result_of(world.models().import_file(path, copy=True))
    path.unlink()
    assert world.models().find(model.id).state == "here"
    assert world.kept == [f"sha256-{model.sha256}.gguf"]


def test_a_file_of_another_program_says_whose_it_is(world):
    path = world.file(".lmstudio/models/maker/repo/m.gguf")
    path.write_bytes(path.read_bytes() + bytes(1_000_000))
    (found,) = world.models().elsewhere()
    assert (found.source, found.path, found.state) == ("LM Studio", str(path), "here")
    model = result_of(world.models().import_file(Path(found.path)))
    assert model.source == "LM Studio"
    assert world.models().elsewhere() == []


def test_the_same_content_is_added_once(world):
    first = result_of(world.models().import_file(world.file("a.gguf")))
    second = result_of(world.models().import_file(world.file("b.gguf")))
    third = result_of(world.models().import_file(world.file("c.gguf"), copy=True))
    assert first.id == second.id == third.id
    assert world.kept == []


def test_the_starter_added_again_is_the_starter(world):
    assert result_of(world.models().import_file(world.starter)).id == "smollm2-135m"


def test_a_broken_file_is_refused_and_nothing_is_remembered(world):
    path = world.home / "broken.gguf"
    path.write_bytes(world.content[:-100])
    with pytest.raises(ModelMalformed):
        result_of(world.models().import_file(path))
    with pytest.raises(ModelMalformed):
        result_of(world.models().import_file(world.home / "not there.gguf"))
    assert not any(model.source == "file" for model in world.models().list())


def test_adding_can_be_stopped(world):
    stop = Stop()
    stop.set()
    for copy in (False, True):
        with pytest.raises(Interrupted):
            result_of(world.models().import_file(world.file(), copy=copy, stop=stop))
    assert world.kept == []
    assert [path.name for path in world.outer.profile.models.iterdir() if path.name.startswith(".")] == []


def test_a_hostile_name_inside_a_file_becomes_a_harmless_id(world):
    for name in ("../../etc/passwd", "C:\\x", "a\u202eb", "-rf ~", "", "x" * 500, "\n", "CON"):
        model = result_of(world.models().import_file(world.file(model=name)))
        assert model.id.isascii() and model.id[0].isalnum() and len(model.id) < 80
        assert not set(model.id) & set("/\\:\n ")
        assert world.models().remove(model.id)


def test_removing_a_borrowed_file_only_forgets_it(world):
    path = world.file()
    model = result_of(world.models().import_file(path))
    assert "stays where it is" in world.models().remove(model.id)
    assert path.exists()
    with pytest.raises(ModelMissing):
        world.models().find(model.id)


def test_removing_a_file_of_ours_deletes_it(world):
    model = result_of(world.models().get("qwen2.5-0.5b"))
    world.models().remove(model.id)
    assert world.kept == []
    assert states(world.models())[model.id] == "available"


def test_removing_the_model_in_use_falls_back_to_the_starter_and_says_so(world):
    models = world.models()
    model = result_of(models.get("qwen2.5-0.5b"))
    models.use(model.id)
    assert "SmolLM2 135M Instruct (starter) answers from now on" in models.remove(model.id)
    assert world.models().in_use().id == "smollm2-135m"


def test_removing_the_starter_hides_it_until_it_is_wanted_again(world):
    world.models().remove("smollm2-135m")
    assert world.starter.exists()
    assert "smollm2-135m" not in states(world.models())
    world.models().use("smollm2-135m")
    assert world.models().in_use().id == "smollm2-135m"


def test_a_starter_that_is_not_the_pinned_file_is_never_used(world):
    content = bytearray(world.starter.read_bytes())
    content[-1] ^= 1
    world.starter.write_bytes(content)
    for use in (lambda: world.models().in_use(), lambda: world.models().find("smollm2-135m")):
        with pytest.raises(DigestMismatch, match="starter"):
            use()
    world.models().remove("smollm2-135m")
    assert world.models().starter() is None


def test_the_starter_s_digest_is_remembered_and_checked_again_when_the_file_changes(world):
    world.models().in_use()
    notes = world.outer.profile.models / "starter.json"
    assert json.loads(notes.read_text())["checked"][-1] == world.offered.starter.sha256
    world.starter.write_bytes(world.starter.read_bytes() + b"\0")
    with pytest.raises(DigestMismatch):
        world.models().in_use()


def test_a_file_that_was_moved_away_is_missing_in_words(world):
    path = world.file()
    models = world.models()
    model = result_of(models.import_file(path))
    models.use(model.id)
    path.rename(path.with_suffix(".moved"))
    assert world.models().in_use().id == "smollm2-135m"
    with pytest.raises(ModelMissing, match="no longer there"):
        world.models().find(model.id)


def test_a_file_that_was_changed_is_not_the_one_that_was_checked(world):
    path = world.file()
    model = result_of(world.models().import_file(path))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(ModelMissing, match="changed"):
        world.models().find(model.id)
    assert result_of(world.models().import_file(path)).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_of_ours_that_was_changed_is_checked_before_it_counts_again(world):
    model = result_of(world.models().get("qwen2.5-0.5b"))
    content = bytearray(world.content)
    content[-1] ^= 1
    Path(model.path).write_bytes(content)
    assert states(world.models())["qwen2.5-0.5b"] == "available"
    with pytest.raises(DigestMismatch):
        result_of(world.models().get("qwen2.5-0.5b"))
    assert Path(result_of(world.models().get("qwen2.5-0.5b")).path).read_bytes() == world.content


def test_a_name_or_a_unique_beginning_finds_a_model(world):
    models = world.models()
    assert models.find("qwen2.5-0.5b").id == "qwen2.5-0.5b"
    assert models.find("QWEN2.5 0.5b instruct").id == "qwen2.5-0.5b"
    assert models.find("phi-4-").id == "phi-4-mini"
    assert models.find("phi-4").id == "phi-4"
    with pytest.raises(ModelMissing, match=r"could be qwen2\.5-0\.5b"):
        models.find("qwen2.5")
    for nothing in ("", "nobody", "../x", "x" * 5000):
        with pytest.raises(ModelMissing):
            models.find(nothing)


def test_smaller_models_that_are_here_are_offered_from_large_to_small(world):
    models = world.models()
    small = result_of(models.import_file(world.file("s.gguf", model="Small", context=256)))
    large = result_of(models.import_file(world.file("l.gguf", model="Large", context=2048)))
    assert [model.id for model in models.smaller(large)] == [small.id]
    assert models.smaller(small) == []


def test_the_recommended_model_fits_and_is_on_the_list(world):
    world.memory = 8 * GB
    assert world.models().recommended().id == "qwen3-4b"
    world.memory = 2 * GB
    assert world.models().recommended().id == "qwen2.5-1.5b"


def test_records_that_are_damaged_are_passed_over(world):
    model = result_of(world.models().get("qwen2.5-0.5b"))
    (record,) = (world.outer.profile.models / "known").glob("*.json")
    whole = record.read_bytes()
    for junk in (b"", b"[]", b"{}", b"\xff", whole.replace(b'"bytes": ', b'"bytes": "x", "y": '), whole[:-10]):
        record.write_bytes(junk)
        assert states(world.models())[model.id] == "available"
    record.write_bytes(whole)
    (record.parent / "other.json").write_bytes(whole)  # a name that is not its id
    assert states(world.models())[model.id] == "here"


def test_nothing_the_profile_keeps_of_a_model_can_be_read_by_others(world):
    result_of(world.models().get("qwen2.5-0.5b"))
    for path in world.outer.profile.models.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path
