"""A paired device as an engine: what is asked of it, in which order, and what is kept of it."""

from __future__ import annotations

import threading

import pytest

from freehold.engine.values import Message, Model, Notice, Sampling, Written
from freehold.foundation.errors import EngineStopped, MandateRefused, ModelMissing, PeerUnreachable, PromptTooLong
from freehold.foundation.stop import Stop
from freehold.market.errors import PeerRefused
from freehold.processes.frames import unpack_ids
from support.engines import drain, prepared, written
from support.fake_peer import STUDIO, FakePeer, House, loaded_fake

HERE_MODEL = Model("tiny", "Tiny", 1, sha256="aa" * 32)
QUESTION = Message("user", "is the end near?")


@pytest.fixture
def peer():
    return FakePeer(loaded_fake())


@pytest.fixture
def house(tmp_path, peer):
    house = House(tmp_path, peer)
    yield house
    house.close()


def ready(house, **options):
    engine = house.engine(**options)
    prepared(engine, HERE_MODEL)
    return engine


def answer(house, engine, *, stop=None, **sampling):
    prompt = engine.read([QUESTION]).ids
    wish = Sampling(**{"max_tokens": 8, "seed": 3, **sampling})
    return drain(engine.generate(prompt, wish, stop or Stop(), house.chat))


def test_an_answer_is_quoted_written_down_sent_heard_closed_and_its_receipt_kept(house, peer):
    engine = ready(house, data_class="documents", confirmed=True)
    steps, finished = answer(house, engine)
    ids, text = written(steps)
    assert (finished.ending, len(ids), text) == ("length", 8, "".join(map(chr, ids)))
    job = engine.jobs[0]
    assert [path.replace(job, "JOB") for _, path in peer.asked] == [
        "/v1/offers", f"/v1/vocabularies/{peer.manifest.vocabulary_sha256}", "/v1/quotes", "/v1/jobs",
        "/v1/jobs/JOB/stream", "/v1/jobs/JOB/close",
    ]  # fmt: skip
    (kept,) = house.books.receipts()
    whole = house.books.receipt(job)
    assert unpack_ids(whole.answer) == list(ids)
    assert (whole.chat, whole.sampling["seed"], kept.receipt.ending) == (house.chat, 3, "length")
    (row,) = house.books.jobs()
    assert (row.state, row.ending, row.tokens_out, row.data_class) == ("closed", "length", 8, "documents")
    assert (STUDIO.address.lower(), "POST", "jobs", "documents", job, 8, True) in house.keys.signed
    assert house.line.rows[-3:] == [("jobs", "documents"), ("stream", "numbers"), ("close", "numbers")]


def test_nothing_of_the_question_leaves_but_in_the_sealed_job(house, peer):
    seen = []
    ask = house.line.ask
    house.line.ask = lambda *args, **how: (seen.append(args[4]), ask(*args, **how))[1]
    engine = ready(house)
    answer(house, engine)
    for body in seen:
        assert b"end near" not in body
        assert b"prompt" not in body


def test_the_wish_is_on_disk_before_the_job_leaves(house, peer):
    written_down = []
    peer.answers["jobs"] = lambda told: (written_down.append(house.books.jobs()[0].state), told)[1]
    answer(house, ready(house))
    assert written_down == ["wished"]


def test_leases_are_sent_one_ahead_and_the_answer_never_starves(house, peer):
    engine = ready(house)
    steps, finished = answer(house, engine, max_tokens=400)
    ids, _ = written(steps)
    assert finished.ending == "length" and len(ids) == 400
    asked = [path.rpartition("/")[2] for _, path in peer.asked]
    assert asked.count("lease") == 6
    assert house.books.jobs()[0].tokens_out == 400


def test_a_refusal_is_raised_in_our_words(house, peer):
    engine = ready(house)
    for name, code in (("quotes", "busy"), ("jobs", "day-spent")):
        peer.refuses = {name: code}
        with pytest.raises(PeerRefused) as refused:
            answer(house, engine)
        assert refused.value.reason == code
        assert "FAULT" not in refused.value.detail
    assert {one.ending for one in house.books.jobs()} == {"broken"}


def test_a_device_without_a_model_is_said_so(house, peer):
    peer.answers["offers"] = lambda told: {"offers": []}
    with pytest.raises(ModelMissing):
        ready(house)


def test_what_it_offers_is_remembered(house, peer):
    engine = house.engine()
    assert engine.models == {"aa" * 32}
    peer.answers["offers"] = lambda told: {"offers": [told["offers"][0] | {"tokens_per_s": 31.5}]}
    prepared(engine, HERE_MODEL)
    assert house.books.devices()[0].offers[0].tokens_per_s == 31.5


def test_the_words_of_a_model_are_fetched_once(house, peer):
    ready(house)
    house.vocabularies.end()
    ready(house)
    assert sum("vocabularies" in path for _, path in peer.asked) == 1


def test_a_refused_mandate_sends_nothing(house, peer):
    engine = ready(house)
    before = len(peer.asked)
    house.keys.refuses = MandateRefused("the day's answers are used up")
    with pytest.raises(MandateRefused):
        answer(house, engine)
    assert len(peer.asked) == before
    assert house.books.jobs() == []


def test_while_others_are_answered_first_it_says_so_once(house, peer):
    peer.says["reading"] = lambda event: {
        "kind": "waiting",
        "ahead": 2,
        "again": {"kind": "waiting", "ahead": 1, "again": event},
    }
    steps, _ = answer(house, ready(house))
    notices = [step.words for step in steps if isinstance(step, Notice)]
    assert notices == ["Studio finishes another answer first."]


def test_stopping_closes_the_job_and_keeps_what_was_heard(house, peer):
    engine, stop = ready(house), Stop()
    steps = engine.generate(engine.read([QUESTION]).ids, Sampling(max_tokens=400), stop, house.chat)
    heard = []
    for step in steps:
        heard.append(step)
        if isinstance(step, Written) and len(written(heard)[0]) == 70:
            stop.set()
            break
    rest, finished = drain(steps)
    assert finished.ending == "stopped"
    job = peer.jobs[engine.jobs[0]]
    assert job.stop.is_set()
    (row,) = house.books.jobs()
    count = len(written(heard + rest)[0])
    assert (row.ending, row.tokens_out) == ("stopped", count)
    assert house.books.receipt(row.id).receipt.tokens_out == count


def test_closing_the_answer_closes_the_job(house, peer):
    engine = ready(house)
    steps = engine.generate(engine.read([QUESTION]).ids, Sampling(max_tokens=400), Stop(), house.chat)
    while not isinstance(next(steps), Written):
        pass
    steps.close()
    assert peer.jobs[engine.jobs[0]].stop.is_set()
    assert house.books.jobs()[0].ending == "stopped"
    assert not engine.is_busy


def test_stopping_before_the_job_was_taken_asks_nothing_more(house, peer):
    engine, stop = ready(house), Stop()
    peer.answers["quotes"] = lambda told: (stop.set(), told)[1]
    before = len(peer.asked)
    assert drain(engine.generate((1, 2), Sampling(), stop, house.chat))[1].ending == "stopped"
    assert [path for _, path in peer.asked[before:]] == ["/v1/quotes"]


def test_a_broken_connection_is_taken_up_again_where_it_broke(house, peer):
    engine, cuts = ready(house), iter([3, 2, 5])
    house.line.cut = lambda method, path: next(cuts, None) if "stream" in path else None
    steps, finished = answer(house, engine, max_tokens=40)
    ids, _ = written(steps)
    house.line.cut = lambda method, path: None
    assert ids == written(answer(house, ready(house), max_tokens=40)[0])[0]
    assert finished.ending == "length"
    streams = [path for _, path in peer.asked if "stream" in path]
    assert [path.partition("stream")[2] for path in streams[:4]] == ["", "?after=2", "?after=4", "?after=9"]


def test_a_job_whose_opening_was_not_confirmed_is_opened_again_as_the_same(house, peer):
    engine, cuts = ready(house), iter([0])
    house.line.cut = lambda method, path: next(cuts, None) if path == "/v1/jobs" else None
    assert answer(house, engine)[1].ending == "length"
    assert len(peer.jobs) == 1


def test_a_device_that_is_gone_ends_the_answer_with_what_was_heard(house, peer):
    engine = ready(house)
    calls = iter([4])
    house.line.cut = lambda method, path: next(calls, -1) if "stream" in path or "close" in path else None
    heard = []
    with pytest.raises(PeerUnreachable):
        heard.extend(engine.generate(engine.read([QUESTION]).ids, Sampling(max_tokens=40), Stop(), house.chat))
    assert len(written(heard)[0]) == 2
    (row,) = house.books.jobs()
    assert (row.ending, row.tokens_out) == ("broken", 2)
    assert house.books.receipts() == []


def test_a_lost_lease_is_sent_again_after_the_connection_came_back(house, peer):
    engine, leases = ready(house), iter([-1])
    house.line.cut = lambda method, path: next(leases, None) if "lease" in path else None
    assert len(written(answer(house, engine, max_tokens=300)[0])[0]) == 300


def test_a_lost_close_changes_nothing(house, peer):
    engine = ready(house)
    house.line.cut = lambda method, path: -1 if "close" in path else None
    assert answer(house, engine)[1].ending == "length"
    assert house.books.receipts()[0].receipt.ending == "length"


def test_a_prompt_that_does_not_fit_is_refused_before_anything_is_sent(house, peer):
    engine = ready(house)
    before = len(peer.asked)
    with pytest.raises(PromptTooLong):
        drain(engine.generate((1,) * 600, Sampling(), Stop(), house.chat))
    assert len(peer.asked) == before


def test_an_answer_begun_elsewhere_goes_on(house, peer):
    engine = ready(house)
    prompt = engine.read([QUESTION]).ids
    whole = written(drain(engine.generate(prompt, Sampling(max_tokens=12, seed=9), Stop(), house.chat))[0])[0]
    rest = drain(engine.generate(prompt + whole[:5], Sampling(max_tokens=7, seed=9), Stop(), house.chat, replayed=5))
    assert written(rest[0])[0] == whole[5:]
    assert peer.jobs[engine.jobs[1]].replay == 5


def test_without_a_chat_no_content_is_kept(house, peer):
    engine = ready(house)
    drain(engine.generate((1, 2, 3), Sampling(max_tokens=4), Stop()))
    assert (house.books.receipt(engine.jobs[0]).prompt, house.books.receipts()[0].receipt.tokens_in) == ("", 3)


def test_two_answers_of_one_model_take_turns(house, peer):
    engine, other = ready(house), ready(house)
    first = engine.generate((1, 2), Sampling(max_tokens=300), Stop(), house.chat)
    while not isinstance(next(first), Written):
        pass
    stop, heard = Stop(), []
    second = threading.Thread(target=lambda: heard.append(drain(other.generate((1, 2), Sampling(), stop))[1]))
    second.start()
    stop.set()
    second.join(10)
    assert heard[0].ending == "stopped"
    first.close()


def test_an_unloaded_engine_answers_nothing(house):
    engine = house.engine()
    with pytest.raises(EngineStopped):
        engine.read([QUESTION])
    with pytest.raises(EngineStopped):
        next(engine.generate((1,), Sampling(), Stop()))
    assert (engine.leaves_device, engine.name, engine.loaded) == (True, "Studio", None)


def test_a_job_that_nothing_came_of_is_not_counted_as_written(house, peer):
    engine = ready(house)
    peer.refuses = {"quotes": "busy"}
    with pytest.raises(PeerRefused):
        answer(house, engine)
    assert engine.jobs == ()
