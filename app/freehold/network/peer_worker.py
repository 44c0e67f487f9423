"""The network process's end of the line to other devices: exchanges side by side, each watched while it lasts."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from freehold.foundation.stop import Stop
from freehold.network.events import Events, Junk
from freehold.network.peer_values import PeerOutcome, Question, Target
from freehold.network.policy import Barred
from freehold.network.watched import Parts, Watch, watched

if TYPE_CHECKING:
    from freehold.network.peer_wire import Wire

BEGIN_SECONDS = 10.0  # for the connection; `silence` more for the head of the answer, however slowly it drips
SLOWEST = 1024  # bytes a second on average that a body brings, once it has had half a minute
EVENTLESS_SECONDS = 120.0  # of a stream that says "still here" and nothing else
PART_BYTES = 256 * 1024  # of a body that cross the pipe at once, however small the pieces it comes in
MOST_IDLE = 16  # connections kept for a next exchange


def peer_operations(worker: PeerWorker) -> Mapping[str, Callable[..., Any]]:
    return {
        "peer.ask": worker.ask,
        "peer.stream": worker.stream,
        "peer.meet": worker.meet,
        "peer.discover": worker.discover,
    }


class PeerWorker:
    """Holds connections that are idle, by the target they lead to. Its ops may run side by side.

    An answer must begin within `begin` seconds and the silence that its question allows.
    """

    def __init__(self, *, begin: float = BEGIN_SECONDS) -> None:
        self.begin = begin
        self._idle: list[Wire] = []
        self._lock = threading.Lock()

    def ask(self, *, stop: Stop, host: str, port: int, tls: str, question: dict[str, Any]) -> Parts:
        """One exchange. Parts carry the body (base64) as it comes; returns a PeerOutcome with the bytes each way."""
        target, asked = Target(host, port, tls), Question.from_wire(question)
        return (yield from _Exchange(self, target, asked, is_stream=False).run(stop))

    def stream(self, *, stop: Stop, host: str, port: int, tls: str, question: dict[str, Any]) -> Parts:
        """As `ask`; where the answer is a stream, parts carry its head first, then its events."""
        target, asked = Target(host, port, tls), Question.from_wire(question)
        return (yield from _Exchange(self, target, asked, is_stream=True).run(stop))

    def meet(self, *, stop: Stop, host: str, port: int, quiet: float) -> Parts:
        """Shake hands with whoever is there; a part carries the certificate that was shown, as `tls` (PEM). `quiet`
        limits the seconds without a byte.
        """
        from freehold.network.peer_wire import Untrusted, meet

        def work(watch: Watch) -> PeerOutcome:
            try:
                watch.say({"tls": meet(host, port, quiet, watch.on_abandon)})
            except Barred as error:
                return PeerOutcome("barred", str(error))
            except Untrusted as error:
                return PeerOutcome("untrusted", str(error))
            except OSError:
                return PeerOutcome("cut", "it cannot be reached")
            return PeerOutcome("answered")

        return (yield from watched(work, stop, self.begin + quiet))

    def discover(self, *, stop: Stop, seconds: float) -> Parts:
        """Ask the local network for devices, for so long; parts carry who is `found`."""
        from freehold.network.nearby import browse

        def work(watch: Watch) -> PeerOutcome:
            watch.has_begun, end = True, time.monotonic() + seconds

            def wait(pause: float) -> bool:
                time.sleep(pause)
                return watch.is_abandoned or time.monotonic() > end

            try:
                browse(lambda device: watch.say({"found": asdict(device)}), wait=wait, counts=watch.counts)
            except OSError:
                return PeerOutcome("cut", "it cannot be asked")
            return PeerOutcome("answered")

        return (yield from watched(work, stop, seconds))

    def take(self, target: Target) -> Wire:
        """A connection that is nobody's until `give_back`."""
        from freehold.network.peer_wire import Wire

        with self._lock:
            for wire in reversed(self._idle):
                if wire.target == target and not wire.is_hung_up:  # a stop may come just after the end
                    self._idle.remove(wire)
                    return wire
        return Wire(target)

    def give_back(self, wire: Wire) -> None:
        with self._lock:
            self._idle.append(wire)
            oldest = self._idle.pop(0) if len(self._idle) > MOST_IDLE else None
        if oldest is not None:
            oldest.close()

    def close(self) -> None:
        """Close what is idle; a process that ends does that by itself."""
        with self._lock:
            idle, self._idle = self._idle, []
        for wire in idle:
            wire.close()


class _Exchange:
    """One question and its answer, on a connection of its own while it lasts."""

    def __init__(self, worker: PeerWorker, target: Target, question: Question, *, is_stream: bool) -> None:
        self._worker, self._target, self._question, self._is_stream = worker, target, question, is_stream

    def run(self, stop: Stop) -> Parts:
        return (yield from watched(self._work, stop, self._worker.begin + self._question.silence))

    def _work(self, watch: Watch) -> PeerOutcome:
        import httpx2

        from freehold.network.peer_wire import Untrusted

        try:
            return self._on_a_wire(watch)
        except Barred as error:
            return PeerOutcome("barred", str(error))
        except Untrusted as error:
            return PeerOutcome("untrusted", str(error))
        except Junk as error:
            return PeerOutcome("wrong", str(error))
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            return _failed(error)

    def _on_a_wire(self, watch: Watch) -> PeerOutcome:
        wire = self._worker.take(self._target)
        outcome = PeerOutcome("cut")
        try:
            watch.on_abandon(wire.hang_up)
            response = wire.ask(self._question, watch.counts)
            with closing(response):
                outcome = self._receive(response, watch)
        finally:
            if outcome.end == "answered" and not watch.is_abandoned:
                self._worker.give_back(wire)
            else:
                wire.close()
        return outcome

    def _receive(self, response: Any, watch: Watch) -> PeerOutcome:
        from freehold.network.peer_wire import told_headers

        watch.has_begun = True
        outcome = PeerOutcome("answered", status=response.status_code, headers=told_headers(response))
        media = outcome.headers.get("content-type", "").partition(";")[0].strip()
        if self._is_stream and outcome.status == 200 and media == "text/event-stream":
            watch.say({"head": {"status": outcome.status, "headers": dict(outcome.headers)}})
            return self._take_events(response, watch, outcome)
        return self._take_body(response, watch, outcome)

    def _take_body(self, response: Any, watch: Watch, outcome: PeerOutcome) -> PeerOutcome:
        began, length, held = time.monotonic(), 0, bytearray()
        for piece in self._pieces(response, watch):
            length += len(piece)
            held += piece
            if time.monotonic() - began > 30.0 + length / SLOWEST:
                return PeerOutcome("cut", "it answers too slowly")
            if len(held) >= PART_BYTES:
                watch.say({"body": base64.b64encode(held).decode("ascii")})
                held.clear()
        watch.say({"body": base64.b64encode(held).decode("ascii")})
        return outcome

    def _take_events(self, response: Any, watch: Watch, outcome: PeerOutcome) -> PeerOutcome:
        events, last = Events(), time.monotonic()
        for piece in self._pieces(response, watch):
            now = time.monotonic()
            if found := events.feed(piece):
                watch.say({"events": found})
                last = now
            elif now - last > EVENTLESS_SECONDS:
                return PeerOutcome("cut", "it went silent")
        return outcome if events.is_between else PeerOutcome("cut", "the connection was cut")

    def _pieces(self, response: Any, watch: Watch) -> Iterator[bytes]:
        """The bytes as they come, never decompressed. Raises Junk when they are more than was agreed."""
        left = self._question.most
        for piece in response.iter_raw():
            watch.counts.received += len(piece)
            left -= len(piece)
            if left < 0:
                raise Junk("it sends more than it may")
            yield piece


def _failed(error: Exception) -> PeerOutcome:
    """What a broken connection means."""
    import httpx2

    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        return PeerOutcome("cut", "it cannot be reached")
    if isinstance(error, httpx2.TimeoutException):
        return PeerOutcome("cut", "it went silent")
    if isinstance(error, httpx2.RemoteProtocolError) and not _is_an_end(error):
        return PeerOutcome("wrong", "it does not answer as a device does")
    return PeerOutcome("cut", "the connection was cut")


def _is_an_end(error: Exception) -> bool:
    """Whether the library complains of an answer that stopped short, rather than of one that is none."""
    return "disconnected" in str(error) or "closed connection" in str(error)
