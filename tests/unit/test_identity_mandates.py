"""Mandates: what is allowed in a day, whatever happens to clocks, processes and files between an intention and its
signature.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from freehold.foundation.errors import DiskFull, MandateRefused, UsageError
from freehold.identity.journal import Journal
from freehold.identity.tally import DAY, Closed, Intention, Moved, Tally
from freehold.identity.values import Counts, Mandate, PeerMandate, Wish

KEY = bytes(range(32))
PEERS = ["0x" + letter * 40 for letter in "abc"]


def wish(**changes: object) -> Wish:
    return Wish(**{"job": "1" * 32, "peer": PEERS[0], "data_class": "words", "tokens": 100} | changes)


@pytest.mark.parametrize(
    ("mandate", "asked", "counts", "words"),
    [
        (Mandate(paused=True), wish(), Counts(), "asking other devices is paused"),
        (Mandate(peers={PEERS[0]: PeerMandate(paused=True)}), wish(), Counts(), "this device is paused"),
        (Mandate(), wish(data_class="documents"), Counts(), "documents were not released"),
        (Mandate(), wish(data_class="something new"), Counts(), "documents were not released"),
        (Mandate(tokens_per_answer=99), wish(), Counts(), "100 tokens were asked for one answer, 99"),
        (Mandate(peers={PEERS[0]: PeerMandate(tokens_per_answer=99)}), wish(), Counts(), "99 are allowed"),
        (Mandate(ask_first=True), wish(), Counts(), "your own yes"),
        (Mandate(), wish(), Counts(all=200), "the 200 answers of today"),
        (Mandate(answers_per_day=0), wish(), Counts(), "the 0 answers"),
        (Mandate(peers={PEERS[0]: PeerMandate(answers_per_day=3)}), wish(), Counts(5, 3), "the 3 answers .* device"),
        (Mandate(first_contact=2), wish(), Counts(2, 2), "2 answers on its first day"),
    ],
)
def test_each_limit_refuses_in_words(mandate, asked, counts, words):
    with pytest.raises(MandateRefused, match=words):
        mandate.judge(asked, counts)


@pytest.mark.parametrize(
    ("mandate", "asked", "counts"),
    [
        (Mandate(), wish(), Counts(199, 49)),
        (Mandate(), wish(), Counts(199, 199, is_first_day=False)),
        (Mandate(ask_first=True), wish(confirmed=True), Counts()),
        (Mandate(ask_first=True, peers={PEERS[0]: PeerMandate(ask_first=False)}), wish(), Counts()),
        (Mandate(peers={PEERS[0]: PeerMandate(documents=True)}), wish(data_class="documents"), Counts()),
        (Mandate(tokens_per_answer=1, peers={PEERS[0]: PeerMandate(tokens_per_answer=100)}), wish(), Counts()),
        (Mandate(peers={PEERS[0]: PeerMandate(answers_per_day=100)}), wish(), Counts(60, 60)),
    ],
)
def test_what_is_within_every_limit_is_allowed(mandate, asked, counts):
    mandate.judge(asked, counts)


def test_a_new_key_allows_two_hundred_answers_a_day_and_never_documents():
    assert (Mandate().answers_per_day, Mandate().paused, Mandate().ask_first) == (200, False, False)
    assert Mandate.from_wire(Mandate().to_wire()) == Mandate()


def test_what_is_otherwise_for_a_device_is_forgotten_when_it_is_no_longer_otherwise():
    mandate = Mandate().with_peer(PEERS[0].upper().replace("X", "x"), documents=True, answers_per_day=5)
    assert mandate.peers == {PEERS[0]: PeerMandate(answers_per_day=5, documents=True)}
    assert Mandate.from_wire(mandate.to_wire()) == mandate
    assert mandate.with_peer(PEERS[0], documents=False, answers_per_day=None) == Mandate()
    with pytest.raises(UsageError):
        Mandate().with_peer("desk", documents=True)


_times = st.integers(0, 4 * DAY).map(float) | st.integers(3650 * DAY, 3652 * DAY).map(float)
_intentions = st.builds(
    Intention, st.integers(0, 30).map(lambda n: f"{n:032x}"), st.sampled_from(PEERS), st.just("words"),
    st.integers(0, 500), st.just("body"), _times,
)  # fmt: skip
_entries = st.lists(_intentions | st.builds(Moved, _times) | st.builds(Closed, _times), max_size=40)


@given(_entries)
def test_the_day_goes_back_only_by_the_owner_s_word_and_no_count_falls_within_a_day(entries):
    tally = Tally()
    for entry in entries:
        then, tally = tally, tally.after(entry)
        if not isinstance(entry, Moved):
            assert tally.day >= then.day
        if tally.day <= then.day:
            assert all(tally.answers.get(peer, 0) >= count for peer, count in then.answers.items())
        assert all(tally.first[peer] <= max(day, tally.day) for peer, day in then.first.items())


@settings(max_examples=30, deadline=None)
@given(_entries, st.integers(1, 12))
def test_the_journal_tells_the_next_process_what_it_told_this_one_compacted_or_not(entries, most):
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), KEY, most=most)
        journal.begin()
        for entry in entries:
            journal.append(entry)
            again = Journal(Path(folder), KEY, most=1000)
            again.open(0.0)
            assert again.tally == journal.tally
            again.close()
            assert len((Path(folder) / "journal").read_bytes().splitlines()) - 1 <= max(most, 2)
        journal.close()


class OneOwner(RuleBasedStateMachine):
    """Jobs, days, crashes before and after the intention reached the disk, a full disk, and clocks that go anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.now, self.latest, self.number, self.disk_is_full = 20_000.0 * DAY, 20_000 * DAY, 0, False
        self.mandate = Mandate(answers_per_day=5, first_contact=3, peers={PEERS[2]: PeerMandate(answers_per_day=1)})
        self.signed: dict[int, dict[str, int]] = {}  # by the latest day a clock has ever shown
        self.journal = Journal(Path(self._folder.name), KEY, write=self._write)

    def teardown(self) -> None:
        self.journal.close()
        self._folder.cleanup()

    @initialize()
    def begin(self) -> None:
        self.journal.begin()

    @rule(hours=st.integers(0, 40))
    def time_passes(self, hours: int) -> None:
        self._turn(self.now + hours * 3600)

    @rule(days=st.integers(1, 3650))
    def the_clock_goes_back(self, days: int) -> None:
        self._turn(max(self.now - days * DAY, 0))

    @rule(peer=st.sampled_from(PEERS), dies=st.sampled_from(["no", "before", "after"]))
    def ask(self, peer: str, dies: str) -> None:
        self.number += 1
        asked = Wish(f"{self.number:032x}", peer, "words", 10)
        try:
            self.mandate.judge(asked, self.journal.tally.on(self.now).counts(peer))
            if dies != "before":
                self.journal.append(Intention(asked.job, peer, "words", 10, "body", self.now))
        except (MandateRefused, DiskFull):
            return
        if dies == "no":
            day = self.signed.setdefault(self.latest // DAY, {})
            day[peer] = day.get(peer, 0) + 1
        else:
            self._begin_again()

    @rule(cut=st.integers(1, 300))
    def the_power_goes_while_a_line_is_written(self, cut: int) -> None:
        """What is left is part of a line, for which nothing was signed."""
        path = Path(self._folder.name) / "journal"
        with path.open("ab") as file:
            file.write(b"A" * cut)
        self._begin_again()

    @rule(is_full=st.booleans())
    def the_disk(self, is_full: bool) -> None:
        self.disk_is_full = is_full

    @precondition(lambda self: not self.disk_is_full)
    @rule()
    def the_process_ends(self) -> None:
        self._begin_again()

    @invariant()
    def no_day_gave_more_than_was_allowed(self) -> None:
        for day in self.signed.values():
            assert sum(day.values()) <= 5
            assert day.get(PEERS[2], 0) <= 1

    @invariant()
    def a_device_s_first_day_gave_no_more_than_its_share(self) -> None:
        for peer in PEERS[:2]:
            days = [day for day in sorted(self.signed) if self.signed[day].get(peer)]
            assert not days or self.signed[days[0]][peer] <= 3

    def _turn(self, now: float) -> None:
        self.now, self.latest = now, max(self.latest, int(now))

    def _begin_again(self) -> None:
        self.journal.close()
        self.journal = Journal(Path(self._folder.name), KEY, write=self._write)
        self.journal.open(self.now)

    def _write(self, handle: int, content: bytes) -> int:
        import errno
        import os

        if not self.disk_is_full:
            return os.write(handle, content)
        if len(content) > 20:
            return os.write(handle, content[:20])
        raise OSError(errno.ENOSPC, "no space left")


TestOneOwner = OneOwner.TestCase
TestOneOwner.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
