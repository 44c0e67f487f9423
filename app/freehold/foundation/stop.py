"""A wish to stop that tells those who wait for it at once, so that nobody has to poll."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack


class Stop:
    """Set once, from any thread; hooks run in the thread that sets it, or at once if it is set already.

    It takes locks, so a signal handler must leave the setting to a thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._hooks: list[Callable[[], None]] = []

    def set(self) -> None:
        with self._lock:
            if self._event.is_set():
                return
            self._event.set()
            hooks, self._hooks = self._hooks, []
        with ExitStack() as all_hooks:  # every hook runs, even when one before it fails
            for hook in reversed(hooks):
                all_hooks.callback(hook)

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._event.wait(seconds)

    def on_set(self, hook: Callable[[], None]) -> None:
        with self._lock:
            if not self._event.is_set():
                self._hooks.append(hook)
                return
        hook()

    def forget(self, hook: Callable[[], None]) -> None:
        with self._lock:
            if hook in self._hooks:
                self._hooks.remove(hook)
