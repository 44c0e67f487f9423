"""The network process: never a redirect followed, every byte counted. Files come one at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from freehold.foundation.stop import Stop
from freehold.network.peer_worker import PeerWorker, peer_operations
from freehold.network.policy import Barred, Route
from freehold.network.resume import Verdict, judge, strong
from freehold.network.staging import Notes, PartFile, Staging
from freehold.network.values import HubFile, Outcome

if TYPE_CHECKING:
    from freehold.network.transport import Line

BEAT_SECONDS = 0.25
ANSWER_SECONDS = 120.0  # for the name, the connection and the head of the answer, however slowly they drip
Beats = Generator[dict[str, Any], None, dict[str, Any]]


def serve_network() -> None:
    """Runs as `freehold --worker network`."""
    from freehold.processes.worker import serve

    # The spawn environment keeps the hub library from the network; this is the one process that may use it.
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "0"
    ops = operations(NetworkWorker())
    serve("network", ops, together={name for name in ops if name.startswith("peer.")})


def operations(worker: NetworkWorker) -> Mapping[str, Callable[..., Any]]:
    files: dict[str, Callable[..., Any]] = {
        "file.fetch": worker.fetch,
        "file.check": worker.check,
        "hub.describe": worker.describe,
    }
    return {**files, **peer_operations(worker.peers)}


class NetworkWorker:
    """Holds the staged files it has begun to read, so that another try need not hash them again.

    An answer must begin within `answer` seconds. `authority` is a certificate authority trusted besides the system's.
    """

    def __init__(
        self,
        write: Callable[[int, memoryview], int] = os.write,
        *,
        authority: Path | None = None,
        answer: float = ANSWER_SECONDS,
        peers: PeerWorker | None = None,
    ) -> None:
        self._write, self._authority, self._answer = write, authority, answer
        self._parts: dict[Path, PartFile] = {}
        self.peers = peers or PeerWorker()

    def fetch(
        self, *, stop: Stop, url: str, route: dict[str, Any], folder: str, source: str, limit: int, stall: float,
        offline: bool,
    ) -> Beats:  # fmt: skip
        """Ask `url` for the rest of the file staged for `source`; returns an Outcome. Raises DiskFull."""
        staging = Staging(Path(folder), source)

        def work(watch: _Watch) -> Outcome:
            from freehold.network.transport import Line

            part = self._part(staging, watch)
            line = Line(url, Route.from_wire(route), stall, watch.meter, self._authority)
            return self._let_go(staging, _Fetch(staging, part, watch, limit).ask(line))

        return (yield from self._watched(work, stop, offline, staging.length))

    def check(self, *, stop: Stop, folder: str, source: str) -> Beats:
        """Hash a file that is here whole, without a connection; returns an Outcome."""
        staging = Staging(Path(folder), source)

        def work(watch: _Watch) -> Outcome:
            part = self._part(staging, watch)
            return self._let_go(staging, Outcome("whole", sha256=part.seal()))

        return (yield from self._watched(work, stop, offline=False))

    def describe(
        self, *, stop: Stop, url: str, route: dict[str, Any], repo: str, file: str, revision: str, endpoint: str,
        stall: float, offline: bool,
    ) -> Beats:  # fmt: skip
        """What the hub at `endpoint` says of a file; `url` is the endpoint itself, or where it sent us since.

        Returns an Outcome with `remote`.
        """

        def work(watch: _Watch) -> Outcome:
            from freehold.network.hub import describe, file_url
            from freehold.network.transport import Line

            wanted = HubFile(repo, file, revision)
            try:
                asked = url if url != endpoint else file_url(wanted, revision, endpoint)
            except Barred as error:
                return Outcome("barred", str(error), refused=True)
            return describe(wanted, endpoint, Line(asked, Route.from_wire(route), stall, watch.meter, self._authority))

        return (yield from self._watched(work, stop, offline))

    def _watched(self, work: Callable[[_Watch], Outcome], stop: Stop, offline: bool, have: int = 0) -> Beats:
        """Do `work` on a thread and tell how far it is four times a second, so that a stop and the switch are seen
        while the other side is silent.
        """
        watch = _Watch()
        watch.done = have
        if offline:
            return watch.finish(Outcome("barred", "the offline switch is on", refused=True))
        result: list[Outcome | BaseException] = []

        def run() -> None:
            try:
                result.append(work(watch))
            except BaseException as error:  # noqa: BLE001 - carried to the op's own thread and raised there
                result.append(error)
            watch.stirred.set()

        stop.on_set(watch.stirred.set)
        thread = threading.Thread(target=run, name="network work", daemon=True)
        thread.start()
        try:
            while not result and not stop.is_set() and not watch.is_late(self._answer):
                yield watch.beat()
                watch.stirred.wait(BEAT_SECONDS)
            stopped = not result
        finally:
            if not result:
                watch.abandon()
                thread.join(1.0)
        if stopped and not stop.is_set():
            return watch.finish(Outcome("cut", "the server took too long to answer"))
        if stopped:
            return watch.finish(Outcome("stopped"))  # whatever it made of its connection being taken away
        if isinstance(result[0], BaseException):
            raise result[0]
        return watch.finish(result[0])

    def _let_go(self, staging: Staging, outcome: Outcome) -> Outcome:
        """What is whole is about to be renamed, what is wrong deleted: not every system does that to an open file."""
        if outcome.kind in ("whole", "wrong"):
            self._parts.pop(staging.part).close()
        return outcome

    def close(self) -> None:
        """Let go of files and connections; a process that ends does that by itself."""
        for part in self._parts.values():
            part.close()
        self._parts.clear()
        self.peers.close()

    def _part(self, staging: Staging, watch: _Watch) -> PartFile:
        if staging.part not in self._parts:
            self._parts[staging.part] = PartFile(staging.part, self._write)
        part = self._parts[staging.part]
        while part.unread and not watch.abandoned:
            part.catch_up()
            watch.done, watch.phase = part.length - part.unread, "checking"
        return part


class _Fetch:
    """One GET for the rest of a staged file."""

    def __init__(self, staging: Staging, part: PartFile, watch: _Watch, limit: int) -> None:
        self._staging, self._part, self._watch, self._limit = staging, part, watch, limit
        self._notes = staging.read() or Notes(staging.source)

    def ask(self, line: Line) -> Outcome:
        import httpx2

        from freehold.network.transport import client, words_for

        self._watch.connect(self._part.length)
        try:
            with (
                client(line) as http,
                http.stream("GET", line.url, headers=self._range()) as response,
            ):
                return self._receive(response)
        except Barred as error:
            return Outcome("barred", str(error), refused=self._watch.meter.sent == 0)
        except (httpx2.TransportError, httpx2.InvalidURL) as error:
            return Outcome("cut", words_for(error))

    def _range(self) -> dict[str, str]:
        if not self._part.length:
            return {}
        also = {"If-Range": self._notes.etag} if self._notes.etag else {}
        return {"Range": f"bytes={self._part.length}-", **also}

    def _receive(self, response: Any) -> Outcome:
        from freehold.network.transport import answer_of, body_of

        if self._watch.abandoned:
            return Outcome("stopped")
        answer = answer_of(response)
        notes, part = self._notes, self._part
        verdict = judge(answer, have=part.length, size=notes.size, limit=self._limit, etag=notes.etag)
        if verdict.action == "rewrite":
            # The validator is on disk before the first byte it vouches for.
            part.empty()
            self._staging.write(replace(notes, etag=strong(answer.etag)))
        if verdict.action not in ("append", "rewrite"):
            return self._without_body(verdict, answer.status, answer.location)
        self._watch.total, self._watch.phase = verdict.total, "receiving"
        return self._take(body_of(response, self._watch.meter), verdict.total)

    def _without_body(self, verdict: Verdict, status: int, location: str) -> Outcome:
        if verdict.action == "complete":
            return Outcome("whole", sha256=self._part.seal())
        if verdict.action == "again":
            self._part.empty()
            return Outcome("cut", verdict.words)
        assert verdict.action in ("moved", "answered", "barred", "wrong")
        return Outcome(verdict.action, verdict.words, status=status, location=location)

    def _take(self, body: Any, total: int) -> Outcome:
        part, most = self._part, total or self._limit
        for piece in body:
            if self._watch.abandoned:
                return Outcome("stopped")
            if part.length + len(piece) > most:
                return Outcome("wrong", f"the server sent more than {most} bytes")
            part.append(piece)
            self._watch.done = part.length
        if part.length < total:
            return Outcome("cut", "the connection was cut")
        return Outcome("whole", sha256=part.seal())


class _Watch:
    """What the thread that works and the one that reports know of each other."""

    def __init__(self) -> None:
        from freehold.network.transport import Meter

        self.meter = Meter()
        self.total = 0
        self.connect()
        self.abandoned = False
        self.stirred = threading.Event()

    def beat(self) -> dict[str, Any]:
        sent, received = self.meter.sent, self.meter.received
        return {"phase": self.phase, "done": self.done, "total": self.total, "out": sent, "in": received}

    def connect(self, done: int = 0) -> None:
        self.phase, self.done, self.asked = "connecting", done, time.monotonic()

    def is_late(self, seconds: float) -> bool:
        """Nothing of an answer has come for so long."""
        return self.phase == "connecting" and time.monotonic() - self.asked > seconds

    def abandon(self) -> None:
        self.abandoned = True
        self.meter.hang_up()

    def finish(self, outcome: Outcome) -> dict[str, Any]:
        counted = replace(
            outcome, done=self.done or outcome.done, bytes_out=self.meter.sent, bytes_in=self.meter.received
        )
        return counted.to_wire()
