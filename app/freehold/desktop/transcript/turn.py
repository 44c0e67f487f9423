"""What every turn in the transcript shares: it can have the focus, and it says what it is to a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Mark, Turn
from freehold.desktop.transcript.flat import FlatButton, Note
from freehold.desktop.transcript.looks import Looks
from freehold.rendering.visible import visible_lines

SIDE = 8  # pixels at either side of the column, for the frame of a focus
_SPOKEN = 300  # characters of a turn that its accessible name holds


class TurnView(QWidget):
    """One turn. Reused for other turns as they come into view: everything shown comes in through `bind`."""

    changed = Signal()  # the height may have changed
    link_asked = Signal(str)
    sibling_asked = Signal(str, int)
    caret_moved = Signal(QRect)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.turn: Turn | None = None
        self.mark: Mark | None = None
        self._looks = Looks()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._back = FlatButton("", partial(self._ask_sibling, -1), words=self.tr("Previous version"), arrow="left")
        self._forth = FlatButton("", partial(self._ask_sibling, 1), words=self.tr("Next version"), arrow="right")
        self._place = Note()
        for part in (self._back, self._place, self._forth):
            part.setParent(self)

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        for part in (self._back, self._place, self._forth):
            part.wear(looks)

    def lay_out(self, width: int) -> int:
        """Place everything in a column of `width` that begins at SIDE; the height in pixels."""
        raise NotImplementedError

    def release(self) -> None:
        """Forget the turn: this view goes back to the pool."""
        self.turn = self.mark = None
        self.setAccessibleName("")

    def copied(self) -> str:
        """What Copy takes."""
        return visible_lines(self.turn.text) if self.turn is not None else ""

    def copy(self) -> None:
        QGuiApplication.clipboard().setText(self.copied())

    def mark_words(self, _words: str) -> QRect | None:
        """Put a ground under `words`; where the first of them stands, or None."""
        return None

    def _show_siblings(self, mark: Mark) -> bool:
        """Say which of how many versions this is; whether there is more than one."""
        has_others = mark.siblings > 1
        for part in (self._back, self._place, self._forth):
            part.setVisible(has_others)
        if has_others:
            self._place.say(self.tr("{0} of {1}").format(mark.place + 1, mark.siblings))
            self._back.setEnabled(mark.place > 0)
            self._forth.setEnabled(mark.place < mark.siblings - 1)
        return has_others

    def _place_siblings(self, x: int, y: int, high: int) -> int:
        """Put the arrows and the words between them at `x`; where they end."""
        for part in (self._back, self._place, self._forth):
            wide = part.sizeHint().width()
            part.setGeometry(x, y, wide, high)
            x += wide
        return x

    def _ask_sibling(self, step: int) -> None:
        if self.turn is not None and self.mark is not None:
            self.sibling_asked.emit(self.turn.id, self.mark.place + step)

    def _say_name(self, who: str, text: str) -> None:
        spoken = " ".join(text[: 2 * _SPOKEN].split())[:_SPOKEN]
        self.setAccessibleName(f"{who}: {spoken}")

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
            event.accept()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        if not self.hasFocus():
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._looks.colour("muted"), 1))
        painter.drawRoundedRect(QRectF(self.focus_frame()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)

    def focus_frame(self) -> QRect:
        """Where the frame goes that shows the focus."""
        return self.rect()


def flash(button: FlatButton, words: str, after: Callable[[], str]) -> None:
    """Let a button say `words` for a moment."""
    from PySide6.QtCore import QTimer

    button.say(words)
    QTimer.singleShot(1500, button, lambda: button.say(after()))
