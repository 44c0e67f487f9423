"""What `freehold key` says, with a real signer beside a real vault."""

from __future__ import annotations

import json
import time

import pytest

from freehold.foundation.paths import Profile
from freehold.terminal.output import Screen
from support.signers import OTHER, PEER, keys_in
from support.terminals import House, Terminal

SECRET = "a word for the file"
GIVEN = {"key-passphrase": SECRET, "new-key-passphrase": SECRET}


@pytest.fixture
def keys(tmp_path):
    with keys_in(tmp_path) as keys:
        yield keys


@pytest.fixture
def terminal(keys, tmp_path):
    house = House(Profile(tmp_path / "home"))
    house.keys = keys
    return Terminal(house, tmp_path)


def test_a_key_is_made_once_and_shown_without_a_secret(terminal):
    assert (said := terminal.run("key", "show", "--json")).code == 3 and said.error == "key-missing"
    made = terminal.run("key", "create", "--json")
    assert made.code == 0 and list(made.json) == ["address", "node_key", "certified_until"]
    assert made.json["address"].startswith("0x") and len(made.json["node_key"]) == 64
    assert made.json["certified_until"] > time.time()
    assert terminal.run("key", "show", "--json").json == made.json
    said = terminal.run("key", "show")
    assert made.json["address"] in said.out and made.json["node_key"] in said.out and "certified until" in said.out
    again = terminal.run("key", "create", "--json")
    assert (again.code, again.error) == (2, "usage")


def test_a_key_goes_into_a_file_and_out_of_it_into_another_profile(terminal, tmp_path):
    made = terminal.run("key", "create", "--json").json
    said = terminal.run("key", "export", "owner.json", "--json", given=GIVEN)
    assert (said.code, said.json) == (0, {"file": str(tmp_path / "owner.json")})
    assert json.loads((tmp_path / "owner.json").read_text())["version"] == 3
    assert terminal.run("key", "export", "owner.json", "--json", given=GIVEN).error == "place-unusable"
    assert terminal.run("key", "export", "other.json", "--json").error == "vault-needs-passphrase"
    assert (terminal.run("key", "import", "owner.json", "--json", given=GIVEN)).code == 2
    with keys_in(tmp_path / "second") as second:
        house = House(Profile(tmp_path / "second" / "home"))
        house.keys = second
        other = Terminal(house, tmp_path)
        assert other.run("key", "import", "owner.json", "--json", given={"key-passphrase": "x"}).error == (
            "key-wrong-passphrase"
        )
        (tmp_path / "junk.json").write_text("{}")
        assert other.run("key", "import", "junk.json", "--json", given=GIVEN).error == "import-failed"
        assert other.run("key", "import", "gone.json", "--json", given=GIVEN).error == "place-unusable"
        assert other.run("key", "import", "owner.json", "--json", given=GIVEN).json["address"] == made["address"]
        assert other.run("key", "import", "owner.json", "--replace", "--json", given=GIVEN).code == 0


def test_the_passphrase_of_a_file_is_typed_twice_alike_and_else_the_vault_s_is_taken(terminal, tmp_path):
    terminal.run("key", "create")
    asking = Terminal(terminal.house, tmp_path, answers=("one", "another", "one", "one"))
    said = asking.run("key", "export", "typed.json")
    assert said.code == 0 and "These two differ" in said.err and "elsewhere" in said.out
    assert terminal.run("key", "export", "vault.json", given={"passphrase": "secret"}).code == 0
    asking = Terminal(terminal.house, tmp_path, answers=("one",))
    assert asking.run("key", "import", "typed.json", "--replace").code == 0
    assert asking.asked == ["The file's passphrase:"]


def test_a_mandate_is_listed_changed_and_refuses_what_it_cannot_say(terminal, keys):
    terminal.run("key", "create")
    listed = terminal.run("key", "mandate", "list", "--json").json
    assert {name: listed[name] for name in ("per_day", "ask_first", "paused", "peers")} == {
        "per_day": 200, "ask_first": False, "paused": False, "peers": [],
    }  # fmt: skip
    assert listed["today"] == {"answers": 0, "closed": False, "peers": []}
    changed = terminal.run("key", "mandate", "set", "--per-day", "5", "--tokens", "900", "--ask-first", "--json").json
    assert (changed["per_day"], changed["tokens"], changed["ask_first"]) == (5, 900, True)
    one = terminal.run("key", "mandate", "set", "--peer", PEER, "--documents", "--per-day", "2", "--json").json
    assert one["peers"] == [
        {"peer": PEER.lower(), "per_day": 2, "tokens": None, "ask_first": None, "documents": True, "paused": False}
    ]
    assert keys.mandate().peers[PEER.lower()].documents
    said = terminal.run("key", "mandate", "list")
    assert "may read documents, 2 answers a day" in said.out and "each time after your yes" in said.out
    assert terminal.run("key", "mandate", "set", "--peer", PEER, "--clear", "--json").json["peers"] == []
    assert "paused" in terminal.run("key", "mandate", "set", "--pause").out
    assert terminal.run("key", "mandate", "set", "--resume", "--json").json["paused"] is False
    for wrong in (("--documents",), ("--clear",), ("--per-day", "-1"), ("--peer", "desk", "--pause"),
                  ("--peer", OTHER, "--first-day", "3"), ("--per-day", "many")):  # fmt: skip
        assert terminal.run("key", "mandate", "set", *wrong, "--json").code == 2
    assert terminal.run("key", "mandate", "list", "--json").json["per_day"] == 5


def test_what_it_says_fits_a_narrow_terminal(terminal):
    terminal.run("key", "create")
    terminal.run(
        "key", "mandate", "set", "--peer", PEER, "--documents", "--ask-first", "--tokens", "5", "--per-day", "3"
    )
    for columns in (80, 40):
        terminal.screen = Screen(is_terminal=True, moves=False, columns=columns)
        for argv in (
            ("key", "show"),
            ("key", "mandate", "list"),
            ("key", "--help"),
            ("key", "mandate", "set", "--help"),
        ):
            for line in terminal.run(*argv).out.splitlines():
                assert len(line) <= columns, line


def test_without_a_key_every_command_says_so(terminal):
    for argv in (("show",), ("export", "x.json"), ("mandate", "list"), ("mandate", "set", "--pause")):
        said = terminal.run("key", *argv, "--json", given=GIVEN)
        assert (said.code, said.error) == (3, "key-missing")
