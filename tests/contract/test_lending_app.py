"""Lending as the app does it: a real vault, a real signer, a real gateway with a model of a few weights."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from freehold.engine.values import Model
from freehold.foundation.canonical import canonical
from freehold.foundation.errors import ModelTooLarge, VaultLocked
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile
from freehold.identity.certificates import fingerprint
from freehold.identity.keys import Keys
from freehold.identity.pairing import Guest, Introduction, parse_invite
from freehold.market.errors import LendingFailed, LendingOff
from freehold.market.lending.journal import waiting
from freehold.market.lending.lending import Lending
from freehold.market.lending.opening import Opening
from freehold.market.values import Manifest, Offer
from freehold.vault.keeper import Vault
from support.engines import tiny_model
from support.lending import Client, House, Person, person
from support.signers import keys_of
from support.vaults import open_vault
from support.workers import is_alive, wait_until

WORKER = """
from freehold.chats.store import ChatStore
from freehold.identity.store import IdentityStore
from freehold.market.store import MarketStore
from freehold.network.store import LedgerStore
from freehold.vault.worker import serve_vault
serve_vault([ChatStore, LedgerStore, IdentityStore, MarketStore])
"""
TESTS = Path(__file__).resolve().parents[1]


@dataclass
class OneModel:
    model: Model

    def in_use(self) -> Model:
        return self.model


@dataclass
class Home:
    vault: Vault
    keys: Keys
    settings: SettingsFile
    lending: Lending
    profile: Profile
    houses: list[House] = field(default_factory=list)

    def guest(self, number: int = 5) -> Client:
        """A device that can speak to this gateway, paired or not."""
        told = self.lending._call("gateway.status")
        shown = self.keys.certificate()
        offered = Manifest("", "", "", "", 0, "")
        host = Person(b"", b"", b"", shown)
        pem = ssl.get_server_certificate(("127.0.0.1", told["port"]))
        house = House(
            self.lending._link, told["port"], host, offered, self.profile.share, {number: person(number)}, pem
        )
        self.houses.append(house)
        return house.client(number)

    def pair(self, number: int = 5) -> tuple[Client, Guest]:
        client = self.guest(number)
        code = self.lending.new_code().code
        who = client.who
        introduction = Introduction("phone", who.certificate.to_wire(), who.tls.certificate.decode())
        guest = Guest(code, fingerprint(client.house.tls.encode()), introduction)
        begun = client.http.post(f"{client.at}/v1/pair", content=canonical(guest.begin())).json()
        guest.finish(client.http.post(f"{client.at}/v1/pair", content=canonical(guest.confirm(begun))).json())
        return client, guest


def lending_of(home: Home | None, vault: Vault, keys: Any, model: Model, profile: Profile, **options: Any) -> Lending:
    settings = SettingsFile(profile.settings)
    opening = Opening(profile, settings, announces=False, **options)
    return Lending(profile, vault, keys, OneModel(model), settings, opening=opening, watch=0.1)


@contextmanager
def home_in(folder: Path, *, key: bool = True, **options: Any) -> Iterator[Home]:
    vault = open_vault(folder, WORKER)
    keys = keys_of(folder, vault)
    profile = Profile(folder / "home")
    if key:
        keys.create()
    model = tiny_model(folder)
    lending = lending_of(None, vault, keys, model, profile, **options)
    home = Home(vault, keys, SettingsFile(profile.settings), lending, profile)
    try:
        yield home
    finally:
        for house in home.houses:
            house.close()
        lending.close()
        vault.lock()


@pytest.fixture
def home(tmp_path):
    with home_in(tmp_path) as home:
        yield home


def child_of(pid: int) -> int:
    """The oldest child of a process."""
    return int(subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=True).stdout.split()[0])


def answer(client: Client, tokens: int = 5) -> Any:
    (wire,) = client.ask("GET", "/v1/offers").fields["offers"]
    client.house.manifest = Offer.from_wire(wire).manifest
    job = client.job([3, 4, 5], max_tokens=tokens)
    job.read()
    job.close()
    return job


def lent(home: Home) -> list[dict[str, Any]]:
    return home.vault.call("market.lent")


def test_sharing_says_where_and_how_to_pair(home):
    assert not home.lending.is_on
    assert not home.lending.status().is_on
    shared = home.lending.start(0, host="127.0.0.1")
    invite = parse_invite(shared.invite)
    assert (invite.code, f"{invite.host}:{invite.port}") == (shared.code, shared.address)
    status = home.lending.status()
    assert (status.is_on, status.address, status.code, status.model) == (True, shared.address, shared.code, "Tiny")
    again = home.lending.start(0, host="127.0.0.1")
    assert again.address == shared.address
    assert home.lending.stop()
    assert not home.lending.stop()
    assert home.lending.status().to_json()["on"] is False
    with pytest.raises(LendingOff):
        home.lending.new_code()


def test_a_device_that_pairs_is_kept_in_the_vault_shown_with_its_words_and_answered(home):
    home.lending.start(0, host="127.0.0.1")
    client, guest = home.pair()
    assert answer(client).ids
    wait_until(lambda: len(home.lending.news()) == 2)
    paired, job = home.lending.news()
    assert (paired.kind, paired.name, paired.words) == ("paired", "phone", guest.words)
    assert (job.kind, job.device, job.tokens_in) == ("job", client.who.address.lower(), 3)
    (device,) = home.vault.call("market.devices")
    assert (device["id"], device["state"]) == (client.who.address.lower(), "active")
    assert home.lending.news(since=paired.number) == [job]
    assert home.lending.status().code == ""  # used up


def test_the_vault_learns_of_each_job_once(home):
    home.lending.start(0, host="127.0.0.1")
    client, _ = home.pair()
    first, second = answer(client), answer(client, 7)
    wait_until(lambda: len(lent(home)) == 2)
    home.lending.absorb()
    home.lending.stop()
    assert {row["job"]: row["tokens_out"] for row in lent(home)} == {
        first.id: len(first.ids), second.id: len(second.ids),
    }  # fmt: skip
    assert waiting(home.profile.share, all_of_it=True) == []


def test_a_paired_device_is_answered_by_the_next_gateway_too_until_it_is_forgotten(home):
    home.lending.start(0, host="127.0.0.1")
    home.pair()
    wait_until(home.lending.news)
    home.lending.stop()
    home.lending.start(0, host="127.0.0.1")
    client = home.guest()
    assert client.ask("GET", "/v1/offers").status == 200
    home.vault.call("market.forget_device", id=client.who.address.lower())
    home.lending.forget(client.who.address.lower())
    assert client.ask("GET", "/v1/offers").code == "not-paired"


def test_a_device_that_unpairs_is_forgotten_here(home):
    home.lending.start(0, host="127.0.0.1")
    client, _ = home.pair()
    wait_until(home.lending.news)
    client.ask("POST", "/v1/unpair", {})
    wait_until(lambda: home.vault.call("market.devices") == [])
    assert home.lending.news()[-1].kind == "unpaired"


def test_lending_goes_on_while_the_vault_is_locked_and_what_was_done_is_taken_in_afterwards(home, tmp_path):
    home.lending.start(0, host="127.0.0.1")
    client, _ = home.pair()
    wait_until(home.lending.news)
    home.lending.new_code()
    home.vault.lock()
    assert home.lending.is_on
    assert home.lending._call("gateway.status")["code_seconds"] == 0  # nobody sees it
    with pytest.raises(VaultLocked):
        home.lending.new_code()
    job = answer(client)
    home.vault.unlock(raw=bytes(range(32)))
    home.lending.recover()
    assert [row["job"] for row in lent(home)] == [job.id]
    assert home.lending.start(0, host="127.0.0.1").address == home.lending.status().address


def test_lending_ends_with_the_lock_where_its_owner_wishes_so(home):
    home.lending._settings.set("lend_while_locked", False)
    home.lending.start(0, host="127.0.0.1")
    home.vault.lock()
    assert not home.lending.is_on


def test_an_engine_that_dies_is_replaced_with_its_gateway_on_the_same_port(home):
    home.lending.start(0, host="127.0.0.1")
    client, _ = home.pair()
    wait_until(home.lending.news)
    port, pid = home.lending._call("gateway.status")["port"], home.lending._link.pid
    os.kill(child_of(pid), signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    wait_until(lambda: home.lending.is_on and home.lending.status().is_on, 30)
    assert home.lending._call("gateway.status")["port"] == port
    assert [one.kind for one in home.lending.news()] == ["paired", "anew"]
    assert client.ask("GET", "/v1/offers").status == 200


def test_keys_are_made_where_there_are_none_yet(tmp_path):
    with home_in(tmp_path, key=False) as home:
        home.lending.start(0, host="127.0.0.1")
        assert home.keys.has_key()
        assert home.lending.is_on


def test_a_port_that_is_taken_and_a_model_that_does_not_fit_are_told_in_words(home, tmp_path):
    home.lending.start(0, host="127.0.0.1")
    port = int(home.lending.status().address.rpartition(":")[2])
    other = lending_of(None, home.vault, home.keys, tiny_model(tmp_path, "other"), home.profile)
    with pytest.raises(LendingFailed, match=f"port {port} cannot be used: Address already in use"):
        other.start(port, host="127.0.0.1")
    small = lending_of(None, home.vault, home.keys, tiny_model(tmp_path, "big"), home.profile, available=lambda: 10)
    with pytest.raises(ModelTooLarge):
        small.start(0, host="127.0.0.1")


def test_a_journal_that_nobody_took_in_survives_everything_and_counts_once(home):
    home.lending.start(0, host="127.0.0.1")
    client, _ = home.pair()
    wait_until(home.lending.news)
    home.vault.lock()
    job = answer(client)
    os.kill(home.lending._link.pid, signal.SIGKILL)
    wait_until(lambda: home.lending.news()[-1].kind == "ended")  # locked: there are no keys to start another with
    (path,) = waiting(home.profile.share, all_of_it=True)
    path.write_bytes(path.read_bytes() + path.read_bytes() + b"\nabcdef\njunk\n" + path.read_bytes()[:99])
    home.vault.unlock(raw=bytes(range(32)))
    assert home.lending.absorb() == 1
    assert [row["job"] for row in lent(home)] == [job.id]
    assert home.lending.absorb() == 0


# Locks, and starts itself anew in its own place: the second program adopts the gateway of the first.
PROGRAM = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from freehold.foundation.paths import Profile
from freehold.processes.replacing import Handed, take, _pipe_with
from contract.test_lending_app import WORKER, lending_of
from support.engines import tiny_model
from support.signers import keys_of
from support.vaults import vault_in, RAW_KEY

folder = Path({folder!r})
vault = vault_in(folder, WORKER)
lending = lending_of(None, vault, keys_of(folder, vault), tiny_model(folder), Profile(folder / "home"))
if len(sys.argv) == 1:
    vault.unlock(raw=RAW_KEY)
    address, pid = lending.start(0, host="127.0.0.1").address, lending._link.pid
    vault.lock()
    handed = Handed(gateway=lending.hand_over())
    lending.close()
    os.execv(sys.executable, [sys.executable, __file__, str(_pipe_with(handed)), address, str(pid)])
assert lending.adopt(take(sys.argv[1]).gateway)
print(json.dumps([lending.status().address == sys.argv[2], lending._link.pid == int(sys.argv[3])]), flush=True)
sys.stdin.readline()
vault.unlock(raw=RAW_KEY)
lending.recover()
print(json.dumps([row["job"] for row in vault.call("market.lent")]), flush=True)
print(json.dumps(lending.start(0, host="127.0.0.1").address == sys.argv[2]), flush=True)
sys.stdin.readline()
os._exit(0)
"""


def test_a_gateway_outlives_the_program_that_started_it_and_leaves_with_the_one_that_took_its_place(tmp_path):
    with home_in(tmp_path) as home:
        home.lending.start(0, host="127.0.0.1")
        home.pair()
        wait_until(home.lending.news)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(tests=str(TESTS), folder=str(tmp_path)))
    with subprocess.Popen(
        [sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdin is not None and running.stdout is not None
        assert json.loads(running.stdout.readline()) == [True, True]
        gateway = child_of(running.pid)
        assert is_alive(gateway)
        running.stdin.write("\n")
        running.stdin.flush()
        assert json.loads(running.stdout.readline()) == []
        assert json.loads(running.stdout.readline()) is True
        running.stdin.write("\n")
        running.stdin.flush()
        running.wait(30)
    wait_until(lambda: not is_alive(gateway))
