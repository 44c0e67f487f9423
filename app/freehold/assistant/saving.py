"""Keeping an answer while it is being written: on disk at least once a second, however slowly it comes."""

from __future__ import annotations

import threading
from typing import Protocol

from freehold.foundation.errors import FreeholdError

EVERY_SECONDS = 0.5


class Extendable(Protocol):
    def extend(self, turn: str, text: str) -> None: ...


class AnswerSaver:
    """Collects the words of one answer and appends them to the vault from a thread of its own.

    The stream never waits for the disk. A failure to save is raised by the next `add` or by `close`: an answer that
    cannot be kept is not written on.
    """

    def __init__(self, conversations: Extendable, turn: str) -> None:
        self._conversations, self._turn = conversations, turn
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._closed = threading.Event()
        self._failed: FreeholdError | None = None
        self._thread = threading.Thread(target=self._save_now_and_then, name="saving an answer", daemon=True)
        self._thread.start()

    def add(self, text: str) -> None:
        if self._failed is not None:
            raise self._failed
        with self._lock:
            self._waiting.append(text)

    def close(self) -> None:
        """Everything added is on disk when this returns."""
        self._closed.set()
        self._thread.join()
        if self._failed is not None:
            raise self._failed

    def _save_now_and_then(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closed.wait(EVERY_SECONDS)
            try:
                self._save()
            except FreeholdError as error:
                self._failed = error
                return

    def _save(self) -> None:
        with self._lock:
            text, self._waiting = "".join(self._waiting), []
        if text:
            self._conversations.extend(self._turn, text)
