"""Deleted chats, until they are erased: restore one, erase one, erase all."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from freehold.desktop.pieces import Elided, button, column, frame, label, line, row

if TYPE_CHECKING:
    from freehold.chats.values import Chat

_DAY = 86_400.0


class TrashPage(QWidget):
    restore_asked = Signal(str)
    erase_asked = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._chats: Sequence[Chat] = ()
        self._words = label("", "muted", wraps=True)
        self._all = button(self.tr("Erase all"))
        self._all.clicked.connect(self._erase_all)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        head = row(column(label(self.tr("Trash"), "title"), self._words, spacing=4), self._all, spacing=24)
        head.setStretch(0, 1)
        head.setAlignment(self._all, Qt.AlignmentFlag.AlignTop)
        layout = column(head, spacing=20, margins=(34, 28, 34, 12))
        layout.addWidget(self._area, 1)
        self.setLayout(layout)
        self.show_chats((), 30)

    def _erase_all(self) -> None:
        self.erase_asked.emit([chat.id for chat in self._chats])

    def show_chats(self, chats: Sequence[Chat], days: int, now: float | None = None) -> None:
        """List the trash; `days` is how long it is kept."""
        self._chats = chats
        now = time.time() if now is None else now
        self._all.setVisible(bool(chats))
        words = self.tr("Chats stay here for {0} days and are then erased for good, from every file.").format(days)
        self._words.setText(words if chats else self.tr("Nothing is in the trash."))
        inside = QWidget()
        layout = column(spacing=0, margins=(0, 0, 8, 20))
        if chats:
            rows = column(spacing=0, margins=(16, 4, 12, 4))
            for place, one in enumerate(chats):
                if place:
                    rows.addWidget(line())
                rows.addWidget(self._row(one, days, now))
            layout.addWidget(frame("card", rows))
        layout.addStretch(1)
        inside.setLayout(layout)
        self._area.setWidget(inside)

    def _row(self, chat: Chat, days: int, now: float) -> QWidget:
        title = chat.title or self.tr("New chat")
        left = max(0, round(days - (now - (chat.deleted or now)) / _DAY))
        words = self.tr("erased in 1 day") if left == 1 else self.tr("erased in {0} days").format(left)
        restore = button(self.tr("Restore"), "small", words=self.tr("Restore {0}").format(title))
        erase = button(self.tr("Erase"), "plain", words=self.tr("Erase {0} for good").format(title))
        restore.clicked.connect(lambda: self.restore_asked.emit(chat.id))
        erase.clicked.connect(lambda: self.erase_asked.emit([chat.id]))
        layout = row(Elided(title), label(words, "note"), 8, restore, erase, margins=(0, 8, 0, 8))
        layout.setStretch(0, 1)
        made = QWidget()
        made.setLayout(layout)
        return made
