"""The line to another device, over real TLS: what crosses, what is written down, and every way it can go wrong."""

from __future__ import annotations

import hashlib
import os
import signal
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from freehold.foundation.errors import Interrupted, Offline, PeerUnreachable, PeerUntrusted, VaultLocked
from freehold.foundation.stop import Stop
from freehold.identity.signatures import (
    Refused,
    Request,
    sign_request,
    sign_response,
    verify_request,
    verify_response,
)
from freehold.network.peer_line import PeerLine
from freehold.network.peer_values import MOST_BODY, Target, authority_of
from freehold.network.peer_worker import PeerWorker
from freehold.network.worker import NetworkWorker
from support.devices import device, until
from support.hub import SessionHere, outside
from support.workers import is_alive

ABOUT = {"purpose": "peer", "data_class": "words", "silence": 10.0}


@pytest.fixture
def desk(tmp_path):
    with device(tmp_path) as made:
        yield made


@pytest.fixture
def world(tmp_path):
    with outside(tmp_path / "house") as made:
        yield made
        made.door.close()


@pytest.fixture
def line(world):
    return world.door.peer_line()


def ask(line, target, body=b"{}", **more):
    return line.ask(target, "POST", "/v1/quotes", {"content-type": "application/json"}, body, **{**ABOUT, **more})


def stream(line, target, **more):
    return line.stream(target, "GET", "/v1/jobs/1/stream?after=0", {}, b"", **{**ABOUT, **more})


def drain(parts):
    found = []
    while True:
        try:
            found.append(next(parts))
        except StopIteration as end:
            return found, end.value


def row(world):
    return world.door.ledger()[-1]


# What crosses


def test_a_question_reaches_the_device_as_it_was_asked_and_its_answer_comes_back(desk, world, line):
    desk.answer = lambda call: call.json({"wait_s": 1}, headers="Signature: sig\r\nServer: x\r\nSet-Cookie: a=b\r\n")
    answer = ask(line, desk.target, b'{"tokens_in":1}')
    assert (answer.status, answer.body) == (200, b'{"wait_s": 1}')
    assert dict(answer.headers) == {"content-type": "application/json", "signature": "sig"}
    (call,) = desk.seen
    assert (call.method, call.path, call.body) == ("POST", "/v1/quotes", b'{"tokens_in":1}')
    assert {name.lower() for name in call.headers} == {"host", "accept-encoding", "content-type", "content-length"}
    assert call.headers["Host"] == desk.target.authority
    told = row(world)
    assert (told.purpose, told.host, told.port, told.data_class) == ("peer", "127.0.0.1", desk.port, "words")
    assert told.bytes_out > 100 and told.bytes_in > 60 and told.ended is not None and told.error == ""


def test_a_job_costs_one_handshake(desk, line):
    for _ in range(4):
        ask(line, desk.target)
    assert (desk.handshakes, len(desk.seen)) == (1, 4)


def test_an_answer_that_says_no_is_an_answer_and_the_row_says_so(desk, world, line):
    desk.answer = lambda call: call.json({"error": {"code": "busy"}}, status=429)
    assert ask(line, desk.target).status == 429
    assert row(world).error == "status 429"


def test_events_come_as_they_are_made_and_the_head_before_them(desk, world, line):
    went = threading.Event()

    def answer(call):
        call.events("Signature: sig\r\n")
        call.comment()
        call.event("one")
        went.wait(10)
        call.event("two")
        call.end()

    desk.answer, heads = answer, []
    parts = stream(line, desk.target, head=heads.append)
    assert next(parts) == "one"
    assert (heads[0].status, heads[0].headers["signature"]) == (200, "sig")
    went.set()
    rest, answered = drain(parts)
    assert (rest, answered.status, answered.body) == (["two"], 200, b"")
    assert row(world).bytes_in > 100


def test_a_stream_that_is_refused_yields_nothing_and_is_an_answer(desk, line):
    desk.answer = lambda call: call.json({"error": {"code": "unknown-job"}}, status=404)
    found, answered = drain(stream(line, desk.target))
    assert (found, answered.status, answered.body) == ([], 404, b'{"error": {"code": "unknown-job"}}')


def test_a_head_that_its_reader_does_not_believe_ends_the_stream(desk, world, line):
    def answer(call):
        call.events()
        call.event("one")
        call.wait()

    def doubt(head):
        raise PeerUntrusted("not signed")

    desk.answer = answer
    with pytest.raises(PeerUntrusted):
        next(stream(line, desk.target, head=doubt))
    assert row(world).error == "peer-untrusted"


def test_a_lease_is_posted_while_a_stream_runs(desk, line):
    def answer(call):
        if call.method == "POST":
            return call.json({"granted": 192})
        call.events()
        call.event("one")
        until(lambda: len(desk.seen) == 2)
        call.event("two")
        return call.end()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    assert ask(line, desk.target).status == 200
    assert drain(parts)[0] == ["two"]
    assert desk.handshakes == 2


def test_a_first_contact_shows_the_certificate_and_sends_nothing(desk, world, line):
    assert ssl.PEM_cert_to_DER_cert(line.meet("127.0.0.1", desk.port, purpose="pairing")) == ssl.PEM_cert_to_DER_cert(
        desk.pem
    )
    until(lambda: desk.handshakes == 1)
    assert desk.seen == []
    assert (row(world).data_class, row(world).purpose) == ("keys", "pairing")


def test_a_large_answer_comes_whole_when_it_was_agreed(desk, line):
    body = bytes(range(256)) * 40_000
    desk.answer = lambda call: call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    assert ask(line, desk.target, most=len(body)).body == body
    with pytest.raises(PeerUntrusted, match="more than it may"):
        ask(line, desk.target)


def test_a_device_is_asked_by_the_name_that_its_certificate_makes_wherever_it_is(desk, line, tmp_path):
    name = f"{hashlib.sha256(ssl.PEM_cert_to_DER_cert(desk.pem)).hexdigest()[:32]}.freehold.local"
    for host in ("127.0.0.1", "localhost"):
        ask(line, Target(host, desk.port, desk.pem))
        assert desk.seen[-1].headers["Host"] == name
    assert desk.target.url("/v1/offers") == f"https://{name}/v1/offers"
    assert authority_of("no certificate") != authority_of(desk.pem) == name


def test_what_was_signed_for_a_device_verifies_there_as_it_came_and_at_no_other(desk, line, tmp_path):
    node_key, body = bytes([5]) * 32, b'{"tokens_in":1}'
    url = desk.target.url("/v1/jobs/1/stream?after=3")
    signed = sign_request(
        node_key, method="POST", url=url, body=body, certificate={"name": "lamp"}, now=1000.0, nonce="0f" * 16
    )
    answers = {"Signature": "", "Signature-Input": ""}

    def answer(call):
        came = Request(call.method, f"https://{call.headers['Host']}{call.path}", call.headers)
        verify_request(method=came.method, url=came.url, headers=came.headers, body=call.body, now=1000.0)
        said = sign_response(bytes([6]) * 32, status=200, body=b"{}", headers=answers, request=came, now=1000.0)
        call.json({}, headers="".join(f"{name}: {value}\r\n" for name, value in said.items()))

    desk.answer = answer
    told = line.ask(desk.target, "POST", "/v1/jobs/1/stream?after=3", signed, body, **ABOUT)
    node = Ed25519PrivateKey.from_private_bytes(bytes([6]) * 32).public_key().public_bytes_raw().hex()
    request = Request("POST", url, signed)
    verify_response(node_key=node, status=told.status, headers=told.headers, body=told.body, request=request)
    with device(tmp_path, name="other") as other, pytest.raises(Refused):
        there = other.target.url("/v1/jobs/1/stream?after=3")
        verify_request(method="POST", url=there, headers=signed, body=body, now=1000.0)


def test_a_body_that_comes_byte_by_byte_is_whole(desk, line):
    body = bytes(range(256)) * 8

    def answer(call):
        call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body))
        for byte in body:
            call.raw(bytes([byte]))

    desk.answer = answer
    assert ask(line, desk.target).body == body


# Whom it believes


def test_another_certificate_is_told_nothing(desk, world, line, tmp_path):
    with device(tmp_path, name="thief") as thief:
        with pytest.raises(PeerUntrusted, match="another certificate"):
            ask(line, Target("127.0.0.1", thief.port, desk.pem, "desk"))
        assert thief.seen == []
    assert (row(world).error, row(world).bytes_out) == ("peer-untrusted", 0)


def test_a_certificate_that_the_pinned_one_vouches_for_is_another_one(tmp_path, line):
    from support.certificates import Authority

    authority = Authority(tmp_path)
    with device(tmp_path) as thief:
        thief._context.load_cert_chain(authority.sign("desk"))
        with pytest.raises(PeerUntrusted, match="another certificate"):
            ask(line, Target("127.0.0.1", thief.port, authority.file.read_text(), "desk"))
        assert thief.seen == []


def test_older_encryption_is_refused(tmp_path, line):
    with device(tmp_path, maximum_version=ssl.TLSVersion.TLSv1_2) as old:
        with pytest.raises(PeerUntrusted, match="encryption"):
            ask(line, old.target)
        assert old.seen == []


def test_a_server_without_encryption_is_refused(desk, line):
    desk.on_connect = lambda plain: plain.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(PeerUntrusted, match="encryption"):
        ask(line, desk.target)


@pytest.mark.parametrize("pem", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])
def test_a_target_without_a_certificate_is_not_connected_to(desk, line, pem):
    with pytest.raises(PeerUnreachable, match="certificate"):
        ask(line, Target("127.0.0.1", desk.port, pem, "desk"))
    assert desk.accepted == 0


@pytest.mark.parametrize("host", ["224.0.0.251", "255.255.255.255", "0.0.0.0", "::", "ff02::fb", "a b", "", "x" * 300])
def test_what_is_no_machine_s_address_is_not_connected_to(desk, world, line, host):
    with pytest.raises(PeerUnreachable):
        ask(line, Target(host, desk.port, desk.pem, "desk"))
    assert row(world).bytes_out == 0


@pytest.mark.parametrize("path", ["/v1/../x", "/v1/\r\nHost: x", "/ä", "/a b", "http://x/"])
def test_a_path_that_would_not_arrive_as_it_was_signed_is_not_sent(desk, line, path):
    with pytest.raises(PeerUnreachable):
        line.ask(desk.target, "GET", path, {}, b"", **ABOUT)
    assert desk.seen == []


@pytest.mark.parametrize("name", ["Cookie", "Host", "Authorization", "Transfer-Encoding"])
def test_headers_that_have_no_business_there_are_not_sent(desk, line, name):
    with pytest.raises(PeerUnreachable):
        line.ask(desk.target, "GET", "/v1/offers", {name: "x"}, b"", **ABOUT)
    assert desk.seen == []


def test_a_redirect_is_an_answer_and_is_not_followed(desk, line, tmp_path):
    with device(tmp_path, name="other") as other:
        desk.answer = lambda call: call.json({}, status=307, headers=f"Location: {other.target.url('/v1/quotes')}\r\n")
        assert ask(line, desk.target).status == 307
        assert other.accepted == 0
    assert len(desk.seen) == 1


# Bad manners


def misbehave_endlessly(call):
    call.raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        call.chunk(b"x" * 65536)


def huge_headers(call):
    call.raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"a" * 300_000 + b"\r\n\r\n")


def many_headers(call):
    call.raw(b"HTTP/1.1 200 OK\r\n")
    while True:
        call.raw(b"X-A: aaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 100)


def junk_answer(call):
    call.raw(b"\x00\x01SSH-2.0-nothing\r\n\r\n")


def reset_half_way(call):
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    call.reset()


def close_half_way(call):
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    call.line.close()


def close_at_once(call):
    call.line.close()


def silent(call):
    call.wait()


def silent_half_way(call):
    call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    call.wait()


@pytest.mark.parametrize(
    ("manner", "kind", "words"),
    [
        (misbehave_endlessly, PeerUntrusted, "more than it may"),
        (huge_headers, PeerUntrusted, "does not answer as a device does"),
        (many_headers, PeerUntrusted, "does not answer as a device does"),
        (junk_answer, PeerUntrusted, "does not answer as a device does"),
        (reset_half_way, PeerUnreachable, "cut"),
        (close_half_way, PeerUnreachable, "cut"),
        (close_at_once, PeerUnreachable, "cut"),
        (silent, PeerUnreachable, "silent"),
        (silent_half_way, PeerUnreachable, "silent"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
@pytest.mark.parametrize(
    "how", [ask, lambda line, target, **more: drain(stream(line, target, **more))], ids=["ask", "stream"]
)
def test_bad_manners_end_in_words_and_the_next_question_is_answered(desk, world, line, manner, kind, words, how):
    desk.answer = manner
    with pytest.raises(kind, match=words):
        ask(line, desk.target, silence=1.0) if how == "ask" else drain(stream(line, desk.target, silence=1.0))
    assert row(world).error == kind.code
    desk.answer = lambda call: call.json({})
    assert ask(line, desk.target).status == 200


def test_an_answer_that_drips_is_given_up_although_it_is_never_silent(desk, tmp_path):
    def drip(call):
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000:
            call.raw(bytes([letter]))
            if call.wait(0.05):
                return

    desk.answer = drip
    worker = NetworkWorker(peers=PeerWorker(begin=0.5))
    with outside(tmp_path / "house", start=lambda: SessionHere(worker)) as world:
        with pytest.raises(PeerUnreachable, match="too long"):
            ask(world.door.peer_line(), desk.target, silence=0.5)
        world.door.close()


def test_a_handshake_that_never_ends_is_given_up(desk, line):
    desk.on_connect = lambda plain: desk.leaving.wait(20)
    with pytest.raises(PeerUnreachable):
        ask(line, desk.target, silence=0.2)


@pytest.mark.parametrize(
    "junk", [b"<html>\n", b"data: \xff\xff\n\n", b"data: " + b"a" * 300_000, b"\x00" * 10 + b"\n"], ids=range(4)
)
def test_a_stream_of_junk_is_ended(desk, line, junk):
    def answer(call):
        call.events()
        call.event("one")
        call.chunk(junk)
        call.wait()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    with pytest.raises(PeerUntrusted):
        drain(parts)


def test_a_flood_of_events_ends_at_what_was_agreed(desk, line):
    def answer(call):
        call.events()
        while True:
            call.chunk(b"data: " + b"a" * 1000 + b"\n\n")

    desk.answer = answer
    with pytest.raises(PeerUntrusted, match="more than it may"):
        drain(stream(line, desk.target, most=MOST_BODY))


def test_a_stream_cut_inside_an_event_is_no_end(desk, line):
    def answer(call):
        call.events()
        call.event("one")
        call.chunk(b"data: tw")
        call.end()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    with pytest.raises(PeerUnreachable, match="cut"):
        next(parts)


# Coming and going


def test_a_device_that_goes_and_comes_is_asked_again_with_a_new_handshake(desk, line):
    assert ask(line, desk.target).status == 200
    desk.go()
    with pytest.raises(PeerUnreachable):
        ask(line, desk.target)
    desk.come()
    assert ask(line, desk.target).status == 200
    assert desk.handshakes == 2


def test_a_connection_that_the_device_closed_while_it_was_idle_is_made_anew(desk, line):
    def close_after(call):
        call.json({})
        call.line.close()

    desk.answer = close_after
    assert ask(line, desk.target).status == 200
    time.sleep(0.1)
    assert ask(line, desk.target).status == 200


def test_a_stream_whose_device_goes_ends_in_words(desk, line):
    def answer(call):
        call.events()
        call.event("one")
        call.wait()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    desk.go()
    with pytest.raises(PeerUnreachable):
        next(parts)


@pytest.mark.parametrize("before", ["head", "body", "events"])
def test_a_stop_is_heard_while_the_device_is_silent(desk, world, line, before):
    def answer(call):
        if before == "body":
            call.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
        if before == "events":
            call.events()
        call.wait()

    desk.answer, stop = answer, Stop()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Interrupted):
        drain(stream(line, desk.target, stop=stop, silence=30.0))
    assert row(world).error == "interrupted"
    desk.answer = lambda call: call.json({})
    assert ask(line, desk.target).status == 200, "only that exchange was ended"


def test_leaving_a_stream_ends_its_connection(desk, world, line):
    gone = threading.Event()

    def answer(call):
        call.events()
        try:
            while True:
                call.event("on and on")
                time.sleep(0.01)
        finally:
            gone.set()

    desk.answer = answer
    parts = stream(line, desk.target)
    next(parts)
    parts.close()
    assert gone.wait(10)
    assert row(world).error == "interrupted"
    assert row(world).bytes_in > 0


# The switch, the lock, the process


def test_offline_refuses_before_a_process_is_started(desk, world, line):
    world.settings.set("offline", True)
    with pytest.raises(Offline):
        ask(line, desk.target)
    assert (row(world).refused, row(world).error, row(world).data_class) == (True, "offline", "words")
    assert desk.accepted == 0
    assert not world.door.is_busy


def test_the_switch_ends_a_stream_that_runs(desk, world, line):
    def answer(call):
        call.events()
        call.event("one")
        while not call.wait(0.1):
            call.comment()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    world.settings.set("offline", True)
    with pytest.raises(Offline):
        drain(parts)
    until(lambda: not world.door.is_busy)


def test_a_locked_vault_means_no_connection(desk, world, line):
    world.vault.is_locked = True
    with pytest.raises(VaultLocked):
        ask(line, desk.target)
    assert desk.accepted == 0


def test_a_vault_that_locks_ends_a_stream_at_its_next_note(desk, world, line):
    def answer(call):
        call.events()
        while not call.wait(0.05):
            call.event("on and on")

    desk.answer = answer
    parts = stream(line, desk.target)
    next(parts)
    world.vault.is_locked = True
    with pytest.raises(VaultLocked):
        drain(parts)


def test_the_door_ends_what_runs(desk, world, line):
    def answer(call):
        call.events()
        call.event("one")
        call.wait()

    desk.answer = answer
    parts = stream(line, desk.target)
    assert next(parts) == "one"
    with ThreadPoolExecutor(1) as threads:
        rest = threads.submit(drain, parts)
        world.door.close()
        assert isinstance(rest.exception(timeout=10), Interrupted)
    assert not world.door.is_busy


def test_an_idle_line_ends_its_process_and_the_next_question_starts_another(tmp_path, desk):
    with outside(tmp_path / "house", start=None) as world:
        line = PeerLine(world.door._gate, idle=0.2)
        assert ask(line, desk.target, silence=10.0).status == 200
        pid = line._session.pid
        assert is_alive(pid)
        until(lambda: not world.door.is_busy)
        assert not is_alive(pid)
        assert ask(line, desk.target, silence=10.0).status == 200
        assert desk.handshakes == 2
        line.close()


def test_the_real_process_streams_and_asks_side_by_side_and_dies_in_words(tmp_path, desk):
    def answer(call):
        if call.method == "POST":
            return call.json({})
        call.events()
        call.event("one")
        return call.wait()

    desk.answer = answer
    with outside(tmp_path / "house", start=None) as world:
        line = world.door.peer_line()
        parts = stream(line, desk.target, silence=20.0)
        assert next(parts) == "one"
        assert ask(line, desk.target, silence=10.0).status == 200
        os.kill(line._session.pid, signal.SIGKILL)
        with pytest.raises(PeerUnreachable, match="network process"):
            next(parts)
        assert ask(line, desk.target, silence=10.0).status == 200
        world.door.close()
