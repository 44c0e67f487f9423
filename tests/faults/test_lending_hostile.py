"""Devices and strangers that do what they must not, to a real gateway over real TLS: refused, and not waited for."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import ssl
import time
from pathlib import Path

import httpx2
import pytest

from freehold.identity.signatures import sign_request
from freehold.market.lending.connections import MOST_OF_ONE
from freehold.market.lending.values import MOST_BODY, Limits
from freehold.processes.frames import pack_ids
from support.lending import CONTEXT, VOCABULARY, Client, House, Opened, person, shared
from support.lent_engine import DEAF, SLOW
from support.workers import is_alive, wait_until

DEEP = b'{"a":' * 100_000


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    with shared(tmp_path_factory.mktemp("house"), limits=Limits(requests=10_000.0, burst=10_000)) as house:
        yield house


@pytest.fixture
def client(house):
    return house.client()


def is_well(house: House) -> bool:
    """A device that behaves is answered as before."""
    job = house.client(2).job([9], max_tokens=3)
    job.read()
    job.close()
    return job.ids == [1, 2, 3]


def stranger(house: House, number: int, **changes) -> Client:
    house.guests[number] = person(number)
    client = house.client(number)
    for name, value in changes.items():
        setattr(client, name, value)
    return client


def test_a_request_without_a_signature(client):
    answer = client.ask("GET", "/v1/offers", headers={})
    assert (answer.status, answer.code) == (401, "unsigned")


def test_a_request_that_comes_twice(client):
    headers = client.signed("GET", "/v1/offers")
    assert client.ask("GET", "/v1/offers", headers=headers).code == "ok"
    assert client.ask("GET", "/v1/offers", headers=headers).code == "replayed"


@pytest.mark.parametrize(("minutes", "code"), [(-7, "expired"), (6, "clock-skew"), (-4, "ok"), (4, "ok")])
def test_clocks_may_be_five_minutes_apart_and_whoever_is_further_hears_our_time(client, minutes, code):
    headers = client.signed("GET", "/v1/offers", now=time.time() + minutes * 60)
    answer = client.ask("GET", "/v1/offers", headers=headers)
    assert answer.code == code
    if code != "ok":
        assert abs(int(answer.fields["error"]["detail"]) - time.time()) < 60


def test_a_request_for_another_path_method_or_device(client):
    headers = client.signed("GET", "/v1/offers")
    assert client.ask("GET", "/v1/offers?x=1", headers=headers).code == "signature-invalid"
    assert client.ask("GET", f"/v1/vocabularies/{'0' * 64}", headers=headers).code == "signature-invalid"
    assert client.send("POST", "/v1/unpair", b"", client.signed("GET", "/v1/unpair")).code == "signature-invalid"
    elsewhere = client.signed("GET", "/v1/offers", at="https://0123456789abcdef0123456789abcdef.freehold.local")
    assert client.ask("GET", "/v1/offers", headers=elsewhere).code == "signature-invalid"


def test_a_body_that_was_changed_on_the_way(client):
    headers = client.signed("POST", "/v1/unpair", b"{}")
    assert client.send("POST", "/v1/unpair", b'{"a":1}', headers).code == "signature-invalid"
    assert client.ask("GET", "/v1/offers").code == "ok"


def test_a_device_that_is_not_paired(house):
    assert stranger(house, 7).ask("GET", "/v1/offers").code == "not-paired"


def test_a_certificate_that_is_old_of_another_key_or_junk(house, client):
    old, other = person(1, now=time.time() - 8 * 86_400), person(2)
    for certificate in (old.certificate.to_wire(), other.certificate.to_wire(), {}, {"owner": "x"},
                        {**client.who.certificate.to_wire(), "name": "somebody else"},
                        {**client.who.certificate.to_wire(), "not_after": 2**52}):  # fmt: skip
        headers = client.signed("GET", "/v1/offers", certificate=certificate)
        assert client.ask("GET", "/v1/offers", headers=headers).code == "certificate-wrong"


def test_a_paired_owner_s_name_with_another_s_key(house, client):
    """The certificate is a real one, and public; the key is not."""
    thief = person(8)
    headers = sign_request(
        thief.node, method="GET", url=f"{client.to}/v1/offers", body=b"", certificate=client.who.certificate.to_wire(),
        now=time.time(), nonce=os.urandom(16).hex(),
    )  # fmt: skip
    assert client.ask("GET", "/v1/offers", headers=headers).code == "certificate-wrong"


@pytest.mark.parametrize(
    "header", [{"Host": "127.0.0.1"}, {"Host": "evil.example"}, {"Origin": "https://evil.example"}]
)
@pytest.mark.parametrize("path", ["/v1/offers", "/v1/pair"])
def test_a_web_page_is_refused_under_whatever_name_it_found_us(house, header, path):
    client = house.client()
    answer = client.http.request("GET" if path == "/v1/offers" else "POST", client.at + path, headers=header)
    assert answer.json()["error"]["code"] == "wrong-host"
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/v1", "/v1/offers/", "/%2e%2e/etc"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_nothing_else_is_there(client, method, path):
    answer = client.http.request(method, client.at + path, headers=client.signed(method, path))
    assert answer.json()["error"] == {"code": "not-found", "detail": ""}


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b"1" * 10_000, DEEP, b'{"a": NaN}', b"\xff\xfe", b'{"tokens_in": 1e999}',
], ids=lambda body: repr(body[:12]))  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/quotes", "/v1/jobs", f"/v1/jobs/{'0' * 32}/lease"])
def test_junk_for_json(client, path, body):
    answer = client.send("POST", path, body, client.signed("POST", path, body))
    assert answer.code in ("malformed", "job-unknown")


@pytest.mark.parametrize("change", [
    {"manifest": 1}, {"tokens_in": -1}, {"tokens_in": 1.5}, {"tokens_in": True}, {"tokens_out": 2**60},
    {"deadline_s": "x"}, {"manifest": "x" * 10_000},
])  # fmt: skip
def test_junk_in_a_quote(house, client, change):
    asked = {"manifest": house.manifest.digest, "tokens_in": 1, "tokens_out": 1, "deadline_s": 1, **change}
    assert client.ask("POST", "/v1/quotes", asked).code == "malformed"


def sent(client: Client, change: dict, prompt: list[int] | None = None) -> str:
    """What is answered to a job whose sealed part is changed."""
    job = Opened(client, os.urandom(16).hex(), prompt or [1, 2, 3], 0, {"max_tokens": 3})
    job.sealed = client.sealed(job.id, {**job.plain, **change})
    job.tokens_in = 10
    return job.open().code


@pytest.mark.parametrize(("change", "code"), [
    ({"prompt": pack_ids([VOCABULARY])}, "prompt-invalid"), ({"prompt": pack_ids([-1])}, "prompt-invalid"),
    ({"prompt": ""}, "prompt-invalid"), ({"prompt": "!!"}, "malformed"), ({"prompt": [1, 2]}, "malformed"),
    ({"prompt": pack_ids([1] * CONTEXT)}, "prompt-too-long"), ({"replay": 3}, "malformed"),
    ({"replay": -1}, "malformed"), ({"replay": 10**30}, "malformed"), ({"sampling": None}, "malformed"),
    ({"sampling": {"max_tokens": 10**400}}, "malformed"), ({"sampling": {"temperature": {}}}, "quote-unknown"),
    ({"reply_key": ""}, "malformed"),
    ({"reply_key": base64.b64encode(bytes(31)).decode()}, "malformed"),
])  # fmt: skip
def test_junk_inside_the_seal(client, change, code):
    assert sent(client, change) == code


def test_a_seal_for_another_job_key_or_none(client):
    job = Opened(client, os.urandom(16).hex(), [1, 2, 3], 0, {"max_tokens": 3})
    good = job.sealed
    for sealed in (client.sealed("0" * 32, job.plain), base64.b64encode(bytes(200)).decode(), ""):
        job.sealed = sealed
        assert job.open().code == "sealed-wrong"
    job.sealed = "not base64"
    assert job.open().code == "malformed"
    job.id, job.sealed = "../../etc", good
    assert job.open().code == "malformed"


def test_a_prompt_longer_than_the_context_is_told_how_much_fits(client):
    answer = client.ask("POST", "/v1/quotes", {
        "manifest": client.house.manifest.digest, "tokens_in": CONTEXT, "tokens_out": 1, "deadline_s": 1})  # fmt: skip
    assert (answer.code, answer.fields["error"]["detail"]) == ("prompt-too-long", str(CONTEXT - 1))


def test_another_device_s_job_is_not_there(house):
    mine = house.client(1).job([9, SLOW], max_tokens=50)
    theirs = Opened(house.client(2), mine.id, [9, SLOW], 0, {"max_tokens": 50})
    assert theirs.lease(0).code == "job-unknown"
    assert theirs.close().code == "job-unknown"
    assert theirs.open().code == "job-different"
    path = f"/v1/jobs/{mine.id}/stream"
    assert house.client(2).ask("GET", path).code == "job-unknown"
    mine.close()


@pytest.mark.parametrize("after", ["x", "-2", "99999", "1" * 50, "1.5", "%00"])
def test_junk_for_an_event_s_number(house, client, after):
    job = client.job([9], max_tokens=3)
    job.read()
    assert client.ask("GET", f"/v1/jobs/{job.id}/stream?after={after}").code == "malformed"
    job.close()


def test_a_body_without_end_or_packed(house, client):
    def endless():
        while True:
            yield bytes(1 << 20)

    with contextlib.suppress(httpx2.TransportError):  # it may hang up before all of it was sent
        answer = client.http.post(f"{client.at}/v1/jobs", content=endless(), headers=client.signed("POST", "/v1/jobs"))
        assert answer.json()["error"]["code"] == "too-large"
    headers = {**client.signed("POST", "/v1/jobs", b""), "content-length": str(MOST_BODY + 1)}
    with contextlib.suppress(httpx2.TransportError):
        assert client.send("POST", "/v1/jobs", b"x" * (MOST_BODY + 1), headers).code == "too-large"
    packed = {**client.signed("POST", "/v1/unpair", b"{}"), "content-encoding": "gzip"}
    assert client.send("POST", "/v1/unpair", b"{}", packed).code == "malformed"
    assert is_well(house)


def test_leases_without_end_change_nothing_and_are_slowed_down(tmp_path):
    with shared(tmp_path, limits=Limits(requests=5.0, burst=20)) as house:
        job = house.client().job([9, SLOW], max_tokens=50)
        codes = [job.lease(0).code for _ in range(60)]
        assert set(codes) == {"ok", "too-many-requests"}
        assert house.status()["jobs"][0]["tokens_out"] < 50


def test_more_jobs_quotes_and_tokens_than_a_device_may_have(tmp_path):
    with shared(tmp_path, limits=Limits(jobs=2, quotes=3, tokens_per_day=40, alone=60.0)) as house:
        client = house.client()
        promised = client.quote(2, 20)
        jobs = [client.job([9, SLOW], max_tokens=20) for _ in range(2)]
        third = Opened(client, os.urandom(16).hex(), [9], 0, {"max_tokens": 5})
        assert third.open(promised.id).code == "too-many-jobs"
        for job in jobs:
            job.read()
            job.close()
        answer = client.ask("POST", "/v1/quotes", {
            "manifest": house.manifest.digest, "tokens_in": 1, "tokens_out": 1, "deadline_s": 1})  # fmt: skip
        assert answer.code == "day-spent"
        other = house.client(2)
        codes = [other.ask("POST", "/v1/quotes", {"manifest": house.manifest.digest, "tokens_in": 1, "tokens_out": 1,
                                                  "deadline_s": 1}).code for _ in range(5)]  # fmt: skip
        assert codes == ["ok", "ok", "ok", "too-many-requests", "too-many-requests"]


def test_a_client_that_reads_nothing_is_starved_and_the_others_are_answered(tmp_path):
    with shared(tmp_path, limits=Limits(starving=1.0)) as house:
        job = house.client().job([9], max_tokens=3000)
        path = f"/v1/jobs/{job.id}/stream"
        with house.client().http.stream("GET", house.client().at + path, headers=house.client().signed("GET", path)):
            assert is_well(house)
            wait_until(lambda: house.status()["jobs"] == [], 20)
        ended = [one for one in house.link.call("gateway.news", since=0) if one.get("job") == job.id]
        assert [(one["ending"], one["tokens_out"]) for one in ended] == [("starved", 128)]


def raw(port: int, *, tls: bool = True) -> socket.socket:
    plain = socket.create_connection(("127.0.0.1", port), 10)
    if not tls:
        return plain
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context.wrap_socket(plain)


def ends(connection: socket.socket, seconds: float) -> bool:
    """Whether the other side hangs up within so long."""
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def test_a_thousand_connections_are_bounded_and_others_are_answered_meanwhile(house):
    held = []
    try:
        held += [raw(house.port, tls=False) for _ in range(1000)]
        wait_until(lambda: 0 < house.status()["connections"] <= MOST_OF_ONE + 1)
        elsewhere = socket.create_connection(("127.0.0.1", house.port), 10, source_address=("127.0.0.9", 0))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(elsewhere) as connection:
            client = house.client()
            lines = [f"{name}: {value}" for name, value in client.signed("GET", "/v1/offers").items()]
            head = "\r\n".join(["GET /v1/offers HTTP/1.1", f"Host: {client.name}", *lines, "", ""])
            connection.sendall(head.encode())
            connection.settimeout(10)
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    finally:
        for one in held:
            one.close()
    wait_until(lambda: house.status()["connections"] <= len(house.clients))


def test_who_never_shakes_hands_or_never_ends_a_request_is_hung_up_on(house):
    silent, dribbling = raw(house.port, tls=False), raw(house.port)
    with silent, dribbling:
        dribbling.sendall(b"GET /v1/offers HTTP/1.1\r\nX-")
        assert ends(silent, 12)
        for _ in range(30):
            try:
                dribbling.sendall(b"a")
            except OSError:
                break
            time.sleep(0.5)
        assert ends(dribbling, 1)
    assert is_well(house)


def test_heads_that_are_too_long_or_no_http_at_all(house):
    post = b"POST /v1/jobs HTTP/1.1\r\n"
    for words in (b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000, b"\x16\x03\x01" * 1000, b"GET / HTTP/9.9\r\n\r\n",
                  post + b"Content-Length: -5\r\n\r\n",
                  post + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):  # fmt: skip
        with raw(house.port) as connection, contextlib.suppress(OSError):
            connection.sendall(words)
            assert ends(connection, 15)
    with raw(house.port, tls=False) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert ends(plain, 10)
    assert is_well(house)


def test_older_tls_is_not_spoken(house):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_connection(("127.0.0.1", house.port), 10) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain)


def test_an_engine_that_hears_nothing_takes_the_gateway_with_it_and_neither_stays(tmp_path):
    """Its box lets the gateway signal nobody: the closed pipe must do."""
    with shared(tmp_path, limits=Limits(alone=0.5)) as house:
        pid = house.link.pid
        engine = int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
        job = house.client().job([9, DEAF], max_tokens=50)
        job.read(lambda said: len(job.ids) >= 3)
        wait_until(lambda: not is_alive(pid), 30)
        wait_until(lambda: not is_alive(engine), 70)


def test_nothing_that_was_said_is_on_the_disk(house, client, tmp_path):
    marked = [1999, 1998, 1997, 1996] * 50
    job = client.job(marked, max_tokens=10)
    job.read()
    job.close()
    packed = base64.b64decode(pack_ids(marked[:8]))
    for path in house.folder.parent.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert packed not in content
            assert job.id.encode() not in content
    line = (house.folder / "journal").read_text()
    assert client.who.address.lower() not in line
