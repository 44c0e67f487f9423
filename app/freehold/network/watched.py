"""Work of the network process that another machine can hold up: done on one thread, watched from another."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator
from typing import Any

from freehold.foundation.stop import Stop
from freehold.network.peer_values import Counts, PeerOutcome

BEAT_SECONDS = 0.5
Parts = Generator[dict[str, Any], None, dict[str, Any]]


class Watch:
    """What the thread that works and the one that reports know of each other."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.has_begun = self.is_abandoned = False
        self.told: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.ended: list[PeerOutcome | BaseException] = []
        self._hang_ups: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    def say(self, part: dict[str, Any]) -> None:
        self.told.put(part)

    def on_abandon(self, hang_up: Callable[[], None]) -> None:
        """`hang_up` wakes the thread that works, from another one."""
        with self._lock:
            self._hang_ups.append(hang_up)
        if self.is_abandoned:
            hang_up()

    def abandon(self) -> None:
        with self._lock:
            self.is_abandoned = True
        for hang_up in self._hang_ups:
            hang_up()


def watched(work: Callable[[Watch], PeerOutcome], stop: Stop, begin_within: float) -> Parts:
    """Do `work` on a thread and pass on what it says, with the bytes each way twice a second, so that a stop is heard
    while the other side is silent. `begin_within` limits the seconds until `has_begun`.
    """
    watch = Watch()

    def run() -> None:
        try:
            watch.ended.append(work(watch))
        except BaseException as error:  # noqa: BLE001 - carried to the op's own thread and raised there
            watch.ended.append(error)
        watch.told.put(None)

    def wake() -> None:
        watch.told.put(None)

    stop.on_set(wake)
    thread = threading.Thread(target=run, name="peer exchange", daemon=True)
    thread.start()
    try:
        outcome = yield from _until_ended(watch, stop, time.monotonic() + begin_within)
    finally:
        stop.forget(wake)
        if thread.is_alive():
            watch.abandon()
            thread.join(1.0)
    return outcome.to_wire(watch.counts.sent, watch.counts.received)


def _until_ended(watch: Watch, stop: Stop, deadline: float) -> Generator[dict[str, Any], None, PeerOutcome]:
    while True:
        try:
            part = watch.told.get(timeout=BEAT_SECONDS)
        except queue.Empty:
            part = {}
        if stop.is_set():
            return PeerOutcome("stopped")
        if part is None:
            break
        if not watch.has_begun and time.monotonic() > deadline:
            return PeerOutcome("cut", "it took too long to answer")
        yield {**part, "out": watch.counts.sent, "in": watch.counts.received}
    ended = watch.ended[0]
    if isinstance(ended, BaseException):
        raise ended
    return ended
