"""Larger pieces that the first frame can do without: switch, segments, trouble in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QApplication, QButtonGroup, QCheckBox, QFrame, QPushButton, QWidget

from freehold.desktop.pieces import announce, button, column, label, row
from freehold.foundation.errors import FreeholdError


class Switch(QCheckBox):
    """On or off, as a sliding knob. Says its title and state to a screen reader as a check box."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(40, 24)
        self._ink = ""

    def set_ink(self, colour: str) -> None:
        """#RRGGBB for when it is on, where being on lets words leave; "" for the ink of text."""
        self._ink = colour
        self.update()

    def hitButton(self, place: object) -> bool:  # noqa: N802, ARG002 - Qt's name; the whole widget is the button
        return True

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        palette = QApplication.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = palette.text().color() if self.isChecked() else palette.placeholderText().color()
        if self._ink and self.isChecked():
            ink = QColor(self._ink)
        if not self.isEnabled():
            ink = palette.mid().color()
        track = QRectF(2, 3, 36, 18)
        painter.setPen(QPen(ink, 1.5))
        painter.setBrush(ink if self.isChecked() else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(track, 9, 9)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.window().color() if self.isChecked() else ink)
        painter.drawEllipse(QRectF(22 if self.isChecked() else 6, 6, 12, 12))
        if self.hasFocus():
            painter.setPen(QPen(palette.text().color(), 1.0, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(QRectF(0.5, 0.5, 39, 23), 11, 11)


class Segments(QWidget):
    """One of a few choices, all of them in view."""

    chosen = Signal(str)

    def __init__(self, title: str, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        layout = row(spacing=0)
        for index, (value, text) in enumerate(choices):
            one = button(text, "segment", words=f"{title}: {text}")
            one.setCheckable(True)
            one.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            one.setProperty("place", {0: "first", len(choices) - 1: "last"}.get(index, "middle"))
            self._group.addButton(one)
            self._buttons[value] = one
            layout.addWidget(one)
        layout.addStretch(1)
        self.setLayout(layout)
        self._group.buttonClicked.connect(self._tell)

    def set_value(self, value: str) -> None:
        if value in self._buttons:
            self._buttons[value].setChecked(True)

    def _tell(self, clicked: QAbstractButton) -> None:
        self.chosen.emit(next(value for value, one in self._buttons.items() if one is clicked))


class Trouble(QFrame):
    """A failure shown where it happened: what, what now, and the technical words on request."""

    acted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "trouble")
        self._title, self._advice = label("", "heading", wraps=True), label("", "muted", wraps=True)
        self._title.setProperty("tone", "failed")
        self._detail = label("", "smallcode", wraps=True, selectable=True)
        self._act = button("", "small")
        self._more = button(self.tr("Details"), "plain")
        self._more.setCheckable(True)
        self._more.toggled.connect(self._detail.setVisible)
        self._act.clicked.connect(self.acted)
        self.setLayout(
            column(self._title, self._advice, self._detail, row(self._act, self._more, None), spacing=4,
                   margins=(12, 10, 12, 10))
        )  # fmt: skip
        self.hide()

    def show_error(self, error: FreeholdError, act: str = "") -> None:
        """`act` is the word on the button that tries again; empty for none."""
        detail = error.detail if error.detail != error.title else ""
        self.show_words(error.title, error.next_step, detail, act)

    def show_words(self, title: str, advice: str, detail: str = "", act: str = "") -> None:
        self._title.setText(title)
        self._advice.setText(advice)
        self._detail.setText(detail)
        self._detail.hide()
        self._more.setChecked(False)
        self._more.setVisible(bool(detail))
        self._act.setText(act)
        self._act.setAccessibleName(act)
        self._act.setVisible(bool(act))
        self.setAccessibleName(f"{title}. {advice}")
        self.show()
        announce(self, f"{title}. {advice}")

    def clear(self) -> None:
        self.hide()
