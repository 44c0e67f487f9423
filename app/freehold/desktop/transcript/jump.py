"""The way back to the end of the chat, shown when the reader is elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from freehold.desktop.transcript.flat import FlatButton


class JumpButton(FlatButton):
    """A rounded word over the transcript."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", lambda: None, arrow="down")
        self._over = parent
        self.setParent(parent)
        self.say(self.tr("Jump to the end"))
        self.setToolTip(self.tr("Jump to the end (End)"))
        self.hide()

    def place(self, *, is_needed: bool) -> None:
        """Stand near the lower edge of the transcript, or be gone."""
        size, around = self.sizeHint(), self._over.size()
        self.setGeometry(
            (around.width() - size.width()) // 2, around.height() - size.height() - 12, size.width(), size.height()
        )
        self.setVisible(is_needed)
        if is_needed:
            self.raise_()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        size = super().sizeHint()
        return QSize(size.width() + 22, size.height() + 10)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._looks.colour("muted" if self.hasFocus() else "line"), 1))
        painter.setBrush(self._looks.colour("card"))
        place = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.drawRoundedRect(place, place.height() / 2, place.height() / 2)
        painter.translate(11, 0)
        self.draw_words(painter, self.rect().adjusted(0, 0, -22, 0))
