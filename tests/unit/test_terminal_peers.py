"""What `freehold peers` and `freehold receipts` say."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from freehold.engine.values import Model, Sampling
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.market.evidence import Receipts
from freehold.market.records import Check
from freehold.terminal.output import Screen
from support.engines import drain, prepared
from support.fake_peer import HOST, STUDIO, FakePeer, loaded_fake
from support.terminals import House, Terminal
from unit.test_market_peers import Home, Pairable

HERE_MODEL = Model("tiny", "Tiny", 1, sha256="aa" * 32)


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path, FakePeer(loaded_fake()))
    yield home
    home.house.close()


@pytest.fixture
def alone(tmp_path):
    home = Home(tmp_path, line=Pairable(FakePeer(loaded_fake())))
    yield home
    home.house.close()


class NoModels:
    def list(self):
        return []


def terminal_of(home, tmp_path, **options):
    house = House(Profile(tmp_path / "home"))
    house.peers, house.settings = home.peers, home.settings
    house.receipts = Receipts(
        home.books, home.house.courier, **{"models": NoModels(), "engine": None, "settings": None, **options}
    )
    return Terminal(house, tmp_path)


@pytest.fixture
def terminal(home, tmp_path):
    return terminal_of(home, tmp_path)


def answered(home):
    engine = home.house.engine()
    prepared(engine, HERE_MODEL)
    drain(engine.generate((1, 2, 3), Sampling(max_tokens=4, seed=1), Stop(), home.house.chat))
    return engine.jobs[0]


def test_devices_are_listed_as_the_contract_says(terminal, home):
    home.peers.trust(STUDIO.address.lower(), documents=True)
    (one,) = terminal.run("peers", "list", "--json").json["peers"]
    assert one == {
        "id": STUDIO.address.lower(), "name": "Studio", "kind": "own", "model": "Tiny", "model_sha256": "aa" * 32,
        "tokens_per_s": 0.0, "price": 0, "checks": {"passed": 0, "failed": 0}, "state": "active", "documents": True,
    }  # fmt: skip
    said = terminal.run("peers", "list")
    assert "Studio" in said.out and "Tiny" in said.out


def test_without_devices_it_says_so_in_narrow_terminals_too(alone, tmp_path):
    terminal = terminal_of(alone, tmp_path)
    assert terminal.run("peers", "list").out == "No device is paired yet.\n"
    assert terminal.run("peers", "list", "--json").json == {"peers": []}
    assert terminal.run("receipts", "list", "--json").json == {"receipts": []}


def test_pairing_shows_the_words_to_compare(alone, tmp_path):
    terminal = terminal_of(alone, tmp_path)
    said = terminal.run("peers", "pair", "--code", "123456", "--json")
    assert said.code == 0
    assert said.json["words"] == list(alone.house.line.host.words)
    assert said.json["peer"]["name"] == "Studio"
    alone.house.line.show("222222")
    said = terminal.run("peers", "pair", "--code", "222222", "--at", f"{HOST}:4711")
    assert " ".join(alone.house.line.host.words) in said.out
    wrong = terminal.run("peers", "pair", "--code", "999999", "--json")
    assert (wrong.code, wrong.error) == (3, "pairing-refused")
    assert terminal.run("peers", "pair", "--code", "12", "--json").code == 2


def test_devices_around_are_told(alone, tmp_path):
    terminal = terminal_of(alone, tmp_path)
    (one,) = terminal.run("peers", "discover", "--json").json["found"]
    assert (one["name"], one["host"], one["paired"]) == ("Studio", HOST, False)
    alone.house.line.found = []
    assert "No device" in terminal.run("peers", "discover").out


def test_trusting_and_forgetting(terminal, home):
    assert terminal.run("peers", "trust", "studio", "--documents", "--json").json["peer"]["documents"] is True
    assert "does not see" in terminal.run("peers", "trust", "studio", "--no-documents").out
    assert terminal.run("peers", "trust", "nobody", "--json").error == "not-found"
    said = terminal.run("peers", "forget", "Studio", "--json")
    assert said.json == {"forgotten": STUDIO.address.lower(), "told": True}
    assert terminal.run("peers", "list", "--json").json == {"peers": []}


def test_the_switch_and_its_limits(terminal, home):
    nothing = {"offload": "off", "per_day": None, "per_answer": None}
    assert terminal.run("peers", "offload", "status", "--json").json == nothing
    said = terminal.run("peers", "offload", "on", "--per-day", "50", "--per-answer", "4000", "--json")
    assert said.json == {"offload": "on", "per_day": 50, "per_answer": 4000}
    assert terminal.run("peers", "offload", "status", "--per-day", "7", "--json").json["per_day"] == 7
    assert terminal.run("peers", "offload", "on", "--ask", "--json").json["offload"] == "ask"
    assert "every answer is made on this computer" in terminal.run("peers", "offload", "off").out
    assert terminal.run("peers", "offload", "on", "--per-answer", "0", "--json").code == 2
    home.keys.has = False
    assert terminal.run("peers", "offload", "on", "--json").error == "key-missing"


def test_receipts_are_listed_shown_exported_and_verified(terminal, home, tmp_path):
    job = answered(home)
    (one,) = terminal.run("receipts", "list", "--json").json["receipts"]
    assert (one["id"], one["peer"], one["model_sha256"]) == (job, STUDIO.address.lower(), "aa" * 32)
    assert (one["tokens_in"], one["tokens_out"], one["paid"], one["check"]) == (3, 4, 0, None)
    home.books.add_check(Check(job, 1.0, True, 4, 0.1))
    assert terminal.run("receipts", "list", "--json").json["receipts"][0]["check"] == "passed"
    assert "Studio" in terminal.run("receipts", "list").out
    shown = terminal.run("receipts", "show", job[:12], "--json").json
    assert (shown["chat"], shown["receipt"]["job"], shown["ending"]) == (home.house.chat, job, "length")
    assert job in terminal.run("receipts", "show", job).out
    assert terminal.run("receipts", "export", job, "one.receipt", "--json").json["exported"] == job
    assert terminal.run("receipts", "export", job, "one.receipt", "--json").error == "place-unusable"
    said = terminal.run("receipts", "verify", "one.receipt", "--json")
    assert (said.code, said.json["valid"], said.json["checked_tokens"]) == (0, True, 0)
    assert "It holds." in terminal.run("receipts", "verify", "one.receipt").out


def test_a_receipt_that_was_changed_is_invalid(terminal, home, tmp_path):
    job = answered(home)
    terminal.run("receipts", "export", job, "one.receipt")
    whole = json.loads((tmp_path / "one.receipt").read_text())
    whole["receipt"]["tokens_out"] = 3
    (tmp_path / "other.receipt").write_text(json.dumps(whole))
    said = terminal.run("receipts", "verify", "other.receipt", "--json")
    assert (said.code, said.error) == (3, "receipt-invalid")
    assert (said.json["valid"], said.json["checked_tokens"]) == (False, 0)
    assert "counts other numbers" in said.json["reason"]
    (tmp_path / "junk").write_bytes(b"\xff\x00")
    assert terminal.run("receipts", "verify", "junk", "--json").error == "receipt-invalid"
    assert terminal.run("receipts", "verify", "nowhere", "--json").error == "place-unusable"


def test_where_the_weights_are_here_they_are_asked(home, tmp_path):
    class Models:
        def list(self):
            return [Model("tiny", "Tiny", 1, sha256="aa" * 32, state="here")]

    def weighed(engine, bundle, *, stop=None):
        assert bundle.answer
        return SimpleNamespace(checked_tokens=len(bundle.answer), state=state, words="Another model wrote this.")

    settings = SimpleNamespace(whole=lambda name: {"context": 512}.get(name, 0))
    terminal = terminal_of(home, tmp_path, models=Models(), engine=loaded_fake(), settings=settings, check=weighed)
    terminal.run("receipts", "export", answered(home), "one.receipt")
    state = "passed"
    assert terminal.run("receipts", "verify", "one.receipt", "--json").json["checked_tokens"] == 4
    state = "failed"
    said = terminal.run("receipts", "verify", "one.receipt", "--json")
    assert (said.code, said.error, said.json["checked_tokens"]) == (3, "receipt-invalid", 4)


@pytest.mark.parametrize("columns", [30, 200])
def test_tables_fit_their_terminal(home, tmp_path, columns):
    terminal = terminal_of(home, tmp_path)
    answered(home)
    terminal.screen = Screen(is_terminal=True, moves=False, colour=False, columns=columns)
    for command in (("peers", "list"), ("receipts", "list")):
        said = terminal.run(*command)
        assert said.code == 0
        assert max(map(len, said.out.splitlines())) <= columns


@pytest.mark.parametrize(
    "command", ["list", "discover", "pair", "trust", "forget", "offload on", "offload off", "offload status"]
)
def test_every_command_has_help(terminal, command, capsys):
    assert terminal.run("peers", *command.split(), "--help").code == 0
    assert "Examples:" in capsys.readouterr().out
