"""Choosing a passphrase: two fields, and words about how good it is while it is typed."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from freehold.desktop.pieces import column, label, set_tone
from freehold.desktop.unlock_page import SecretField

LEAST = 8


class NewPassphrase(QWidget):
    """`is_good` says whether both fields hold the same acceptable passphrase."""

    is_good = Signal(bool)
    entered = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._first, self._second = SecretField(self.tr("Passphrase")), SecretField(self.tr("The same again"))
        self._words = label("", "note", wraps=True)
        self.setLayout(column(self._first, self._second, self._words))
        self._first.textChanged.connect(self._judge)
        self._second.textChanged.connect(self._judge)
        self._first.entered.connect(self._second.setFocus)
        self._second.entered.connect(self.entered)
        self.setFocusProxy(self._first)
        self._judge()

    def value(self) -> str:
        """The passphrase, or "" while it is not acceptable or not typed twice alike."""
        text = self._first.text()
        return text if len(text) >= LEAST and text == self._second.text() else ""

    def clear(self) -> None:
        self._first.clear()
        self._second.clear()

    def _judge(self) -> None:
        first, second = self._first.text(), self._second.text()
        wrong = bool(second) and not first.startswith(second)
        set_tone(self._words, "failed" if wrong else "")
        self._words.setText(self.tr("The two are not alike.") if wrong else self._strength(first, second))
        self.is_good.emit(bool(self.value()))

    def _strength(self, first: str, second: str) -> str:
        if not first:
            return self.tr("Four or five words that only you would put together are strong and easy to keep.")
        if len(first) < LEAST:
            return self.tr("At least {0} characters.").format(LEAST)
        if strength(first) < 3:
            return self.tr("This would be guessed with some patience. More words make it strong.")
        return self.tr("Strong.") if first == second else self.tr("Strong. Now the same again.")


def strength(text: str) -> int:
    """0 to 4: a rough count of how hard `text` is to guess, by length and variety. Advice, not a gate."""
    kinds = sum((any(c.islower() for c in text), any(c.isupper() for c in text), any(c.isdigit() for c in text),
                 any(not c.isalnum() for c in text)))  # fmt: skip
    length = len(set(text)) if len(set(text)) < 6 else len(text)
    points = length * (1.0 + 0.15 * kinds)
    return sum(points >= limit for limit in (9, 13, 18, 26))
