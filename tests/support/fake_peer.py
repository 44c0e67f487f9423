"""A paired device inside the test: answers as docs/peers.md says, signs and seals with real keys, and lies on request.

peer = FakePeer(FakeEngine("Hel", "lo"))     # what it answers with
line = FakeLine(peer)                        # the way to it, which a test can cut
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from freehold.engine.values import Finished, Reading, Written, sampling_from_wire
from freehold.foundation.canonical import canonical
from freehold.foundation.stop import Stop
from freehold.identity import certificates, sealing, signatures
from freehold.identity.values import NodeCertificate
from freehold.market.errors import REASONS
from freehold.market.records import Device
from freehold.market.values import PROTOCOL, Manifest, Offer, Quote, Receipt, granted, opening_hash, rolled
from freehold.processes.frames import pack_ids, unpack_ids

HOST, PORT = "192.168.1.20", 4711


@dataclass(frozen=True)
class Identity:
    """One machine's keys, private ones included."""

    name: str
    owner: bytes
    node: bytes
    hpke: bytes

    @property
    def node_key(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self.node).public_key().public_bytes_raw().hex()

    @property
    def hpke_key(self) -> str:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        return X25519PrivateKey.from_private_bytes(self.hpke).public_key().public_bytes_raw().hex()

    @property
    def address(self) -> str:
        return certificates.address_of(self.owner)

    @property
    def tls(self) -> str:
        return certificates.tls_identity(self.node).certificate.decode()

    def certificate(self, now: float | None = None) -> NodeCertificate:
        return certificates.certify(
            self.owner, name=self.name, node_key=bytes.fromhex(self.node_key), hpke_key=bytes.fromhex(self.hpke_key),
            now=time.time() if now is None else now,
        )  # fmt: skip


@cache
def identity(name: str, number: int) -> Identity:
    return Identity(name, *(bytes([number + step]) * 32 for step in (0, 64, 128)))


HERE, STUDIO, LAPTOP = identity("Desk", 1), identity("Studio", 2), identity("Laptop", 3)


def known(who: Identity, **fields: Any) -> Device:
    """The device as it was paired."""
    told = {
        "name": who.name, "node_key": who.node_key, "hpke_key": who.hpke_key,
        "certificate": who.certificate().to_wire(), "tls": who.tls, "host": HOST, "port": PORT, "paired": 1000.0,
    }  # fmt: skip
    return Device(who.address.lower(), **{**told, **fields})


def manifest_of(sha256: str = "aa" * 32, **fields: Any) -> Manifest:
    told = {"vocabulary_sha256": "bb" * 32, "quantisation": "Q4_0", "context": 512, "engine": "fake 1"}
    return Manifest("Tiny", sha256, **{**told, **fields})


class FakePeer:
    """`engine` is any engine with a model loaded. Whatever a test puts in `says`, by kind of event, is said instead."""

    def __init__(self, engine: Any, who: Identity = STUDIO, manifest: Manifest | None = None) -> None:
        self.engine, self.who, self.manifest = engine, who, manifest or manifest_of()
        self.vocabulary = b"a vocabulary"
        self.says: dict[str, Callable[[dict[str, Any]], dict[str, Any] | None]] = {}
        self.receipt: Callable[[Receipt], Receipt] = lambda receipt: receipt
        self.answers: dict[str, Callable[[Any], Any]] = {}  # by the last part of a path
        self.refuses: dict[str, str] = {}
        self.signs_as = who
        self.asked: list[tuple[str, str]] = []
        self.jobs: dict[str, FakeJob] = {}
        self.now = time.time

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """A whole answer, signed."""
        self.asked.append((method, path))
        url = f"https://{HOST}:{PORT}{path}"
        signed = signatures.verify_request(method=method, url=url, headers=headers, body=body, now=self.now())
        name = path.rpartition("/")[2].partition("?")[0]
        if name in self.refuses:
            code = self.refuses[name]
            status, said = REASONS[code].status, canonical({"error": {"code": code, "detail": "YOUR FAULT"}})
        else:
            told = self._told(method, path, json.loads(body or b"{}"), signed.certificate)
            status, said = 200, told if isinstance(told, bytes) else canonical(self._changed(name, told))
        return status, self._signed(status, said, method, url, headers), said

    def stream(self, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], Iterator[str]]:
        self.asked.append(("GET", path))
        url = f"https://{HOST}:{PORT}{path}"
        signatures.verify_request(method="GET", url=url, headers=headers, body=b"", now=self.now())
        job = self.jobs[path.split("/")[3]]
        after = int(path.rpartition("=")[2])
        return 200, self._signed(200, None, "GET", url, headers), job.events(after)

    def _signed(
        self, status: int, body: bytes | None, method: str, url: str, headers: Mapping[str, str]
    ) -> dict[str, str]:
        request = signatures.Request(method, url, headers)
        return signatures.sign_response(
            self.signs_as.node, status=status, body=body, headers={}, request=request, now=self.now()
        )

    def _changed(self, name: str, told: Any) -> Any:
        return self.answers[name](told) if name in self.answers else told

    def _told(self, method: str, path: str, said: Any, client: Mapping[str, Any]) -> Any:
        parts = path.split("/")[2:]
        if parts == ["offers"]:
            return {"offers": [Offer(self.manifest, self.who.hpke_key).to_wire()]}
        if parts[0] == "vocabularies":
            return self.vocabulary
        if parts == ["quotes"]:
            self.quote = Quote("a quote", said["manifest"], said["tokens_in"], said["tokens_out"], 0.0, self.now() + 60)
            return self.quote.to_wire()
        if parts == ["jobs"]:
            job = self.jobs.setdefault(said["job"], FakeJob(self, said, client))
            return {"job": said["job"], "opening": job.opening, "granted": granted(0)}
        if parts[-1] == "lease":
            return self.jobs[parts[1]].lease(said["accepted"], said["transcript"])
        if parts[-1] == "close":
            return {"receipt": self.jobs[parts[1]].close(said["accepted"], said["transcript"]).to_wire()}
        return {}


class FakeJob:
    """One job at the other side: what was sealed, opened; and its stream, made as it is read."""

    def __init__(self, peer: FakePeer, said: Mapping[str, Any], client: Mapping[str, Any]) -> None:
        self.peer, self.id, self.client = peer, str(said["job"]), str(client["owner"])
        plain = json.loads(sealing.unseal(
            peer.who.hpke, base64.b64decode(said["sealed"]), f"{PROTOCOL} {self.id}".encode()
        ))  # fmt: skip
        self.prompt, self.replay = tuple(unpack_ids(plain["prompt"])), plain["replay"]
        self.sampling, self.wish = plain["sampling"], sampling_from_wire(plain["sampling"])
        self.envelopes = sealing.Envelopes(base64.b64decode(plain["reply_key"]), self.id)
        self.opening = opening_hash(peer.manifest, self.prompt, self.sampling)
        self.transcripts, self.ids = [self.opening], []
        self.accepted, self.told = 0, []
        self.said = self._said()
        self.stop = Stop()
        self.ended: Receipt | None = None
        self.opened = peer.now()

    def lease(self, accepted: int, transcript: str) -> dict[str, Any]:
        assert transcript == self.transcripts[accepted], "the two sides hold different tokens"
        self.accepted = max(self.accepted, accepted)
        return {"granted": granted(self.accepted)}

    def close(self, accepted: int, transcript: str) -> Receipt:
        self.stop.set()
        assert transcript == self.transcripts[accepted], "the two sides hold different tokens"
        self.ended = self.ended or self._receipt("stopped", accepted)
        return self.ended

    def events(self, after: int) -> Iterator[str]:
        yield from self.told[after + 1 :]
        for one in self.said:
            self.told.append(one)
            yield one

    def _said(self) -> Iterator[str]:
        number = 0
        for event in self._events():
            change = self.peer.says.get(event["kind"])
            told = change(event) if change is not None else event
            while told is not None:
                yield self.envelopes.seal(number, told)
                number += 1
                told = told.pop("again", None)

    def _events(self) -> Iterator[dict[str, Any]]:
        sampling = replace(self.wish, max_tokens=self.wish.max_tokens)
        options = {"replayed": self.replay} if self.replay else {}
        steps = self.peer.engine.generate(self.prompt, sampling, self.stop, **options)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                finished: Finished = end.value
                break
            if isinstance(step, Reading):
                yield {"kind": "reading", "done": step.done, "total": step.total}
            if isinstance(step, Written) and step.ids:
                first = len(self.ids)
                self.ids.extend(step.ids)
                for one in step.ids:
                    self.transcripts.append(rolled(self.transcripts[-1], [one]))
                yield {
                    "kind": "tokens", "first": first, "ids": pack_ids(step.ids), "transcript": self.transcripts[-1]
                }  # fmt: skip
                if len(self.ids) >= granted(self.accepted):
                    yield {"kind": "starved", "granted": granted(self.accepted)}
        self.ended = self.ended or self._receipt(finished.ending, len(self.ids))
        yield {"kind": "end", "ending": finished.ending, "receipt": self.ended.to_wire()}

    def _receipt(self, ending: str, count: int) -> Receipt:
        peer = self.peer
        bare = Receipt(
            self.id, peer.who.address, self.client, peer.manifest, self.opening, len(self.prompt), count,
            self.transcripts[count], ending, self.opened, peer.now(), peer.who.certificate(peer.now()).to_wire(),
        )  # fmt: skip
        told = peer.receipt(bare)
        return replace(told, signature=signatures.sign_content(peer.signs_as.node, told.signed_bytes()))
