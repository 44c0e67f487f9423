"""Starts the window: painted first, everything heavy afterwards on a thread."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from freehold.desktop.appearance import Appearance, load_first_fonts
from freehold.desktop.platform_check import platform_order
from freehold.desktop.window import Window
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import Profile
from freehold.foundation.settings import SettingsFile

if TYPE_CHECKING:
    from freehold.desktop.bridge import Bridge
    from freehold.desktop.needs import Household
    from freehold.desktop.screen_lock import Bus
    from freehold.desktop.shell import Shell
    from freehold.desktop.termination import Termination
    from freehold.processes.replacing import Handed

Do = Callable[[], None]
House = TypeVar("House", bound="Household")

_LOCK_SECONDS = 20.0  # for every process to end; then whoever wished for it goes on and looks for itself


def run(
    build: Callable[[Profile], House],
    profile: Profile,
    *,
    claim: Callable[[House, Do, Do], bool] = lambda _household, _raise, _lock: True,
    replace: Callable[[House, Handed], None] | None = None,
    handed: Handed | None = None,
    painted: Callable[[], None] = lambda: None,
) -> int:
    """Show the window until it is closed; the value is the exit code.

    `build` makes the household, on a thread, after the first frame. `claim` then takes the profile, also on that
    thread: it gets a function that raises our window and one that locks it, to be called from any thread; False means
    that another Freehold has the profile and was told to show itself, so this one leaves.
    `replace` puts a new process in the place of this one once it is locked; that one is given `handed`, and shows the
    lock screen where the window was. Without it a locked window stays.
    `painted` is called when the first frame is done. From then on SIGTERM, SIGHUP and Ctrl-C end it as its close button
    does; before it there is nothing to lose.
    """
    houses: list[House] = []

    def open_house(raise_window: Do, lock_window: Do) -> House | None:
        household = build(profile)
        if not claim(household, raise_window, lock_window):
            return None
        houses.append(household)
        return household

    order = platform_order()
    if order:
        os.environ["QT_QPA_PLATFORM"] = order
    app = _application()
    load_first_fonts()
    appearance = Appearance(app)
    settings = SettingsFile(profile.settings)
    appearance.wish(settings.text("theme"), settings.whole("text_size"))
    window = Window(_make_transcript, appearance.theme, appearance.text_size)
    appearance.changed.connect(window.dress)
    opening = Opening(window, appearance, open_house, leaves=replace is not None, handed=handed)
    window.painted.connect(painted)
    window.painted.connect(opening.start)
    window.resize(1280, 800)
    if handed is not None:
        _show_locked(window, handed)
    window.show()
    code = app.exec()
    if replace is not None and opening.is_leaving and opening.shell is not None:
        from freehold.processes.replacing import Handed

        opening.shell.stop()
        replace(houses[0], Handed(chat=opening.shell.chat_in_view, geometry=_geometry(window)))
    opening.close()
    return code


class Opening(QObject):
    """Between the first frame and the open house: the household is built, the profile claimed."""

    _raise_wanted = Signal()
    _lock_wanted = Signal()

    def __init__(
        self,
        window: Window,
        appearance: Appearance,
        open_house: Callable[[Do, Do], Household | None],
        *,
        leaves: bool = False,
        handed: Handed | None = None,
        bus: Bus | None = None,
    ) -> None:
        super().__init__()
        self._bus = bus
        self._window, self._appearance, self._open_house = window, appearance, open_house
        self._leaves, self._handed = leaves, handed
        self._bridge: Bridge | None = None
        self._termination: Termination | None = None
        self._has_locked = threading.Event()
        self.shell: Shell | None = None
        self.is_leaving = False
        self._raise_wanted.connect(window.raise_to_front)
        self._lock_wanted.connect(self._lock_now)

    def start(self) -> None:
        """After the first frame: the rest of the window, then everything that is slow, on a thread."""
        from freehold.desktop.bridge import Bridge
        from freehold.desktop.termination import Termination

        self._termination = Termination(lambda code: _leave(self._window, code))
        self._window.furnish()
        self._appearance.follow_system()
        self._bridge = Bridge()
        self._bridge.run(lambda _stop: self._open(), done=self._opened, failed=self._failed)

    def close(self) -> None:
        if self.shell is not None:
            self.shell.close()
        elif self._bridge is not None:
            self._bridge.close(1.0)
        if self._termination is not None:
            self._termination.close()  # only now: a second wish must not cut short what the first one began

    def _open(self) -> Household | None:
        """Runs on a thread: the imports are heavy."""
        import freehold.desktop.shell  # noqa: F401 - imported here so that the window's thread finds it ready

        return self._open_house(self._raise_wanted.emit, self.lock)

    def lock(self) -> None:
        """Lock as the shortcut does, and return once that is done. For another thread than the window's."""
        self._has_locked.clear()
        self._lock_wanted.emit()
        self._has_locked.wait(_LOCK_SECONDS)

    def _lock_now(self) -> None:
        if self.shell is None or not self.shell.lock():
            self._has_locked.set()

    def _locked(self) -> None:
        self._has_locked.set()
        if self._leaves:
            self.is_leaving = True
            QApplication.exit(0)

    def _opened(self, household: Household | None) -> None:
        if household is None:
            self._window.close()
            return
        from freehold.desktop.shell import Shell

        assert self._bridge is not None
        self.shell = Shell(
            household, self._window, self._appearance, self._bridge, leaves=self._leaves, handed=self._handed
        )
        self.shell.locked.connect(self._locked)
        self.shell.start()
        self._listen(self.shell, household.settings)

    def _listen(self, shell: Shell, settings: SettingsFile) -> None:
        from freehold.desktop.lock_signals import DesktopBus
        from freehold.desktop.screen_lock import ScreenLock

        assert self._bridge is not None
        bus = self._bus or DesktopBus()
        self.screen_lock = ScreenLock(shell, settings, self._bridge, bus, leaves=self._leaves)

    def _failed(self, error: FreeholdError) -> None:
        self._window.status.show_vault(error.title)
        self._window.chat.show_title(error.title)
        self._window.chat.composer.setDisabled(True)
        self._window.chat.trouble.show_error(error)


def _leave(window: Window, code: int) -> None:
    window.close()
    QApplication.exit(code)  # also where a dialog is open, which would keep the app running


def _show_locked(window: Window, handed: Handed) -> None:
    """The lock screen from the first frame on, where the window was."""
    from PySide6.QtCore import QByteArray

    from freehold.desktop.unlock_page import UnlockPage

    window.restoreGeometry(QByteArray.fromBase64(handed.geometry.encode("ascii")))
    window.show_entry(UnlockPage())


def _geometry(window: Window) -> str:
    return bytes(window.saveGeometry().toBase64().data()).decode("ascii")


def _application() -> QApplication:
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    QApplication.setApplicationName("Freehold")
    QApplication.setDesktopFileName("freehold")
    # The one style that takes a palette and a style sheet alike everywhere. Named here and not by setStyle, whose
    # answer costs the first frame another 12 ms (PySide makes the type QStyle for it).
    app = QApplication([sys.argv[0], "-style", "fusion"])
    sys.excepthook = _log_bug
    return app


def _log_bug(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """A slot raised: Qt goes on, and so do we; the log gets type and place, never the message."""
    import logging

    if issubclass(kind, KeyboardInterrupt):
        QApplication.exit(130)
        return
    logging.getLogger("freehold.desktop").error("a slot failed", exc_info=(kind, error, trace))


def _make_transcript() -> QWidget:
    from freehold.desktop.transcript.view import TranscriptView

    return TranscriptView()
