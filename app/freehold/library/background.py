"""Reading, embedding and watching on a thread of its own, in the process that holds a profile."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Protocol

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.values import Progress

_log = logging.getLogger(__name__)

_END_SECONDS = 5.0


class Flows(Protocol):
    def recover(self) -> int: ...
    def warm(self, stop: Stop) -> None: ...
    def work(self, stop: Stop) -> Iterator[Progress]: ...
    def watch(self, stop: Stop) -> Iterator[Progress]: ...


class Background:
    """Works whenever it is woken, and follows the watched folders between. Safe to use from several threads."""

    def __init__(self, library: Flows) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop, self._following = Stop(), Stop()
        self._is_working = False
        self.failure: FreeholdError | None = None
        self.progress: Progress | None = None

    @property
    def is_busy(self) -> bool:
        """Whether files are being read or embedded, or are about to be. `failure` is what ended it, if anything;
        `progress` the last step of this work, None before its first.
        """
        thread = self._thread
        return thread is not None and thread.is_alive() and (self._woken.is_set() or self._is_working)

    def wake(self) -> None:
        """Begin, or look again at what waits and at what is to be watched."""
        with self._lock:
            self._woken.set()
            self._following.set()
            if self._thread is None or not self._thread.is_alive():
                self._stop = Stop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="library", daemon=True
                )  # fmt: skip
                self._thread.start()

    def end(self) -> None:
        """Stop after what is in hand. What waits is in the vault."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
            self._following.set()
            self._woken.set()
        if thread is not None:
            thread.join(_END_SECONDS)

    def _run(self, stop: Stop) -> None:
        has_recovered = False
        while not stop.is_set():
            self._is_working = True
            self._woken.clear()
            self.failure = self.progress = None
            try:
                if not has_recovered:
                    self._library.recover()
                    self._library.warm(stop)
                    has_recovered = True
                self._drain(self._library.work(stop))
                self._library.warm(stop)
                self._is_working = False
                self._drain(self._library.watch(self._until_woken()))  # ends at once when nothing is watched
            except FreeholdError as error:  # such as a locked vault: whoever asks next is told
                _log.info("the library rests: %s", error.code)
                self.failure = error
            self._is_working = False
            self._woken.wait()

    def _until_woken(self) -> Stop:
        with self._lock:
            self._following = Stop()
            if self._woken.is_set():
                self._following.set()
            return self._following

    def _drain(self, steps: Iterator[Progress]) -> None:
        for step in steps:
            self.progress = step
