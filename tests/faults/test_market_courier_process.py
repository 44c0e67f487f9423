"""The courier as the process that it is: boxed, started by the first thing that is asked, replaced after its death."""

from __future__ import annotations

import json
import os
import signal

import pytest

from freehold.foundation.errors import BadRequest, PairingRefused, PeerUntrusted
from freehold.identity.pairing import Host, Introduction, tls_fingerprint
from freehold.market.courier import Courier
from freehold.processes.link import Link
from support.fake_peer import HERE, STUDIO, manifest_of
from support.vaults import profile_in
from support.workers import wait_until


@pytest.fixture
def courier(tmp_path):
    courier = Courier(profile_in(tmp_path))
    yield courier
    courier.close()


def link(courier) -> Link:
    assert isinstance(courier._pipe, Link)
    return courier._pipe


def test_in_its_box_it_does_all_its_work(courier):
    assert link(courier).pid is None
    good = STUDIO.certificate().to_wire()
    assert courier.certified(good, STUDIO.address, STUDIO.node_key) == good
    sealed, opening = courier.seal(
        "1a" * 16, STUDIO.hpke_key, manifest_of(), (1, 2), {"seed": 1}, replay=0, most=5, vocabulary=9
    )
    assert len(sealed) > 100 and len(opening) == 64
    with pytest.raises(PeerUntrusted):
        courier.hear("1a" * 16, "AAAA", 0)
    assert courier.examine(b"[" * 1_000_000)[0] == "the file is no bundle of a receipt"


def test_two_devices_pair_through_it_and_see_the_same_words(courier):
    theirs = Introduction("Studio", STUDIO.certificate().to_wire(), STUDIO.tls)
    host = Host("123456", tls_fingerprint(STUDIO.tls), theirs, 0.0)
    ours = Introduction("Desk", HERE.certificate().to_wire(), HERE.tls).to_wire()

    def answered(asked):
        return json.dumps(host.answer(asked, 1.0)).encode()

    first = answered(courier.begin_pairing("123456", tls_fingerprint(STUDIO.tls), ours))
    met = courier.finish_pairing(answered(courier.confirm_pairing(first)))
    assert (met.owner, met.node_key, met.name) == (STUDIO.address, STUDIO.node_key, "Studio")
    assert met.words == host.words
    assert len(met.words) == 4
    with pytest.raises(PairingRefused):
        courier.confirm_pairing(b"{}")


def test_a_pairing_with_another_code_or_certificate_ends_in_words(courier):
    host = Host("123456", tls_fingerprint(STUDIO.tls), Introduction("Studio", {}, STUDIO.tls), 0.0)
    begun = courier.begin_pairing("654321", tls_fingerprint(STUDIO.tls), Introduction("Desk", {}, HERE.tls).to_wire())
    asked = courier.confirm_pairing(json.dumps(host.answer(begun, 1.0)).encode())
    with pytest.raises(PairingRefused):
        host.answer(asked, 1.0)
    for junk in (b"", b"null", b"[]", b'{"session": 5}', b'{"proof": "00", "sealed": "00"}'):
        with pytest.raises(PairingRefused):
            courier.finish_pairing(junk)


def test_after_its_death_it_knows_no_job_and_goes_on(courier):
    courier.seal("1a" * 16, STUDIO.hpke_key, manifest_of(), (1, 2), {}, replay=0, most=5, vocabulary=9)
    os.kill(link(courier).pid, signal.SIGKILL)
    wait_until(lambda: link(courier).pid is None)
    with pytest.raises(BadRequest):
        courier.hear("1a" * 16, "AAAA", 0)
    assert courier.certified(STUDIO.certificate().to_wire(), STUDIO.address, STUDIO.node_key)
