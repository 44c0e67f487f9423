"""A short word at the bottom of the window, with Undo where something was removed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QWidget

from freehold.desktop.pieces import announce, button, label, row

SECONDS = 8.0
_ABOVE = 128  # clears the message box


class Toast(QFrame):
    """One toast at a time. Its `after` runs when it leaves without Undo, at the latest when the app closes."""

    def __init__(self, parent: QWidget, anchor: QWidget) -> None:
        """Lies over `parent`, in the middle of `anchor` and above what is written at its bottom."""
        super().__init__(parent)
        self._anchor = anchor
        self.setProperty("kind", "toast")
        self._text = label("")
        self._undo, self._close = button(self.tr("Undo")), button(self.tr("Dismiss"))
        self.setLayout(row(self._text, 8, self._undo, self._close, margins=(16, 8, 8, 8)))
        self._undoing: Callable[[], None] | None = None
        self._after: Callable[[], None] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.settle)
        self._undo.clicked.connect(self.undo)
        self._close.clicked.connect(self.settle)
        parent.installEventFilter(self)
        self.hide()

    def say(
        self,
        text: str,
        undo: Callable[[], None] | None = None,
        after: Callable[[], None] | None = None,
    ) -> None:
        """Show `text`. What waited behind the toast before is settled first."""
        self.settle()
        self._undoing, self._after = undo, after
        self._text.setText(text)
        self._undo.setVisible(undo is not None)
        self._place()
        self.show()
        self.raise_()
        self._timer.start(round(SECONDS * 1000))
        announce(self, text if undo is None else self.tr("{0} Ctrl+Alt+Z undoes it.").format(text))

    @property
    def can_undo(self) -> bool:
        return self._undoing is not None

    def undo(self) -> None:
        undoing, self._undoing, self._after = self._undoing, None, None
        self._leave()
        if undoing is not None:
            undoing()

    def settle(self) -> None:
        """Let it stand: nobody undid it."""
        after, self._undoing, self._after = self._after, None, None
        self._leave()
        if after is not None:
            after()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        self._timer.stop()  # a pointer that is on its way to Undo must not lose the race
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        if self.isVisible():
            self._timer.start(round(SECONDS * 500))
        super().leaveEvent(event)

    def _leave(self) -> None:
        self._timer.stop()
        self.hide()

    def _place(self) -> None:
        around = self.parentWidget()
        assert around is not None
        middle = around.rect()
        if self._anchor.isVisible():
            middle = self._anchor.rect().translated(self._anchor.mapTo(around, QPoint(0, 0)))
        self._text.setMaximumWidth(max(120, middle.width() - 280))
        self.adjustSize()
        self.move(middle.center().x() - self.width() // 2, middle.bottom() - self.height() - _ABOVE)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
