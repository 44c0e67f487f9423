"""The app's side of the courier: what peers say goes in as it came, and comes out as values of ours."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from freehold.foundation.paths import Profile, resources
from freehold.market.errors import PeerRefused
from freehold.market.receipts import Bundle
from freehold.market.values import Manifest, Receipt
from freehold.processes.boxes import reading
from freehold.processes.frames import pack_ids, unpack_ids
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

Fields = dict[str, Any]


class Pipe(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...
    def end(self, seconds: float = 2.0) -> None: ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as it was sent, and the answer as it came; `body` None is a stream's head."""

    node_key: str
    method: str
    url: str
    sent: Mapping[str, str]
    status: int
    headers: Mapping[str, str]
    body: bytes | None = None

    def to_wire(self) -> Fields:
        return {
            "node_key": self.node_key, "method": self.method, "url": self.url, "sent": dict(self.sent),
            "status": self.status, "headers": dict(self.headers),
            "body": None if self.body is None else base64.b64encode(self.body).decode(),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Met:
    """The device at the other end of a pairing, and the words that both screens show."""

    name: str
    owner: str
    certificate: Mapping[str, Any]
    tls: str
    node_key: str
    hpke_key: str
    words: tuple[str, ...]


class Courier:
    """Started by the first thing that is asked of it. Raises PeerUntrusted, PairingRefused, WorkerStopped."""

    def __init__(self, profile: Profile, *, pipe: Pipe | None = None) -> None:
        def start() -> subprocess.Popen[bytes]:
            words = resources() / "words"  # that both screens show after a pairing
            return spawn(worker_command("courier", *reading(str(words))), profile.scratch)

        self._pipe: Pipe = pipe or Link("courier", start)

    def read(self, kind: str, exchange: Exchange) -> Fields:
        """The value of a whole answer. Raises PeerRefused with our words when the peer said no."""
        told: Fields = self._pipe.call("courier.read", kind=kind, **exchange.to_wire())
        if "refused" in told:
            raise PeerRefused.because(told["refused"])
        value: Fields = told["value"]
        return value

    def prove(self, exchange: Exchange) -> None:
        """That the peer itself gave this answer, whatever it is."""
        self._pipe.call("courier.proved", **exchange.to_wire())

    def seal(
        self, job: str, hpke_key: str, manifest: Manifest, prompt: Sequence[int], sampling: Mapping[str, Any], *,
        replay: int, most: int, vocabulary: int,
    ) -> tuple[str, str]:  # fmt: skip
        """A job sealed for a peer, base64, and the opening hash that its receipt must bear."""
        told = self._pipe.call(
            "courier.seal", job=job, hpke_key=hpke_key, manifest=asdict(manifest), prompt=pack_ids(prompt),
            replay=replay, sampling=dict(sampling), most=most, vocabulary=vocabulary,
        )  # fmt: skip
        return told["sealed"], told["opening"]

    def hear(self, job: str, event: str, accepted: int) -> Fields:
        """The next event of a job's stream, opened and checked (hearing.py); `accepted` tokens were acknowledged."""
        return dict(self._pipe.call("courier.hear", job=job, event=event, accepted=accepted))

    def settle(self, job: str, *, device: str, node_key: str, client: str, ending: str, receipt: Any = None) -> Receipt:
        """The job's receipt, once it holds."""
        told = self._pipe.call(
            "courier.settle", job=job, device=device, node_key=node_key, client=client, ending=ending, receipt=receipt
        )
        return Receipt.from_wire(told)

    def drop(self, job: str) -> None:
        self._pipe.call("courier.drop", job=job)

    def begin_pairing(self, code: str, tls: str, introduction: Mapping[str, Any]) -> Fields:
        """What to ask first of the device whose certificate has this fingerprint."""
        return dict(self._pipe.call("courier.begin_pairing", code=code, tls=tls, introduction=dict(introduction)))

    def confirm_pairing(self, body: bytes) -> Fields:
        return dict(self._pipe.call("courier.confirm_pairing", body=base64.b64encode(body).decode()))

    def finish_pairing(self, body: bytes) -> Met:
        told = self._pipe.call("courier.finish_pairing", body=base64.b64encode(body).decode())
        return Met(**told | {"words": tuple(told["words"])})

    def certified(self, certificate: Mapping[str, Any], owner: str, node_key: str) -> Fields:
        """A certificate of this owner for this node key that is good now."""
        return dict(self._pipe.call("courier.certified", certificate=dict(certificate), owner=owner, node_key=node_key))

    def examine(self, bundle: bytes) -> tuple[str, Bundle | None]:
        """Why a bundle does not hold, in words; empty when it does, and then what is in it."""
        told = self._pipe.call("courier.examine", bundle=base64.b64encode(bundle).decode())
        if told["reason"]:
            return str(told["reason"]), None
        prompt, answer = (tuple(unpack_ids(told[name])) for name in ("prompt", "answer"))
        return "", Bundle(Receipt.from_wire(told["receipt"]), prompt, answer, told["sampling"])

    def close(self) -> None:
        """End the process, and with it the reply keys of open jobs."""
        self._pipe.end()
