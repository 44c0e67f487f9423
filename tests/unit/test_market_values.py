"""What two machines agree on: canonical forms, hashes that bind every token, leases."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.market.values import LEASE, Malformed, Manifest, Offer, Receipt, granted, opening_hash, rolled

IDS = st.lists(st.integers(0, 2**31 - 1), max_size=40)
MANIFEST = Manifest("SmolLM2", "aa" * 32, "bb" * 32, "Q4_1", 8192, "llama-cpp-python 0.3.36")
RECEIPT = Receipt(
    "0" * 32,
    "0xA",
    "0xB",
    MANIFEST,
    "cc" * 32,
    12,
    64,
    "dd" * 32,
    "complete",
    1.0,
    2.5,
    {"owner": "0xA"},
    signature="ee",
)


@given(IDS, st.integers(0, 40))
def test_a_transcript_does_not_depend_on_how_it_was_cut(ids, cut):
    start = "00" * 32
    assert rolled(rolled(start, ids[:cut]), ids[cut:]) == rolled(start, ids)


@given(IDS, IDS)
def test_two_answers_have_the_same_transcript_only_if_they_are_the_same(one, other):
    assert (rolled("00" * 32, one) == rolled("00" * 32, other)) == (one == other)


def test_an_opening_binds_manifest_prompt_and_sampling():
    seed = {"seed": 1, "temperature": 0.7}
    opening = opening_hash(MANIFEST, [1, 2, 3], seed)
    assert opening == opening_hash(MANIFEST, [1, 2, 3], {"temperature": 0.7, "seed": 1})
    others = [
        opening_hash(replace(MANIFEST, kv_type="q8_0"), [1, 2, 3], seed),
        opening_hash(MANIFEST, [1, 2, 4], seed),
        opening_hash(MANIFEST, [1, 2, 3], {**seed, "seed": 2}),
    ]
    assert opening not in others


@given(st.integers(0, 10**6))
def test_a_provider_is_never_more_than_two_leases_ahead_and_never_starves_a_client_that_keeps_up(accepted):
    assert LEASE < granted(accepted) - accepted <= 2 * LEASE


def test_values_survive_the_wire():
    offer = Offer(MANIFEST, "ab" * 32, tokens_per_s=81.5)
    assert Offer.from_wire(offer.to_wire()) == offer
    assert Receipt.from_wire(RECEIPT.to_wire()) == RECEIPT
    assert Receipt.from_wire(RECEIPT.to_wire()).signed_bytes() == RECEIPT.signed_bytes()
    assert replace(RECEIPT, tokens_out=63).signed_bytes() != RECEIPT.signed_bytes()


@pytest.mark.parametrize(
    "change",
    [{"context": -1}, {"context": 2**60}, {"context": "8192"}, {"context": True}, {"model": 5}, {"lease": 1.5}],
)
def test_a_manifest_of_other_types_or_sizes_is_malformed(change):
    with pytest.raises(Malformed):
        Manifest.from_wire({**Offer(MANIFEST, "").to_wire()["manifest"], **change})


@pytest.mark.parametrize("junk", [{}, [], None, "x", {"manifest": 5}, {"manifest": {}}])
def test_junk_is_malformed_not_a_crash(junk):
    with pytest.raises(Malformed):
        Offer.from_wire(junk)
    with pytest.raises(Malformed):
        Receipt.from_wire(junk)


def test_what_a_newer_peer_says_besides_is_passed_over():
    fields = Offer(MANIFEST, "ab").to_wire()
    assert Offer.from_wire({**fields, "colour": "green"}) == Offer(MANIFEST, "ab")
