"""The mark and the few line icons, drawn in the colour they are asked for, sharp at every scale."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

_SCALES = (1.0, 2.0, 3.0)


def draw_mark(painter: QPainter, place: QRectF, colour: QColor, hole: QColor) -> None:
    """The rounded square with a room in it."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    side = place.width()
    painter.drawRoundedRect(place, side / 4, side / 4)
    painter.setBrush(hole)
    inset = side * 5 / 18
    painter.drawRoundedRect(place.adjusted(inset, inset, -inset, -inset), side / 9, side / 9)


def window_icon(colour: str, hole: str) -> QIcon:
    """The mark as a window icon."""
    icon = QIcon()
    for side in (16, 32, 64, 128):
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        draw_mark(painter, QRectF(1, 1, side - 2, side - 2), QColor(colour), QColor(hole))
        painter.end()
        icon.addPixmap(pixmap)
    return icon


def icon(name: str, colour: str, side: int = 16) -> QIcon:
    """The line icon `name` in `colour`, `side` logical pixels wide."""
    draw = _DRAWN[name]
    made = QIcon()
    for scale in _SCALES:
        pixmap = QPixmap(round(side * scale), round(side * scale))
        pixmap.setDevicePixelRatio(scale)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(side / 16, side / 16)
        pen = QPen(QColor(colour), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        draw(painter, QColor(colour))
        painter.end()
        made.addPixmap(pixmap)
    return made


def _close(painter: QPainter, _colour: QColor) -> None:
    painter.drawLine(QPointF(4, 4), QPointF(12, 12))
    painter.drawLine(QPointF(12, 4), QPointF(4, 12))


def _more(painter: QPainter, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    for x in (3.0, 8.0, 13.0):
        painter.drawEllipse(QPointF(x, 8.0), 1.4, 1.4)


def _sliders(painter: QPainter, colour: QColor) -> None:
    for y, knob in ((4.5, 10.5), (11.5, 5.5)):
        painter.drawLine(QPointF(2.5, y), QPointF(13.5, y))
        painter.save()
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(knob, y), 1.6, 1.6)
        painter.restore()


def _check(painter: QPainter, _colour: QColor) -> None:
    path = QPainterPath(QPointF(3.5, 8.5))
    path.lineTo(6.5, 11.5)
    path.lineTo(12.5, 4.5)
    painter.drawPath(path)


def _back(painter: QPainter, _colour: QColor) -> None:
    path = QPainterPath(QPointF(9.5, 3.5))
    path.lineTo(5.0, 8.0)
    path.lineTo(9.5, 12.5)
    painter.drawPath(path)


_DRAWN: dict[str, Callable[[QPainter, QColor], None]] = {
    "close": _close, "more": _more, "sliders": _sliders, "check": _check, "back": _back,
}  # fmt: skip
