"""Small things every page is made of: labels, buttons, dots, pills, cards, switches, trouble in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QFontMetrics, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from freehold.foundation.errors import FreeholdError


def label(text: str = "", kind: str = "", *, wraps: bool = False, selectable: bool = False) -> QLabel:
    """A label in plain text: what came from a model, a file or a peer is never read as markup."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    if wraps:
        made.setWordWrap(True)
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if selectable:
        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def button(text: str, kind: str = "", *, words: str = "") -> QPushButton:
    """A push button. A click leaves the focus where it was; Tab reaches it. `words` is what a screen reader says."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setAccessibleName(words or text)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setCursor(Qt.CursorShape.PointingHandCursor)
    made.setAutoDefault(False)
    return made


def row(
    *parts: QWidget | QLayout | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QHBoxLayout:
    """Parts side by side; a number is a gap, None takes what is left."""
    made = QHBoxLayout()
    _fill(made, parts, spacing, margins)
    return made


def column(
    *parts: QWidget | QLayout | int | None, spacing: int = 8, margins: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> QVBoxLayout:
    """Parts below each other; a number is a gap, None takes what is left."""
    made = QVBoxLayout()
    _fill(made, parts, spacing, margins)
    return made


def _fill(
    layout: QHBoxLayout | QVBoxLayout,
    parts: Sequence[QWidget | QLayout | int | None],
    spacing: int,
    margins: tuple[int, int, int, int],
) -> None:
    layout.setSpacing(spacing)
    layout.setContentsMargins(*margins)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        elif isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)


def frame(kind: str, layout: QLayout | None = None) -> QFrame:
    """A surface: card, strip, line, overlay and so on."""
    made = QFrame()
    made.setProperty("kind", kind)
    if layout is not None:
        made.setLayout(layout)
    return made


def line() -> QFrame:
    return frame("line")


def set_tone(widget: QWidget, tone: str, property_name: str = "tone") -> None:
    """Change a property that the style sheet reads, and have it read again."""
    if widget.property(property_name) == tone:
        return
    widget.setProperty(property_name, tone)
    for one in (widget, *widget.findChildren(QWidget)):
        one.style().unpolish(one)
        one.style().polish(one)


class Dot(QFrame):
    """The small round sign of where words are. It always stands beside a word that says the same."""

    def __init__(self, tone: str = "off") -> None:
        super().__init__()
        self.setProperty("kind", "dot")
        self.setProperty("tone", tone)
        self.setFixedSize(8, 8)

    def set_tone(self, tone: str) -> None:
        set_tone(self, tone)


class Pill(QFrame):
    """A word in a rounded field, with a dot when it says where words are."""

    def __init__(self, text: str = "", tone: str = "off", *, dot: bool = True) -> None:
        super().__init__()
        self.setProperty("kind", "pill")
        self.setProperty("tone", tone)
        self._dot, self._text = Dot(tone), label(text)
        self._dot.setVisible(dot)
        self.setLayout(row(self._dot, self._text, margins=(10, 0, 10, 0)))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(text)

    def say(self, text: str, tone: str) -> None:
        self._text.setText(text)
        self.setAccessibleName(text)
        self._dot.set_tone(tone)
        set_tone(self, tone)


class Elided(QLabel):
    """A label of one line that ends in … where there is no room; the whole text is in its tooltip."""

    def __init__(self, text: str = "", kind: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole = ""
        self.say(text)

    def say(self, text: str) -> None:
        self._whole = " ".join(text.split())
        self.setAccessibleName(self._whole)
        self._fit()

    @property
    def whole(self) -> str:
        return self._whole

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(24, super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        width = QFontMetrics(self.font()).horizontalAdvance(self._whole) + 2
        return QSize(width, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        shown = QFontMetrics(self.font()).elidedText(self._whole, Qt.TextElideMode.ElideRight, max(self.width(), 8))
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(self._whole if shown != self._whole else "")


class HintButton(QPushButton):
    """A wide button with its shortcut at the right edge."""

    def __init__(self, text: str, shortcut: str, kind: str = "wide") -> None:
        super().__init__(text)
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._hint = label(shortcut_words(shortcut), "hint")
        self._hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setLayout(row(None, self._hint, margins=(12, 0, 12, 0)))


def shortcut_words(shortcut: str) -> str:
    """A shortcut as the picture shows it: "Ctrl N"."""
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")


class Switch(QCheckBox):
    """On or off, as a sliding knob. Says its title and state to a screen reader as a check box."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFixedSize(40, 24)

    def hitButton(self, place: object) -> bool:  # noqa: N802, ARG002 - Qt's name; the whole widget is the button
        return True

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        palette = QApplication.palette()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ink = palette.text().color() if self.isChecked() else palette.placeholderText().color()
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


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say `text` now, politely."""
    if not QAccessible.isActive():
        return
    from PySide6.QtGui import QAccessibleAnnouncementEvent

    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))
