"""What is asked of one paired device, one method for each thing (docs/peers.md). Every answer has been proved and read.

A request is signed by the signer and sent by the network process; what comes back goes to the courier as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any, Protocol

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import PeerUntrusted
from freehold.foundation.stop import Stop
from freehold.market.courier import Courier, Exchange
from freehold.market.records import Paired
from freehold.market.values import Manifest, Offer, Quote
from freehold.network.peer_values import MOST_BODY, PeerAnswer, Target
from freehold.network.values import DataClass

MOST_VOCABULARY = 48 * 1024 * 1024  # bytes; as base64 it still fits a frame on the pipe
_OK = 200

Fields = dict[str, Any]


class Line(Protocol):
    """network.peer_line.PeerLine."""

    def ask(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: DataClass, stop: Stop | None = None, most: int = ...,
    ) -> PeerAnswer: ...  # fmt: skip
    def stream(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: DataClass, stop: Stop | None = None, silence: float = ...,
        head: Callable[[PeerAnswer], None] = ...,
    ) -> Generator[str, None, PeerAnswer]: ...  # fmt: skip


class Keys(Protocol):
    """identity.keys.Keys."""

    def sign_request(
        self, peer: str, method: str, url: str, body: bytes = ..., data_class: Any = ..., *, job: str | None = None,
        tokens: int = 0, confirmed: bool = False,
    ) -> dict[str, str]: ...  # fmt: skip


class Client:
    """Raises Offline, MandateRefused, KeyMissing, PeerUnreachable, PeerUntrusted, PeerRefused, and Interrupted when
    `stop` was set.
    """

    def __init__(self, device: Paired, line: Line, keys: Keys, courier: Courier) -> None:
        self.device = device
        self._line, self._keys, self._courier = line, keys, courier
        self._target = Target(device.host, device.port, device.tls, device.name)

    def offers(self, stop: Stop | None = None) -> tuple[Offer, ...]:
        told = self._ask("offers", "GET", "/v1/offers", "what a device offers", stop=stop)
        return tuple(Offer.from_wire(one) for one in told["offers"])

    def vocabulary(self, sha256: str, stop: Stop | None = None) -> bytes:
        """A vocabulary file, as it came: whether it is the one is for the caller to compare."""
        path = f"/v1/vocabularies/{sha256}"
        exchange = self._exchange("GET", path, b"", "a model's vocabulary", stop=stop, most=MOST_VOCABULARY)
        if exchange.status != _OK:
            self._courier.read("nothing", exchange)  # raises what the device refused
        self._courier.prove(exchange)
        return exchange.body or b""

    def quote(
        self, manifest: Manifest, *, tokens_in: int, tokens_out: int, deadline_s: int, stop: Stop | None = None
    ) -> Quote:
        said = {"manifest": manifest.digest, "tokens_in": tokens_in, "tokens_out": tokens_out, "deadline_s": deadline_s}
        quote = Quote.from_wire(self._ask("quote", "POST", "/v1/quotes", "a promise", said, stop=stop))
        if (quote.manifest, quote.tokens_in, quote.tokens_out) != (manifest.digest, tokens_in, tokens_out):
            raise PeerUntrusted("it promised something else than it was asked")
        return quote

    def open(
        self, job: str, quote: Quote, sealed: str, *, data_class: DataClass, tokens: int, confirmed: bool = False,
        stop: Stop | None = None,
    ) -> str:  # fmt: skip
        """Send a job; the opening hash that it was taken with. The same job again is the same job."""
        said = {"job": job, "quote": quote.id, "sealed": sealed}
        told = self._ask(
            "opened", "POST", "/v1/jobs", "an answer", said, data_class=data_class, stop=stop, job=job, tokens=tokens,
            confirmed=confirmed,
        )  # fmt: skip
        if told["job"] != job:
            raise PeerUntrusted("it took another job")
        return str(told["opening"])

    def stream(self, job: str, after: int, *, silence: float, stop: Stop) -> Generator[str, None, None]:
        """The events of a job after that number, sealed; -1 for all."""
        path = f"/v1/jobs/{job}/stream" + (f"?after={after}" if after >= 0 else "")
        url = self._target.url(path)
        sent = self._keys.sign_request(self.device.id, "GET", url, job=job)

        def of(answer: PeerAnswer, body: bytes | None) -> Exchange:
            return Exchange(self.device.node_key, "GET", url, sent, answer.status, answer.headers, body)

        def prove(head: PeerAnswer) -> None:
            if head.status == _OK:
                self._courier.prove(of(head, None))

        answer = yield from self._line.stream(
            self._target, "GET", path, sent, b"", purpose="an answer", data_class="numbers", stop=stop,
            silence=silence, head=prove,
        )  # fmt: skip
        if answer.status != _OK:
            self._courier.read("nothing", of(answer, answer.body))

    def lease(self, job: str, accepted: int, transcript: str, stop: Stop) -> int:
        """Say how far the answer was taken over; how many tokens may be written in all."""
        said = {"accepted": accepted, "transcript": transcript}
        return int(self._ask("granted", "POST", f"/v1/jobs/{job}/lease", "an answer", said, stop=stop)["granted"])

    def close(self, job: str, accepted: int, transcript: str, stop: Stop) -> Any:
        """End a job; its receipt, to be held against it by the courier."""
        said = {"accepted": accepted, "transcript": transcript}
        return self._ask("receipt", "POST", f"/v1/jobs/{job}/close", "an answer", said, stop=stop)["receipt"]

    def unpair(self, stop: Stop | None = None) -> None:
        """Say that it was forgotten here."""
        self._ask("nothing", "POST", "/v1/unpair", "unpairing", {}, stop=stop)

    def _ask(
        self, kind: str, method: str, path: str, purpose: str, said: Mapping[str, Any] | None = None, **how: Any
    ) -> Fields:
        body = b"" if said is None else canonical(dict(said))
        return self._courier.read(kind, self._exchange(method, path, body, purpose, **how))

    def _exchange(
        self, method: str, path: str, body: bytes, purpose: str, *, data_class: DataClass = "numbers",
        stop: Stop | None = None, most: int = MOST_BODY, **declared: Any,
    ) -> Exchange:  # fmt: skip
        url = self._target.url(path)
        if declared:  # a job: the signer judges it by what it is made of
            declared["data_class"] = data_class
        sent = self._keys.sign_request(self.device.id, method, url, body, **declared)
        headers = {**sent, "Content-Type": "application/json"} if body else sent
        answer = self._line.ask(
            self._target, method, path, headers, body, purpose=purpose, data_class=data_class, stop=stop, most=most
        )
        return Exchange(self.device.node_key, method, url, sent, answer.status, answer.headers, answer.body)
