"""What a node key signs outside of an HTTP message."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from freehold.identity.statements import is_signed, sign

PRIVATE = bytes(range(32))
PUBLIC = Ed25519PrivateKey.from_private_bytes(PRIVATE).public_key().public_bytes_raw().hex()


def test_a_signature_is_good_for_its_bytes_and_its_key_alone():
    signature = sign(PRIVATE, b"a receipt")
    assert is_signed(PUBLIC, b"a receipt", signature)
    assert not is_signed(PUBLIC, b"a receipt.", signature)
    assert not is_signed("ab" * 32, b"a receipt", signature)


@pytest.mark.parametrize("junk", ["", "zz", "00" * 64, "ab"])
def test_junk_is_no_signature(junk):
    assert not is_signed(PUBLIC, b"a receipt", junk)
    assert not is_signed(junk, b"a receipt", sign(PRIVATE, b"a receipt"))
