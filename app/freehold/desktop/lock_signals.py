"""The session's word that the screen was locked or the machine goes to sleep (Linux: D-Bus), heard without waiting."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from PySide6.QtCore import SLOT, QObject, Signal, Slot

if TYPE_CHECKING:
    from PySide6.QtDBus import QDBusConnection, QDBusPendingCallWatcher

_LOGIN = "org.freedesktop.login1"
_PATIENCE_MS = 5000
_SCREEN_SAVERS = ("freedesktop", "gnome", "cinnamon", "mate", "xfce")


@dataclass(frozen=True, slots=True)
class Told:
    """A signal on a bus. `turns` says that it carries whether the state begins or ends."""

    bus: str
    path: str
    interface: str
    name: str
    turns: bool = True


class Bus(Protocol):
    """`listen` joins a signal to a slot of `ear`; whether that bus is there. May be called on any thread."""

    def listen(self, told: Told, ear: QObject, slot: str) -> bool: ...


class LockSignals(QObject):
    """Emits `heard` in the thread it was made in. `listen` may wait for a bus, so it is for another thread."""

    heard = Signal()

    def __init__(self, bus: Bus) -> None:
        super().__init__()
        self._bus = bus

    def listen(self) -> bool:
        """Whether any of the signals can be heard here."""
        slots = {True: SLOT("turned(bool)"), False: SLOT("told()")}
        heard = [self._bus.listen(told, self, slots[told.turns]) for told in signals()]
        return any(heard)

    @Slot(bool)
    def turned(self, begins: bool) -> None:
        if begins:
            self.heard.emit()

    @Slot()
    def told(self) -> None:
        self.heard.emit()


class DesktopBus:
    """The system's and the session's own buses."""

    def listen(self, told: Told, ear: QObject, slot: str) -> bool:
        connection = _connection(told.bus)
        if not connection.isConnected():
            return False
        # PySide's types want bytes where it takes what its own SLOT returns, a str.
        return connection.connect("", told.path, told.interface, told.name, ear, slot)  # type: ignore[call-overload,no-any-return]

    def delay_sleep(self, taken: Callable[[int], None]) -> None:
        ask_for_delay(_connection("system"), taken)


def ask_for_delay(connection: QDBusConnection, taken: Callable[[int], None]) -> None:
    """Ask login1 on `connection` to wait before a sleep; `taken` gets its file once it answers.

    Asked without waiting: PySide's waiting call would hold up every thread.
    """
    from PySide6.QtDBus import QDBusMessage, QDBusPendingCallWatcher, QDBusUnixFileDescriptor

    if not connection.isConnected():
        return
    asking = QDBusMessage.createMethodCall(_LOGIN, f"/{_LOGIN.replace('.', '/')}", f"{_LOGIN}.Manager", "Inhibit")
    asking.setArguments(["sleep", "Freehold", "The vault is locked before the machine sleeps", "delay"])
    waiting = [QDBusPendingCallWatcher(connection.asyncCall(asking, _PATIENCE_MS))]

    def answered(watcher: QDBusPendingCallWatcher) -> None:
        given = [] if watcher.isError() else watcher.reply().arguments()
        if given and isinstance(given[0], QDBusUnixFileDescriptor) and given[0].isValid():
            taken(os.dup(given[0].fileDescriptor()))
        waiting.clear()  # the answer holds a copy of the file, and with it the sleep
        watcher.deleteLater()

    waiting[0].finished.connect(answered)


def signals(environment: Mapping[str, str] = os.environ) -> Sequence[Told]:
    """What is listened for. Who sends it does not matter: whoever forges one locks a vault and no more."""
    savers = [
        Told("session", "", f"org.{desktop}.ScreenSaver", "ActiveChanged") for desktop in _SCREEN_SAVERS
    ]  # fmt: skip
    sleep = Told("system", "/org/freedesktop/login1", f"{_LOGIN}.Manager", "PrepareForSleep")
    session = environment.get("XDG_SESSION_ID", "")
    lock = [Told("system", session_path(session), f"{_LOGIN}.Session", "Lock", turns=False)] if session else []
    return (*savers, sleep, *lock)


def session_path(session: str) -> str:
    """Where login1 keeps a session: what may not stand in a path is written as its number, a first digit too."""
    escaped = "".join(
        one if one.isascii() and (one.isalpha() or (one.isdigit() and place)) else f"_{ord(one):02x}"
        for place, one in enumerate(session)
    )
    return f"/org/freedesktop/login1/session/{escaped}"


def _connection(bus: str) -> QDBusConnection:
    from PySide6.QtDBus import QDBusConnection

    return QDBusConnection.systemBus() if bus == "system" else QDBusConnection.sessionBus()
