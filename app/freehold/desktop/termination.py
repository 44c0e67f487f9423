"""The system's wish that we end (a logout, `kill`, a closed terminal, Ctrl-C), heard while Qt waits for events."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier

# Windows has no SIGHUP. Ctrl-C keeps the exit code it has everywhere; to end when asked is no failure.
_EXIT_CODES = {"SIGTERM": 0, "SIGHUP": 0, "SIGINT": 130}


class Termination(QObject):
    """Calls `leave` with the exit code, in the window's thread, when the system asks this process to end.

    Python runs signal handlers only between two of its own instructions, and Qt may wait for an event for hours: the
    number of the signal comes through a socket that Qt watches.
    """

    def __init__(self, leave: Callable[[int], None]) -> None:
        super().__init__()
        self._leave = leave
        self._codes: dict[int, int] = {}
        self._heard, self._told = socket.socketpair()
        for end in (self._heard, self._told):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._hear)
        self._before = signal.set_wakeup_fd(self._told.fileno(), warn_on_full_buffer=False)
        self._handlers = {}
        for name, code in _EXIT_CODES.items():
            number = getattr(signal, name, None)
            if number is not None:
                self._codes[number] = code
                self._handlers[number] = signal.signal(number, lambda *_: None)

    def close(self) -> None:
        """Give the signals back to whom they belonged."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before)
        self._notifier.setEnabled(False)
        self._heard.close()
        self._told.close()

    def _hear(self) -> None:
        for number in self._heard.recv(64):
            if number in self._codes:
                self._leave(self._codes[number])
                return
