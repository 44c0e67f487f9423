"""The line to other devices, as the app sees it: one network process, held while it is used."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from freehold.foundation.errors import (
    FreeholdError,
    Interrupted,
    Offline,
    PeerUnreachable,
    PeerUntrusted,
    WorkerStopped,
)
from freehold.foundation.stop import Stop
from freehold.network.gate import LOOK_SECONDS, Gate, Session
from freehold.network.ledger import Entry
from freehold.network.nearby import GROUP
from freehold.network.peer_values import MOST_BODY, MOST_STREAM, Found, PeerAnswer, PeerOutcome, Question, Target
from freehold.network.values import DataClass

IDLE_SECONDS = 60.0
SILENCE_SECONDS = 10.0
LOOKING = "looking for devices"

Parts = Generator[dict[str, Any], None, PeerOutcome]


class PeerLine:
    """Asks other devices, each exchange a row of the ledger that is written before it and completed after it.

    The network process is started by the first exchange and ended when none was made for `idle` seconds, when the
    door closes (as it does on lock) and when the offline switch is turned on. Exchanges may run side by side, from
    several threads. All raise Offline, VaultLocked, Interrupted when `stop` was set, PeerUnreachable, and
    PeerUntrusted where the certificate is another one or what comes is not what the protocol has.
    """

    def __init__(self, gate: Gate, *, idle: float = IDLE_SECONDS) -> None:
        self._gate, self._idle_seconds = gate, idle
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._running: set[Stop] = set()
        self._used = 0.0

    def ask(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: DataClass, stop: Stop | None = None, silence: float = SILENCE_SECONDS, most: int = MOST_BODY,
    ) -> PeerAnswer:  # fmt: skip
        """One exchange. `silence` limits the seconds without a byte, `most` the bytes of the answer's body."""
        parts = self._exchange(
            "peer.ask", target, purpose=purpose, data_class=data_class, stop=stop,
            host=target.host, port=target.port, tls=target.tls_pem,
            question=Question(method, path, headers, body, silence, most).to_wire(),
        )  # fmt: skip
        pieces: list[bytes] = []
        while True:
            try:
                pieces.append(base64.b64decode(next(parts).get("body", "")))
            except StopIteration as end:
                outcome: PeerOutcome = end.value
                return PeerAnswer(outcome.status, outcome.headers, b"".join(pieces))

    def stream(
        self, target: Target, method: str, path: str, headers: Mapping[str, str], body: bytes, *, purpose: str,
        data_class: DataClass, stop: Stop | None = None, silence: float = SILENCE_SECONDS, most: int = MOST_STREAM,
        head: Callable[[PeerAnswer], None] = lambda _: None,
    ) -> Generator[str, None, PeerAnswer]:  # fmt: skip
        """Each event's data as it comes; `head` is told of the answer's head before the first, and may raise.

        An answer that is no stream yields nothing and is returned with its body. Closing the generator ends it.
        """
        parts = self._exchange(
            "peer.stream", target, purpose=purpose, data_class=data_class, stop=stop,
            host=target.host, port=target.port, tls=target.tls_pem,
            question=Question(method, path, headers, body, silence, most).to_wire(),
        )  # fmt: skip
        pieces: list[bytes] = []
        with contextlib.closing(parts):
            while True:
                try:
                    part = next(parts)
                except StopIteration as end:
                    outcome: PeerOutcome = end.value
                    return PeerAnswer(outcome.status, outcome.headers, b"".join(pieces))
                if "head" in part:
                    try:
                        head(PeerAnswer(part["head"]["status"], part["head"]["headers"]))
                    except FreeholdError as error:
                        parts.throw(error)  # through the exchange, so that its row tells why it ended
                if "body" in part:
                    pieces.append(base64.b64decode(part["body"]))
                yield from part.get("events", ())

    def meet(
        self, host: str, port: int, *, purpose: str, stop: Stop | None = None, silence: float = SILENCE_SECONDS
    ) -> str:
        """The TLS certificate (PEM) that whoever is there shows: nothing but a handshake has left this machine."""
        parts = self._exchange(
            "peer.meet", Target(host, port, ""), purpose=purpose, data_class="keys", stop=stop, host=host, port=port,
            quiet=silence,  # the pipe to the process has a silence of its own
        )  # fmt: skip
        shown = [part["tls"] for part in parts if "tls" in part]
        return str(shown[0])

    def discover(self, seconds: float = 5.0, *, stop: Stop | None = None) -> Generator[Found, None, None]:
        """Devices that announce themselves on the local network, as they answer within so many seconds.

        Who they are is not proved: anybody may announce anything. Raises PeerUnreachable where nobody can be asked.
        """
        everybody = Target(*GROUP, "", "the local network")
        parts = self._exchange(
            "peer.discover", everybody, purpose=LOOKING, data_class="keys", stop=stop, seconds=seconds
        )
        with contextlib.closing(parts):
            for part in parts:
                if "found" in part:
                    yield Found(**part["found"])

    def close(self) -> None:
        """End what runs, and the process."""
        for halt in tuple(self._running):
            halt.set()
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            self._gate.release(session)

    def _exchange(
        self, op: str, target: Target, *, purpose: str, data_class: DataClass, stop: Stop | None, **args: Any
    ) -> Parts:
        """The parts of one exchange, within its row; returns only what was answered."""
        with self._gate.row(purpose, target.host, target.port, data_class) as entry, self._halt(stop) as halt:
            parts = self._ready_session().stream(op, stop=halt, **args)
            with contextlib.closing(parts):
                outcome = yield from self._attend(parts, entry)
            if outcome.end != "answered":
                raise self._failure(outcome, target.name or target.host, stop)
            entry.error = f"status {outcome.status}" if outcome.status >= 400 else ""
            return outcome

    def _attend(self, parts: Generator[Any, None, Any], entry: Entry) -> Parts:
        """Pass the parts on and keep the counts."""
        while True:
            try:
                part = next(parts)
            except StopIteration as end:
                if end.value is None:
                    return PeerOutcome("stopped")
                entry.note(int(end.value["out"]), int(end.value["in"]))
                return PeerOutcome.from_wire(end.value)
            except WorkerStopped:
                return PeerOutcome("cut" if self._session is not None else "stopped", "the network process stopped")
            entry.note(int(part["out"]), int(part["in"]))
            yield part

    def _failure(self, outcome: PeerOutcome, name: str, stop: Stop | None) -> Exception:
        if outcome.end in ("untrusted", "wrong"):
            return PeerUntrusted(f"{name}: {outcome.words}")
        if outcome.end in ("cut", "barred"):
            return PeerUnreachable(f"{name}: {outcome.words}")
        if self._gate.is_offline and not (stop is not None and stop.is_set()):
            return Offline(f"turned on while {name} was being asked")
        return Interrupted("Freehold ended the connection.")

    @contextmanager
    def _halt(self, stop: Stop | None) -> Iterator[Stop]:
        """A wish of this exchange's own, set with `stop` and when the line is closed."""
        halt = Stop()
        wish = stop or Stop()
        wish.on_set(halt.set)
        self._running.add(halt)
        try:
            yield halt
        finally:
            wish.forget(halt.set)
            self._used = time.monotonic()
            self._running.discard(halt)

    def _ready_session(self) -> Session:
        with self._lock:
            if self._session is None or not self._gate.holds(self._session):
                self._session = self._gate.hold()
                self._used = time.monotonic()
                args = (self._session,)
                threading.Thread(target=self._watch, args=args, name="peer line", daemon=True).start()
            return self._session

    def _watch(self, session: Session) -> None:
        """Close the line when nobody uses it or the offline switch is on. A thread of its own: a network process that
        says nothing must not keep us from looking.
        """
        while self._session is session and self._gate.holds(session):
            time.sleep(min(LOOK_SECONDS, self._idle_seconds))
            if self._gate.is_offline:
                self.close()
            else:
                self._end_if_idle(session)

    def _end_if_idle(self, session: Session) -> None:
        with self._lock:  # an exchange counts as running before it asks for the session
            if self._running or self._session is not session or time.monotonic() - self._used <= self._idle_seconds:
                return
            self._session = None
        self._gate.release(session)
