"""Starts the window: painted first, everything heavy afterwards on a thread."""

from __future__ import annotations

import os
import sys
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
    from freehold.desktop.shell import Shell
    from freehold.desktop.termination import Termination

Raise = Callable[[], None]
House = TypeVar("House", bound="Household")


def run(
    build: Callable[[Profile], House],
    profile: Profile,
    *,
    claim: Callable[[House, Raise], bool] = lambda _household, _raise: True,
    painted: Callable[[], None] = lambda: None,
) -> int:
    """Show the window until it is closed; the value is the exit code.

    `build` makes the household, on a thread, after the first frame. `claim` then takes the profile, also on that
    thread: it gets a function that raises our window, to be called from any thread when Freehold is started again;
    False means that another Freehold has the profile and was told to show itself, so this one leaves.
    `painted` is called when the first frame is done. From then on SIGTERM, SIGHUP and Ctrl-C end it as its close button
    does; before it there is nothing to lose.
    """

    def open_house(raise_window: Raise) -> House | None:
        household = build(profile)
        return household if claim(household, raise_window) else None

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
    opening = Opening(window, appearance, open_house)
    window.painted.connect(painted)
    window.painted.connect(opening.start)
    window.resize(1280, 800)
    window.show()
    code = app.exec()
    opening.close()
    return code


class Opening(QObject):
    """Between the first frame and the open house: the household is built, the profile claimed."""

    _raise_wanted = Signal()

    def __init__(
        self,
        window: Window,
        appearance: Appearance,
        open_house: Callable[[Raise], Household | None],
    ) -> None:
        super().__init__()
        self._window, self._appearance, self._open_house = window, appearance, open_house
        self._bridge: Bridge | None = None
        self._termination: Termination | None = None
        self.shell: Shell | None = None
        self._raise_wanted.connect(window.raise_to_front)

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

        return self._open_house(self._raise_wanted.emit)

    def _opened(self, household: Household | None) -> None:
        if household is None:
            self._window.close()
            return
        from freehold.desktop.shell import Shell

        assert self._bridge is not None
        self.shell = Shell(household, self._window, self._appearance, self._bridge)
        self.shell.start()

    def _failed(self, error: FreeholdError) -> None:
        self._window.status.show_vault(error.title)
        self._window.chat.show_title(error.title)
        self._window.chat.composer.setDisabled(True)
        self._window.chat.trouble.show_error(error)


def _leave(window: Window, code: int) -> None:
    window.close()
    QApplication.exit(code)  # also where a dialog is open, which would keep the app running


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
