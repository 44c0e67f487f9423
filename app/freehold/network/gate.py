"""One connection at a time: whether it may be made, the row that says so, and the process that makes it."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any, Protocol
from urllib.parse import urlsplit

from freehold.foundation.errors import (
    DownloadFailed,
    FreeholdError,
    Interrupted,
    Offline,
    VaultLocked,
    WorkerStopped,
)
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.network.ledger import Entry, Ledger, Vault
from freehold.network.policy import Barred, Policy, Route
from freehold.network.values import Connection, DataClass, Outcome
from freehold.processes.link import Link
from freehold.processes.spawn import spawn, worker_command

LOOK_SECONDS = 0.5
Beat = dict[str, Any]


class Settings(Protocol):
    def is_on(self, name: str) -> bool: ...
    def reload(self) -> None: ...


class Session(Protocol):
    """A network process for as long as one flow needs it."""

    def stream(self, op: str, *, stop: Stop | None = None, **args: Any) -> Generator[Any, None, Any]: ...
    def end(self) -> None: ...


class Gate:
    """Makes connections, each with its row in the ledger. There is no network process but while a flow needs one."""

    def __init__(
        self,
        profile: Profile,
        vault: Vault,
        settings: Settings,
        *,
        local: Iterable[str] = (),
        stall: float = 30.0,
        start: Callable[[], Session] | None = None,
    ) -> None:
        self.stall = stall
        self._profile, self._settings = profile, settings
        self._ledger = Ledger(vault)
        self._policy = Policy(frozenset(local))
        self._start = start or self._start_process
        self._open: list[Session] = []

    @property
    def is_offline(self) -> bool:
        """The switch as it is now on disk: another command may have turned it."""
        self._settings.reload()
        return self._settings.is_on("offline")

    @property
    def connections_since_start(self) -> int:
        """Connections made by this process; refused ones were not made."""
        return self._ledger.made

    @property
    def is_busy(self) -> bool:
        """Whether a network process is there at all."""
        return bool(self._open)

    def close(self) -> None:
        """End whatever runs; what it downloaded so far is kept."""
        ended, self._open = self._open, []
        for session in ended:
            session.end()

    def ledger(self, since: float) -> list[Connection]:
        return self._ledger.since(since)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A network process to connect with; nothing of it runs or writes any more afterwards."""
        session = self.hold()
        try:
            yield session
        finally:
            self.release(session)

    def hold(self) -> Session:
        """A network process until `release`, or until the gate closes (`holds`)."""
        session = self._start()
        self._open.append(session)
        return session

    def holds(self, session: Session) -> bool:
        return session in self._open

    def release(self, session: Session) -> None:
        session.end()
        with suppress(ValueError):  # closed meanwhile
            self._open.remove(session)

    @contextmanager
    def row(self, purpose: str, host: str, port: int, data_class: DataClass) -> Iterator[Entry]:
        """The ledger's row of one exchange, while it lasts. Raises Offline and VaultLocked before anything is sent.

        The row ends as the code of the FreeholdError that rises, as "interrupted" when it is left in between, else with
        the entry's own `error`.
        """
        self._refuse_offline(purpose, host, port, data_class)
        entry = self._ledger.begin(purpose, host, port, data_class)
        try:
            yield entry
        except FreeholdError as error:
            entry.error = error.code
            raise
        finally:
            entry.end()

    def connect(
        self, session: Session, op: str, *, url: str, purpose: str, stop: Stop | None = None, **args: Any
    ) -> Generator[Beat, None, Outcome]:
        """One connection to `url`: a row, the exchange, the row's end. Yields how far it is.

        Raises Offline, VaultLocked, DiskFull, and DownloadFailed where our own rules forbid it. A broken or refused
        exchange is an Outcome, not an error.
        """
        if session not in self._open:
            raise Interrupted("Freehold ended the connection.")
        route = self._admit(url, purpose)
        entry = self._ledger.begin(purpose, route.host, route.port)
        wish, halt = stop or Stop(), Stop()
        wish.on_set(halt.set)
        ended = self._watch_switch(halt)
        try:
            beats = session.stream(
                op, stop=halt, url=url, route=asdict(route), stall=self.stall, offline=self.is_offline, **args
            )
            outcome = yield from self._attend(session, beats, entry, halt)
            if halt.is_set() and not wish.is_set():
                raise Offline("turned on while a download was running; what is here is kept")
            entry.settle(outcome)
            return outcome
        except FreeholdError as error:
            entry.error = error.code
            raise
        finally:
            ended.set()
            wish.forget(halt.set)
            entry.end()

    def _admit(self, url: str, purpose: str) -> Route:
        host, port = _told(url)
        self._refuse_offline(purpose, host, port)
        try:
            return self._policy.route(url)
        except Barred as error:
            self._ledger.refuse(purpose, host, port, str(error))
            raise DownloadFailed(f"{host} was not connected to: {error}", advice="Do not trust this source.") from error

    def _refuse_offline(self, purpose: str, host: str, port: int, data_class: DataClass = "public-file") -> None:
        if self.is_offline:
            with suppress(VaultLocked):  # nothing is connected either way
                self._ledger.refuse(purpose, host, port, "offline", data_class)
            raise Offline(f"wanted: {purpose}, {host}")

    def _attend(
        self, session: Session, beats: Generator[Any, None, Any], entry: Entry, halt: Stop
    ) -> Generator[Beat, None, Outcome]:
        """Pass the beats on and keep the counts."""
        while True:
            try:
                beat = next(beats)
            except StopIteration as end:
                return Outcome.from_wire(end.value) if end.value else Outcome("stopped")
            except WorkerStopped as error:
                if session not in self._open:
                    raise Interrupted("Freehold ended the connection.") from error
                return Outcome("stopped" if halt.is_set() else "cut", "the network process stopped")
            entry.note(int(beat["out"]), int(beat["in"]))
            yield beat

    def _watch_switch(self, halt: Stop) -> threading.Event:
        """Set `halt` once the switch is on, until the event returned is set. A thread of its own: a network process
        that says nothing must not keep us from looking. One that does not stop when asked is killed by its link.
        """
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK_SECONDS):
                if self.is_offline:
                    halt.set()
                    return

        threading.Thread(target=watch, name="offline switch", daemon=True).start()
        return ended

    def _start_process(self) -> Session:
        def child() -> subprocess.Popen[bytes]:
            # With the switch on it is started only to look at files, in a box without a socket.
            return spawn(worker_command("network", *(["--offline"] if self.is_offline else [])), self._profile.scratch)

        return Link("network", child)


def _told(url: str) -> tuple[str, int]:
    """Host and port for the ledger, of an address that may be malformed."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "?")[:255], parts.port or {"http": 80}.get(parts.scheme, 443)
    except ValueError:
        return "?", 0
