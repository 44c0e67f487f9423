"""The paired devices as the app meets them: which may be asked, how they are paired, what off means."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from freehold.engine.values import Message, Model, Sampling
from freehold.foundation.errors import KeyMissing, NotFound, PairingRefused, PeerUnreachable, PeerUntrusted, UsageError
from freehold.foundation.settings import SettingsFile
from freehold.foundation.stop import Stop
from freehold.identity.pairing import Host, Introduction, tls_fingerprint
from freehold.market.pairing import Asking, Looking, Words
from freehold.market.peers import Peers
from freehold.market.records import Check, Job
from freehold.market.scores import Score, score_of
from freehold.network.peer_values import Found, PeerAnswer
from support.engines import drain, prepared, written
from support.fake_peer import HERE, HOST, LAPTOP, PORT, STUDIO, FakeKeys, FakeLine, FakePeer, House, loaded_fake
from support.peers import job
from support.vaults import profile_in

HERE_MODEL = Model("tiny", "Tiny", 1, sha256="aa" * 32)
QUESTION = [Message("user", "is the end near?")]


class OwnKeys(FakeKeys):
    """This owner's keys, with a mandate that remembers."""

    def __init__(self):
        super().__init__()
        self.has, self.limits, self.released = True, {}, {}

    def has_key(self):
        return self.has

    def create(self, passphrase=None):
        self.has = True

    def show(self):
        return SimpleNamespace(address=HERE.address)

    def introduction(self):
        return Introduction("Desk", self.certified, HERE.tls).to_wire()

    def mandate(self):
        return SimpleNamespace(**{"answers_per_day": 200, "tokens_per_answer": 16384, **self.limits})

    def set_mandate(self, *, peer=None, **changes):
        if peer is None:
            self.limits |= changes
        else:
            self.released[peer] = changes["documents"]


class Pairable(FakeLine):
    """A line to devices of which one shows a code."""

    def __init__(self, *peers, code="123456", who=STUDIO):
        super().__init__(*peers)
        self.who, self.shown, self.found = who, who.tls, [Found(who.name, HOST, PORT, tls_fingerprint(who.tls)[:16])]
        self.show(code)
        self.met: list[tuple[str, int]] = []
        self.changes = lambda said: said

    def show(self, code):
        who = self.who
        theirs = Introduction(who.name, who.certificate().to_wire(), who.tls)
        self.host = Host(code, tls_fingerprint(who.tls), theirs, 0.0)

    def meet(self, host, port, *, purpose, stop=None):
        self.met.append((host, port))
        return self.shown

    def discover(self, seconds=5.0, *, stop=None):
        yield from self.found

    def ask(self, target, method, path, headers, body, **how):
        if path != "/v1/pair":
            return super().ask(target, method, path, headers, body, **how)
        assert target.tls_pem == self.shown
        try:
            return PeerAnswer(200, {}, json.dumps(self.changes(self.host.answer(json.loads(body), 1.0))).encode())
        except PairingRefused:
            return PeerAnswer(403, {}, b'{"error": {"code": "pairing-wrong", "detail": "YOUR FAULT"}}')


class Home:
    def __init__(self, folder, *peers, line=None, **options):
        self.house = House(folder, *peers, line=line)
        self.books, self.settings, self.keys = self.house.books, SettingsFile(profile_in(folder).settings), OwnKeys()
        self.peers = Peers(
            self.books, self.keys, self.house.line, courier=self.house.courier,
            vocabularies=self.house.vocabularies, settings=self.settings, **options,
        )  # fmt: skip


@pytest.fixture
def peer():
    return FakePeer(loaded_fake())


@pytest.fixture
def home(tmp_path, peer):
    home = Home(tmp_path, peer, FakePeer(loaded_fake(), LAPTOP), line=None)
    yield home
    home.house.close()


@pytest.fixture
def alone(tmp_path, peer):
    """Nobody is paired yet; the studio shows a code."""
    line = Pairable(peer)
    home = Home(tmp_path, line=line)
    yield home
    home.house.close()


# --- what placement asks


def test_off_is_how_it_begins_and_three_ways_is_how_it_can_be(home):
    assert (home.peers.allowed().is_on, home.peers.allowed().asks_first) == (False, False)
    home.peers.turn("ask")
    assert (home.peers.allowed().is_on, home.peers.allowed().asks_first) == (True, True)
    home.peers.turn("on", per_day=50, per_answer=4000)
    assert (home.peers.allowed().is_on, home.peers.allowed().asks_first) == (True, False)
    assert home.keys.limits == {"answers_per_day": 50, "tokens_per_answer": 4000}
    assert home.peers.limits() == (50, 4000)
    home.peers.turn("off")
    assert home.peers.limits() == (None, None)


def test_without_a_key_nothing_is_turned_on(home):
    home.keys.has = False
    with pytest.raises(KeyMissing):
        home.peers.turn("on")
    assert not home.peers.allowed().is_on
    home.peers.turn("off")


def test_devices_are_those_that_may_be_asked(home):
    names = [one.name for one in home.peers.devices()]
    assert names == ["Studio", "Laptop"]
    studio = home.books.find("Studio")
    home.books.block(studio.id)
    assert [one.name for one in home.peers.devices()] == ["Laptop"]
    home.books.offered(home.books.find("Laptop").id, ())
    assert home.peers.devices() == []
    assert [one.to_json()["state"] for one in home.peers.all()] == ["blocked", "active"]


def test_a_device_says_what_it_is_until_it_was_measured(home):
    studio = home.books.find("Studio")
    home.books.offered(studio.id, [replace(studio.offers[0], tokens_per_s=99.0)])
    assert home.peers.devices()[0].tokens_per_s == 99.0
    home.books.wish(job("1a" * 16, studio.id))
    home.books.close("1a" * 16, "complete", 40, first_token_s=0.3, tokens_per_s=31.5)
    assert home.peers.devices()[0].tokens_per_s == 31.5


def test_an_answer_goes_on_with_the_next_device_and_says_who_wrote(home, peer):
    home.peers.turn("on")
    ids = [one.id for one in home.peers.devices()]
    relay = home.peers.engine(ids, None, "words", is_wished=False)
    loaded = prepared(relay, HERE_MODEL)
    cuts = iter([7])
    home.house.line.cut = lambda method, path: next(cuts, None) if "stream" in path else (
        -1 if peer.asked and path.startswith("/v1/jobs/") and path.endswith("lease") else None
    )  # fmt: skip
    heard = []
    stream = home.house.line.stream

    def dies(target, *args, **how):
        if target.port == PORT and len(written(heard)[0]) >= 5:
            raise PeerUnreachable("Studio: gone")
        return (yield from stream(target, *args, **how))

    home.house.line.stream = dies
    prompt = relay.read(QUESTION).ids
    heard.extend(relay.generate(prompt, Sampling(max_tokens=30, seed=5), Stop(), home.house.chat))
    home.house.line.stream, home.house.line.cut = stream, lambda method, path: None
    whole = home.peers.engine(ids[1:], None, "words", is_wished=False)
    prepared(whole, HERE_MODEL)
    alone = written(drain(whole.generate(prompt, Sampling(max_tokens=30, seed=5), Stop(), home.house.chat))[0])
    assert written(heard) == alone
    assert relay.makers == ("Studio", "Laptop")
    assert relay.is_one_model and len(relay.jobs) == 2
    assert [(one.ending, one.tokens_out) for one in reversed(home.books.jobs())][:2] == [("broken", 5), ("length", 25)]
    assert loaded.name == "Tiny"


def test_a_device_that_moved_is_found_again(tmp_path, peer):
    line = Pairable(peer)
    home = Home(tmp_path, peer, line=line)
    studio = home.books.find("Studio")
    home.books.move(studio.id, HOST, 9)  # nobody is there
    relay = home.peers.engine([studio.id], None, "words", is_wished=True)
    assert prepared(relay, HERE_MODEL).name == "Tiny"
    assert home.books.find("Studio").port == PORT
    home.house.close()


def test_what_a_crash_left_open_is_closed_before_the_first_answer(home):
    studio = home.books.find("Studio")
    home.books.wish(job("1a" * 16, studio.id))
    home.peers.engine([studio.id], None, "words", is_wished=False)
    assert home.books.jobs()[0].ending == "broken"
    home.books.wish(job("2b" * 16, studio.id))
    home.peers.engine([studio.id], None, "words", is_wished=False)
    assert home.books.jobs()[0].state == "wished"


def test_closing_ends_what_holds_the_words_of_devices(home):
    relay = home.peers.engine([home.books.find("Studio").id], None, "words", is_wished=False)
    prepared(relay, HERE_MODEL)
    home.peers.close()
    assert home.house.courier._pipe.is_ended
    assert relay.loaded is None


# --- pairing


def paired(home, *args):
    return drain(home.peers.pair(*args))


def test_the_device_that_shows_the_code_is_found_and_paired_and_both_see_the_same_words(alone):
    steps, device = paired(alone, "123 456")
    assert isinstance(steps[0], Looking)
    assert steps[1] == Asking("Studio", HOST, PORT)
    assert isinstance(steps[2], Words)
    assert steps[2].words == alone.house.line.host.words
    assert (device.id, device.name, device.tls) == (STUDIO.address.lower(), "Studio", STUDIO.tls)
    assert alone.house.line.host.guest.certificate["owner"] == HERE.address
    assert [one.manifest.model for one in alone.books.devices()[0].offers] == ["Tiny"]
    assert alone.peers.devices()[0].name == "Studio"


def test_a_place_or_an_invite_needs_no_looking(alone):
    line = alone.house.line
    assert isinstance(paired(alone, "123456", "10.0.0.9:47017")[0][0], Asking)
    assert line.met == [("10.0.0.9", 47017)]
    invite = f"freehold://pair?at=10.0.0.8:47017&code=123456&tls={tls_fingerprint(STUDIO.tls)}"
    line.host = Host(
        "123456", tls_fingerprint(STUDIO.tls), Introduction("Studio", STUDIO.certificate().to_wire(), STUDIO.tls), 0.0
    )
    assert paired(alone, invite)[1].host == "10.0.0.8"


def test_an_invite_leads_to_no_other_machine(alone):
    invite = f"freehold://pair?at=10.0.0.8:47017&code=123456&tls={tls_fingerprint(LAPTOP.tls)}"
    with pytest.raises(PeerUntrusted):
        paired(alone, invite)
    assert alone.books.devices() == []


def test_a_wrong_code_pairs_nobody(alone):
    with pytest.raises(PairingRefused) as refused:
        paired(alone, "654321")
    assert "FAULT" not in refused.value.detail
    assert alone.books.devices() == []


def test_a_machine_in_between_is_found_out(alone):
    alone.house.line.shown = LAPTOP.tls  # its own certificate, with the studio behind it
    with pytest.raises((PairingRefused, PeerUntrusted)):
        paired(alone, "123456", "10.0.0.9:47017")
    assert alone.books.devices() == []


@pytest.mark.parametrize(
    "said", [[], {}, None, {"session": "x"}, {"message": "00"}, {"proof": "00" * 32}, {"sealed": "00" * 40}], ids=str
)
def test_answers_of_a_pairing_that_are_none_end_in_words(alone, said):
    alone.house.line.changes = lambda told: told | said if said else said
    with pytest.raises(PairingRefused):
        paired(alone, "123456", "10.0.0.9:47017")
    assert alone.books.devices() == []


def test_none_or_several_devices_are_not_guessed_at(alone):
    alone.house.line.found = []
    with pytest.raises(PairingRefused):
        paired(alone, "123456")
    alone.house.line.found = [Found("A", HOST, 1, "0" * 16), Found("B", HOST, 2, "1" * 16)]
    with pytest.raises(PairingRefused) as refused:
        paired(alone, "123456")
    assert "A at" in refused.value.detail and "--at" in refused.value.next_step
    assert alone.house.line.met == []


def test_a_device_found_under_another_s_certificate_is_not_asked(alone):
    alone.house.line.found = [Found("Studio", HOST, PORT, "0" * 16)]
    with pytest.raises(PeerUntrusted):
        paired(alone, "123456")


@pytest.mark.parametrize(
    ("code", "at"), [("12345", ""), ("abcdef", ""), ("123456", "nowhere"), ("123456", "h:99999"), ("", "")]
)
def test_what_is_no_code_or_place_is_wrong_usage(alone, code, at):
    with pytest.raises(UsageError):
        paired(alone, code, at)


def test_pairing_makes_a_key_where_there_is_none(alone):
    alone.keys.has = False
    paired(alone, "123456")
    assert alone.keys.has


def test_a_device_called_here_or_like_another_gets_a_name_of_its_own(tmp_path):
    from support.fake_peer import Identity

    impostor = Identity("here", *(bytes([number]) * 32 for number in (9, 73, 137)))
    home = Home(tmp_path, line=Pairable(who=impostor))
    assert paired(home, "123456")[1].name == f"here {impostor.address.lower()[2:6]}"
    home.house.close()


def test_devices_that_are_found_are_told_and_paired_ones_followed(alone):
    paired(alone, "123456")
    alone.house.line.found = [replace(alone.house.line.found[0], host="192.168.1.77")]
    assert list(alone.peers.discover()) == alone.house.line.found
    assert alone.books.find("Studio").host == "192.168.1.77"


def test_unpairing_tells_the_other_side_and_works_without_it(home, peer):
    studio, laptop = home.books.find("Studio"), home.books.find("Laptop")
    home.peers.trust(studio.id, documents=True)
    assert home.peers.forget(studio.id) is True
    assert ("POST", "/v1/unpair") in peer.asked
    assert home.keys.released[studio.id] is False
    home.house.line.cut = lambda method, path: -1
    assert home.peers.forget(laptop.id) is False
    assert home.books.devices() == []
    with pytest.raises(NotFound):
        home.peers.find("Laptop")


def test_who_is_unpaired_is_forgotten_before_it_is_told_however_long_that_takes(tmp_path, peer):
    class Lender:
        def __init__(self):
            self.forgotten = []

        def forget(self, device):
            self.forgotten.append(device)

    lender = Lender()
    home = Home(tmp_path, peer, lending=lender)
    studio = home.books.find("Studio")
    seen = []

    def look(method, path):
        if path == "/v1/unpair":
            seen.append((list(lender.forgotten), home.books.devices()))

    home.house.line.cut = look
    assert home.peers.forget(studio.id) is True
    assert seen == [([studio.id], [])]
    home.house.close()


def test_documents_are_released_where_the_key_is_and_here(home):
    studio = home.books.find("Studio")
    assert home.peers.trust(studio.id, documents=True).documents
    assert home.keys.released == {studio.id: True}
    assert home.peers.devices()[0].takes_documents
    assert not home.peers.trust(studio.id, documents=False).documents
    assert home.keys.released == {studio.id: False}


def test_a_blocked_device_is_asked_again_when_its_owner_says_so(home):
    studio = home.books.find("Studio")
    home.books.wish(job("1a" * 16, studio.id))
    home.books.add_check(Check("1a" * 16, 1.0, False, 64, 3.0))
    assert [one.name for one in home.peers.devices()] == ["Laptop"]
    home.peers.trust(studio.id)
    assert len(home.peers.devices()) == 2
    home.books.forget(studio.id)
    with pytest.raises(UsageError):
        home.peers.trust(studio.id)


# --- scores


def ended(ending, closed=0.0, **fields):
    return replace(
        Job("j", "d", "m", "M", "s", "words", 3, 0.0, state="closed", ending=ending, closed=closed), **fields
    )


def test_a_score_is_made_of_what_came_whole():
    jobs = [
        ended("complete", tokens_out=40, tokens_per_s=30.0, first_token_s=0.2),
        ended("length", tokens_out=40, tokens_per_s=10.0, first_token_s=0.4),
        ended("complete", tokens_out=3, tokens_per_s=900.0, first_token_s=0.3),
        ended("broken"), ended("stopped"), ended("", state="open"),
    ]  # fmt: skip
    score = score_of(jobs, (2, 0), 1000.0)
    assert score == Score(4, 3, 20.0, 0.3, 2, 0, False)
    assert score.reliability == 4 / 6
    assert score_of([], (0, 0), 0.0).reliability == 0.5
    assert score_of(jobs, (9, 1), 0.0).reliability == 0.0


def test_a_device_that_broke_one_answer_after_the_other_rests_for_a_while():
    broken = [ended("broken", closed=1000.0)] * 3
    assert score_of(broken, (0, 0), 1100.0).rests
    assert not score_of(broken, (0, 0), 1700.0).rests
    assert not score_of(broken, (0, 0), 900.0).rests  # the clock was turned
    assert not score_of([ended("complete", closed=1001.0), *broken], (0, 0), 1100.0).rests
    assert not score_of(broken[:2], (0, 0), 1100.0).rests
