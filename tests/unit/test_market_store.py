"""What the vault keeps about other devices: written before the asking, ended once, gone with the chat it belongs to."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from freehold.chats.conversations import Conversations
from freehold.chats.store import ChatStore
from freehold.foundation.errors import ImportFailed, NotFound, UsageError
from freehold.market.books import Books
from freehold.market.records import Check, Lent
from freehold.market.store import MarketStore
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.vault.moving import take
from freehold.vault.settings_store import SettingsStore
from support.peers import MANIFEST, STUDIO, device, job, kept
from support.vaults import InProcess, open_safe, opened, profile_in
from unit.test_chats_erasure import decrypted

STORES = (ChatStore, MarketStore, SettingsStore)
ONE, TWO, THREE = "1a" * 16, "2b" * 16, "3c" * 16
LAPTOP = "0x" + "cd" * 20


@pytest.fixture
def safe(tmp_path):
    safe = open_safe(tmp_path, STORES)
    yield safe
    safe.close()


@pytest.fixture
def vault(safe):
    return InProcess(safe)


@pytest.fixture
def books(vault):
    books = Books(vault, now=lambda: 2000.0)
    books.pair(device())
    return books


def test_a_paired_device_is_known_by_its_address_and_found_by_its_name(books):
    books.pair(device(LAPTOP, name="Laptop", paired=1001.0))
    assert [one.name for one in books.devices()] == ["Studio", "Laptop"]
    assert books.device(STUDIO.upper().replace("0X", "0x")) == device()
    assert books.find("studio").id == books.find("abab").id == books.find("0xabab").id == STUDIO
    for part in ("nobody", "ab", "0x", ""):
        with pytest.raises(NotFound):
            books.find(part)


def test_pairing_again_replaces_what_was_known_and_keeps_what_it_did(books):
    books.wish(job(ONE))
    books.close(ONE, "complete", 2, kept=kept(ONE))
    books.block(STUDIO)
    books.pair(device(name="Studio 2", host="192.168.1.21"))
    assert (books.device(STUDIO).name, books.device(STUDIO).state) == ("Studio 2", "active")
    assert [one.id for one in books.jobs(STUDIO)] == [ONE]


def test_what_may_go_to_a_device_and_where_it_is_can_change(books):
    assert books.release_documents(STUDIO, True).documents is True
    assert books.move(STUDIO, "10.0.0.7", 1234).port == 1234
    assert books.offered(STUDIO, ()).offers == ()
    with pytest.raises(UsageError):
        books._change(STUDIO, node_key="ff" * 32)
    with pytest.raises(NotFound):
        books.move(LAPTOP, "10.0.0.7", 1234)


def test_a_forgotten_device_leaves_its_name_and_no_way_to_it(books):
    books.wish(job(ONE))
    books.forget(STUDIO)
    assert books.devices() == []
    gone = books.device(STUDIO)
    assert (gone.name, gone.state, gone.host, gone.tls, gone.certificate, gone.offers) == (
        "Studio", "forgotten", "", "", {}, (),
    )  # fmt: skip


def test_a_job_is_written_before_it_is_asked_for_and_only_once(books):
    assert books.wish(job(ONE))
    assert not books.wish(job(ONE))
    assert [(one.state, one.ending) for one in books.jobs()] == [("wished", "")]
    books.begin(ONE)
    books.note(ONE, 64)
    (open_one,) = books.jobs()
    assert (open_one.state, open_one.tokens_out) == ("open", 64)


def test_a_closed_job_stays_as_it_is(books):
    books.wish(job(ONE))
    books.close(ONE, "stopped", 70, first_token_s=0.2, tokens_per_s=31.5, kept=kept(ONE))
    books.begin(ONE)
    books.note(ONE, 99)
    books.close(ONE, "complete", 99, kept=kept(ONE, answer=(9,)))
    (ended,) = books.jobs()
    assert (ended.state, ended.ending, ended.tokens_out, ended.closed) == ("closed", "stopped", 70, 2000.0)
    assert books.receipt(ONE).receipt.tokens_out == 2


def test_what_a_crash_left_open_is_closed_as_broken(books):
    for id in (ONE, TWO, THREE):
        books.wish(job(id))
    books.begin(TWO)
    books.note(TWO, 12)
    books.close(THREE, "complete", 5)
    assert books.recover() == [ONE, TWO]
    assert [(one.ending, one.tokens_out) for one in books.jobs()] == [("complete", 5), ("broken", 12), ("broken", 0)]
    assert books.recover() == []


def test_a_receipt_is_kept_with_all_that_it_is_about(books, vault):
    chat = Conversations(vault).create("Heat pumps").id
    books.wish(job(ONE))
    books.close(ONE, "complete", 2, kept=kept(ONE, chat))
    found = books.receipt(ONE[:6])
    assert found == kept(ONE, chat)
    assert unpack_ids(found.prompt) == [1, 2, 3]
    (listed,) = books.receipts()
    assert (listed.receipt, listed.prompt, listed.answer) == (found.receipt, "", "")
    for part in ("", "ff", "%", "*"):
        with pytest.raises(NotFound):
            books.receipt(part)


def test_an_answer_of_no_chat_keeps_no_content(books):
    books.wish(job(ONE))
    books.close(ONE, "complete", 2, kept=kept(ONE))
    assert (books.receipt(ONE).chat, books.receipt(ONE).prompt) == ("", "")


def test_a_receipt_whose_chat_was_erased_meanwhile_is_not_kept(books, vault):
    conversations = Conversations(vault)
    chat = conversations.create().id
    books.wish(job(ONE))
    conversations.erase(chat)
    books.close(ONE, "complete", 2, kept=kept(ONE, chat))
    assert (books.jobs()[0].ending, books.receipts()) == ("complete", [])


def test_an_erased_chat_takes_its_receipts_along_and_leaves_no_trace(tmp_path, safe, books, vault):
    conversations = Conversations(vault)
    chat = conversations.create("Heat pumps").id
    secret = tuple(range(7001, 7041))
    trace = pack_ids(secret)[:40].encode()
    books.wish(job(ONE))
    books.close(ONE, "complete", 2, kept=kept(ONE, chat, prompt=secret))
    opening = kept(ONE, chat, prompt=secret).receipt.opening.encode()
    folder = profile_in(tmp_path).vault
    safe.database.fold_log()
    assert trace in decrypted(folder) and opening in decrypted(folder)
    conversations.move_to_trash(chat)
    assert trace in decrypted(folder)
    conversations.erase(chat)
    assert trace not in decrypted(folder)
    assert opening not in decrypted(folder)
    assert books.receipts() == []
    assert [(one.id, one.tokens_in) for one in books.jobs()] == [(ONE, 3)]  # what it cost stays
    assert safe.database.check() == []


def test_a_forgotten_device_leaves_no_trace_of_where_it_was(tmp_path, safe, books):
    folder = profile_in(tmp_path).vault
    safe.database.fold_log()
    assert b"192.168.1.20" in decrypted(folder)
    books.forget(STUDIO)
    assert b"192.168.1.20" not in decrypted(folder)


def test_a_failed_check_blocks_the_device_and_a_passed_one_does_not(books, vault):
    chat = Conversations(vault).create().id
    for id in (ONE, TWO):
        books.wish(job(id))
        books.close(id, "complete", 2, kept=kept(id, chat))
    assert books.unchecked(STUDIO) == [ONE, TWO]
    books.add_check(Check(ONE, 1005.0, True, 2, 0.1))
    assert books.device(STUDIO).state == "active"
    books.add_check(Check(TWO, 1006.0, False, 2, 3.5, "another token was likelier by 3.5"))
    assert books.device(STUDIO).state == "blocked"
    assert books.checks() == {STUDIO: (1, 1)}
    assert books.unchecked(STUDIO) == []
    assert books.receipt(TWO).check == Check(TWO, 1006.0, False, 2, 3.5, "another token was likelier by 3.5")
    assert books.trust(STUDIO).state == "active"


def test_what_was_lent_is_absorbed_once(books):
    lines = [
        Lent(ONE, LAPTOP, "Tiny", 5, 7, "complete", 1000.0, 1002.0),
        Lent(TWO, LAPTOP, "Tiny", 1, 0, "broken", 1.0, 2.0),
    ]
    assert books.absorb(lines) == 2
    assert books.absorb(lines) == 0
    assert books.lent() == lines
    assert books.lent(since=500.0) == lines[:1]


def everything(safe):
    return [item for page in safe.rooms["market"].everything() for item in page]


def test_all_of_it_moves_to_another_vault_and_twice_is_once(tmp_path, safe, books, vault):
    chat = Conversations(vault).create("Heat pumps").id
    for id, of in ((ONE, chat), (TWO, "")):
        books.wish(job(id))
        books.close(id, "complete", 2, kept=kept(id, of))
    books.add_check(Check(ONE, 1005.0, True, 2, 0.1))
    books.wish(job(THREE))
    books.absorb([Lent(ONE, LAPTOP, "Tiny", 5, 7, "complete", 1000.0, 1002.0)])
    other = open_safe(tmp_path / "other", STORES)
    for page in safe.rooms["chats"].everything():
        other.rooms["chats"].take(page)
    items = json.loads(json.dumps(everything(safe)))
    assert other.rooms["market"].take(items) == {"devices": 1, "jobs": 3, "receipts": 2, "lent": 1}
    assert not any(other.rooms["market"].take(items).values())
    there = Books(InProcess(other))
    assert there.receipt(ONE) == books.receipt(ONE)
    assert there.devices() == []  # to be paired again
    assert there.device(STUDIO).name == "Studio"
    assert [one.ending for one in there.jobs()] == ["broken", "complete", "complete"]
    assert other.rooms["market"].faults() == []
    other.close()


def test_a_receipt_whose_chat_is_not_here_stays_out(tmp_path, safe, books, vault):
    books.wish(job(ONE))
    books.close(ONE, "complete", 2, kept=kept(ONE, Conversations(vault).create().id))
    other = open_safe(tmp_path / "other", STORES)
    assert other.rooms["market"].take(everything(safe))["receipts"] == 0
    other.close()


@pytest.mark.parametrize(
    "item",
    [{}, {"device": {}}, {"device": None}, {"job": {}}, {"lent": {"job": ONE}}, {"lent": 5}, {"job": None},
     {"device": device(LAPTOP).to_wire() | {"kind": "king"}}, {"device": device(LAPTOP).to_wire() | {"name": None}},
     {"job": job(ONE, LAPTOP).to_wire(), "kept": None, "check": None},
     {"job": job(ONE).to_wire() | {"ending": 5, "state": "closed"}, "kept": 5, "check": None}],
)  # fmt: skip
def test_an_export_that_somebody_changed_is_refused(safe, books, item):
    before = everything(safe)
    with pytest.raises(ImportFailed):
        take(safe.rooms, "market", [item])
    assert everything(safe) == before


def test_it_works_through_the_vault_process(tmp_path):
    with opened(tmp_path) as vault:
        books, chat = Books(vault), Conversations(vault).create().id
        books.pair(device())
        books.wish(job(ONE))
        books.close(ONE, "complete", 2, kept=kept(ONE, chat))
        books.add_check(Check(ONE, 1005.0, True, 2, 0.1))
        assert books.device(STUDIO).offers[0].manifest == MANIFEST
        assert books.receipt(ONE).check is not None
        assert books.recover() == []
        Conversations(vault).erase(chat)
        assert books.receipts() == []
        assert vault.check() == []


class JobsInAnyOrder(RuleBasedStateMachine):
    """Against a plain dictionary: whatever comes in whatever order, a job ends once and nothing brings it back."""

    ids = some.sampled_from([f"{number:032x}" for number in range(4)])

    @initialize()
    def begin(self):
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.safe = open_safe(Path(self.folder.name), STORES)
        self.books = Books(InProcess(self.safe), now=lambda: 2000.0)
        self.conversations = Conversations(InProcess(self.safe))
        self.books.pair(device())
        self.chats = [self.conversations.create().id for _ in range(2)]
        self.told: dict[str, tuple[str, str, int]] = {}
        self.signed: dict[str, str] = {}

    def teardown(self):
        self.safe.close()
        self.folder.cleanup()

    @rule(id=ids)
    def wish(self, id):
        assert self.books.wish(job(id)) == (id not in self.told)
        self.told.setdefault(id, ("wished", "", 0))

    @rule(id=ids)
    def take_up(self, id):
        self.books.begin(id)
        if self.told.get(id, ("",))[0] == "wished":
            self.told[id] = ("open", "", self.told[id][2])

    @rule(id=ids, tokens=some.integers(0, 500))
    def note(self, id, tokens):
        self.books.note(id, tokens)
        if id in self.told and self.told[id][0] != "closed":
            self.told[id] = (*self.told[id][:2], tokens)

    @rule(id=ids, ending=some.sampled_from(["complete", "stopped", "broken"]), place=some.integers(0, 2))
    def close(self, id, ending, place):
        chat = (self.chats + [""] * 3)[place]
        self.books.close(id, ending, 7, kept=kept(id, chat) if id in self.told else None)
        if id in self.told and self.told[id][0] != "closed":
            self.told[id] = ("closed", ending, 7)
            self.signed[id] = chat

    @rule()
    def crash(self):
        assert self.books.recover() == [id for id in self.order() if self.told[id][0] != "closed"]
        for id, (state, _, tokens) in self.told.items():
            if state != "closed":
                self.told[id] = ("closed", "broken", tokens)

    @rule(place=some.integers(0, 1))
    def erase(self, place):
        if place < len(self.chats):
            chat = self.chats.pop(place)
            self.conversations.erase(chat)
            self.signed = {id: of for id, of in self.signed.items() if of != chat}

    def order(self):
        return [one.id for one in reversed(self.books.jobs())]

    @invariant()
    def it_is_as_told(self):
        if hasattr(self, "told"):
            assert {one.id: (one.state, one.ending, one.tokens_out) for one in self.books.jobs()} == self.told
            assert {one.receipt.job: one.chat for one in self.books.receipts()} == self.signed
            assert self.safe.rooms["market"].faults() == []


TestJobsInAnyOrder = JobsInAnyOrder.TestCase
TestJobsInAnyOrder.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
