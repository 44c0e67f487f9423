"""A file that came with a question: its name and how long it is. Pressed, it is shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Attachment
from freehold.desktop.icons import icon
from freehold.desktop.source_words import length_words
from freehold.desktop.transcript.flat import FlatButton
from freehold.rendering.visible import one_line

_ICON = 14
_MOST_NAME = 260  # pixels


class FileChip(FlatButton):
    """Drawn like the other chips, with a paper clip."""

    def __init__(self, parent: QWidget, file: Attachment, act: Callable[[], object]) -> None:
        super().__init__(one_line(file.name), act, framed=True)
        self._length = length_words(file.length)
        self.setParent(parent)
        self.setAccessibleName(self.tr("File {0}, {1}").format(self.text(), self._length))
        self.setToolTip(self.tr("Show this file"))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(self._looks.note)
        name = min(metrics.horizontalAdvance(self.text()) + 2, _MOST_NAME)
        return QSize(10 + _ICON + 6 + name + 8 + metrics.horizontalAdvance(self._length) + 10, metrics.height() + 10)

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hot = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(self._looks.colour("muted" if is_hot else "line"), 1))
        painter.setBrush(self._looks.colour("card"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        icon("clip", self._looks.theme.muted).paint(painter, 10, (self.height() - _ICON) // 2, _ICON, _ICON)
        painter.setFont(self._looks.note)
        metrics = QFontMetrics(self._looks.note)
        rest = self.rect().adjusted(10 + _ICON + 6, 0, -10, 0)
        tail = metrics.horizontalAdvance(self._length)
        room = min(rest.width() - tail - 8, _MOST_NAME)
        painter.setPen(self._looks.colour("ink"))
        name = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room)
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(self._looks.colour("muted"))
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._length)
