"""Jobs done for others: leases, numbered events, receipts and endings, whatever comes in whatever order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from freehold.engine.values import Sampling
from freehold.market.lending.desk import Desk, Gone
from freehold.market.lending.job import Facts, Job
from freehold.market.lending.values import Limits, Refusal, Terms
from freehold.market.values import Manifest, Receipt, granted, opening_hash, rolled
from freehold.processes.frames import unpack_ids

MANIFEST = Manifest("tiny", "a" * 64, "b" * 64, "Q4", 600, "test")
PROMPT = (1, 2, 3)
OPENING = opening_hash(MANIFEST, PROMPT, {})


def token(place: int) -> int:
    """What the model writes at an absolute place, as with a seed."""
    return place * 37 % 1009


def answer(count: int, prompt: tuple[int, ...] = PROMPT) -> list[int]:
    return [token(len(prompt) + i) for i in range(count)]


def signed(facts: Facts) -> Receipt:
    terms = facts.terms
    return Receipt(
        terms.job, "0xprovider", terms.client, facts.manifest, terms.opening, len(terms.prompt), facts.tokens_out,
        facts.transcript, facts.ending, facts.opened, facts.closed, {}, signature="signed",
    )  # fmt: skip


def terms(job: str = "j1", client: str = "0xa", max_tokens: int = 500, fingerprint: str = "f") -> Terms:
    return Terms(job, client, fingerprint, PROMPT, 0, Sampling(max_tokens=max_tokens), bytes(32), OPENING)


def job(max_tokens: int = 500, ended=lambda _: None) -> Job:
    return Job(terms(max_tokens=max_tokens), MANIFEST, Limits(), opened=0.0, sign=signed, ended=ended)


def said(job: Job, kind: str) -> list[dict]:
    return [event.says for event in job.after(-1) if event.says["kind"] == kind]


def test_no_token_is_told_beyond_two_leases_and_the_rest_comes_with_the_next():
    one = job()
    one.begin(1.0)
    one.write(answer(130), 1.0)
    assert (one.told, one.state) == (128, "starved")
    assert said(one, "starved") == [{"kind": "starved", "granted": 128}]
    receipt = one.lease(64, rolled(OPENING, answer(64)), 2.0)
    assert (one.told, one.granted, one.state) == (130, 192, "waiting")
    assert (receipt.tokens_out, receipt.ending) == (64, "")
    run = one.begin(2.0)
    assert run is not None
    assert (run.prompt, run.replayed, run.max_tokens) == ((*PROMPT, *answer(130)), 130, 370)


def test_the_end_waits_until_its_last_token_may_be_told():
    one = job()
    one.begin(1.0)
    one.write(answer(130), 1.0)
    one.finish("complete", 1.0)
    assert one.state == "starved"
    one.lease(100, rolled(OPENING, answer(100)), 2.0)
    assert one.ending == "complete"
    assert one.receipt is not None
    assert (one.receipt.tokens_out, one.receipt.transcript) == (130, rolled(OPENING, answer(130)))


def test_a_lease_for_other_tokens_is_refused():
    one = job()
    one.begin(1.0)
    one.write(answer(10), 1.0)
    with pytest.raises(Refusal, match="transcript-wrong"):
        one.lease(10, rolled(OPENING, answer(9)), 2.0)
    with pytest.raises(Refusal, match="transcript-wrong"):
        one.lease(11, rolled(OPENING, answer(11)), 2.0)
    assert one.accepted == 0


def test_a_lease_that_comes_twice_or_late_changes_nothing():
    one = job()
    one.begin(1.0)
    one.write(answer(100), 1.0)
    one.lease(80, rolled(OPENING, answer(80)), 2.0)
    one.lease(64, rolled(OPENING, answer(64)), 3.0)
    assert (one.accepted, one.granted) == (80, 192)


def test_closing_early_makes_a_receipt_of_what_was_taken_over():
    one = job()
    one.begin(1.0)
    one.write(answer(50), 1.0)
    receipt = one.close(20, rolled(OPENING, answer(20)), 2.0)
    assert (receipt.ending, receipt.tokens_out, receipt.transcript) == ("stopped", 20, rolled(OPENING, answer(20)))


def test_a_stream_begun_again_repeats_what_was_not_acknowledged():
    one = job()
    one.begin(1.0)
    one.write(answer(10), 1.0)
    one.write(answer(30)[10:], 1.0)
    assert [event.number for event in one.after(0)] == [1]
    one.lease(10, rolled(OPENING, answer(10)), 2.0)
    assert [event.number for event in one.after(0)] == [1]
    with pytest.raises(Refusal):
        one.after(-1)
    with pytest.raises(Refusal):
        one.after(5)


def test_without_a_reader_a_job_is_stopped_after_a_grace():
    one = job()
    reader = one.attach()
    one.begin(1.0)
    one.detach(reader, 10.0)
    one.tick(0, 14.0)
    assert one.state == "running"
    one.tick(0, 15.0)
    assert one.ending == "stopped"


def test_a_reader_that_was_replaced_takes_nobody_away():
    one = job()
    first = one.attach()
    one.attach()
    one.detach(first, 1.0)
    one.tick(0, 100.0)
    assert one.state == "waiting"


def test_a_starved_job_ends_after_a_minute():
    one = job()
    one.attach()
    one.begin(0.0)
    one.write(answer(128), 1.0)
    one.finish("stopped", 1.1)
    one.tick(0, 60.0)
    assert one.state == "starved"
    one.tick(0, 61.0)
    assert one.ending == "starved"


def test_who_waits_or_is_read_hears_of_it_each_second():
    one = job()
    one.attach()
    one.tick(2, 1.0)
    one.tick(2, 1.5)
    one.tick(1, 2.0)
    assert [one["ahead"] for one in said(one, "waiting")] == [2, 1]
    one.begin(2.0)
    one.read(100, 900, 2.0)
    one.tick(0, 3.0)
    assert said(one, "reading") == [{"kind": "reading", "done": 100, "total": 900}] * 2


def test_nothing_is_written_past_the_context_or_the_wished_length():
    short = job(max_tokens=5)
    short.begin(0.0)
    short.write(answer(5), 0.0)
    short.finish("stopped", 0.0)
    assert short.begin(1.0) is None
    assert short.ending == "length"


def desk(**limits) -> Desk:
    return Desk(MANIFEST, Limits(**limits), sign=signed)


def opened(at: Desk, name: str, client: str = "0xa", now: float = 0.0, max_tokens: int = 500) -> Job:
    quote = at.quote(client, MANIFEST.digest, len(PROMPT), max_tokens, now)
    return at.open(terms(name, client, max_tokens), quote.id, now)


def test_one_answer_is_computed_at_a_time_and_the_others_wait_in_their_order():
    at = desk()
    first, second, third = (opened(at, name, f"0x{name}") for name in "abc")
    assert at.next(0.0) is not None
    assert at.running is first
    assert at.next(0.0) is None
    assert [at.ahead(one) for one in (second, third)] == [1, 2]
    at.rest("complete", 1.0)
    assert at.next(1.0) is not None
    assert at.running is second


def test_a_job_that_was_starved_goes_on_before_those_that_have_not_begun():
    at = desk()
    first = opened(at, "a", "0xa")
    opened(at, "b", "0xb")
    opened(at, "c", "0xc")
    at.next(0.0)
    first.write(answer(128), 0.0)
    at.rest("stopped", 0.0)
    at.next(0.0)
    first.lease(64, rolled(OPENING, answer(64)), 1.0)
    at.rest("complete", 2.0)
    at.next(2.0)
    assert at.running is first


def test_limits_hold_for_each_device():
    at = desk(jobs=1, queue=2)
    opened(at, "a", "0xa")
    with pytest.raises(Refusal, match="too-many-jobs"):
        opened(at, "b", "0xa")
    opened(at, "c", "0xc")
    with pytest.raises(Refusal, match="busy"):
        opened(at, "d", "0xd")


def test_a_day_has_only_so_many_tokens():
    at = desk(tokens_per_day=100)
    one = opened(at, "a")
    at.next(0.0)
    one.write(answer(97), 0.0)
    at.rest("complete", 0.0)
    with pytest.raises(Refusal, match="day-spent"):
        opened(at, "b")
    opened(at, "b", now=86_400.0)


def test_a_quote_is_for_one_job_of_one_device_for_two_minutes():
    at = desk()
    quote = at.quote("0xa", MANIFEST.digest, 3, 500, 0.0)
    with pytest.raises(Refusal, match="quote-unknown"):
        at.open(terms("a", "0xb"), quote.id, 1.0)
    with pytest.raises(Refusal, match="quote-unknown"):
        at.open(terms("a", "0xa", max_tokens=501), quote.id, 1.0)
    with pytest.raises(Refusal, match="quote-unknown"):
        at.open(terms("a"), quote.id, 120.0)
    at.open(terms("a"), quote.id, 119.0)
    with pytest.raises(Refusal, match="quote-unknown"):
        at.open(terms("b"), quote.id, 119.0)


def test_a_quote_says_how_long_it_would_wait():
    at = desk()
    at.pace.note_read(1000, 10.0)
    at.pace.note_written(100, 10.0)
    opened(at, "a", max_tokens=50)
    assert at.quote("0xb", MANIFEST.digest, 3, 10, 0.0).wait_s == pytest.approx(5.0, abs=0.1)


def test_another_model_is_not_quoted_nor_more_than_the_context():
    at = desk()
    with pytest.raises(Refusal, match="manifest-unknown"):
        at.quote("0xa", "c" * 64, 3, 10, 0.0)
    with pytest.raises(Refusal, match="prompt-too-long") as refusal:
        at.quote("0xa", MANIFEST.digest, 600, 10, 0.0)
    assert refusal.value.detail == "599"


class AnyOrder(RuleBasedStateMachine):
    """Everything that peers, the engine and the clock can do, in any order."""

    jobs = Bundle("jobs")

    @initialize()
    def begin(self) -> None:
        self.now = 0.0
        self.ends: Counter[str] = Counter()
        self.at = Desk(MANIFEST, Limits(kept=30.0), sign=signed, ended=lambda one: self.ends.update([one.terms.job]))
        self.run = None  # what the engine is at: place, left
        self.seen: dict[str, list[int]] = {}  # by job: the ids its client has read
        self.last: dict[str, int] = {}  # the last event number
        self.over: dict[str, str] = {}  # the ending its client has read
        self.opened: list[str] = []

    @rule(target=jobs, client=st.sampled_from(["0xa", "0xb"]), most=st.sampled_from([1, 64, 128, 129, 300, 590]))
    def open(self, client, most):
        assume(not self.at.refuses)
        name = f"j{len(self.opened)}"
        try:
            one = opened(self.at, name, client, self.now, most)
        except Refusal as refusal:
            assert refusal.code in ("too-many-jobs", "busy", "too-many-requests")
            return "none"
        one.attach()
        self.opened.append(name)
        self.seen[name], self.last[name] = [], -1
        return name

    @rule(name=jobs, same=st.booleans())
    def open_again(self, name, same):
        client = self.client(name)
        if client is None:
            return
        if same:
            assert self.at.known(client, name, "f") is not None
        else:
            with pytest.raises(Refusal, match="job-different"):
                self.at.known(client, name, "g")
            with pytest.raises(Refusal, match="job-different"):
                self.at.known("0xc", name, "f")

    @rule()
    def engine_begins(self):
        if (found := self.at.next(self.now)) is not None:
            one, run = found
            assert run.prompt == (*PROMPT, *answer(len(run.prompt) - len(PROMPT)))
            assert run.replayed == len(one.answer)
            self.run = [len(run.prompt), run.max_tokens]

    @rule(done=st.integers(0, 3))
    def engine_reads(self, done):
        if self.at.running is not None:
            self.at.running.read(done, 3, self.now)

    @rule(count=st.integers(1, 90))
    def engine_writes(self, count):
        """Also after it was wished to stop: it may be in the middle of something."""
        one = self.at.running
        if one is None or not self.run:
            return
        count = min(count, self.run[1], MANIFEST.context - self.run[0])
        one.write([token(self.run[0] + i) for i in range(count)], self.now)
        self.run = [self.run[0] + count, self.run[1] - count]

    @rule(ending=st.sampled_from(["complete", "rests"]))
    def engine_ends(self, ending):
        one = self.at.running
        if one is None:
            return
        if ending == "rests":
            ending = "length" if self.run[1] == 0 or self.run[0] >= MANIFEST.context else "stopped"
            if ending == "stopped" and one.state not in ("starved", "ended", "waiting"):
                return  # nobody wished it
        self.at.rest(ending, self.now)
        self.run = None

    @rule()
    def engine_dies(self):
        assume(len(self.opened) > 3)
        self.at.refuse("engine-broken", self.now)
        self.at.rest("broken", self.now)
        self.run = None

    @rule(name=jobs, count=st.integers(1, 5))
    def client_reads(self, name, count):
        one = self.at.jobs.get(name)
        if one is None:
            return
        for event in one.after(self.last[name])[:count]:
            assert event.number == self.last[name] + 1
            assert name not in self.over
            self.last[name] = event.number
            says = event.says
            if says["kind"] == "tokens":
                assert says["first"] == len(self.seen[name])
                self.seen[name] += unpack_ids(says["ids"])
                assert says["transcript"] == rolled(OPENING, self.seen[name])
            if says["kind"] == "end":
                self.over[name] = says["ending"]
                self.check(Receipt.from_wire(says["receipt"]), says["ending"])
                assert says["receipt"]["tokens_out"] == len(self.seen[name]) or says["ending"] == "stopped"

    @rule(name=jobs, share=st.floats(0, 1))
    def client_leases(self, name, share):
        one = self.at.jobs.get(name)
        if one is None:
            return
        accepted = int(len(self.seen[name]) * share)
        receipt = one.lease(accepted, rolled(OPENING, self.seen[name][:accepted]), self.now)
        self.check(receipt, receipt.ending)
        assert one.granted >= granted(accepted)

    @rule(name=jobs, more=st.integers(0, 3))
    def client_lies(self, name, more):
        one = self.at.jobs.get(name)
        if one is None:
            return
        accepted = max(one.accepted, one.told - 1) + more
        with pytest.raises(Refusal, match="transcript-wrong"):
            one.lease(accepted, "0" * 64, self.now)

    @rule(name=jobs, share=st.floats(0, 1))
    def client_closes(self, name, share):
        client = self.client(name)
        if client is None:
            return
        accepted = int(len(self.seen[name]) * share)
        receipt = self.at.close(client, name, accepted, rolled(OPENING, self.seen[name][:accepted]), self.now)
        self.check(receipt, receipt.ending)
        assert name not in self.over or self.over[name] == receipt.ending
        assert name not in self.at.jobs
        assert self.at.close(client, name, 0, "again", self.now) == receipt

    @rule(name=jobs)
    def client_goes(self, name):
        if (one := self.at.jobs.get(name)) is not None:
            one.detach(one.reader, self.now)

    @rule(name=jobs)
    def client_returns(self, name):
        if (one := self.at.jobs.get(name)) is not None:
            one.attach()

    @rule(client=st.sampled_from(["0xa", "0xb"]))
    def device_is_forgotten(self, client):
        assume(len(self.opened) > 2)
        self.at.forget(client, self.now)
        assert all(one.terms.client != client for one in self.at.jobs.values())

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0]))
    def time_passes(self, seconds):
        self.now += seconds
        self.at.tick(self.now)

    @invariant()
    def nothing_is_told_beyond_what_is_granted(self):
        for name, one in self.at.jobs.items():
            assert one.accepted <= len(self.seen[name]) <= one.told <= one.granted == granted(one.accepted)
            assert one.answer == answer(len(one.answer))
            assert one.transcript == rolled(OPENING, one.answer[: one.told])

    @invariant()
    def each_job_ends_once_and_says_nothing_afterwards(self):
        for name, one in self.at.jobs.items():
            assert self.ends[name] == (one.state == "ended")
            kinds = [event.says["kind"] for event in one.events]
            assert kinds.count("end") == (one.state == "ended")
            assert "end" not in kinds[:-1]
        assert all(self.ends[name] == 1 for name in self.opened if name not in self.at.jobs)

    def client(self, name: str) -> str | None:
        one = self.at.jobs.get(name)
        gone: Gone | None = self.at._gone.get(name)
        return one.terms.client if one is not None else gone.client if gone is not None else None

    def check(self, receipt: Receipt, ending: str) -> None:
        assert receipt.ending == ending
        assert receipt.tokens_in == len(PROMPT)
        assert receipt.transcript == rolled(OPENING, answer(receipt.tokens_out))


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
