"""One of several things to decide, each as a card with words and, when chosen, what it asks for."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFrame, QRadioButton, QVBoxLayout, QWidget

from freehold.desktop.pieces import column, label, row, set_tone


class ChoiceCard(QFrame):
    """A radio button in a card. `content` is shown while the card is chosen."""

    chosen = Signal()

    def __init__(self, title: str, words: str, content: QWidget | None = None, *, hint: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "choice")
        self.setProperty("chosen", "false")
        self.radio = QRadioButton(title)
        self.radio.setAccessibleDescription(words)
        self._words, self._hint, self._content = label(words, "note", wraps=True), label(hint, "note"), content
        inside: QVBoxLayout = column(
            row(self.radio, None, self._hint), self._indented(self._words), spacing=4, margins=(16, 14, 16, 14)
        )
        if content is not None:
            inside.addSpacing(6)
            inside.addLayout(row(24, content, spacing=0))
            content.hide()
        self.setLayout(inside)
        self.radio.toggled.connect(self._toggle)
        self.radio.installEventFilter(self)

    @staticmethod
    def _indented(words: QWidget) -> QVBoxLayout:
        return column(words, margins=(24, 0, 0, 0))

    @property
    def is_chosen(self) -> bool:
        return self.radio.isChecked()

    def say(self, words: str, hint: str = "") -> None:
        self._words.setText(words)
        self.radio.setAccessibleDescription(words)
        self._hint.setText(hint)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if self.radio.isEnabled():
            self.radio.setChecked(True)
            self.radio.setFocus()
        super().mousePressEvent(event)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            set_tone(self, "true" if event.type() == QEvent.Type.FocusIn else "false", "focused")
        return False

    def _toggle(self, on: bool) -> None:
        set_tone(self, "true" if on else "false", "chosen")
        if self._content is not None:
            self._content.setVisible(on)
        if on:
            self.chosen.emit()


def group_of(owner: QObject, *cards: ChoiceCard) -> QButtonGroup:
    """Make the cards exclude each other; arrow keys move between them."""
    group = QButtonGroup(owner)
    for card in cards:
        group.addButton(card.radio)
    return group
