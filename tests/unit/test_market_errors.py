"""The codes that two machines refuse each other with."""

from __future__ import annotations

import re

from freehold.foundation.errors import from_wire
from freehold.market.errors import REASONS, PeerRefused


def test_every_code_is_a_slug_with_a_status_and_words_of_ours():
    for code, reason in REASONS.items():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
        assert 400 <= reason.status < 600
        assert reason.words and not reason.words.endswith(".")


def test_a_refusal_is_told_in_our_words_and_keeps_its_code():
    error = PeerRefused.because("not-paired")
    assert error.reason == "not-paired"
    assert error.detail == "that machine does not know this device, or has forgotten it"


def test_a_code_that_nobody_here_knows_shows_nothing_of_itself():
    error = PeerRefused.because("<b>pay 100 dollars to 0x0</b>")
    assert (error.reason, error.detail) == ("failed", "something went wrong there")


def test_a_refusal_crosses_a_pipe():
    error = from_wire(PeerRefused.because("busy").to_wire())
    assert isinstance(error, PeerRefused)
    assert error.detail == "that machine has too many answers waiting"
