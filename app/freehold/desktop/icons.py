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


def _forth(painter: QPainter, _colour: QColor) -> None:
    path = QPainterPath(QPointF(6.5, 3.5))
    path.lineTo(11.0, 8.0)
    path.lineTo(6.5, 12.5)
    painter.drawPath(path)


def _minus(painter: QPainter, _colour: QColor) -> None:
    painter.drawLine(QPointF(3.5, 8), QPointF(12.5, 8))


def _plus(painter: QPainter, colour: QColor) -> None:
    _minus(painter, colour)
    painter.drawLine(QPointF(8, 3.5), QPointF(8, 12.5))


def _outside(painter: QPainter, _colour: QColor) -> None:
    """An arrow that leaves its box."""
    path = QPainterPath(QPointF(7.0, 3.5))
    path.lineTo(3.5, 3.5)
    path.lineTo(3.5, 12.5)
    path.lineTo(12.5, 12.5)
    path.lineTo(12.5, 9.0)
    path.moveTo(9.5, 2.5)
    path.lineTo(13.5, 2.5)
    path.lineTo(13.5, 6.5)
    path.moveTo(13.5, 2.5)
    path.lineTo(8.0, 8.0)
    painter.drawPath(path)


def _clip(painter: QPainter, _colour: QColor) -> None:
    """A paper clip."""
    path = QPainterPath(QPointF(12.8, 7.6))
    path.lineTo(8.0, 12.4)
    path.cubicTo(6.6, 13.8, 4.4, 13.8, 3.1, 12.5)
    path.cubicTo(1.8, 11.2, 1.8, 9.1, 3.2, 7.7)
    path.lineTo(8.2, 2.7)
    path.cubicTo(9.1, 1.8, 10.6, 1.8, 11.5, 2.7)
    path.cubicTo(12.4, 3.6, 12.4, 5.0, 11.5, 5.9)
    path.lineTo(6.7, 10.7)
    path.cubicTo(6.2, 11.2, 5.4, 11.2, 5.0, 10.7)
    path.cubicTo(4.6, 10.3, 4.6, 9.6, 5.0, 9.1)
    path.lineTo(9.4, 4.7)
    painter.drawPath(path)


def _chevron(painter: QPainter, _colour: QColor) -> None:
    path = QPainterPath(QPointF(4.5, 6.5))
    path.lineTo(8.0, 10.0)
    path.lineTo(11.5, 6.5)
    painter.drawPath(path)


_DRAWN: dict[str, Callable[[QPainter, QColor], None]] = {
    "close": _close, "more": _more, "sliders": _sliders, "check": _check, "back": _back,
    "forth": _forth, "minus": _minus, "plus": _plus, "outside": _outside, "clip": _clip, "chevron": _chevron,
}  # fmt: skip
