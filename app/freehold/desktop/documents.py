"""Opens documents beside the page in view, whoever asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.desktop.viewer.values import Place
from freehold.desktop.window import Window

if TYPE_CHECKING:
    from freehold.desktop.viewer.controller import ViewerController


class Documents(QObject):
    """The viewer is made for the first passage that is opened. `file_asked`: in its own program, please."""

    opened = Signal()
    closed = Signal()
    file_asked = Signal(str)

    def __init__(self, household: Household, window: Window, bridge: Bridge) -> None:
        super().__init__()
        self._household, self._window, self._bridge = household, window, bridge
        self._viewer: ViewerController | None = None
        self._before: QWidget | None = None  # had the keys before the first document was opened

    def open(self, place: Place) -> None:
        """Show a document at a passage, beside the page in view."""
        if not self._window.is_viewing:
            self._before = self._window.focusWidget()
        self.viewer.open(place)

    def open_passage(self, document: int, path: str, page: int | None, start: int, end: int) -> None:
        """The same for a passage that was found by searching."""
        self.open(Place(document, path, page=page, start=start, end=end))

    def forget(self) -> None:
        """The vault is locked: show nothing, keep nothing."""
        if self._viewer is not None:
            self._viewer.forget()

    @property
    def viewer(self) -> ViewerController:
        if self._viewer is None:
            from freehold.desktop.viewer.controller import ViewerController

            self._viewer = ViewerController(self._household, self._bridge, self._window.viewer)
            self._viewer.opened.connect(self._show)
            self._viewer.closed.connect(self._hide)
            self._viewer.file_asked.connect(self.file_asked)
        return self._viewer

    def _show(self) -> None:
        self.opened.emit()
        self._window.show_viewer(True)

    def _hide(self) -> None:
        self._window.show_viewer(False)
        before, self._before = self._before, None
        if before is not None and before.isVisible():
            before.setFocus()
        self.closed.emit()
