"""What stands where a turn's words are still on their way."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QPainter

from freehold.desktop.transcript.looks import Looks


def draw_skeleton(painter: QPainter, where: QRect, looks: Looks, *, is_question: bool) -> None:
    """Soft bars in the place of text."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(looks.colour("panel"))
    if is_question:
        wide = where.width() * 0.6
        painter.drawRoundedRect(QRectF(where.right() - wide, where.top() + 16, wide, where.height() - 40), 10, 10)
    else:
        line = looks.line_height
        count = max(1, (where.height() - 40) // line)
        for number in range(count):
            wide = where.width() * (0.55 if number == count - 1 else 0.97 - 0.06 * (number % 3))
            y = where.top() + 8 + number * line
            painter.drawRoundedRect(QRectF(where.left(), y, wide, line * 0.5), 4, 4)
    painter.restore()
