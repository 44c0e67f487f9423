"""Locks the window with the screen and before the machine sleeps, and holds that sleep off until locking has ended."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance

from freehold.desktop.bridge import Bridge
from freehold.desktop.lock_signals import Bus as Heard
from freehold.desktop.lock_signals import LockSignals
from freehold.foundation.settings import SettingsFile

_WISH = "lock_with_screen"


class Bus(Heard, Protocol):
    """`delay_sleep` asks login1 to wait before the machine sleeps: `taken` gets a file, and the wait lasts until it is
    closed. For the window's thread; nothing comes where there is no login1.
    """

    def delay_sleep(self, taken: Callable[[int], None]) -> None: ...


class Shell(Protocol):
    opened: SignalInstance
    locked: SignalInstance
    applied: SignalInstance

    @property
    def is_open(self) -> bool: ...
    def lock(self) -> bool: ...


class SleepDelay:
    """One delay at a time. login1 itself ends it after some seconds (`InhibitDelayMaxSec`, five by default)."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._is_wanted = False
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        return self._file is not None

    def hold(self) -> None:
        if not self._is_wanted:
            self._is_wanted = True
            self._bus.delay_sleep(self._take)

    def let_go(self) -> None:
        self._is_wanted = False
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _take(self, file: int) -> None:
        if self._is_wanted and self._file is None:
            self._file = file
        else:
            os.close(file)  # it came too late


class ScreenLock(QObject):
    """Does so while the setting says it. With `leaves` a process that has locked ends, and its end lets the sleep come:
    until then its memory may hold what was in view.
    """

    def __init__(self, shell: Shell, settings: SettingsFile, bridge: Bridge, bus: Bus, *, leaves: bool) -> None:
        super().__init__()
        self._shell, self._settings = shell, settings
        self._signals, self.delay = LockSignals(bus), SleepDelay(bus)
        self._is_listening = False
        self._signals.heard.connect(self._lock)
        shell.opened.connect(self._settle)
        shell.applied.connect(lambda name: self._settle() if name == _WISH else None)
        if not leaves:
            shell.locked.connect(self.delay.let_go)
        bridge.call(self._signals.listen, self._listen)

    def _listen(self, hears: bool) -> None:
        self._is_listening = hears
        self._settle()

    def _settle(self) -> None:
        """A delay for nothing would hold up every sleep by its full length."""
        if self._is_listening and self._shell.is_open and self._settings.is_on(_WISH):
            self.delay.hold()
        elif not self._settings.is_on(_WISH):
            self.delay.let_go()

    def _lock(self) -> None:
        if self._settings.is_on(_WISH):
            self._shell.lock()
