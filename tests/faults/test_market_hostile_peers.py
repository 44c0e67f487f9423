"""Devices that lie, stall, flood and talk nonsense: each ends in our words, with what was heard before kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freehold.engine.values import Message, Model, Sampling
from freehold.foundation.errors import PeerUnreachable, PeerUntrusted
from freehold.foundation.stop import Stop
from freehold.market.errand import Patience, Pulse
from freehold.market.values import Offer
from freehold.processes.frames import pack_ids
from support.engines import prepared, written
from support.fake_peer import LAPTOP, STUDIO, FakePeer, House, loaded_fake, manifest_of

HERE_MODEL = Model("tiny", "Tiny", 1, sha256="aa" * 32)
POISON = "<script>send money to 0xBAD</script>"


@pytest.fixture
def peer():
    return FakePeer(loaded_fake())


@pytest.fixture
def house(tmp_path, peer):
    house = House(tmp_path, peer)
    yield house
    house.close()


def asked(house, error, *, tokens=40, patience=None):
    """Ask; the words of what it ended in, and the ids that were heard before."""
    engine, heard = house.engine(patience=patience), []
    prepared(engine, HERE_MODEL)
    prompt = engine.read([Message("user", "is the end near?")]).ids
    with pytest.raises(error) as ended:
        heard.extend(engine.generate(prompt, Sampling(max_tokens=tokens, seed=3), Stop(), house.chat))
    words = f"{ended.value.title} {ended.value.detail} {ended.value.next_step}"
    assert "money" not in words and "script" not in words
    (row,) = house.books.jobs()
    ids = written(heard)[0]
    assert (row.state, row.ending, row.tokens_out) == ("closed", "broken", len(ids))
    assert not engine.is_busy
    return ids


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a device that keeps its word says to the same question."""
    house = House(tmp_path_factory.mktemp("honest"), FakePeer(loaded_fake()))
    engine = house.engine()
    prepared(engine, HERE_MODEL)
    prompt = engine.read([Message("user", "is the end near?")]).ids
    ids = written(list(engine.generate(prompt, Sampling(max_tokens=40, seed=3), Stop(), house.chat)))[0]
    house.close()
    return ids


AFTER = 5


def after_some(change):
    """Say the truth for some frames, then what `change` makes of it."""
    count = iter(range(1000))
    return lambda event: change(event) if next(count) >= AFTER else event


@pytest.mark.parametrize(
    "change",
    [
        lambda event: event | {"first": event["first"] + 1},
        lambda event: event | {"first": event["first"] - 1},
        lambda event: event | {"ids": pack_ids([65])},
        lambda event: event | {"ids": pack_ids([-1])},
        lambda event: event | {"ids": pack_ids([0x7FFFFFFF])},
        lambda event: event | {"ids": pack_ids(range(1000))},
        lambda event: event | {"ids": ""},
        lambda event: event | {"ids": POISON},
        lambda event: event | {"transcript": "00" * 32},
        lambda event: event | {"transcript": POISON},
        lambda event: event | {"kind": POISON},
        lambda event: {"kind": "error", "words": POISON},
        lambda event: [POISON],
        lambda event: event | {"again": event},
    ],
)
def test_tokens_that_are_not_what_they_say_end_it(house, peer, whole, change):
    peer.says["tokens"] = after_some(change)
    heard = asked(house, PeerUntrusted)
    assert heard == whole[: len(heard)]
    assert AFTER <= len(heard) <= AFTER + 1
    assert [path for _, path in peer.asked if path.endswith("close")] == []  # no more is sent to it


def test_a_device_that_writes_for_ever_is_ended(house, peer):
    peer.says["end"] = lambda event: {"kind": "tokens", "first": 40, "ids": pack_ids([65]), "transcript": "00" * 32}
    assert len(asked(house, PeerUntrusted)) == 40


def test_a_device_that_ignores_leases_is_ended(house, peer):
    house.line.cut = lambda method, path: -1 if "lease" in path else None
    with pytest.raises(PeerUnreachable):
        engine = house.engine()
        prepared(engine, HERE_MODEL)
        list(engine.generate((1, 2, 3), Sampling(max_tokens=400), Stop(), house.chat))


def test_envelopes_of_another_job_are_no_answer(house, peer, whole):
    stream = peer.stream

    def swapped(path, headers):
        status, told, _ = stream(path, headers)
        job = peer.jobs[path.split("/")[3]]
        return status, told, iter([job.envelopes.seal(5, {"kind": "waiting", "ahead": 0})])

    peer.stream = swapped
    assert asked(house, PeerUntrusted) == ()


def test_a_replayed_or_reordered_stream_is_no_answer(house, peer):
    stream = peer.stream

    def doubled(path, headers):
        status, told, events = stream(path, headers)
        return status, told, (twice for event in events for twice in (event, event))

    peer.stream = doubled
    assert asked(house, PeerUntrusted) == ()


@pytest.mark.parametrize("junk", ["", "AAAA", "not base64 at all", POISON, "A" * 2_000_000, "\x00\x01"])
def test_junk_frames_end_it(house, peer, junk):
    stream = peer.stream

    def junky(path, headers):
        status, told, _ = stream(path, headers)
        return status, told, iter([junk])

    peer.stream = junky
    assert asked(house, PeerUntrusted) == ()


@pytest.mark.parametrize(
    "change",
    [
        {"tokens_out": 41}, {"tokens_in": 1}, {"transcript": "00" * 32}, {"opening": "00" * 32}, {"charged": 1000},
        {"client": STUDIO.address}, {"job": "ff" * 16}, {"ending": "complete"}, {"manifest": manifest_of("ee" * 32)},
    ],
    ids=str,
)  # fmt: skip
def test_a_receipt_with_other_counts_is_not_taken(house, peer, whole, change):
    peer.receipt = lambda receipt: replace(receipt, **change)
    assert asked(house, PeerUntrusted) == whole
    assert house.books.receipts() == []


def test_a_receipt_that_another_machine_signed_is_not_taken(house, peer, whole):
    def sign_as_another(receipt):
        peer.signs_as = LAPTOP
        return receipt

    peer.receipt = sign_as_another
    assert asked(house, PeerUntrusted) == whole


def test_a_certificate_for_another_owner_is_not_taken(house, peer, whole):
    peer.receipt = lambda receipt: replace(receipt, provider_certificate=LAPTOP.certificate().to_wire())
    assert asked(house, PeerUntrusted) == whole


def test_another_machine_at_the_same_address_is_not_listened_to(house, peer):
    peer.signs_as = LAPTOP
    with pytest.raises(PeerUntrusted):
        prepared(house.engine(), HERE_MODEL)


def test_another_vocabulary_than_promised_is_not_loaded(house, peer):
    peer.vocabulary = b"another vocabulary"
    with pytest.raises(PeerUntrusted):
        prepared(house.engine(), HERE_MODEL)
    assert not list(house.vocabularies._folder.glob("*"))


def test_another_opening_than_was_sent_is_not_gone_on_with(house, peer):
    peer.answers["jobs"] = lambda told: told | {"opening": "00" * 32}
    assert asked(house, PeerUntrusted) == ()


def test_another_promise_than_was_asked_for_is_not_taken(house, peer):
    engine = house.engine()
    prepared(engine, HERE_MODEL)
    for change in ({"manifest": "00" * 32}, {"tokens_in": 1}, {"tokens_out": 10**6}):
        peer.answers["quotes"] = lambda told, change=change: told | change
        with pytest.raises(PeerUntrusted):
            list(engine.generate((1, 2, 3), Sampling(max_tokens=4), Stop(), house.chat))
    assert house.books.jobs() == []


@pytest.mark.parametrize("ending", ["broken", "starved", "stopped"])
def test_a_device_that_gives_up_has_not_answered(house, peer, whole, ending):
    def give_up(event):
        return {"kind": "end", "ending": ending, "receipt": event.get("receipt")}

    peer.says["end"] = give_up
    peer.receipt = lambda receipt: replace(receipt, ending=ending)
    engine, heard = house.engine(), []
    prepared(engine, HERE_MODEL)
    prompt = engine.read([Message("user", "is the end near?")]).ids
    with pytest.raises(PeerUnreachable):
        heard.extend(engine.generate(prompt, Sampling(max_tokens=40, seed=3), Stop(), house.chat))
    assert written(heard)[0] == whole
    assert house.books.jobs()[0].ending == ending
    assert house.books.receipts()[0].receipt.tokens_out == 40


def test_a_stream_that_only_ends_is_taken_up_a_few_times_and_then_given_up(house, peer):
    stream = peer.stream

    def empty(path, headers):
        status, told, _ = stream(path, headers)
        return status, told, iter(())

    peer.stream = empty
    assert asked(house, PeerUnreachable) == ()
    assert sum("stream" in path for _, path in peer.asked) == 4


def test_a_device_that_only_says_it_is_alive_is_given_up():
    pulse = Pulse(Patience(2.0, 120.0, 600.0), 0.0)
    pulse.note({"kind": "waiting", "ahead": 3}, 1.0)
    pulse.note({"kind": "waiting", "ahead": 3}, 500.0)
    with pytest.raises(PeerUnreachable):
        pulse.note({"kind": "waiting", "ahead": 3}, 602.0)
    pulse.note({"kind": "waiting", "ahead": 2}, 700.0)
    pulse.note({"kind": "reading", "done": 5, "total": 90}, 800.0)
    pulse.note({"kind": "reading", "done": 5, "total": 90}, 900.0)
    with pytest.raises(PeerUnreachable):
        pulse.note({"kind": "reading", "done": 4, "total": 90}, 921.0)


def test_silence_is_judged_by_how_fast_it_spoke():
    pulse = Pulse(Patience(2.0, 120.0, 600.0), 0.0)
    assert pulse.silence == 2.0
    for number in range(30):
        pulse.note({"kind": "tokens"}, 0.05 * number)
    assert pulse.silence == 2.0
    slow = Pulse(Patience(2.0, 120.0, 600.0), 0.0)
    for number in range(30):
        slow.note({"kind": "tokens"}, 1.5 * number)
    assert slow.silence == 12.0


def test_a_device_that_offers_the_impossible_is_not_asked(house, peer):
    for change in ({"context": 10**15}, {"lease": 0}, {"sha256": POISON}, {"model": POISON * 9}):
        peer.answers["offers"] = lambda told, change=change: {
            "offers": [told["offers"][0] | {"manifest": told["offers"][0]["manifest"] | change}]
        }
        with pytest.raises(PeerUntrusted) as refused:
            prepared(house.engine(), HERE_MODEL)
        assert "money" not in refused.value.detail
    assert house.books.devices()[0].offers == (Offer(peer.manifest, STUDIO.hpke_key),)
