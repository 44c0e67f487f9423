"""Below an answer: where it was made, its versions, and what can be done with it; opens to every detail."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Turn
from freehold.desktop.transcript import made
from freehold.desktop.transcript.flat import PAD, FlatButton
from freehold.desktop.transcript.looks import Looks, code_font

_NAME = 92  # pixels for the names of the details
_PAD = 12


class Details(QWidget):
    """Names and values in two columns, selectable as one text by copying the answer's receipt."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._looks = Looks()
        self._rows: list[tuple[str, str]] = []

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self.setFont(looks.note)
        self.update()

    def say(self, rows: list[tuple[str, str]]) -> None:
        self._rows = rows
        self.setAccessibleName("; ".join(f"{name}: {value}" for name, value in rows))
        self.update()

    def lay_out(self, width: int) -> int:
        return sum(self._row_height(value, width) for _, value in self._rows) + 2 * _PAD

    def _row_height(self, value: str, width: int) -> int:
        metrics = QFontMetrics(self.font())
        room = max(40, width - self._name_width() - 2 * _PAD)
        return metrics.boundingRect(0, 0, room, 10_000, Qt.TextFlag.TextWordWrap.value, value).height() + 5

    def _name_width(self) -> int:
        return round(_NAME * self._looks.size / 14)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._looks.colour("line"))
        painter.setBrush(self._looks.colour("card"))
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 8, 8)
        y, left, wide = _PAD, self._name_width(), self.width() - 2 * _PAD
        flags = Qt.TextFlag.TextWordWrap.value
        for name, value in self._rows:
            high = self._row_height(value, self.width())
            painter.setPen(self._looks.colour("muted"))
            painter.drawText(_PAD, y, left, high, flags, name)
            painter.setPen(self._looks.colour("ink"))
            is_hash = name == self.tr("SHA-256")
            painter.setFont(code_font(self._looks.sizes.note) if is_hash else self.font())
            painter.drawText(_PAD + left, y, wide - left, high, flags, value)
            painter.setFont(self.font())
            y += high


class Footer(QWidget):
    """The line and its details."""

    changed = Signal()
    copy_asked = Signal()
    retry_asked = Signal()
    branch_asked = Signal()
    details_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._turn: Turn | None = None
        self._is_open = False
        self._made = FlatButton("", self._fold)
        self.copy = FlatButton(self.tr("Copy"), self.copy_asked.emit, words=self.tr("Copy this answer"))
        self._retry = FlatButton(self.tr("Retry"), self.retry_asked.emit, words=self.tr("Write another answer"))
        self._branch = FlatButton(self.tr("Branch"), self.branch_asked.emit, words=self.tr("New chat from here"))
        self._details = Details(self)
        for part in (self._made, self.copy, self._retry, self._branch):
            part.setParent(self)
        self._details.hide()

    def wear(self, looks: Looks) -> None:
        for part in (self._made, self.copy, self._retry, self._branch, self._details):
            part.wear(looks)

    def show_turn(self, turn: Turn) -> None:
        self._turn = turn
        self._is_open = False
        self._refresh()

    def _refresh(self) -> None:
        assert self._turn is not None
        words = made.summary(self._turn)
        self._made.say(words)
        self._made.setAccessibleName(self.tr("{0}. Details").format(words))
        self._made.setToolTip(self.tr("Where and how this answer was made"))
        self._made.setVisible(bool(words))
        self._made.setEnabled(self._turn.provenance is not None)
        self._details.setVisible(self._is_open)
        if self._is_open:
            self._details.say(made.details(self._turn))

    @property
    def row_height(self) -> int:
        return self.copy.sizeHint().height()

    @property
    def made_width(self) -> int:
        """Pixels that the first words take: what stands beside them begins after."""
        return self._made.sizeHint().width() if not self._made.isHidden() else 0

    def lay_out(self, width: int) -> int:
        """Place everything at `width`; the height in pixels."""
        high, x = self.row_height, width
        for part in (self._branch, self._retry, self.copy):
            wide = part.sizeHint().width()
            x -= wide
            part.setGeometry(x, 0, wide, high)
        self._made.setGeometry(0, 0, min(self._made.sizeHint().width(), x), high)
        if not self._is_open:
            return high
        below = self._details.lay_out(width - 2 * PAD)
        self._details.setGeometry(PAD, high + 6, width - 2 * PAD, below)
        return high + 6 + below

    def _fold(self) -> None:
        self._is_open = not self._is_open
        self._refresh()
        self.changed.emit()
        if self._is_open:
            self.details_asked.emit()
