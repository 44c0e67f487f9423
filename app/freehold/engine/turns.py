"""Whose turn it is at an engine: one at a time, and what runs in the background steps back for whoever comes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from freehold.foundation.stop import Stop

_LOOK_SECONDS = 0.05


class Turns:
    """Safe to use from several threads. Waiting ends when the `stop` given is set."""

    def __init__(self) -> None:
        self._turn = threading.Lock()  # held by whoever has the turn
        self._lock = threading.Lock()  # guards the two below; never held while waiting
        self._waiting = 0  # in front
        self._behind: Stop | None = None  # set by who comes in front: the turn is one in the background's

    @property
    def is_taken(self) -> bool:
        """Whether somebody in front has the turn."""
        return self._turn.locked() and self._behind is None

    @contextlib.contextmanager
    def ahead(self) -> Iterator[None]:
        """While this lasts nothing takes the turn in the background, and what has it is told to step back."""
        with self._lock:
            self._waiting += 1
            behind = self._behind
        if behind is not None:
            behind.set()
        try:
            yield
        finally:
            with self._lock:
                self._waiting -= 1

    @contextlib.contextmanager
    def front(self, stop: Stop | None) -> Iterator[bool]:
        """Wait for the turn, ahead of what runs in the background. False when `stop` was set first."""
        is_mine = False
        with self.ahead():
            while not (is_mine := self._turn.acquire(timeout=_LOOK_SECONDS)):
                if stop is not None and stop.is_set():
                    break
        try:
            yield is_mine
        finally:
            if is_mine:
                self._turn.release()

    @contextlib.contextmanager
    def behind(self, stop: Stop) -> Iterator[Stop | None]:
        """Wait until nobody in front has the turn or waits for it. What is given is set when it is to be given back, or
        when `stop` is; None when that was set first.
        """
        mine = Stop()
        while stop.is_set() or not self._free_for(mine):
            if stop.wait(_LOOK_SECONDS):
                yield None
                return
        stop.on_set(mine.set)
        try:
            yield mine
        finally:
            stop.forget(mine.set)
            with self._lock:
                self._behind = None
            self._turn.release()

    @contextlib.contextmanager
    def now(self) -> Iterator[bool]:
        """The turn, if nobody has it."""
        is_mine = self._turn.acquire(blocking=False)
        try:
            yield is_mine
        finally:
            if is_mine:
                self._turn.release()

    def _free_for(self, mine: Stop) -> bool:
        with self._lock:
            if self._waiting or not self._turn.acquire(blocking=False):
                return False
            self._behind = mine
            return True
