"""A notice along the top of the window, which stays until it is read: what happened, what now."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame

from freehold.desktop.pieces import announce, button, column, label, row


class Notice(QFrame):
    """One notice at a time, in words that say nothing of what the vault holds. `acted`: its button was pressed."""

    acted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("notice")
        self._title, self._words = label("", "heading", wraps=True), label("", "muted", wraps=True)
        self._act, self._close = button("", "small"), button(self.tr("Dismiss"), "plain")
        inside = row(column(self._title, self._words, spacing=2), self._act, self._close, margins=(18, 10, 12, 10))
        inside.setStretch(0, 1)
        self.setLayout(inside)
        self._act.clicked.connect(self._take)
        self._close.clicked.connect(self.hide)
        self.hide()

    def say(self, title: str, words: str, act: str) -> None:
        """`act` is the word on the button."""
        self._title.setText(title)
        self._words.setText(words)
        self._act.setText(act)
        self.show()
        announce(self, f"{title}. {words}")

    def _take(self) -> None:
        self.hide()
        self.acted.emit()
