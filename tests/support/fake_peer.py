"""A paired device inside the test: answers as docs/peers.md says, signs and seals with real keys, and lies on request.

peer = FakePeer(FakeEngine("Hel", "lo"))     # what it answers with
line = FakeLine(peer)                        # the way to it, which a test can cut
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from freehold.chats.conversations import Conversations
from freehold.chats.store import ChatStore
from freehold.engine.values import Finished, Loaded, Reading, Written, sampling_from_wire
from freehold.foundation.canonical import canonical
from freehold.foundation.errors import Interrupted, PeerUnreachable
from freehold.foundation.stop import Stop
from freehold.identity import certificates, ethereum, sealing, signatures
from freehold.identity.values import NodeCertificate
from freehold.market.books import Books
from freehold.market.client import Client
from freehold.market.courier import Courier
from freehold.market.errors import REASONS
from freehold.market.peer_engine import PeerEngine
from freehold.market.records import Paired
from freehold.market.store import MarketStore
from freehold.market.values import PROTOCOL, Manifest, Offer, Quote, Receipt, granted, opening_hash, rolled
from freehold.market.vocabularies import Vocabularies
from freehold.network.peer_values import PeerAnswer, Target
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.vault.settings_store import SettingsStore
from support import couriers
from support.engines import FakeEngine, FakeTokenizer
from support.vaults import InProcess, open_safe, profile_in

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
        return ethereum.address_of(self.owner)

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


def known(who: Identity, **fields: Any) -> Paired:
    """The device as it was paired."""
    told = {
        "name": who.name, "node_key": who.node_key, "hpke_key": who.hpke_key,
        "certificate": who.certificate().to_wire(), "tls": who.tls, "host": HOST, "port": PORT, "paired": 1000.0,
    }  # fmt: skip
    return Paired(who.address.lower(), **{**told, **fields})


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

    def url(self, path: str) -> str:
        return Target(HOST, PORT, self.who.tls).url(path)

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """A whole answer, signed."""
        self.asked.append((method, path))
        url = self.url(path)
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
        url = self.url(path)
        signatures.verify_request(method="GET", url=url, headers=headers, body=b"", now=self.now())
        job = self.jobs[path.split("/")[3]]
        after = int(path.partition("?after=")[2] or -1)
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
        self.said.close()  # and with it the engine's answer
        self.ended = self.ended or self._receipt("stopped", accepted)
        return self.ended

    def events(self, after: int) -> Iterator[str]:
        yield from self.told[after + 1 :]
        for one in self.said:
            self.told.append(one)
            yield one

    def _said(self) -> Generator[str, None, None]:
        number = 0
        for event in self._events():
            change = self.peer.says.get(event["kind"])
            told = change(event) if change is not None else event
            while told is not None:
                yield self.envelopes.seal(number, told)
                number += 1
                told = told.pop("again", None)

    def _events(self) -> Iterator[dict[str, Any]]:
        options = {"replayed": self.replay} if self.replay else {}
        steps = self.peer.engine.generate(self.prompt, self.wish, self.stop, **options)
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


class FakeKeys:
    """This machine's signer: signs with `HERE`'s keys and remembers what was declared. `refuses` is raised instead."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.now, self.signed, self.refuses = now, [], None
        self.certified = HERE.certificate(now()).to_wire()

    def sign_request(
        self, peer: str, method: str, url: str, body: bytes = b"", data_class: str = "words", *,
        job: str | None = None, tokens: int = 0, confirmed: bool = False,
    ) -> dict[str, str]:  # fmt: skip
        if self.refuses is not None:
            raise self.refuses
        self.signed.append((peer, method, url.partition("/v1/")[2], data_class, job, tokens, confirmed))
        return signatures.sign_request(
            HERE.node, method=method, url=url, body=body, certificate=self.certified, now=self.now(),
            nonce=secrets.token_hex(16),
        )  # fmt: skip


class FakeLine:
    """The way to fake devices, by their ports. `cut` says for each request whether the connection breaks, and when:
    `cut(method, path)` gives None, or after how many events (0: before anything arrives; -1: before it is sent).
    """

    def __init__(self, *peers: FakePeer) -> None:
        self.peers = {PORT + place: peer for place, peer in enumerate(peers)}
        self.cut: Callable[[str, str], int | None] = lambda method, path: None
        self.rows: list[tuple[str, str]] = []

    def ask(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: str, stop: Stop | None = None, most: int = 0,
    ) -> PeerAnswer:  # fmt: skip
        cut = self._reach(target, method, path, data_class, stop)
        status, told, said = self.peers[target.port].answer(method, path, headers, body)
        if cut is not None:
            raise PeerUnreachable(f"{target.name}: gone")
        return PeerAnswer(status, {name.lower(): value for name, value in told.items()}, said)

    def stream(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: str, stop: Stop | None = None, silence: float = 0.0,
        head: Callable[[PeerAnswer], None] = lambda _: None,
    ) -> Generator[str, None, PeerAnswer]:  # fmt: skip
        cut = self._reach(target, method, path, data_class, stop)
        status, told, events = self.peers[target.port].stream(path, headers)
        answer = PeerAnswer(status, {name.lower(): value for name, value in told.items()})
        head(answer)
        for count, event in enumerate(events):
            if stop is not None and stop.is_set():
                raise Interrupted("Freehold ended the connection.")
            if count == cut:
                raise PeerUnreachable(f"{target.name}: gone")
            yield event
        return answer

    def _reach(self, target: Target, method: str, path: str, data_class: str, stop: Stop | None) -> int | None:
        if stop is not None and stop.is_set():
            raise Interrupted("Freehold ended the connection.")
        self.rows.append((path.rsplit("/", maxsplit=1)[-1].partition("?")[0], data_class))
        cut = self.cut(method, path)
        if target.port not in self.peers or cut == -1:
            raise PeerUnreachable(f"{target.name}: nobody there")
        return cut


def loaded_fake(*words: Any, limit: int = 512, **options: Any) -> FakeEngine:
    """A fake engine with a model loaded, as the one behind a gateway has."""
    engine = FakeEngine(*words, limit=limit, **options)
    engine._loaded = Loaded("tiny", "Tiny", "aa" * 32, limit, 0, 1, "freehold", 1)
    return engine


class House:
    """One machine that asks: books in a real store, a courier and tokenizers without their processes.

    Several threads need a `vault` with a process of its own.
    """

    def __init__(self, folder: Path, *peers: FakePeer, line: Any = None, vault: Any = None) -> None:
        profile = profile_in(folder)
        self.safe = open_safe(folder, (ChatStore, MarketStore, SettingsStore)) if vault is None else None
        self.vault = vault or InProcess(self.safe)
        self.books, self.keys = Books(self.vault), FakeKeys()
        self.courier = Courier(profile, pipe=couriers.InProcess(time.time))
        self.line: Any = line or FakeLine(*peers)
        self.vocabularies = Vocabularies(profile, tokenizer=FakeTokenizer)
        self.chat = Conversations(self.vault).create().id
        for place, peer in enumerate(peers):
            digest = hashlib.sha256(peer.vocabulary).hexdigest()
            peer.manifest = replace(peer.manifest, vocabulary_sha256=digest)
            offers = (Offer(peer.manifest, peer.who.hpke_key),)
            self.books.pair(known(peer.who, port=PORT + place, offers=offers, paired=1000.0 + place))

    def client(self, place: int = 0) -> Client:
        return Client(self.books.devices()[place], self.line, self.keys, self.courier)

    def engine(self, place: int = 0, **options: Any) -> PeerEngine:
        return PeerEngine(
            self.client(place), self.courier, self.books, self.vocabularies,
            client_address=lambda: HERE.address, **options,
        )  # fmt: skip

    def close(self) -> None:
        if self.safe is not None:
            self.safe.close()
