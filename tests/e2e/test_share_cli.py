"""`freehold share` as the real program: a real vault and key, the starter model, a device over real TLS."""

from __future__ import annotations

import json
import os
import signal
import ssl
import time
from pathlib import Path

import pytest

from freehold.foundation.canonical import canonical
from freehold.foundation.paths import Profile
from freehold.identity.certificates import fingerprint
from freehold.identity.keys import Keys
from freehold.identity.pairing import Guest, Introduction, parse_invite
from freehold.identity.values import NodeCertificate
from freehold.market.values import Offer
from freehold.vault.keeper import Vault
from support.lending import Client, House, Person, person
from support.program import Freehold
from support.workers import is_alive, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="sharing needs a POSIX system")]


@pytest.fixture
def freehold(tmp_path):
    """A profile with a vault and a key."""
    freehold = Freehold(tmp_path)
    freehold.json("chats", "list")
    profile = Profile(tmp_path / "home")
    vault = Vault(profile)
    vault.unlock(passphrase="secret")
    Keys(profile, vault).create()
    vault.lock()
    return freehold


def line_of(process) -> dict:
    return json.loads(process.stdout.readline())


def phone(shared: dict, folder: Path) -> Client:
    """A device that typed the code."""
    invite, who = parse_invite(shared["invite"]), person(5)
    pem = ssl.get_server_certificate((invite.host, invite.port))
    assert fingerprint(pem.encode()) == invite.tls
    house = House(None, invite.port, None, None, folder, {5: who}, pem)
    client = house.client(5)
    introduction = Introduction("phone", who.certificate.to_wire(), who.tls.certificate.decode())
    guest = Guest(invite.code, invite.tls, introduction)
    begun = client.http.post(f"{client.at}/v1/pair", content=canonical(guest.begin())).json()
    met = guest.finish(client.http.post(f"{client.at}/v1/pair", content=canonical(guest.confirm(begun))).json())
    house.host = Person(b"", b"", b"", NodeCertificate.from_wire(met.certificate))
    (wire,) = client.ask("GET", "/v1/offers").fields["offers"]
    house.manifest = Offer.from_wire(wire).manifest
    return client


def answered(client: Client) -> int:
    job = client.job([1, 2, 3, 4], max_tokens=12, temperature=0.0)
    job.read()
    job.close()
    return len(job.ids)


def test_share_start_pairs_a_device_answers_it_goes_on_while_locked_and_ends(freehold, tmp_path):
    process = freehold.start("share", "start", "--port", "47917", "--host", "127.0.0.1", "--json")
    try:
        shared = line_of(process)
        assert set(shared) == {"address", "code", "invite"}
        client = phone(shared, tmp_path)
        assert answered(client) > 0
        status = freehold.json("share", "status")
        assert (status["on"], status["address"], status["answered"]) == (True, shared["address"], 1)
        wait_until(lambda: freehold.json("share", "status")["code"] not in ("", shared["code"]), 30)

        assert freehold.json("vault", "lock")["state"] == "locked"
        time.sleep(0.5)
        assert answered(client) > 0
        wait_until(lambda: freehold.json("share", "status")["on"], 30)  # by the process that took its place
        assert freehold.json("share", "status")["code"] == ""
        assert freehold.json("vault", "unlock")["state"] == "open"
        wait_until(lambda: freehold.json("share", "status")["code"], 30)
        assert answered(client) > 0

        assert freehold.json("share", "stop") == {"stopped": True}
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, "")
        assert "phone was paired" in err
        assert "goes on" in err or "all the same" in err
        client.http.close()
    finally:
        process.kill()
        process.communicate()
    vault = Vault(Profile(tmp_path / "home"))
    vault.unlock(passphrase="secret")
    try:
        assert len(vault.call("market.lent")) == 3
        assert [one["name"] for one in vault.call("market.devices")] == ["device 5"]
    finally:
        vault.lock()


def test_ctrl_c_ends_sharing_and_so_does_the_death_of_the_program(freehold):
    process = freehold.start("share", "start", "--port", "47918", "--host", "127.0.0.1", "--json")
    line_of(process)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130

    process = freehold.start("share", "start", "--port", "47918", "--host", "127.0.0.1", "--json")
    line_of(process)
    children = [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    assert children
    process.kill()
    process.communicate()
    wait_until(lambda: not any(map(is_alive, children)))
