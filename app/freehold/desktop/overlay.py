"""A box over the shaded window that waits for a decision: Esc or a click beside it leaves, Tab stays inside."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QLayout, QWidget


class Overlay(QWidget):
    """What it shows is up to who derives from it: fill `box`, then `open_at` the part that takes the keys first."""

    def __init__(self, parent: QWidget, width: int) -> None:
        super().__init__(parent)
        self.setObjectName("shade")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._width = width
        self._before: QWidget | None = None
        self.box = QFrame(self)
        self.box.setProperty("kind", "overlay")
        parent.installEventFilter(self)
        self.hide()

    def fill(self, layout: QLayout) -> None:
        self.box.setLayout(layout)

    def open_at(self, first: QWidget) -> None:
        """Show it and give the keyboard to `first`."""
        if not self.isVisible():
            self._before = self.window().focusWidget()
        self.show()
        self.place()
        self.raise_()
        first.setFocus()

    def close_panel(self) -> None:
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()
        self._before = None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.place()
        return False

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.close_panel()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if not self.box.geometry().contains(event.position().toPoint()):
            self.close_panel()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's name
        """Tab goes round inside the box."""
        focused = self.window().focusWidget()
        if focused is None or not self.isAncestorOf(focused):
            return super().focusNextPrevChild(forward)
        one = _next(focused, forward)
        while one is not focused and not (self.isAncestorOf(one) and _takes_tab(one)):
            one = _next(one, forward)
        one.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
        return True

    def place(self) -> None:
        """Stand in the upper middle, as high as the content needs."""
        around = self.parentWidget()
        assert around is not None
        self.setGeometry(around.rect())
        width = min(self._width, around.width() - 48)
        layout = self.box.layout()
        assert layout is not None
        self.box.setFixedWidth(width)
        layout.activate()
        has_wrapped = layout.hasHeightForWidth()
        self.box.setFixedHeight(layout.totalHeightForWidth(width) if has_wrapped else layout.totalSizeHint().height())
        self.box.move((around.width() - width) // 2, max(24, around.height() // 5))


def _next(one: QWidget, forward: bool) -> QWidget:
    """The focus chain is a ring, so there always is one."""
    found = one.nextInFocusChain() if forward else one.previousInFocusChain()
    return found if found is not None else one


def _takes_tab(one: QWidget) -> bool:
    is_stop = bool(one.focusPolicy() & Qt.FocusPolicy.TabFocus) and one.focusProxy() is None
    return is_stop and one.isVisible() and one.isEnabled()
