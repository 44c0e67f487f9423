"""The menu of where answers are made: for the chat, for the next message alone, and what a device would read."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from freehold.chats.values import Where
from freehold.desktop.destination import Destination, device_words


class WhereMenu(QMenu):
    """`chosen` is for the whole chat, `chosen_once` for the next message; "" there means as the chat has it."""

    chosen = Signal(str)
    chosen_once = Signal(str)
    view_asked = Signal()
    devices_asked = Signal()

    def __init__(self, parent: QWidget, where: Where, once: Where | None, to: Destination) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(self.tr("Where answers are made"))
        device = device_words(to.wished).replace("&", "&&")
        self._add_title(self.tr("This chat"))
        for value, words in (
            ("auto", self.tr("Whichever answers better")), ("here", self.tr("This computer alone")), ("peer", device),
        ):  # fmt: skip
            self._add(words, value == where).triggered.connect(
                lambda _checked=False, value=value: self.chosen.emit(value)
            )
        self.addSeparator()
        self._add_title(self.tr("The next message alone"))
        for value, words in (("here", self.tr("This computer")), ("peer", device)):
            is_chosen = value == once
            self._add(words, is_chosen).triggered.connect(
                lambda _checked=False, value="" if is_chosen else value: self.chosen_once.emit(value)
            )
        self.addSeparator()
        self.addAction(self.tr("What would be read…")).triggered.connect(lambda _checked=False: self.view_asked.emit())
        self.addAction(self.tr("Your devices…")).triggered.connect(lambda _checked=False: self.devices_asked.emit())

    def _add_title(self, words: str) -> None:
        self.addAction(words).setEnabled(False)

    def _add(self, words: str, is_chosen: bool) -> QAction:
        action = self.addAction(words)
        action.setCheckable(True)
        action.setChecked(is_chosen)
        return action
