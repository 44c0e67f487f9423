"""The session's word that the screen is locked or the machine sleeps: heard on a real bus of our own, and obeyed."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from PySide6.QtCore import QMetaObject, Qt
from PySide6.QtDBus import QDBusConnection, QDBusMessage

from freehold.desktop.appearance import Appearance
from freehold.desktop.lock_signals import DesktopBus, LockSignals, Told, session_path, signals
from freehold.desktop.main import Opening
from freehold.desktop.platform_check import missing_buses
from freehold.desktop.window import Window
from support.desk import FakeHousehold, plain_transcript

pytest_plugins = ("support.qt",)

SAVER, OTHER_SAVER = "org.gnome.ScreenSaver", "org.freedesktop.ScreenSaver"
MANAGER, SLEEP = "org.freedesktop.login1.Manager", "/org/freedesktop/login1"
SESSION = "org.freedesktop.login1.Session"


class PrivateBus:
    """A bus daemon of this test alone, in the place of both of the system's."""

    def __init__(self) -> None:
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._daemon.stdout is not None
        address = self._daemon.stdout.readline().strip()
        self._ours = QDBusConnection.connectToBus(address, "listens")
        self._theirs = QDBusConnection.connectToBus(address, "speaks")

    def listen(self, told: Told, ear, slot) -> bool:
        return self._ours.connect("", told.path, told.interface, told.name, ear, slot)

    def say(self, path: str, interface: str, name: str, *arguments: object) -> None:
        message = QDBusMessage.createSignal(path, interface, name)
        message.setArguments(list(arguments))
        assert self._theirs.send(message)

    def close(self) -> None:
        for name in ("listens", "speaks"):
            QDBusConnection.disconnectFromBus(name)
        self._daemon.terminate()
        self._daemon.communicate()


@pytest.fixture
def bus():
    if shutil.which("dbus-daemon") is None:
        pytest.skip("dbus-daemon is not installed")
    bus = PrivateBus()
    yield bus
    bus.close()


class Silent:
    """No bus at all."""

    def listen(self, _told, _ear, _slot) -> bool:
        return False


class Remembers:
    """A bus on which a test speaks by itself."""

    def __init__(self) -> None:
        self.ears = {}

    def listen(self, told, ear, _slot) -> bool:
        self.ears[told.name] = ear
        return True

    def say(self, name: str, slot: str) -> None:
        QMetaObject.invokeMethod(self.ears[name], slot, Qt.ConnectionType.QueuedConnection)


def test_a_locked_screen_a_sleep_and_a_locked_session_are_heard_and_their_ends_are_not(qt, bus, monkeypatch):
    monkeypatch.setenv("XDG_SESSION_ID", "2")
    told = LockSignals(bus)
    heard = []
    told.heard.connect(lambda: heard.append(1))
    assert told.listen()
    for number, (path, interface, name, *rest) in enumerate([
        ("/org/gnome/ScreenSaver", SAVER, "ActiveChanged", True), (SLEEP, MANAGER, "PrepareForSleep", True),
        (f"{SLEEP}/session/_32", SESSION, "Lock"), ("/ScreenSaver", OTHER_SAVER, "ActiveChanged", True),
    ]):  # fmt: skip
        bus.say(path, interface, name, *rest)
        qt.until(lambda number=number: len(heard) == number + 1)
    bus.say("/org/gnome/ScreenSaver", SAVER, "ActiveChanged", False)
    bus.say(SLEEP, MANAGER, "PrepareForSleep", False)
    bus.say(f"{SLEEP}/session/_33", SESSION, "Lock")  # somebody else's session
    bus.say("/org/gnome/ScreenSaver", SAVER, "ActiveChanged", True)
    qt.until(lambda: len(heard) == 5)
    qt.spin(0.1)
    assert len(heard) == 5


def test_without_a_bus_nothing_is_heard_and_nothing_fails(qt):
    assert LockSignals(Silent()).listen() is False


@pytest.mark.parametrize(("wanted", "is_open"), [(True, False), (False, True)])
def test_a_window_locks_with_the_screen_where_its_owner_wants_that(qt, tmp_path, wanted, is_open):
    bus, house = Remembers(), FakeHousehold(tmp_path / "home")
    house.settings.set("lock_with_screen", wanted)
    window = qt.show(Window(plain_transcript), 1280, 800)
    opening = Opening(window, Appearance(qt.app), lambda _raise, _lock: house, bus=bus)
    opening.start()
    qt.until(lambda: opening.shell is not None and window.actions_by_name["new-chat"].isEnabled() and bus.ears)
    told = bus.ears["PrepareForSleep"]
    told.turned(True)
    qt.spin(0.1)
    qt.until(lambda: house.vault.is_open == is_open)
    opening.close()


def test_what_is_listened_for_does_not_depend_on_a_session_that_login1_does_not_know():
    assert [one.name for one in signals({})].count("Lock") == 0
    assert [one.path for one in signals({"XDG_SESSION_ID": "c1"}) if one.name == "Lock"] == [f"{SLEEP}/session/c1"]


@pytest.mark.parametrize(("session", "last"), [("2", "_32"), ("12", "_312"), ("c1", "c1"), ("a-b", "a_2db")])
def test_a_sessions_path_is_written_as_login1_writes_it(session, last):
    assert session_path(session).rsplit("/", 1)[1] == last


def test_the_doctor_knows_which_bus_is_missing(tmp_path):
    socket = tmp_path / "system_bus_socket"
    assert missing_buses({}, system_bus=socket) == ("session", "system")
    socket.touch()
    (tmp_path / "bus").touch()
    assert missing_buses({"XDG_RUNTIME_DIR": str(tmp_path)}, system_bus=socket) == ()
    assert missing_buses({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}, system_bus=socket) == ()


def test_the_real_buses_may_be_asked_on_a_machine_that_has_none(qt, monkeypatch):
    told = Told("session", "", SAVER, "ActiveChanged")
    assert DesktopBus().listen(told, LockSignals(Silent()), "1turned(bool)") in (True, False)
