"""The courier: what a peer says is opened, checked and turned into values of ours, or ends in our words."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from freehold.foundation.errors import BadRequest, FreeholdError, PeerUntrusted
from freehold.foundation.paths import Profile
from freehold.identity import sealing, signatures
from freehold.market.courier import Courier, Exchange
from freehold.market.errors import PeerRefused
from freehold.market.receipts import write_bundle
from freehold.market.records import Kept
from freehold.market.values import PROTOCOL, Offer, Receipt, granted, opening_hash, rolled
from freehold.processes.frames import pack_ids
from support.couriers import InProcess
from support.fake_peer import HERE, HOST, LAPTOP, PORT, STUDIO, manifest_of

NOW = 1_795_000_000.0
JOB = "1a" * 16
PROMPT, SAMPLING = (5, 6, 7), {"seed": 3, "temperature": 0.5}
MANIFEST = manifest_of()


@pytest.fixture
def courier(tmp_path):
    return Courier(Profile(tmp_path), pipe=InProcess(lambda: NOW))


def exchange(body: bytes, *, status=200, who=STUDIO, method="GET", path="/v1/offers", of=None) -> Exchange:
    """What a peer answered to a request of ours, signed by it."""
    url = f"https://{HOST}:{PORT}{path}"
    certificate = HERE.certificate(NOW).to_wire()
    sent = signatures.sign_request(
        HERE.node, method=method, url=url, body=b"", certificate=certificate, now=NOW, nonce="0f" * 16
    )
    headers = signatures.sign_response(
        who.node, status=status, body=body, headers={}, request=signatures.Request(method, url, sent), now=NOW
    )
    return Exchange(STUDIO.node_key, method, url, of or sent, status, headers, body)


def told(value, **fields):
    return exchange(json.dumps(value).encode(), **fields)


# --- whole answers


def test_an_offer_is_read_once_its_signature_holds(courier):
    offer = Offer(MANIFEST, STUDIO.hpke_key, waiting=2, tokens_per_s=31.5).to_wire()
    assert courier.read("offers", told({"offers": [offer | {"newer": "field"}]})) == {"offers": [offer]}


def test_an_answer_of_another_machine_or_to_another_request_is_not(courier):
    for given_ in (
        told({"offers": []}, who=LAPTOP),
        replace(told({"offers": []}), body=b'{"offers":[1]}'),
        replace(told({"offers": []}), status=503),
        replace(told({"offers": []}), url=f"https://{HOST}:{PORT}/v1/quotes"),
        replace(told({"offers": []}), headers={}),
    ):
        with pytest.raises(PeerUntrusted):
            courier.read("offers", given_)


def test_a_refusal_is_told_in_our_words_and_never_in_theirs(courier):
    for code, reason in (("busy", "busy"), ("<b>send money</b>", "failed"), (["busy"], "failed"), (None, "failed")):
        with pytest.raises(PeerRefused) as refused:
            courier.read("quote", told({"error": {"code": code, "detail": "send money"}}, status=503))
        assert refused.value.reason == reason
        assert "money" not in f"{refused.value.detail}{refused.value.title}{refused.value.next_step}"


@pytest.mark.parametrize("kind", ["offers", "quote", "opened", "granted"])
@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"offers": 5}', b'{"offers": [5]}', b'{"granted": -1}',
     b'{"granted": 1e3}', b'{"granted": true}', b'{"job": 5, "opening": "x", "granted": -1}', b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_answer_of_the_protocol_is_refused(courier, kind, body):
    with pytest.raises(PeerUntrusted):
        courier.read(kind, exchange(body))


@pytest.mark.parametrize(
    "change",
    [{"sha256": "../../etc"}, {"vocabulary_sha256": "AA" * 32}, {"context": 0}, {"context": 2**40}, {"lease": 0},
     {"lease": 10**9}, {"model": ""}, {"model": "x" * 500}, {"model": "a\x1b[2Jb"}, {"model": "\u202eevil"}],
)  # fmt: skip
def test_a_manifest_that_cannot_be_is_refused(courier, change):
    offer = Offer(MANIFEST, STUDIO.hpke_key).to_wire()
    with pytest.raises(PeerUntrusted):
        courier.read("offers", told({"offers": [offer | {"manifest": offer["manifest"] | change}]}))


@settings(max_examples=60, deadline=None)
@given(some.recursive(some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=8),
                      lambda inside: some.lists(inside, max_size=4) | some.dictionaries(
                          some.sampled_from(["offers", "manifest", "sha256", "id", "job", "granted", "opening", "x"]),
                          inside, max_size=5), max_leaves=12),
       some.sampled_from(["offers", "quote", "opened", "granted", "receipt", "nothing"]))  # fmt: skip
def test_any_json_is_a_value_or_a_word(tmp_path_factory, value, kind):
    courier = Courier(Profile(tmp_path_factory.getbasetemp()), pipe=InProcess(lambda: NOW))
    try:
        assert isinstance(courier.read(kind, told(value)), dict)
    except FreeholdError as error:
        assert isinstance(error, PeerUntrusted)


# --- a job's stream


class Told:
    """The peer's end of one sealed job."""

    def __init__(self, courier, most=200):
        sealed, self.opening = courier.seal(
            JOB, STUDIO.hpke_key, MANIFEST, PROMPT, SAMPLING, replay=0, most=most, vocabulary=1000
        )
        opened = sealing.unseal(STUDIO.hpke, base64.b64decode(sealed), f"{PROTOCOL} {JOB}".encode())
        self.plain = json.loads(opened)
        self.envelopes = sealing.Envelopes(base64.b64decode(self.plain["reply_key"]), JOB)
        self.courier, self.number, self.transcript, self.ids = courier, 0, self.opening, []

    def say(self, event, *, number=None, accepted=0):
        sealed = self.envelopes.seal(self.number if number is None else number, event)
        heard = self.courier.hear(JOB, sealed, accepted)
        self.number += 1
        return heard

    def tokens(self, *ids, accepted=0, **changes):
        event = {
            "kind": "tokens",
            "first": len(self.ids),
            "ids": pack_ids(ids),
            "transcript": rolled(self.transcript, ids),
        }
        heard = self.say(event | changes, accepted=accepted)
        self.transcript, self.ids = rolled(self.transcript, ids), [*self.ids, *ids]
        return heard

    def receipt(self, ending="complete", *, who=STUDIO, **changes):
        bare = Receipt(
            JOB, STUDIO.address, HERE.address, MANIFEST, self.opening, len(PROMPT), len(self.ids), self.transcript,
            ending, NOW, NOW + 2, STUDIO.certificate(NOW).to_wire(),
        )  # fmt: skip
        bare = replace(bare, **changes)
        return replace(bare, signature=signatures.sign_content(who.node, bare.signed_bytes())).to_wire()

    def settle(self, receipt=None, ending="complete"):
        return self.courier.settle(
            JOB, device=STUDIO.address, node_key=STUDIO.node_key, client=HERE.address, ending=ending, receipt=receipt
        )


def test_a_job_is_sealed_for_the_peer_and_bound_to_what_was_asked(courier):
    told = Told(courier)
    assert told.opening == opening_hash(MANIFEST, PROMPT, SAMPLING)
    assert told.plain["prompt"] == pack_ids(PROMPT)
    assert told.plain["sampling"] == SAMPLING
    with pytest.raises(sealing.SealBroken):
        sealing.unseal(LAPTOP.hpke, b"x" * 100, b"")
    with pytest.raises(PeerUntrusted):
        courier.seal(JOB, "00" * 31, MANIFEST, PROMPT, SAMPLING, replay=0, most=9, vocabulary=9)


def test_what_is_heard_is_counted_and_hashed_here(courier):
    told = Told(courier)
    assert told.say({"kind": "waiting", "ahead": 2}) == {"kind": "waiting", "ahead": 2, "number": 0}
    assert told.say({"kind": "reading", "done": 1, "total": 3})["done"] == 1
    heard = told.tokens(11, 12)
    assert (heard["count"], heard["transcript"], heard["number"]) == (2, told.transcript, 2)
    told.tokens(13)
    told.say({"kind": "end", "ending": "complete", "receipt": told.receipt()})
    settled = told.settle()
    assert (settled.tokens_in, settled.tokens_out, settled.transcript) == (3, 3, told.transcript)


@pytest.mark.parametrize(
    "event",
    [
        5, None, [], "tokens", {}, {"kind": "shell"}, {"kind": ["tokens"]}, {"kind": "waiting"},
        {"kind": "waiting", "ahead": -1}, {"kind": "waiting", "ahead": "2"}, {"kind": "reading", "done": 4, "total": 3},
        {"kind": "reading", "done": 1, "total": 10**9}, {"kind": "starved", "granted": None},
        {"kind": "end", "ending": "because"}, {"kind": "end"},
        {"kind": "tokens", "first": 0, "ids": "", "transcript": "00" * 32},
        {"kind": "tokens", "first": 0, "ids": "@@@", "transcript": "00" * 32},
        {"kind": "tokens", "first": 0, "ids": [1, 2], "transcript": "00" * 32},
        {"kind": "tokens", "first": False, "ids": pack_ids([1]), "transcript": "00" * 32},
    ],
)  # fmt: skip
def test_an_event_that_is_none_ends_the_hearing(courier, event):
    with pytest.raises(PeerUntrusted):
        Told(courier).say(event)


def test_tokens_that_are_missing_doubled_changed_or_too_many_end_it(courier):
    for wrong in (
        lambda told: told.tokens(1, first=1),
        lambda told: (told.tokens(1), told.tokens(2, first=0)),
        lambda told: told.tokens(1, transcript=rolled(told.opening, [2])),
        lambda told: told.tokens(1000),
        lambda told: told.tokens(-1),
        lambda told: told.tokens(*range(129)),
        lambda told: (told.tokens(*range(128)), told.tokens(1)),
    ):
        with pytest.raises(PeerUntrusted):
            wrong(Told(courier))
    told = Told(courier)
    told.tokens(*range(128))
    told.tokens(*range(64), accepted=64)
    with pytest.raises(PeerUntrusted):
        told.tokens(*range(9), accepted=128)  # 201 were not asked for
    assert granted(128) > 201


def test_an_envelope_of_another_number_job_or_key_does_not_open(courier):
    told = Told(courier)
    event = {"kind": "waiting", "ahead": 0}
    for sealed in (
        told.envelopes.seal(1, event),
        sealing.Envelopes(base64.b64decode(told.plain["reply_key"]), "2b" * 16).seal(0, event),
        sealing.Envelopes(bytes(32), JOB).seal(0, event),
        "", "AAAA", "not base64", "A" * (1 << 21),
    ):  # fmt: skip
        with pytest.raises(PeerUntrusted):
            courier.hear(JOB, sealed, 0)
    told.say(event)
    told.tokens(1)
    with pytest.raises(PeerUntrusted):
        told.say(event, number=1)


def test_nothing_is_heard_after_the_end_nor_of_a_job_that_was_dropped(courier):
    told = Told(courier)
    told.say({"kind": "end", "ending": "complete", "receipt": told.receipt()})
    with pytest.raises(PeerUntrusted):
        told.tokens(1)
    courier.drop(JOB)
    with pytest.raises(BadRequest):
        told.say({"kind": "waiting", "ahead": 0})


@pytest.mark.parametrize(
    "changes",
    [{"job": "2b" * 16}, {"provider": LAPTOP.address}, {"client": LAPTOP.address}, {"tokens_in": 4}, {"tokens_out": 1},
     {"transcript": "00" * 32}, {"opening": "00" * 32}, {"ending": "length"}, {"charged": 5}, {"protocol": "x"},
     {"closed": 5.0}, {"manifest": manifest_of("cc" * 32)}, {"who": LAPTOP}, {"provider_certificate": {}},
     {"provider_certificate": LAPTOP.certificate(NOW).to_wire()},
     {"provider_certificate": STUDIO.certificate(NOW - 30 * 86400).to_wire()}],
    ids=str,
)  # fmt: skip
def test_a_receipt_that_is_not_true_of_the_job_is_refused(courier, changes):
    told = Told(courier)
    told.tokens(1, 2)
    with pytest.raises(PeerUntrusted) as refused:
        told.settle(told.receipt(**changes))
    assert "receipt" in refused.value.detail
    assert told.settle(told.receipt()).tokens_out == 2


def test_a_receipt_that_is_none_is_refused(courier):
    told = Told(courier)
    for receipt in (5, [], {}, "receipt", {"manifest": 5}, {"manifest": {}, "provider_certificate": {}}):
        with pytest.raises(PeerUntrusted):
            told.settle(receipt)
    with pytest.raises(PeerUntrusted):
        told.settle()  # the stream has not ended


# --- certificates, bundles


def test_a_certificate_counts_for_its_own_owner_and_key_and_in_its_time(courier):
    good = STUDIO.certificate(NOW).to_wire()
    assert courier.certified(good, STUDIO.address.lower(), STUDIO.node_key) == good
    for certificate, owner, key in (
        (good, LAPTOP.address, STUDIO.node_key),
        (good, STUDIO.address, LAPTOP.node_key),
        (LAPTOP.certificate(NOW).to_wire(), STUDIO.address, STUDIO.node_key),
        (STUDIO.certificate(NOW - 30 * 86400).to_wire(), STUDIO.address, STUDIO.node_key),
        ({}, STUDIO.address, STUDIO.node_key),
    ):
        with pytest.raises(PeerUntrusted):
            courier.certified(certificate, owner, key)


def bundle(courier, **changes):
    told = Told(courier)
    told.tokens(11, 12)
    receipt = Receipt.from_wire(told.receipt())
    return write_bundle(Kept(receipt, "a chat", pack_ids(PROMPT), pack_ids((11, 12)), SAMPLING))


def test_a_bundle_can_be_examined_by_anybody(courier):
    reason, read = courier.examine(bundle(courier))
    assert reason == ""
    assert (read.prompt, read.answer, read.sampling) == (PROMPT, (11, 12), SAMPLING)


@pytest.mark.parametrize(
    ("name", "value"),
    [("prompt", pack_ids((5, 6, 8))), ("answer", pack_ids((11, 13))), ("answer", pack_ids((11,))),
     ("sampling", {"seed": 4, "temperature": 0.5}), ("sampling", 5), ("prompt", "@"), ("prompt", None),
     ("receipt", None), ("receipt", {})],
)  # fmt: skip
def test_a_bundle_that_was_changed_says_so(courier, name, value):
    changed = json.loads(bundle(courier)) | {name: value}
    assert courier.examine(json.dumps(changed).encode())[0]


def test_a_bundle_whose_receipt_was_changed_says_so(courier):
    whole = json.loads(bundle(courier))
    for name, value in (("closed", NOW + 3), ("tokens_out", 1), ("ending", "length"), ("client", "0x" + "00" * 20)):
        reason, _ = courier.examine(json.dumps(whole | {"receipt": whole["receipt"] | {name: value}}).encode())
        assert reason
    for junk in (b"", b"{", b"\xff", b"[" * 100_000, b"null", b'{"sampling": {}}'):
        assert courier.examine(junk) == ("the file is no bundle of a receipt", None)
