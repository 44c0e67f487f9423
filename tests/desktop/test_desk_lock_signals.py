"""The session's word that the screen is locked or the machine sleeps: heard on a real bus of our own, and obeyed."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from PySide6.QtCore import QMetaObject, Qt
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusUnixFileDescriptor, QDBusVirtualObject

from freehold.desktop.appearance import Appearance
from freehold.desktop.lock_signals import DesktopBus, LockSignals, Told, ask_for_delay, session_path, signals
from freehold.desktop.main import Opening
from freehold.desktop.platform_check import has_login1, missing_buses
from freehold.desktop.screen_lock import SleepDelay
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
        heard = self._ours.connect("", told.path, told.interface, told.name, ear, slot)
        self._ours.interface().registeredServiceNames()  # a round trip: from here on the bus knows what is listened for
        return heard

    def delay_sleep(self, taken) -> None:
        ask_for_delay(self._ours, taken)

    def offer(self, login: QDBusVirtualObject) -> None:
        """Let `login` be login1 on this bus."""
        assert self._theirs.registerVirtualObject(SLEEP, login)
        assert self._theirs.registerService("org.freedesktop.login1")

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

    def delay_sleep(self, _taken) -> None:
        raise AssertionError("nobody is asked where nothing is heard")


class Login(QDBusVirtualObject):
    """login1 as far as it is asked: gives the writing end of a pipe, and knows when every copy of it is closed."""

    def __init__(self, answers: bool = True) -> None:
        super().__init__()
        self.answers, self.asked = answers, []
        self._reading: int | None = None

    def introspect(self, _path):
        return ""

    def handleMessage(self, message, connection):
        self.asked.append(message.arguments())
        if not self.answers:
            return connection.send(message.createErrorReply("org.freedesktop.DBus.Error.AccessDenied", "no"))
        self._reading, writing = os.pipe()
        os.set_blocking(self._reading, False)
        reply = message.createReply()
        reply.setArguments([QDBusUnixFileDescriptor(writing)])
        os.close(writing)
        return connection.send(reply)

    @property
    def waits(self) -> bool:
        """Whether a sleep would wait."""
        if self._reading is None:
            return False
        try:
            return os.read(self._reading, 1) != b""
        except BlockingIOError:
            return True


class Files:
    """A bus that gives a file as a delay, when the test says so; it counts those that are open."""

    def __init__(self) -> None:
        self.asked = []

    def listen(self, _told, _ear, _slot) -> bool:
        return True

    def delay_sleep(self, taken) -> None:
        self.asked.append(taken)

    def answer(self) -> int:
        file = os.open(os.devnull, os.O_RDONLY)
        self.asked[-1](file)
        return file


class Remembers:
    """A bus on which a test speaks by itself."""

    def __init__(self) -> None:
        self.ears = {}

    def listen(self, told, ear, _slot) -> bool:
        self.ears[told.name] = ear
        return True

    def delay_sleep(self, _taken) -> None:
        pass

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


def opening(qt, tmp_path, bus, **settings):
    house = FakeHousehold(tmp_path / "home")
    for name, value in settings.items():
        house.settings.set(name, value)
    window = qt.show(Window(plain_transcript), 1280, 800)
    made = Opening(window, Appearance(qt.app), lambda _raise, _lock: house, bus=bus)
    made.start()
    qt.until(lambda: made.shell is not None and made.shell.is_open)
    qt.spin(0.1)
    return made


def test_sleep_waits_while_the_vault_is_open_and_until_locking_has_ended(qt, bus, tmp_path):
    login = Login()
    bus.offer(login)
    opened = opening(qt, tmp_path, bus)
    qt.until(lambda: login.waits)
    assert [one[0] for one in login.asked] == ["sleep"]
    assert login.asked[0][1:] == ["Freehold", "The vault is locked before the machine sleeps", "delay"]
    bus.say(SLEEP, MANAGER, "PrepareForSleep", True)
    qt.until(lambda: not login.waits)
    assert not opened.shell.is_open
    assert opened.shell._household.vault.locks == 1
    opened.close()


def test_after_unlocking_sleep_waits_again(qt, bus, tmp_path):
    login = Login()
    bus.offer(login)
    opened = opening(qt, tmp_path, bus)
    qt.until(lambda: login.waits)
    opened.shell.lock()
    qt.until(lambda: not login.waits)
    qt.until(lambda: opened.shell._is_locked)
    opened._window.entry.passphrase_given.emit("correct horse")
    qt.until(lambda: login.waits)
    assert len(login.asked) == 2
    opened.close()


def test_a_login1_that_refuses_changes_nothing(qt, bus, tmp_path):
    login = Login(answers=False)
    bus.offer(login)
    opened = opening(qt, tmp_path, bus)
    qt.until(lambda: login.asked)
    qt.spin(0.1)
    assert not opened.screen_lock.delay.is_held
    bus.say(SLEEP, MANAGER, "PrepareForSleep", True)
    qt.until(lambda: not opened.shell._household.vault.is_open)
    opened.close()


def test_a_bus_without_login1_changes_nothing(qt, bus, tmp_path):
    opened = opening(qt, tmp_path, bus)
    bus.say(SLEEP, MANAGER, "PrepareForSleep", True)
    qt.until(lambda: not opened.shell._household.vault.is_open)
    opened.close()


def test_who_does_not_want_to_lock_before_sleep_does_not_wait_for_it_either(qt, tmp_path):
    bus = Files()
    opened = opening(qt, tmp_path, bus, lock_with_screen=False)
    assert bus.asked == []
    opened.shell._set("lock_with_screen", True)
    bus.answer()
    assert opened.screen_lock.delay.is_held
    opened.shell._set("lock_with_screen", False)
    assert not opened.screen_lock.delay.is_held
    opened.close()


def test_a_delay_that_comes_when_it_is_no_longer_wanted_is_given_back():
    bus = Files()
    delay = SleepDelay(bus)
    delay.hold()
    delay.hold()
    delay.let_go()
    file = bus.answer()
    assert not delay.is_held
    with pytest.raises(OSError):
        os.fstat(file)
    assert len(bus.asked) == 1


def test_a_window_without_a_bus_opens_and_locks(qt, tmp_path):
    opened = opening(qt, tmp_path, Silent())
    assert opened.shell.lock()
    qt.until(lambda: not opened.shell._household.vault.is_open)
    opened.close()


def test_the_doctor_knows_whether_there_is_a_login1(tmp_path):
    assert not has_login1(tmp_path)
    (tmp_path / "systemd" / "sessions").mkdir(parents=True)
    assert has_login1(tmp_path)


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
