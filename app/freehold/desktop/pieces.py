"""Small things every page is made of: labels, buttons, rows and columns, surfaces, dots, pills.

Kept free of what the first frame does not need: each Qt class costs time when it is first named, and `Qt` itself more
than all others together. What the first frame is made of sets such properties by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from PySide6.QtGui import QResizeEvent
    from PySide6.QtWidgets import QLayout


def label(text: str = "", kind: str = "", *, wraps: bool = False, selectable: bool = False) -> QLabel:
    """A label in plain text: what came from a model, a file or a peer is never read as markup."""
    made = QLabel(text)
    made.setProperty("textFormat", "PlainText")
    made.setProperty("kind", kind)
    if wraps:
        made.setWordWrap(True)
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    if selectable:
        from PySide6.QtCore import Qt

        made.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return made


def button(text: str, kind: str = "", *, words: str = "") -> QPushButton:
    """A push button. A click leaves the focus where it was; Tab reaches it. `words` is what a screen reader says."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setAccessibleName(words or text)
    made.setProperty("focusPolicy", "TabFocus")
    point(made)
    made.setAutoDefault(False)
    return made


def point(button: QPushButton, *parts: QWidget) -> None:
    """Show a hand over `button`, also where `parts` of it lie on it, which take no clicks for themselves."""
    from PySide6.QtCore import Qt

    button.setCursor(Qt.CursorShape.PointingHandCursor)
    for part in parts:
        part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)


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


class Mark(QFrame):
    """The app's mark, `side` pixels wide: a rounded square with a room in it. Looks are in the style sheet."""

    def __init__(self, side: int = 18) -> None:
        super().__init__()
        self.setProperty("kind", "mark")
        self.setFixedSize(side, side)
        inset = round(side * 5 / 18)
        self._room = frame("room")
        self.setLayout(row(self._room, margins=(inset, inset, inset, inset)))
        self.setStyleSheet(f"QFrame[kind='mark'] {{ border-radius: {side // 4}px }}"
                           f"QFrame[kind='room'] {{ border-radius: {max(1, side // 9)}px }}")  # fmt: skip


class Pill(QFrame):
    """A word in a rounded field, with a dot when it says where words are."""

    def __init__(self, text: str = "", tone: str = "off", *, dot: bool = True) -> None:
        super().__init__()
        self.setProperty("kind", "pill")
        self.setProperty("tone", tone)
        self._dot, self._text = Dot(tone), label(text)
        if not dot:
            self._dot.hide()
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
        self.setProperty("textFormat", "PlainText")
        self.setProperty("kind", kind)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole = self._brief = ""
        self.say(text)

    def say(self, text: str, brief: str = "") -> None:
        """`brief` says the same where there is no room for `text`."""
        self._whole, self._brief = " ".join(text.split()), brief
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
        shown = self._shortened() if self._whole else ""
        if shown != self.text():
            self.setText(shown)
        self.setToolTip(plain_tip(self._whole) if shown != self._whole else "")

    def _shortened(self) -> str:
        from PySide6.QtCore import Qt

        metrics, room = QFontMetrics(self.font()), max(self.width(), 8)
        text = self._brief if self._brief and metrics.horizontalAdvance(self._whole) > room else self._whole
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)


class HintButton(QPushButton):
    """A wide button with its shortcut at the right edge."""

    def __init__(self, text: str, shortcut: str, kind: str = "wide") -> None:
        super().__init__(text)
        self.setProperty("kind", kind)
        self.setAccessibleName(text)
        self.setProperty("focusPolicy", "TabFocus")
        self._shortcut = shortcut
        self._hint = label("", "hint")
        self.setLayout(row(None, self._hint, margins=(12, 0, 12, 0)))

    def furnish(self) -> None:
        """What the first frame can do without: the shortcut as this system writes it, and manners under the mouse."""
        point(self, self._hint)
        self._hint.setText(shortcut_words(self._shortcut))


def shortcut_words(shortcut: str) -> str:
    """A shortcut as the picture shows it: "Ctrl N"."""
    from PySide6.QtGui import QKeySequence

    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText).replace("+", " ")


def plain_tip(text: str) -> str:
    """A tooltip that shows `text` as it is. Qt reads one that looks like markup as markup, pictures and all."""
    if "<" not in text:
        return text
    shown = text.replace("&", "&amp;").replace("<", "&lt;")  # `html` would cost the first frame 8 ms
    return f"<span>{shown}</span>"


def announce(widget: QWidget, text: str) -> None:
    """Have a screen reader say `text` now, politely."""
    from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # 5 ms that a first frame need not wait for

    if not QAccessible.isActive():
        return
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))
