"""One offscreen QApplication for all tests, and nothing that Qt complains about passes unseen.

A test module says `pytest_plugins = ("support.qt",)` and its tests ask for the fixture `qt`:

    def test_a_new_window_is_seen(qt):
        window = qt.show(Window(), 1280, 800)
        qt.until(window.isVisible)

At its end `qt` fails the test when Qt warned or when a slot raised. `qt.forgive("part of a warning")` allows one.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TypeVar

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.pop("QT_SCALE_FACTOR", None)

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication, QWidget

# Said by the offscreen platform about itself, not about what we do.
_HARMLESS = ("This plugin does not support",)

Shown = TypeVar("Shown", bound=QWidget)


def application() -> QApplication:
    """The one QApplication of this process, made on first use."""
    found = QApplication.instance()
    return found if isinstance(found, QApplication) else QApplication(["freehold-tests"])


def spin(seconds: float = 0.0) -> None:
    """Let the event loop work for `seconds`, deletions included; 0 means once through what waits now."""
    end = time.monotonic() + seconds
    while True:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        if time.monotonic() >= end:
            return
        time.sleep(0.002)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Spin the event loop until `condition()` holds; AssertionError after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain")
        spin(0.005)


class Qt:
    """What a test may do with Qt, and what Qt and the slots complained about meanwhile."""

    def __init__(self) -> None:
        self.app = application()
        self.complaints: list[str] = []
        self._shown: list[QWidget] = []
        self._forgiven: list[str] = list(_HARMLESS)

    def show(self, widget: Shown, width: int = 0, height: int = 0) -> Shown:
        """Show `widget` (at a size in pixels when given) and close it when the test is over."""
        self._shown.append(widget)
        if width and height:
            widget.resize(width, height)
        widget.show()
        spin()
        return widget

    def forgive(self, part: str) -> None:
        """Complaints that contain `part` do not fail this test."""
        self._forgiven.append(part)

    def until(self, condition: Callable[[], object], seconds: float = 30.0) -> None:
        until(condition, seconds)

    def spin(self, seconds: float = 0.0) -> None:
        spin(seconds)

    def close(self) -> None:
        for widget in self._shown:
            widget.close()
            widget.deleteLater()
        self._shown.clear()
        spin()

    def unforgiven(self) -> list[str]:
        return [said for said in self.complaints if not any(part in said for part in self._forgiven)]

    def _qt_said(self, kind: QtMsgType, _where: QMessageLogContext, message: str) -> None:
        if kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg):
            self.complaints.append(f"{kind.name}: {message}")

    def _slot_raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.complaints.append("".join(traceback.format_exception(kind, error, trace)))


@pytest.fixture
def qt() -> Iterator[Qt]:
    qt = Qt()
    handler_before = qInstallMessageHandler(qt._qt_said)
    hook_before, sys.excepthook = sys.excepthook, qt._slot_raised
    try:
        yield qt
        qt.close()
    finally:
        sys.excepthook = hook_before
        qInstallMessageHandler(handler_before)
    if said := qt.unforgiven():
        pytest.fail("Qt or a slot complained:\n" + "\n".join(said), pytrace=False)
