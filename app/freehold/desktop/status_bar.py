"""The bottom line, always true: connections since start, vault, model in memory, background work."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame

from freehold.desktop.pieces import Dot, Elided, announce, label, row
from freehold.desktop.words import count_words


class StatusBar(QFrame):
    """Six facts. Each method sets one."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("status")
        self.setFixedHeight(30)
        self.setAccessibleName(self.tr("Status"))
        self._dot = Dot("here")
        self._count, self._since = label("", "strong"), label("")
        self._vault, self._model, self._work, self._lent = label(""), Elided(""), Elided(""), label("")
        self._lent.setProperty("tone", "away")
        self._lent.hide()
        self._reading = ""
        self._work.setProperty("alignment", "AlignRight|AlignVCenter")
        layout = row(
            self._dot, 6, row(self._count, self._since, spacing=4), 12, self._vault, 12, self._lent,
            self._model, self._work, margins=(14, 0, 14, 0),
        )  # fmt: skip
        layout.setStretchFactor(self._model, 3)
        layout.setStretchFactor(self._work, 2)
        self.setLayout(layout)
        self.show_connections(0, is_offline=False)
        self.show_vault(self.tr("Opening…"))

    def show_connections(self, count: int, *, is_offline: bool) -> None:
        """How many connections were made since the start. One made means that something may have left: amber."""
        words = self.tr("1 connection") if count == 1 else self.tr("{0} connections").format(count_words(count))
        self._count.setText(words)
        since = self.tr("since start, offline switch on") if is_offline else self.tr("since start")
        self._since.setText(since)
        self._dot.set_tone("away" if count else "here")

    def show_vault(self, words: str) -> None:
        self._vault.setText(words)

    def show_model(self, words: str) -> None:
        self._model.say(words)

    def show_lending(self, words: str) -> None:
        """Whom this machine is lent to; "" when to nobody. Amber, as the door is open."""
        if words != self._lent.text():
            self._lent.setText(words)
            self._lent.setVisible(bool(words))
            self._lent.setContentsMargins(0, 0, 12, 0)

    def show_reading(self, words: str) -> None:
        """How the reading of documents goes, said while nothing else is going on that somebody waits for."""
        was_shown = self._work.whole == self._reading
        self._reading = words
        if was_shown:
            self._work.say(words)

    def show_work(self, words: list[str]) -> None:
        """What is going on in the background; the last started is named, others are counted."""
        if not words:
            self._work.say(self._reading)
            return
        more = self.tr(" and {0} more").format(len(words) - 1) if len(words) > 1 else ""
        self._work.say(words[-1] + more)
        announce(self, words[-1])
