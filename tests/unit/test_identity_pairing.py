"""Pairing by six digits: the right code makes friends; a guess, a thief in the middle and junk do not."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from freehold.foundation.errors import PairingRefused
from freehold.identity.pairing import (
    GOOD_FOR,
    TRIES,
    Guest,
    Host,
    Introduction,
    Invite,
    new_code,
    parse_invite,
    tls_fingerprint,
)
from support.certificates import node_certificate

with tempfile.TemporaryDirectory() as folder:
    HOST_PEM, GUEST_PEM, THIEF_PEM = (node_certificate(Path(folder), name)[1] for name in ("desk", "lamp", "thief"))
DESK = Introduction("desk", {"owner": "0xA"}, HOST_PEM)
LAMP = Introduction("lamp", {"owner": "0xB"}, GUEST_PEM)
MET = tls_fingerprint(HOST_PEM)


def host(code="123456"):
    return Host(code, MET, DESK, began=0.0)


def guest(code="123456", met=MET):
    return Guest(code, met, LAMP)


def pair(one, other, now=1.0):
    """Run the whole exchange; what the guest learns."""
    confirm = other.confirm(one.answer(other.begin(), now))
    return other.finish(one.answer(confirm, now))


def test_the_right_code_introduces_both_and_shows_both_the_same_four_words():
    desk, lamp = host(), guest()
    assert pair(desk, lamp) == DESK
    assert desk.guest == LAMP
    assert len(desk.words) == 4
    assert desk.words == lamp.words
    assert not desk.is_open(1.0)
    with pytest.raises(PairingRefused):
        pair(desk, guest())


def test_every_pairing_has_words_of_its_own():
    first, second = host(), host()
    pair(first, guest())
    pair(second, guest())
    assert first.words != second.words


def test_a_wrong_code_is_refused_and_tells_the_guest_nothing():
    desk = host()
    with pytest.raises(PairingRefused, match="code"):
        pair(desk, guest("123457"))
    assert desk.guest is None
    assert pair(desk, guest()) == DESK


def test_the_fifth_wrong_code_ends_the_code():
    desk = host()
    for _ in range(TRIES):
        with pytest.raises(PairingRefused):
            pair(desk, guest("000000"))
    assert not desk.is_open(1.0)
    with pytest.raises(PairingRefused, match="no longer good"):
        pair(desk, guest())


def test_tries_that_were_only_begun_count_too():
    desk = host()
    for _ in range(TRIES - 1):
        desk.answer(guest().begin(), 1.0)
    assert pair(desk, guest()) == DESK, "the fifth may still be ended"
    desk = host()
    last = [desk.answer(guest().begin(), 1.0) for _ in range(TRIES)][-1]
    with pytest.raises(PairingRefused):
        desk.answer(guest().begin(), 1.0)
    assert last["session"]


def test_a_new_try_ends_the_one_before():
    desk, first = host(), guest()
    confirm = first.confirm(desk.answer(first.begin(), 1.0))
    desk.answer(guest().begin(), 1.0)
    with pytest.raises(PairingRefused):
        desk.answer(confirm, 1.0)
    assert desk.guest is None


def test_a_code_is_good_for_ten_minutes():
    desk, late = host(), guest()
    confirm = late.confirm(desk.answer(late.begin(), GOOD_FOR - 1))
    with pytest.raises(PairingRefused, match="no longer good"):
        desk.answer(confirm, GOOD_FOR)


def test_a_machine_in_the_middle_that_shows_its_own_certificate_fails_even_with_every_byte_passed_on():
    desk, lamp = host(), guest(met=tls_fingerprint(THIEF_PEM))
    confirm = lamp.confirm(desk.answer(lamp.begin(), 1.0))
    with pytest.raises(PairingRefused, match="between"):
        desk.answer(confirm, 1.0)
    assert desk.guest is None


def test_a_machine_in_the_middle_that_plays_both_sides_needs_the_code():
    thief_tls = tls_fingerprint(THIEF_PEM)
    lamp, thief = guest(met=thief_tls), Host("999999", thief_tls, Introduction("desk", {}, THIEF_PEM), began=0.0)
    with pytest.raises(PairingRefused):
        pair(thief, lamp)


def test_a_host_that_introduces_another_certificate_than_it_showed_is_refused():
    liar = Host("123456", MET, Introduction("desk", {}, THIEF_PEM), began=0.0)
    with pytest.raises(PairingRefused, match="two different"):
        pair(liar, guest())


def test_a_message_that_is_thrown_back_is_refused():
    lamp = guest()
    with pytest.raises(PairingRefused):
        lamp.confirm({"session": "0" * 32, "message": lamp.begin()["message"]})


def test_nothing_of_a_confirmation_can_be_changed():
    for field in ("proof", "sealed", "session"):
        desk, lamp = host(), guest()
        confirm = lamp.confirm(desk.answer(lamp.begin(), 1.0))
        flipped = f"{int(confirm[field][0], 16) ^ 1:x}{confirm[field][1:]}"
        with pytest.raises(PairingRefused):
            desk.answer({**confirm, field: flipped}, 1.0)
        assert desk.guest is None


JUNK = (
    st.none() | st.integers() | st.text(max_size=20) | st.binary(max_size=40).map(bytes.hex) | st.lists(st.integers())
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(["step", "message", "session", "proof", "sealed"], JUNK)))
@settings(deadline=None)
def test_junk_ends_in_words_on_the_host(fields):
    desk = host()
    for step in ("begin", "confirm"):
        with pytest.raises(PairingRefused):
            desk.answer({**fields, "step": step}, 1.0)


@given(st.fixed_dictionaries({"session": JUNK, "message": JUNK, "proof": JUNK, "sealed": JUNK}))
@settings(deadline=None)
def test_junk_ends_in_words_on_the_guest(fields):
    with pytest.raises(PairingRefused):
        guest().confirm(fields)
    lamp = guest()
    with pytest.raises(PairingRefused):
        lamp.finish(fields)
    lamp.confirm(host().answer(lamp.begin(), 1.0))
    with pytest.raises(PairingRefused):
        lamp.finish(fields)


class Tries(RuleBasedStateMachine):
    """Guests with good and bad codes come in any order; five beginnings are the most that are ever answered."""

    def __init__(self):
        super().__init__()
        self.desk, self.now, self.answered, self.waiting = host(), 0.0, 0, []

    @rule(code=st.sampled_from(["123456", "000000"]))
    def begin(self, code):
        lamp = guest(code)
        try:
            said = self.desk.answer(lamp.begin(), self.now)
        except PairingRefused:
            return
        self.answered += 1
        self.waiting.append((code, self.answered, lamp.confirm(said)))

    @rule(pick=st.randoms())
    def confirm(self, pick):
        if not self.waiting:
            return
        code, number, said = self.waiting.pop(pick.randrange(len(self.waiting)))
        was_open = self.desk.is_open(self.now)
        try:
            self.desk.answer(said, self.now)
        except PairingRefused:
            return
        assert code == "123456"
        assert number == self.answered, "only the latest try can be ended"
        assert was_open

    @rule(seconds=st.floats(0, GOOD_FOR / 3))
    def wait(self, seconds):
        self.now += seconds

    @invariant()
    def five_at_most(self):
        assert self.answered <= TRIES
        assert self.now < GOOD_FOR or not self.desk.is_open(self.now)


TestTries = Tries.TestCase
TestTries.settings = settings(max_examples=15, stateful_step_count=15, deadline=None)


def test_codes_are_six_digits():
    assert all(len(code) == 6 and code.isdigit() for code in (new_code() for _ in range(200)))


# Invites

TLS = "ab" * 32


@given(
    host=st.sampled_from(["192.168.1.20", "desk.local", "fe80::1", "::1", "a"]),
    port=st.integers(1, 65535),
    code=st.from_regex(r"[0-9]{6}", fullmatch=True),
)
def test_an_invite_reads_as_it_was_written(host, port, code):
    invite = Invite(host, port, code, TLS)
    assert parse_invite(f"  {invite}\n") == invite


@pytest.mark.parametrize(
    "text",
    [
        "",
        "freehold://pair",
        f"https://pair?at=desk:1&code=123456&tls={TLS}",
        f"freehold://pair?at=desk:0&code=123456&tls={TLS}",
        f"freehold://pair?at=desk:65536&code=123456&tls={TLS}",
        f"freehold://pair?at=desk&code=123456&tls={TLS}",
        f"freehold://pair?at=user@desk:1&code=123456&tls={TLS}",
        f"freehold://pair?at=-desk:1&code=123456&tls={TLS}",
        f"freehold://pair?at=[::zz]:1&code=123456&tls={TLS}",
        f"freehold://pair?at=[12:1]:1&code=123456&tls={TLS}",
        f"freehold://pair?at=desk/x:1&code=123456&tls={TLS}",
        f"freehold://pair?at=desk%0a:1&code=123456&tls={TLS}",
        f"freehold://pair?at=desk:1&code=12345&tls={TLS}",
        f"freehold://pair?at=desk:1&code=１２３４５６&tls={TLS}",
        f"freehold://pair?at=desk:1&code=123456&tls={TLS[:-1]}",
        f"freehold://pair?at=desk:1&code=123456&tls={TLS.upper()}",
        f"freehold://pair?at=desk:1&code=123456&tls={TLS}&at=thief:1",
        f"freehold://pair?at={'a' * 600}:1&code=123456&tls={TLS}",
    ],
)
def test_what_is_no_invite_is_refused_in_words(text):
    with pytest.raises(PairingRefused, match="invite"):
        parse_invite(text)


@given(st.text(max_size=120))
def test_any_text_is_an_invite_or_refused_in_words(text):
    with pytest.raises(PairingRefused):
        parse_invite(text)
