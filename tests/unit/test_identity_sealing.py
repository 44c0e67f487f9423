"""Sealed jobs and envelopes: read by the right machine, at the right place, or not at all."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.identity.sealing import PAD, Envelopes, SealBroken, seal, unseal

PRIVATE, OTHER = bytes([7]) * 32, bytes([8]) * 32
PUBLIC = X25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw().hex()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=5),
    max_leaves=20,
)


@given(st.binary(max_size=2000), st.binary(max_size=40))
@settings(max_examples=40, deadline=None)
def test_a_sealed_job_is_read_with_its_key_and_its_name_only(plain, info):
    sealed = seal(PUBLIC, plain, info)
    assert unseal(PRIVATE, sealed, info) == plain
    with pytest.raises(SealBroken):
        unseal(OTHER, sealed, info)
    with pytest.raises(SealBroken):
        unseal(PRIVATE, sealed, info + b"x")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_no_byte_of_a_sealed_job_can_be_changed_or_left_out(data):
    sealed = seal(PUBLIC, b"the prompt", b"job")
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:place] + bytes([sealed[place] ^ data.draw(st.integers(1, 255))]) + sealed[place + 1 :]
    for broken in (changed, sealed[:place], sealed + b"\0"):
        # The top bit of an X25519 key is ignored by its definition (RFC 7748), but HPKE binds the bytes themselves.
        with pytest.raises(SealBroken):
            unseal(PRIVATE, broken, b"job")


@pytest.mark.parametrize("junk", ["", "zz", "00", "00" * 32, "00" * 31, "é"])
def test_what_is_no_key_cannot_be_sealed_to(junk):
    with pytest.raises(SealBroken):
        seal(junk, b"words", b"job")


@given(VALUES, st.integers(0, 2**40))
def test_an_envelope_carries_any_value_and_its_length_says_little(value, number):
    envelopes = Envelopes(PRIVATE, "job")
    text = envelopes.seal(number, value)
    assert envelopes.open(number, text) == value
    assert (len(base64.b64decode(text)) - 16) % PAD == 0


def test_envelopes_cannot_be_moved_changed_or_taken_from_another_job():
    envelopes = Envelopes(PRIVATE, "job")
    text = envelopes.seal(3, {"kind": "tokens"})
    raw = base64.b64decode(text)
    flipped = base64.b64encode(bytes([raw[0] ^ 1]) + raw[1:]).decode()
    attempts = [
        (envelopes, 2, text), (envelopes, 4, text), (Envelopes(PRIVATE, "other"), 3, text),
        (Envelopes(OTHER, "job"), 3, text), (envelopes, 3, flipped), (envelopes, 3, text[:-4]),
        (envelopes, 3, text + "\n"), (envelopes, 3, "A" * (1 << 21)),
    ]  # fmt: skip
    for reader, number, attempt in attempts:
        with pytest.raises(SealBroken):
            reader.open(number, attempt)


@given(st.text(max_size=60))
def test_junk_is_no_envelope(junk):
    with pytest.raises(SealBroken):
        Envelopes(PRIVATE, "job").open(0, junk)
