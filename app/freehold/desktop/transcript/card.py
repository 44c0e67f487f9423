"""A source as a card: its number and name, its page, and what of it matters. Drawn, for there may be many."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPen,
    QTextCharFormat,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import QPushButton, QSizePolicy

from freehold.desktop.excerpts import Excerpt
from freehold.desktop.pieces import plain_tip
from freehold.desktop.transcript.looks import Looks, utf16_length

_PAD_X, _PAD_Y = 12, 10
_MOST_LINES = 4


class SourceCard(QPushButton):
    """Pressed, it opens what it stands for. `number` 0 shows none; `place` is the page, in words."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._looks = Looks()
        self._number, self._name, self._place, self._excerpt, self._note = 0, "", "", Excerpt(""), ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.clicked.connect(lambda _checked=False: act())

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self.updateGeometry()
        self.update()

    def say(self, number: int, name: str, place: str, excerpt: Excerpt, note: str = "") -> None:
        """`note` is what there is to know about the document: that it changed, or is gone."""
        self._number, self._name, self._place, self._excerpt, self._note = number, name, place, excerpt, note
        spoken = filter(None, (self.tr("Source {0}").format(number) if number else "", name, place, note, excerpt.text))
        self.setAccessibleName(", ".join(spoken))
        self.setToolTip(plain_tip(name))
        self.updateGeometry()
        self.update()

    def hasHeightForWidth(self) -> bool:  # noqa: N802 - Qt's name
        return True

    def heightForWidth(self, width: int) -> int:  # noqa: N802 - Qt's name
        high = 2 * _PAD_Y + QFontMetrics(self._heading()).height()
        if self._note:
            high += 4 + QFontMetrics(self._looks.note).height()
        if self._excerpt.text:
            high += 4 + round(self._laid_out(width - 2 * _PAD_X)[1])
        return high

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(240, self.heightForWidth(max(self.width(), 240)))

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hot = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(self._looks.colour("muted" if is_hot else "line"), 1))
        painter.setBrush(self._looks.colour("card"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        inside = self.rect().adjusted(_PAD_X, _PAD_Y, -_PAD_X, -_PAD_Y)
        y = inside.top() + self._paint_heading(painter, inside)
        if self._note:
            painter.setFont(self._looks.note)
            painter.setPen(self._looks.colour("ink"))
            high = QFontMetrics(self._looks.note).height()
            painter.drawText(QRect(inside.left(), y + 4, inside.width(), high), Qt.AlignmentFlag.AlignLeft, self._note)
            y += 4 + high
        if self._excerpt.text:
            painter.setPen(self._looks.colour("muted"))
            self._laid_out(inside.width())[0].draw(painter, QPointF(inside.left(), y + 4))

    def _paint_heading(self, painter: QPainter, inside: QRect) -> int:
        """The number, the name and the page on one line; its height."""
        bold = self._heading()
        metrics, small = QFontMetrics(bold), QFontMetrics(self._looks.note)
        page = small.horizontalAdvance(self._place)
        name = f"{self._number}  {self._name}" if self._number else self._name
        room = inside.width() - page - (12 if page else 0)
        where = QRect(inside.left(), inside.top(), room, metrics.height())
        painter.setFont(bold)
        painter.setPen(self._looks.colour("ink"))
        painter.drawText(
            where, Qt.AlignmentFlag.AlignVCenter, metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)
        )
        painter.setFont(self._looks.note)
        painter.setPen(self._looks.colour("muted"))
        where.setRight(inside.right())
        painter.drawText(where, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, self._place)
        return metrics.height()

    def _heading(self) -> QFont:
        font = self._looks.note
        font.setWeight(QFont.Weight.DemiBold)
        return font

    def _laid_out(self, width: int) -> tuple[QTextLayout, float]:
        """The excerpt in lines, with a ground under what matters; and how high it is."""
        shown = self._excerpt
        layout = QTextLayout(shown.text, self._looks.note)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        if shown.end > shown.start:
            ground = QTextCharFormat()
            ground.setBackground(self._looks.colour("here_soft"))
            ground.setForeground(self._looks.colour("ink"))
            where = QTextLayout.FormatRange()
            where.start = utf16_length(shown.text[: shown.start])
            where.length = utf16_length(shown.text[shown.start : shown.end])
            where.format = ground
            layout.setFormats([where])
        step, y = round(self._looks.sizes.note * 1.5), 0.0
        layout.beginLayout()
        for _ in range(_MOST_LINES):
            line = layout.createLine()
            if not line.isValid():
                break
            line.setLineWidth(width)
            line.setPosition(QPointF(0, y + max(0.0, (step - line.height()) / 2)))
            y += step
        layout.endLayout()
        return layout, y
