"""The small number behind a sentence: an object in the text, so that no selection mistakes it for words."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPyTextObject, QTextDocument, QTextFormat

from freehold.desktop.transcript.looks import Looks, text_font

OBJECT = QTextFormat.ObjectTypes.UserObject.value + 1
NUMBER = QTextFormat.Property.UserProperty.value + 3
# Nothing that is shown holds either of these characters: visible.py writes both out. The first keeps the number on the
# line of its sentence.
SIGN = "\u2060\ufffc"
_GAP, _PAD = 3.0, 5.0


class SourceNumber(QPyTextObject):
    """Draws a number in a soft field, in the colour of what is on this computer."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._looks = Looks()

    def wear(self, looks: Looks) -> None:
        self._looks = looks

    def intrinsicSize(self, _document: QTextDocument, _position: int, style: QTextFormat) -> QSizeF:  # noqa: N802
        metrics = QFontMetricsF(self._font())
        return QSizeF(_GAP + metrics.horizontalAdvance(_words(style)) + 2 * _PAD, metrics.ascent() + 2)

    def drawObject(  # noqa: N802 - Qt's name
        self, painter: QPainter, place: QRectF | QRect, _document: QTextDocument, _position: int, style: QTextFormat
    ) -> None:
        field = QRectF(place).adjusted(_GAP, -2, 0, 1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._looks.colour("here_soft"))
        painter.drawRoundedRect(field, 4, 4)
        painter.setPen(self._looks.colour("here"))
        painter.setFont(self._font())
        painter.drawText(field, Qt.AlignmentFlag.AlignCenter, _words(style))
        painter.restore()

    def _font(self) -> QFont:
        return text_font(max(9, self._looks.sizes.note - 1), QFont.Weight.DemiBold)


def _words(style: QTextFormat) -> str:
    return str(style.intProperty(NUMBER))


def without_numbers(text: str) -> str:
    """What is copied: the words alone."""
    return text.replace(SIGN, "").replace("\ufffc", "")
