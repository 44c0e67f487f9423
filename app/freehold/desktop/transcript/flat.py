"""Small controls under a turn: words to press and words to read, drawn without a style sheet because there are many."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from freehold.desktop.transcript.looks import Looks

PAD = 4  # around the words of a button; who wants words flush with text places the button that much outside


class FlatButton(QPushButton):
    """A word that can be pressed: muted, in ink under the pointer, in a thin frame when it has the focus.

    `arrow` draws a small triangle: "left" or "right" instead of the word, "folded" or "open" before it. "dot" is the
    amber one that says of the words behind it that something left this computer.
    """

    def __init__(
        self, text: str, act: Callable[[], object], *, words: str = "", arrow: str = "", framed: bool = False
    ) -> None:
        super().__init__(text)
        self._looks, self._arrow, self._tone = Looks(), arrow, ""
        self._pad = 12 if framed else PAD
        self.setAccessibleName(words or text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.clicked.connect(lambda _checked=False: act())

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self.setFont(looks.note)
        self.updateGeometry()

    def say(self, text: str, *, arrow: str | None = None, tone: str = "") -> None:
        """Change the word, the arrow and the colour (a name in Theme)."""
        self._arrow = self._arrow if arrow is None else arrow
        self._tone = tone
        if text != self.text():
            self.setText(text)
            self.setAccessibleName(text)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(self.font())
        wide = metrics.horizontalAdvance(self.text()) if self._shows_text() else 0
        return QSize(
            wide + (14 if self._arrow else 0) + 2 * self._pad, metrics.height() + (10 if self._pad > PAD else 4)
        )

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.hasFocus() or self._pad > PAD:
            painter.setPen(QPen(self._looks.colour("muted" if self.hasFocus() else "line"), 1))
            painter.drawRoundedRect(
                QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), self._pad / 2 + 2, self._pad / 2 + 2
            )
        self.draw_words(painter, self.rect())

    def draw_words(self, painter: QPainter, inside: QRect) -> None:
        """The arrow and the word."""
        is_hot = self.isEnabled() and (self.underMouse() or self.hasFocus())
        colour = self._looks.colour(self._tone or ("ink" if is_hot or self._pad > PAD else "muted"))
        if not self.isEnabled() and self._arrow in ("left", "right"):
            colour.setAlphaF(0.4)
        place = inside.adjusted(self._pad, 0, -self._pad, 0)
        if self._arrow == "dot":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._looks.colour("away"))
            painter.drawEllipse(QPointF(place.left() + 4, place.center().y() + 0.5), 4, 4)
            place.adjust(14, 0, 0, 0)
        elif self._arrow:
            _draw_arrow(painter, QPointF(place.left() + 5, place.center().y() + 0.5), self._arrow, colour)
            place.adjust(14, 0, 0, 0)
        if self._shows_text():
            painter.setPen(colour)
            words = QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, place.width() + 2)
            painter.drawText(place, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)

    def _shows_text(self) -> bool:
        return self._arrow not in ("left", "right")


class Note(QWidget):
    """A line, or several, of small words to read; `tone` is a colour of the theme."""

    def __init__(self, tone: str = "muted", *, strong: bool = False, body: bool = False) -> None:
        super().__init__()
        self._looks, self._tone, self._text, self._strong, self._body = Looks(), tone, "", strong, body

    @property
    def text(self) -> str:
        return self._text

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        font = looks.body if self._body else looks.note
        if self._strong:
            font.setWeight(font.Weight.DemiBold)
        self.setFont(font)
        self.update()

    def say(self, text: str, tone: str = "") -> None:
        self._tone = tone or self._tone
        if text != self._text:
            self._text = text
            self.setAccessibleName(text)
            self.updateGeometry()
        self.update()

    def height_for(self, width: int) -> int:
        """Pixels needed for all the words at `width`; none for none."""
        if not self._text:
            return 0
        flags = Qt.TextFlag.TextWordWrap | Qt.TextFlag.TextWrapAnywhere
        return QFontMetrics(self.font()).boundingRect(0, 0, width, 100_000, flags.value, self._text).height() + 2

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(self.font())
        return QSize(metrics.horizontalAdvance(self._text) + 2, metrics.height() + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setPen(self._looks.colour(self._tone))
        flags = Qt.AlignmentFlag.AlignVCenter.value | Qt.TextFlag.TextWordWrap.value
        painter.drawText(self.rect(), flags, self._text)


class Bubble(QWidget):
    """A soft rounded ground for a question, a failure or a code block."""

    def __init__(self, ground: str = "panel", edge: str = "") -> None:
        super().__init__()
        self._looks, self._ground, self._edge = Looks(), ground, edge

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._looks.colour(self._edge), 1) if self._edge else Qt.PenStyle.NoPen)
        painter.setBrush(self._looks.colour(self._ground))
        inset = 0.5 if self._edge else 0.0
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 10, 10)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()


def _draw_arrow(painter: QPainter, centre: QPointF, kind: str, colour: QColor) -> None:
    shapes = {
        "left": ((2, -4), (-2, 0), (2, 4)),
        "right": ((-2, -4), (2, 0), (-2, 4)),
        "folded": ((-2, -4), (2, 0), (-2, 4)),
        "open": ((-4, -2), (0, 2), (4, -2)),
        "down": ((-4, -2), (0, 2), (4, -2)),
    }
    pen = QPen(colour, 1.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.drawPolyline(QPolygonF([centre + QPointF(x, y) for x, y in shapes[kind]]))
