"""Signed HTTP messages: what was signed verifies, and nothing else does."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.identity.signatures import (
    LIFETIME,
    SKEW,
    Nonces,
    Refused,
    Request,
    Signed,
    sign_content,
    sign_request,
    sign_response,
    verify_content,
    verify_request,
    verify_response,
)

CLIENT, PROVIDER, STRANGER = (bytes([number]) * 32 for number in (1, 2, 3))
CERTIFICATE = {"owner": "0xA", "name": "desk", "nodeKey": "0xB"}
URL = "https://192.168.1.20:8470/v1/jobs?after=3"
NOW = 1_795_000_000.5
NONCE = "0f" * 16


def key_of(private):
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw().hex()


def signed(private=CLIENT, *, method="POST", url=URL, body=b"{}", now=NOW, nonce=NONCE, certificate=CERTIFICATE):
    return sign_request(private, method=method, url=url, body=body, certificate=certificate, now=now, nonce=nonce)


def verify(headers, *, method="POST", url=URL, body=b"{}", now=NOW):
    return verify_request(method=method, url=url, headers=headers, body=body, now=now)


def code_of(headers, **changed):
    with pytest.raises(Refused) as refused:
        verify(headers, **changed)
    return refused.value.code


def test_a_request_says_who_made_it_and_when():
    assert verify(signed()) == Signed(key_of(CLIENT), CERTIFICATE, NONCE, int(NOW), int(NOW) + LIFETIME)


def test_header_names_may_come_in_any_case():
    assert verify({name.upper(): value for name, value in signed().items()}).nonce == NONCE


@given(body=st.binary(max_size=300), path=st.text("abc/._~-%20é"[:8], max_size=20), query=st.text("ab=&1", max_size=10))
@settings(max_examples=60, deadline=None)
def test_any_body_and_path_verifies_as_it_was_and_no_other_does(body, path, query):
    url = f"https://desk.local:8470/{path}?{query}"
    headers = signed(url=url, body=body)
    assert verify(headers, url=url, body=body).node_key == key_of(CLIENT)
    assert code_of(headers, url=url, body=body + b" ") == "signature-invalid"
    assert code_of(headers, url=url + "x", body=body) == "signature-invalid"


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "GET"},
        {"url": "https://192.168.1.21:8470/v1/jobs?after=3"},
        {"url": "https://192.168.1.20:8471/v1/jobs?after=3"},
        {"url": "https://192.168.1.20:8470/v1/quotes?after=3"},
        {"url": "https://192.168.1.20:8470/v1/jobs?after=4"},
        {"url": "https://192.168.1.20:8470/v1/jobs"},
        {"body": b"{} "},
        {"body": b""},
    ],
    ids=str,
)
def test_no_covered_part_of_a_request_can_be_changed(changed):
    assert code_of(signed(), **changed) == "signature-invalid"


def test_another_certificate_cannot_be_put_in():
    other = base64.b64encode(json.dumps({**CERTIFICATE, "name": "lamp"}).encode()).decode()
    assert code_of({**signed(), "Freehold-Certificate": other}) == "signature-invalid"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("created=1795000000", "created=1795000001"),
        ("expires=1795000060", "expires=1795000061"),
        (NONCE, "1f" * 16),
        ("freehold-job/1", "freehold-job/2"),
        (' "@query"', ""),
        ('"@method" "@authority"', '"@authority" "@method"'),
        (key_of(CLIENT), key_of(STRANGER)),
        (key_of(CLIENT), key_of(CLIENT).upper()),
        (key_of(CLIENT), "not a key"),
        ('alg="ed25519"', 'alg="hmac-sha256"'),
    ],
)  # fmt: skip
def test_no_parameter_of_a_signature_can_be_changed(old, new):
    headers = signed()
    assert old in headers["Signature-Input"]
    assert code_of({**headers, "Signature-Input": headers["Signature-Input"].replace(old, new)}) == "signature-invalid"


@pytest.mark.parametrize("missing", ["Signature", "Signature-Input"])
def test_a_request_without_its_signature_is_unsigned(missing):
    headers = signed()
    del headers[missing]
    assert code_of(headers) == "unsigned"
    assert code_of({}) == "unsigned"


def test_a_request_without_the_rest_is_refused():
    headers = signed()
    assert code_of({k: v for k, v in headers.items() if k != "Content-Digest"}) == "signature-invalid"
    assert code_of({k: v for k, v in headers.items() if k != "Freehold-Certificate"}) == "malformed"


@pytest.mark.parametrize("junk", ["", "{", "W10=", "bnVsbA==", "é", "A" * 10_000, "W1tb" * 1500])
def test_a_certificate_that_is_none_is_malformed(junk):
    assert code_of({**signed(), "Freehold-Certificate": junk}) == "malformed"


@given(junk=st.text(max_size=80), name=st.sampled_from(["Signature", "Signature-Input", "Content-Digest"]))
@settings(deadline=None)
def test_junk_in_a_signature_is_refused_in_a_word(junk, name):
    assert code_of({**signed(), name: junk}) in ("signature-invalid", "malformed")


def test_a_request_is_good_for_a_minute_and_five_more_for_clocks_that_differ():
    headers = signed()
    assert verify(headers, now=NOW + LIFETIME + SKEW - 1).nonce == NONCE
    assert verify(headers, now=NOW - SKEW + 1).nonce == NONCE
    assert code_of(headers, now=NOW + LIFETIME + SKEW + 1) == "expired"
    assert code_of(headers, now=NOW - SKEW - 1) == "clock-skew"


def test_a_signature_that_lives_longer_than_a_minute_is_malformed():
    import freehold.identity.signatures as signatures

    url, headers = URL, {"Freehold-Certificate": base64.b64encode(b"{}").decode()}
    message = signatures._Request("POST", url, headers)
    signatures._sign(
        CLIENT, message, signatures._REQUEST, b"{}", NOW, nonce=NONCE, expires=signatures._moment(NOW + LIFETIME + 1)
    )
    assert code_of(headers) == "malformed"


@pytest.mark.parametrize("nonce", ["", "0f" * 15, "0F" * 16, "zz" * 16])
def test_a_nonce_of_another_form_is_malformed(nonce):
    assert code_of(signed(nonce=nonce)) == "malformed"


def test_a_url_that_is_none_cannot_be_signed():
    with pytest.raises(ValueError, match="URL"):
        signed(url="https://a b/")


# Responses


def answered(headers=None, *, status=200, body=b'{"a":1}', private=PROVIDER):
    request = Request("POST", URL, headers or signed())
    fields = {"content-type": "application/json"}
    return sign_response(private, status=status, body=body, headers=fields, request=request, now=NOW), request


def refuse(headers, request, *, key=None, status=200, body=b'{"a":1}'):
    with pytest.raises(Refused) as refused:
        verify_response(node_key=key or key_of(PROVIDER), status=status, headers=headers, body=body, request=request)
    return refused.value.code


def test_an_answer_is_bound_to_its_request():
    headers, request = answered()
    assert headers["content-type"] == "application/json"
    verify_response(node_key=key_of(PROVIDER), status=200, headers=headers, body=b'{"a":1}', request=request)
    later = Request("POST", URL, signed(nonce="1f" * 16))
    assert refuse(headers, later) == "signature-invalid"
    assert refuse(headers, replace(request, method="GET")) == "signature-invalid"
    assert refuse(headers, replace(request, url=URL.replace("jobs", "unpair"))) == "signature-invalid"


def test_no_part_of_an_answer_can_be_changed():
    headers, request = answered()
    assert refuse(headers, request, status=201) == "signature-invalid"
    assert refuse(headers, request, body=b'{"a":2}') == "signature-invalid"
    assert refuse(headers, request, body=None) == "signature-invalid"
    assert refuse(headers, request, key=key_of(STRANGER)) == "signature-invalid"
    assert refuse({}, request) == "unsigned"
    assert refuse(answered(private=STRANGER)[0], request) == "signature-invalid"


def test_the_head_of_a_stream_is_signed_without_a_digest_and_cannot_pass_for_a_whole_answer():
    headers, request = answered(body=None)
    assert "Content-Digest" not in headers
    verify_response(node_key=key_of(PROVIDER), status=200, headers=headers, body=None, request=request)
    assert refuse(headers, request, body=b"") == "signature-invalid"


def test_an_answer_to_a_request_without_a_readable_signature_cannot_be_signed():
    with pytest.raises(Refused):
        answered({"Signature": "junk", "Signature-Input": "junk"})


# Replays


def test_a_receipt_is_signed_by_itself_and_no_other_key_or_content_will_do():
    signature = sign_content(PROVIDER, b"a receipt")
    verify_content(node_key=key_of(PROVIDER), content=b"a receipt", signature=signature)
    ours = key_of(PROVIDER)
    for key, content, other in (
        (ours, b"another receipt", signature), ("00" * 32, b"a receipt", signature), ("zz", b"a receipt", signature),
        (ours, b"a receipt", "00" * 64), (ours, b"a receipt", "no"), (ours, b"a receipt", ""),
    ):  # fmt: skip
        with pytest.raises(Refused):
            verify_content(node_key=key, content=content, signature=other)


def seen(nonce, expires=100, key="aa"):
    return Signed(key, {}, nonce, expires - LIFETIME, expires)


def test_a_request_is_taken_once():
    nonces = Nonces()
    assert nonces.take(seen("1"), 50)
    assert not nonces.take(seen("1"), 51)
    assert nonces.take(seen("1", key="bb"), 51), "another device's number"


def test_a_full_memory_takes_nothing_until_something_expires():
    nonces = Nonces(most=2)
    assert [nonces.take(seen(str(number)), 50) for number in range(3)] == [True, True, False]
    assert nonces.take(seen("new", expires=900), 100 + SKEW + 1)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), st.integers(1, LIFETIME)), max_size=60))
def test_while_a_signature_is_good_it_is_never_taken_twice_and_memory_stays_small(steps):
    nonces, now, taken = Nonces(most=4), 1000, {}
    for nonce, wait, lives in steps:
        now += wait * 10
        one = taken.get(str(nonce)) or seen(str(nonce), now + lives)
        if now > one.expires + SKEW:  # `verify_request` refuses it: the same nonce comes in another signature
            one = seen(str(nonce), now + lives)
            taken.pop(str(nonce), None)
        if nonces.take(one, now):
            assert str(nonce) not in taken
            taken[str(nonce)] = one
        assert len(nonces) <= 4
