"""What the signer signs and what it does not, in this process with a clock that the test turns."""

from __future__ import annotations

import json
import time

import pytest

from freehold.foundation.errors import BadRequest, KeyDamaged, KeyMissing, MandateRefused, UsageError, VaultLocked
from freehold.foundation.paths import Profile
from freehold.identity import sealing, signatures
from freehold.identity.certificates import LONGEST_SECONDS, fingerprint, tls_identity, verify
from freehold.identity.outgoing import recognised
from freehold.identity.signer_worker import LENDING, Signer
from freehold.identity.tally import DAY
from freehold.identity.values import Mandate, NodeCertificate
from freehold.processes.worker import check_arguments
from freehold.vault.handover import Receiver
from support.signers import AT, KEY, NOON, OTHER, PEER, Clock, ask, handed, open_signer, request


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def signer(tmp_path, clock) -> Signer:
    return open_signer(tmp_path, clock)


def allow(signer: Signer, **changes: object) -> None:
    signer.set_mandate({**signer.mandate()["mandate"], **changes})


def test_a_request_it_signs_is_proved_by_its_headers_and_by_the_certificate_among_them(signer, clock):
    headers = ask(signer, 1)
    body = json.dumps({"job": f"{1:032x}", "quote": "q", "sealed": "sealed"}).encode()
    signed = signatures.verify_request(
        method="POST", url=f"{AT}/v1/jobs", headers=headers, body=body, now=clock.now + 1
    )
    certificate = NodeCertificate.from_wire(signed.certificate)
    verify(certificate, clock.now)
    shown = signer.show("desk")
    assert (certificate.owner, certificate.node_key) == (shown["address"], shown["node_key"])
    assert signed.node_key == shown["node_key"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/offers", None),
        ("GET", "/v1/vocabularies/" + "a" * 64, None),
        ("POST", "/v1/quotes", {"manifest": "m", "tokens_in": 1, "tokens_out": 2, "deadline_s": 3}),
        ("GET", f"/v1/jobs/{1:032x}/stream", None),
        ("GET", f"/v1/jobs/{1:032x}/stream?after=12", None),
        ("POST", f"/v1/jobs/{1:032x}/lease", {"accepted": 64, "transcript": "t"}),
        ("POST", f"/v1/jobs/{1:032x}/close", {"accepted": 64, "transcript": "t"}),
        ("POST", "/v1/unpair", {}),
    ],
)
def test_every_other_request_of_the_protocol_is_signed_without_being_counted(signer, method, path, body):
    ask(signer, 1)
    assert "Signature" in request(signer, method, path, body)
    assert signer.mandate()["today"] == {PEER.lower(): 1}


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("POST", f"{AT}/v1/offers", b""),
        ("GET", f"{AT}/v1/offers?x=1", b""),
        ("GET", f"{AT}/v1/offers", b"{}"),
        ("GET", f"{AT}/v1/offers/", b""),
        ("GET", f"{AT}/v1/offers\n", b""),
        ("GET", f"{AT}/v1/offers#a", b""),
        ("GET", "https://[::1/v1/offers", b""),
        ("GET", "https://a:99999/v1/offers", b""),
        ("get", f"{AT}/v1/offers", b""),
        ("GET", "http://192.168.1.7/v1/offers", b""),
        ("GET", "https://a@b/v1/offers", b""),
        ("GET", "/v1/offers", b""),
        ("GET", f"{AT}/v1/vocabularies/../offers", b""),
        ("GET", f"{AT}/v1/jobs/{'A' * 32}/stream", b""),
        ("GET", f"{AT}/v1/jobs/{'a' * 32}/stream?after=-1", b""),
        ("POST", f"{AT}/v1/pair", b"{}"),
        ("POST", f"{AT}/v1/jobs", b"junk"),
        ("POST", f"{AT}/v1/jobs", b"[]"),
        ("POST", f"{AT}/v1/jobs", b'{"job": "1", "quote": "q", "sealed": "s"}'),
        ("POST", f"{AT}/v1/jobs", b'{"job": "", "quote": "q", "sealed": "s"}'),
        ("POST", f"{AT}/v1/jobs", b'{"job": "%s", "quote": "q", "sealed": "s", "more": 1}' % (b"a" * 32)),
        ("POST", f"{AT}/v1/jobs/{'a' * 32}/lease", b'{"accepted": -1, "transcript": "t"}'),
        ("POST", f"{AT}/v1/jobs/{'a' * 32}/lease", b'{"accepted": true, "transcript": "t"}'),
        ("POST", f"{AT}/v1/jobs/{'a' * 32}/lease", b'{"accepted": 1}'),
        ("DELETE", f"{AT}/v1/jobs/{'a' * 32}", b""),
        ("POST", f"{AT}/v1/unpair", b'{"all": true}'),
        ("POST", f"{AT}/v1/unpair", b"[" * 100_000),
        ("POST", f"{AT}/v1/quotes", b" " * (8 * 1024 * 1024 + 1)),
    ],
)  # fmt: skip
def test_nothing_else_is_signed(method, url, body):
    with pytest.raises(MandateRefused):
        recognised(method, url, body)


def test_the_same_job_is_counted_once_however_often_it_is_sent_and_its_id_is_good_for_nothing_else(signer):
    first = ask(signer, 1)
    assert ask(signer, 1)["Signature-Input"] != first["Signature-Input"]
    for another in ({"salt": "x"}, {"peer": OTHER}, {"tokens": 65}):
        with pytest.raises(MandateRefused, match="another request"):
            ask(signer, 1, **another)
    assert signer.mandate()["today"] == {PEER.lower(): 1}


def test_a_lease_belongs_to_a_job_of_this_device_and_asks_for_no_more_than_was_allowed(signer):
    ask(signer, 1, tokens=128)
    lease = {"accepted": 128, "transcript": "t"}
    request(signer, "POST", f"/v1/jobs/{1:032x}/lease", lease)
    with pytest.raises(MandateRefused, match="128 tokens"):
        request(signer, "POST", f"/v1/jobs/{1:032x}/lease", {**lease, "accepted": 129})
    with pytest.raises(MandateRefused, match="no such job"):
        request(signer, "POST", f"/v1/jobs/{1:032x}/lease", lease, peer=OTHER)
    with pytest.raises(MandateRefused, match="no such job"):
        request(signer, "GET", f"/v1/jobs/{2:032x}/stream")


def test_a_device_written_in_other_letters_is_the_same_device(signer):
    allow(signer, peers={PEER.lower(): {"answers_per_day": 1}})
    ask(signer, 1, peer=PEER)
    with pytest.raises(MandateRefused, match="this device"):
        ask(signer, 2, peer=PEER.lower())
    for nobody in ("", "desk", "0x12", PEER + "0"):
        with pytest.raises(MandateRefused, match="address"):
            ask(signer, 3, peer=nobody)
    with pytest.raises(MandateRefused, match="another job"):
        ask(signer, 3, peer=OTHER, job="a" * 32)


def test_documents_go_to_the_device_they_were_released_for_and_to_no_other(signer):
    with pytest.raises(MandateRefused, match="documents"):
        ask(signer, 1, data_class="documents")
    allow(signer, peers={PEER.lower(): {"documents": True}})
    ask(signer, 1, data_class="documents")
    with pytest.raises(MandateRefused, match="documents"):
        ask(signer, 2, peer=OTHER, data_class="documents")


def test_while_paused_only_what_ends_something_is_signed(signer):
    ask(signer, 1)
    close = ("POST", f"/v1/jobs/{1:032x}/close", {"accepted": 1, "transcript": "t"})
    for paused in ({"paused": True}, {"paused": False, "peers": {PEER.lower(): {"paused": True}}}):
        allow(signer, **paused)
        for refused in (
            lambda: ask(signer, 2),
            lambda: ask(signer, 1),
            lambda: request(signer, "GET", "/v1/offers"),
            lambda: request(signer, "GET", f"/v1/jobs/{1:032x}/stream"),
        ):
            with pytest.raises(MandateRefused, match="paused"):
                refused()
        request(signer, *close)
        request(signer, "POST", "/v1/unpair", {})


def test_with_ask_first_each_answer_needs_a_yes(signer):
    allow(signer, ask_first=True)
    with pytest.raises(MandateRefused, match="your own yes"):
        ask(signer, 1)
    ask(signer, 1, confirmed=True)


def test_the_counts_are_found_again_by_the_next_process_and_begin_anew_the_next_day(tmp_path, clock, signer):
    allow(signer, answers_per_day=2)
    ask(signer, 1)
    ask(signer, 2)
    again = open_signer(tmp_path, clock)
    with pytest.raises(MandateRefused, match="2 answers of today"):
        ask(again, 3)
    clock.now += DAY
    ask(again, 3)
    assert again.mandate()["today"] == {PEER.lower(): 1}


def test_a_clock_that_goes_back_ten_years_allows_nothing_more_until_the_owner_says_so_and_then_no_more_either(
    tmp_path, clock, signer
):
    allow(signer, answers_per_day=2)
    ask(signer, 1)
    ask(signer, 2)
    clock.now -= 3650 * DAY
    for one in (signer, open_signer(tmp_path, clock)):
        with pytest.raises(MandateRefused, match="2 answers of today"):
            ask(one, 3)
    allow(signer, answers_per_day=2)
    with pytest.raises(MandateRefused, match="2 answers of today"):
        ask(signer, 3)
    clock.now += DAY  # ten years ago, but a day later: the owner said that this clock is right
    ask(signer, 3)


def test_a_certificate_is_kept_while_it_is_good_for_three_days_and_made_anew_then(tmp_path, clock, signer):
    first = signer.certificate("desk")
    clock.now += LONGEST_SECONDS - 4 * DAY
    assert open_signer(tmp_path, clock).certificate("desk") == first
    clock.now += DAY
    second = NodeCertificate.from_wire(signer.certificate("desk"))
    verify(second, clock.now + 6 * DAY)
    assert (second.node_key, second.owner) == (first["node_key"], first["owner"])
    assert signer.certificate("another name")["name"] == "another name"
    clock.now -= 3650 * DAY
    verify(NodeCertificate.from_wire(signer.certificate("another name")), clock.now)


def test_a_gateway_gets_the_keys_it_serves_with_sealed_to_it_and_never_the_owner_s(signer, tmp_path):
    gateway = Receiver()
    given = json.loads(gateway.open(bytes.fromhex(signer.for_gateway(gateway.public.hex(), "desk"))))
    assert given.keys() == {"node", "hpke", "certificate", "tls_certificate", "tls_key"}
    shown = signer.show("desk")
    tls = tls_identity(bytes.fromhex(given["node"]))
    assert (given["tls_certificate"].encode(), given["tls_key"].encode()) == (tls.certificate, tls.key)
    assert fingerprint(tls.certificate) == shown["tls"]
    assert given["certificate"]["node_key"] == shown["node_key"]
    with pytest.raises(BadRequest):
        signer.for_gateway("00", "desk")


def test_lines_of_the_lending_journal_are_opened_and_jobs_are_not(signer):
    key = signer.show("desk")["hpke_key"]
    ours = sealing.seal(key, b"who, when, how many", LENDING).hex()
    job = sealing.seal(key, b"a question", b"freehold-job/1 x").hex()
    assert signer.open_lent([ours, job, "junk", "", ours[:-2]]) == [b"who, when, how many".hex()]


def test_a_key_is_never_made_over_another_and_a_stranger_s_vault_opens_none(tmp_path, signer):
    home = str(tmp_path / "home")
    with pytest.raises(UsageError, match="a key already"):
        signer.create(home, handed(signer))
    stranger = Signer(clock=Clock())
    with pytest.raises(KeyDamaged, match="another vault"):
        stranger.open(home, handed(stranger, bytes(32)), "")
    with pytest.raises(VaultLocked):
        stranger.show("desk")
    empty = Profile(tmp_path / "empty")
    empty.identity.mkdir(parents=True)
    with pytest.raises(KeyMissing):
        stranger.open(str(empty.home), handed(stranger), "")


def test_what_is_handed_over_is_good_once(tmp_path, signer):
    home, sealed = str(tmp_path / "home"), handed(signer)
    signer.open(home, sealed, "")
    with pytest.raises(BadRequest):
        signer.open(home, sealed, "")
    signer.public_key()
    with pytest.raises(BadRequest):
        signer.open(home, sealed, "")


def test_the_vocabulary_is_closed_and_every_word_of_it_typed(signer):
    assert {name.partition(".")[2] for name in signer.ops()} == {
        "public_key", "open", "create", "import_key", "import_file", "export", "content", "show", "certificate",
        "introduction", "mandate", "set_mandate", "sign", "for_gateway", "open_lent",
    }  # fmt: skip
    from freehold.processes.worker import _argument_types

    with pytest.raises(BadRequest):
        check_arguments("signer.sign", _argument_types(signer.sign), {"peer": 1})


def test_a_mandate_is_changed_by_words_of_a_mandate_only(signer):
    good = Mandate().to_wire()
    for bad in (
        {},
        {"answers_per_day": -1},
        {**good, "more": 1},
        {**good, "answers_per_day": 1.5},
        {**good, "paused": 1},
        {**good, "peers": {"desk": {}}},
        {**good, "peers": {PEER.lower(): {"x": 1}}},
        {**good, "peers": []},
    ):
        with pytest.raises(UsageError):
            signer.set_mandate(bad)
    assert signer.mandate()["mandate"] == good


def test_its_own_clock_and_the_system_s_agree():
    assert abs(Signer()._clock() - time.time()) < 60
    assert KEY and NOON
