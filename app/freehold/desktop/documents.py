"""What the window shows of documents beside a page: joined to the household when first wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.desktop.viewer.values import Place
from freehold.desktop.window import Window

if TYPE_CHECKING:
    from freehold.desktop.viewer.controller import ViewerController


class Documents(QObject):
    """Opens passages in the viewer, which is made for the first of them. `file_asked`: in its own program, please."""

    file_asked = Signal(str)

    def __init__(self, household: Household, window: Window, bridge: Bridge) -> None:
        super().__init__()
        self._household, self._window, self._bridge = household, window, bridge
        self._viewer: ViewerController | None = None

    def open(self, place: Place) -> None:
        """Show a document at a passage, beside the page in view."""
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
            self._viewer.opened.connect(lambda: self._window.show_viewer(True))
            self._viewer.closed.connect(lambda: self._window.show_viewer(False))
            self._viewer.file_asked.connect(self.file_asked)
        return self._viewer
