"""Files and folders dropped anywhere on the window, where no part of the page in view takes them itself."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget


class Drops(QObject):
    """`dropped` carries paths. Takes nothing while it is not `accepting`."""

    dropped = Signal(list)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.accepting = False
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() not in (QEvent.Type.DragEnter, QEvent.Type.DragMove, QEvent.Type.Drop):
            return False
        assert isinstance(event, QDropEvent)
        paths = local_paths(event.mimeData())
        if not self.accepting or not paths:
            return False
        event.acceptProposedAction()
        if event.type() == QEvent.Type.Drop:
            self.dropped.emit(paths)
        return True


def local_paths(dropped: QMimeData) -> list[str]:
    """The files and folders of this computer in what was dropped."""
    return [url.toLocalFile() for url in dropped.urls() if url.isLocalFile() and url.toLocalFile()]
