"""What an owner key says of a device, and what a certificate must not get away with."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.foundation.errors import PeerUntrusted
from freehold.identity.certificates import (
    LONGEST_SECONDS,
    SKEW_SECONDS,
    TLS_NAME,
    certify,
    fingerprint,
    tls_identity,
    verify,
)
from freehold.identity.ethereum import address_of, load, sign
from freehold.identity.values import NodeCertificate
from support.house import sources

OWNER, STRANGER = b"\x11" * 32, b"\x22" * 32
NODE, HPKE = b"\x33" * 32, b"\x44" * 32
NOW = 1_800_000_000.0


def made(owner: bytes = OWNER, now: float = NOW) -> NodeCertificate:
    return certify(owner, name="Ada's desk", node_key=NODE, hpke_key=HPKE, now=now)


def test_a_certificate_is_valid_for_seven_days_and_a_clock_that_is_a_little_slow():
    one = made()
    verify(one, NOW)
    verify(one, NOW - SKEW_SECONDS)
    verify(one, NOW + LONGEST_SECONDS - SKEW_SECONDS - 1)
    assert (one.owner, one.node_key, one.hpke_key) == (address_of(OWNER), NODE.hex(), HPKE.hex())
    assert made() == one  # RFC 6979: nothing random in it


@pytest.mark.parametrize(
    ("now", "words"),
    [(NOW - SKEW_SECONDS - 1, "not valid yet"), (NOW + LONGEST_SECONDS, "expired"), (NOW * 10, "expired")],
)
def test_outside_of_its_time_it_is_refused_in_words(now, words):
    with pytest.raises(PeerUntrusted, match=words):
        verify(made(), now)


def test_one_that_claims_more_than_seven_days_is_refused_even_when_its_owner_signed_it():
    from freehold.identity.certificates import _typed

    longer = replace(made(), not_after=made().not_after + 1)
    longer = replace(longer, signature=sign(OWNER, _typed(longer)))
    with pytest.raises(PeerUntrusted, match="more than seven days"):
        verify(longer, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Eve's desk"},
        {"owner": address_of(STRANGER)},
        {"owner": address_of(OWNER).lower()},
        {"node_key": HPKE.hex()},
        {"hpke_key": NODE.hex()},
        {"not_before": int(NOW)},
        {"not_after": int(NOW) + 60},
        {"signature": made(STRANGER).signature},
        {"signature": "0" * 130},
        {"signature": "f" * 130},
        {"signature": made().signature[:-2] + "05"},
    ],
)
def test_nothing_of_it_can_be_changed(change):
    with pytest.raises(PeerUntrusted):
        verify(replace(made(), **change), NOW)


@given(st.binary(min_size=65, max_size=65))
def test_junk_for_a_signature_ends_in_words(junk):
    with pytest.raises(PeerUntrusted):
        verify(replace(made(), signature=junk.hex()), NOW)


def test_it_crosses_the_wire_and_back_and_its_digest_names_it():
    one = made()
    assert NodeCertificate.from_wire(one.to_wire()) == one
    assert one.digest == NodeCertificate.from_wire(one.to_wire()).digest != made(STRANGER).digest


_junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from([*made().to_wire(), "more"]), _junk)
def test_junk_on_the_wire_ends_in_words_or_in_a_certificate_that_says_just_this(field, junk):
    wire = {**made().to_wire(), field: junk}
    try:
        assert NodeCertificate.from_wire(wire).to_wire() == wire
    except PeerUntrusted:
        pass


@pytest.mark.parametrize(
    ("field", "junk"),
    [
        ("name", ""), ("name", "a\nb"), ("name", "x" * 81), ("name", "a\u202eb"), ("owner", "0x12"),
        ("node_key", "AB" * 32), ("not_before", True), ("not_before", -1), ("not_after", 1), ("not_after", 2**60),
        ("signature", b"0" * 130), ("not_before", 1.5),
    ],
)  # fmt: skip
def test_what_no_certificate_can_say_is_refused(field, junk):
    with pytest.raises(PeerUntrusted):
        NodeCertificate.from_wire({**made().to_wire(), field: junk})


@pytest.mark.parametrize("wire", [None, [], "x", {}, {"name": "x"}])
def test_what_is_no_certificate_at_all_is_refused(wire):
    with pytest.raises(PeerUntrusted):
        NodeCertificate.from_wire(wire)


def test_the_tls_certificate_of_a_node_key_is_always_the_same_and_every_key_has_its_own():
    one = tls_identity(NODE)
    assert tls_identity(NODE) == one
    assert len(fingerprint(one.certificate)) == 64
    assert fingerprint(tls_identity(HPKE).certificate) != fingerprint(one.certificate)
    with pytest.raises(PeerUntrusted):
        fingerprint(b"no certificate")


def test_tls_1_3_holds_between_two_that_know_nothing_but_this_certificate(tmp_path):
    one = tls_identity(NODE)
    (tmp_path / "chain.pem").write_bytes(one.certificate + one.key)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "chain.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=one.certificate.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert _handshake(client, server) == ("TLSv1.3", ssl.PEM_cert_to_DER_cert(one.certificate.decode()))
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    stranger.load_verify_locations(cadata=tls_identity(HPKE).certificate.decode())
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(stranger, server)


def test_what_the_libraries_do_to_the_recursion_limit_is_undone_so_that_nested_junk_still_ends_in_an_error():
    source = (
        "import sys, json; from freehold.identity.ethereum import load; was = sys.getrecursionlimit(); load();"
        "import eth_account, eth_keyfile; assert sys.getrecursionlimit() == was;"
        "json.loads('[' * 100_000)"
    )
    told = subprocess.run([sys.executable, "-c", source], check=False, capture_output=True, text=True)
    assert "RecursionError" in told.stderr
    assert told.returncode == 1


def test_the_ethereum_libraries_come_in_through_one_file():
    for path, text in sources():
        if path != "identity/ethereum.py":
            assert not re.search(r"^\s*(import|from) eth_", text, re.MULTILINE), path
    load()


def test_neither_values_nor_certificates_load_a_library_by_being_imported():
    source = (
        "import sys, freehold.identity.certificates, freehold.identity.values;"
        "sys.exit(any(m.split('.')[0] in ('eth_account', 'eth_keys', 'cryptography') for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[str | None, bytes | None]:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=TLS_NAME)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs]
    while waiting:
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    return ours.version(), ours.getpeercert(binary_form=True)
