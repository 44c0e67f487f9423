"""What `freehold library embedder` says, with a hub on this machine; embedding is played by a worker."""

from __future__ import annotations

import pytest
from test_library_embedders import _FILES, MINILM, Shelf, a_folder

from freehold.foundation.stop import Stop
from support.hub import outside
from support.terminals import House, Terminal


@pytest.fixture
def shelf(tmp_path):
    with outside(tmp_path) as house:
        house.hub.files = dict(_FILES)
        shelf = Shelf(house, tmp_path)
        yield shelf
        shelf.library.close()
        shelf.vault.database.close()


@pytest.fixture
def terminal(shelf, tmp_path):
    house = House(shelf.models._door._profile)
    house.library, house.embedder_models = shelf.library, shelf.models
    return Terminal(house, tmp_path)


def test_the_list_tells_what_finds_and_what_takes_over(terminal):
    said = terminal.run("library", "embedder", "list", "--json").json
    assert [(one["id"], one["state"], one["in_use"]) for one in said["models"]] == [
        (MINILM, "here", True), ("other", "here", False),
    ]  # fmt: skip
    assert said["coming"] is None
    terminal.run("library", "embedder", "use", "other")
    assert terminal.run("library", "embedder", "list", "--json").json["coming"] == {
        "id": "other", "passages": 0, "of": 5,
    }  # fmt: skip
    told = terminal.run("library", "embedder", "list")
    assert f"other has read 0 of 5 passages and then takes over from {MINILM}" in told.err


def test_use_changes_in_the_background_or_stays_until_it_is_done(terminal, shelf):
    said = terminal.run("library", "embedder", "use", "oth")
    assert said.code == 0 and "Other takes over when it has read 5 passages" in said.out
    assert shelf.library.embedder == MINILM
    said = terminal.run("library", "embedder", "use", "other", "--wait")
    assert "Other finds by meaning from now on." in said.out and shelf.library.embedder == "other"
    assert "decided by words alone: other is not calibrated" in " ".join(terminal.run("library", "status").err.split())


def test_get_brings_a_model_and_says_what_to_do_next(terminal, shelf):
    shelf.models.remove("other")
    said = terminal.run("library", "embedder", "get", "other")
    assert said.code == 0 and "`freehold library embedder use other`" in " ".join(said.out.split())


def test_what_is_not_here_or_does_not_find_is_refused(terminal, shelf):
    shelf.models.remove("other")
    said = terminal.run("library", "embedder", "use", "other")
    assert said.code == 2 and "freehold library embedder get other" in said.err
    assert terminal.run("library", "embedder", "use", "none", "--json").error == "embedder-unknown"


def test_a_folder_of_one_s_own_is_taken_in_or_refused_with_the_reason(terminal, tmp_path):
    a_folder(tmp_path / "mine")
    said = terminal.run("library", "embedder", "import", "mine", "--json").json
    assert said["id"].startswith("mine-") and said["state"] == "here"
    a_folder(tmp_path / "theirs", modeling_dot_py=b"x")
    refused = terminal.run("library", "embedder", "import", "theirs", "--json")
    assert refused.error == "embedder-unfit"


def test_the_model_in_use_is_not_removed(terminal, shelf):
    assert terminal.run("library", "embedder", "remove", MINILM).code == 2
    terminal.run("library", "embedder", "use", "other")
    assert terminal.run("library", "embedder", "remove", "other").code == 2
    terminal.run("library", "embedder", "use", MINILM)
    assert terminal.run("library", "embedder", "remove", "other").code == 0
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == MINILM
