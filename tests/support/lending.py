"""A gateway for tests, the real process, and a tiny client that speaks docs/peers.md to it over real TLS.

with shared(tmp_path) as house: ...             # a gateway in front of the real engine with the starter model
with shared(tmp_path, engine=FAKE) as house:    # in front of an engine that writes 1, 2, 3 ... as fast as it is told
client = house.client()                         # a paired device
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from freehold.engine import gguf
from freehold.engine.vocabulary_file import write_vocabulary
from freehold.foundation.canonical import canonical
from freehold.foundation.paths import Profile
from freehold.identity import certificates, sealing, signatures
from freehold.identity.sealing import Envelopes
from freehold.identity.values import NodeCertificate
from freehold.market.lending.values import Limits
from freehold.market.values import PROTOCOL, Manifest, Quote, rolled
from freehold.network.peer_values import authority_of
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.link import Link
from freehold.processes.spawn import spawn
from freehold.vault.handover import seal
from support.engines import starter_path

TESTS = Path(__file__).resolve().parents[1]
VOCABULARY = 2000  # ids of the fake model
CONTEXT = 4096

# A gateway as app.work starts it, but for the engine.
_GATEWAY = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from freehold.processes.boxes import box_of, close_in
from freehold.processes.spawn import spawn
engine = spawn([sys.executable, "-c", {engine!r}], Path.cwd())
close_in(box_of("gateway", Path.cwd()))
from freehold.market.lending.worker import serve_gateway
serve_gateway(engine)
"""
FAKE = f"import sys; sys.path.insert(0, {str(TESTS)!r}); from support.lent_engine import serve; serve()"
REAL = "from freehold.engine.worker import serve_engine; serve_engine()"


@dataclass(frozen=True)
class Person:
    """An owner with a device: all its keys."""

    owner: bytes
    node: bytes
    hpke: bytes
    certificate: NodeCertificate

    @property
    def address(self) -> str:
        return self.certificate.owner

    @property
    def tls(self) -> certificates.TlsIdentity:
        return certificates.tls_identity(self.node)


def person(number: int, name: str = "", now: float | None = None) -> Person:
    owner, node, hpke = (bytes([number] * 31 + [kind]) for kind in (1, 2, 3))
    certificate = certificates.certify(
        owner, name=name or f"device {number}", now=time.time() if now is None else now,
        node_key=Ed25519PrivateKey.from_private_bytes(node).public_key().public_bytes_raw(),
        hpke_key=X25519PrivateKey.from_private_bytes(hpke).public_key().public_bytes_raw(),
    )  # fmt: skip
    return Person(owner, node, hpke, certificate)


@dataclass
class House:
    """A gateway that listens on loopback, and the app's end of its pipe."""

    link: Link
    port: int
    host: Person
    manifest: Manifest
    folder: Path
    guests: dict[int, Person] = field(default_factory=dict)
    tls: str = ""  # the gateway's certificate, PEM
    clients: dict[int, Client] = field(default_factory=dict)

    def client(self, number: int = 1) -> Client:
        """The device of this number."""
        if number not in self.clients:
            self.clients[number] = Client(self, self.guests[number])
        return self.clients[number]

    def close(self) -> None:
        for client in self.clients.values():
            client.http.close()

    def status(self) -> dict[str, Any]:
        return self.link.call("gateway.status")


@contextmanager
def shared(
    folder: Path, *, engine: str = FAKE, limits: Limits | None = None, guests: int = 2, context: int = CONTEXT,
    silence: float = 60.0,
) -> Iterator[House]:  # fmt: skip
    """A gateway in front of `engine` for paired devices numbered 1, 2 ...; ended afterwards."""
    profile = Profile(folder / "home")
    profile.prepare()
    profile.share.mkdir(exist_ok=True)
    host, people = person(99, "lender"), {number: person(number) for number in range(1, guests + 1)}
    source = _GATEWAY.format(tests=str(TESTS), engine=engine)
    link = Link("gateway", lambda: spawn([sys.executable, "-c", source], profile.scratch), silence=silence)
    try:
        house = _opened(link, profile, host, people, engine, limits or Limits(), context)
        with contextlib.closing(house):
            yield house
    finally:
        link.end()


def _opened(link, profile, host, people, engine, limits, context) -> House:
    vocabulary = profile.share / "vocabulary.gguf"
    if engine == REAL:
        model, facts = starter_path(), gguf.inspect(starter_path())
        sha256, ids = write_vocabulary(model, vocabulary), facts.vocabulary
    else:
        model, ids = Path("fake.gguf"), VOCABULARY
        vocabulary.write_bytes(b"GGUF without tensors")
        sha256 = "5" * 64
    loaded = link.call("gateway.load", path=str(model), context=context, gpu_layers=0, threads=2)
    manifest = Manifest("a model", "a" * 64, sha256, "Q4_1", loaded["limit"], loaded["build"])
    keys = {"node": host.node.hex(), "hpke": host.hpke.hex(), "certificate": host.certificate.to_wire(),
            "tls_certificate": host.tls.certificate.decode(), "tls_key": host.tls.key.decode()}  # fmt: skip
    sealed = seal(bytes.fromhex(link.call("gateway.receiver")), canonical(keys)).hex()
    begun = link.call(
        "gateway.start", sealed=sealed, host="127.0.0.1", port=0, manifest=_wire(manifest), vocabulary=str(vocabulary),
        ids=ids, allowed=[one.address for one in people.values()], limits=limits.to_wire(), folder=str(profile.share),
        announces=False,
    )  # fmt: skip
    return House(link, begun["port"], host, manifest, profile.share, people, host.tls.certificate.decode())


def _wire(manifest: Manifest) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(manifest)


@dataclass(frozen=True)
class Answer:
    status: int
    fields: Any
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return self.fields["error"]["code"] if self.status != 200 else "ok"


class Client:
    """A device that does as docs/peers.md says, unless it is told to do otherwise."""

    def __init__(self, house: House, who: Person) -> None:
        self.house, self.who = house, who
        self.at = f"https://127.0.0.1:{house.port}"
        self.name = authority_of(house.tls)
        self.to = f"https://{self.name}"  # what is signed
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(cadata=house.tls)
        self.http = httpx2.Client(verify=context, timeout=30.0, trust_env=False, headers={"host": self.name})

    def signed(
        self, method: str, path: str, body: bytes = b"", *, now: float | None = None, nonce: str = "", at: str = "",
        certificate: dict[str, Any] | None = None,
    ) -> dict[str, str]:  # fmt: skip
        shown = self.who.certificate.to_wire() if certificate is None else certificate
        return signatures.sign_request(
            self.who.node, method=method, url=(at or self.to) + path, body=body, certificate=shown,
            now=time.time() if now is None else now, nonce=nonce or os.urandom(16).hex(),
        )  # fmt: skip

    def ask(self, method: str, path: str, fields: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        """A whole exchange, the answer's signature checked where the request had one."""
        body = b"" if fields is None else canonical(fields)
        sent = self.signed(method, path, body) if headers is None else headers
        return self.send(method, path, body, sent)

    def send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Answer:
        response = self.http.request(method, self.at + path, content=body, headers=headers)
        if "signature" in {name.lower() for name in headers}:
            signatures.verify_response(
                node_key=self.house.host.certificate.node_key, status=response.status_code,
                headers=dict(response.headers), body=response.content,
                request=signatures.Request(method, self.to + path, headers),
            )  # fmt: skip
        kind = response.headers.get("content-type", "")
        said = json.loads(response.content) if kind == "application/json" else response.content
        return Answer(response.status_code, said, dict(response.headers))

    def quote(self, tokens_in: int = 100, tokens_out: int = 10_000) -> Quote:
        asked = {"manifest": self.house.manifest.digest, "tokens_in": tokens_in, "tokens_out": tokens_out}
        answer = self.ask("POST", "/v1/quotes", {**asked, "deadline_s": 60})
        assert answer.status == 200, answer
        return Quote.from_wire(answer.fields)

    def sealed(self, job: str, plain: Any) -> str:
        key = self.house.host.certificate.hpke_key
        return base64.b64encode(sealing.seal(key, canonical(plain), f"{PROTOCOL} {job}".encode())).decode()

    def job(self, prompt: list[int], **sampling: Any) -> Opened:
        """A job that was opened; `replay` is taken from `sampling`."""
        replay = sampling.pop("replay", 0)
        wish = {"temperature": 0.0, "max_tokens": 32, **sampling}
        made = Opened(self, os.urandom(16).hex(), prompt, replay, wish)
        answer = made.open()
        assert answer.status == 200, answer
        assert answer.fields["opening"] == made.opening
        return made


class Opened:
    """One job as its client sees it."""

    def __init__(self, client: Client, id: str, prompt: list[int], replay: int, sampling: dict[str, Any]) -> None:
        from freehold.market.values import opening_hash

        self.client, self.id, self.key = client, id, os.urandom(32)
        self.plain = {"prompt": pack_ids(prompt), "replay": replay, "sampling": sampling,
                      "reply_key": base64.b64encode(self.key).decode()}  # fmt: skip
        self.sealed = client.sealed(id, self.plain)
        self.opening = self.transcript = opening_hash(client.house.manifest, prompt, sampling)
        self.tokens_in, self.most = len(prompt), sampling["max_tokens"]
        self.ids: list[int] = []
        self.number = -1
        self.events: list[dict[str, Any]] = []
        self.end: dict[str, Any] | None = None

    def open(self, quote: str = "") -> Answer:
        quote = quote or self.client.quote(self.tokens_in, self.most).id
        return self.client.ask("POST", "/v1/jobs", {"job": self.id, "quote": quote, "sealed": self.sealed})

    def lease(self, accepted: int | None = None, transcript: str = "") -> Answer:
        accepted = len(self.ids) if accepted is None else accepted
        transcript = transcript or rolled(self.opening, self.ids[:accepted])
        path = f"/v1/jobs/{self.id}/lease"
        return self.client.ask("POST", path, {"accepted": accepted, "transcript": transcript})

    def close(self) -> Answer:
        fields = {"accepted": len(self.ids), "transcript": self.transcript}
        return self.client.ask("POST", f"/v1/jobs/{self.id}/close", fields)

    def read(
        self, until: Callable[[dict[str, Any]], object] = lambda _: False, *, leases: bool = True
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Follow the stream to its end, or to the event that `until` is true of, checking all that it says."""
        path = f"/v1/jobs/{self.id}/stream" + (f"?after={self.number}" if self.number >= 0 else "")
        headers = self.client.signed("GET", path)
        began = len(self.events)
        with self.client.http.stream("GET", self.client.at + path, headers=headers) as response:
            assert response.status_code == 200, response.read()
            signatures.verify_response(
                node_key=self.client.house.host.certificate.node_key, status=200, headers=dict(response.headers),
                body=None, request=signatures.Request("GET", self.client.to + path, headers),
            )  # fmt: skip
            for line in response.iter_lines():
                if not line.startswith("data: "):
                    continue
                said = self._take(line.removeprefix("data: "))
                if leases and said["kind"] == "tokens" and len(self.ids) // 64 > said["first"] // 64:
                    assert self.lease(len(self.ids) // 64 * 64).status == 200
                if said["kind"] == "end" or until(said):
                    break
        return self.events[began:]

    def _take(self, sealed: str) -> dict[str, Any]:
        self.number += 1
        said: dict[str, Any] = Envelopes(self.key, self.id).open(self.number, sealed)
        self.events.append(said)
        if said["kind"] == "tokens":
            assert said["first"] == len(self.ids)
            self.ids += unpack_ids(said["ids"])
            self.transcript = rolled(self.opening, self.ids)
            assert said["transcript"] == self.transcript
        if said["kind"] == "end":
            self.end = said
        return said
