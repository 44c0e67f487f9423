"""Below an answer: where it was made, its versions, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from freehold.chats.values import Turn
from freehold.desktop.transcript import made
from freehold.desktop.transcript.flat import FlatButton
from freehold.desktop.transcript.looks import Looks


class Footer(QWidget):
    """One line; its first words lead to everything known about how the answer was made."""

    copy_asked = Signal()
    retry_asked = Signal()
    branch_asked = Signal()
    details_asked = Signal()
    sources_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._made = FlatButton("", self.details_asked.emit)
        self.copy = FlatButton(self.tr("Copy"), self.copy_asked.emit, words=self.tr("Copy this answer"))
        self._retry = FlatButton(self.tr("Retry"), self.retry_asked.emit, words=self.tr("Write another answer"))
        self._branch = FlatButton(self.tr("Branch"), self.branch_asked.emit, words=self.tr("New branch from here"))
        self._sources = FlatButton(
            self.tr("Sources"), self.sources_asked.emit, words=self.tr("What was found for this answer")
        )
        self._parts = (self._made, self._sources, self.copy, self._retry, self._branch)
        for part in self._parts:
            part.setParent(self)

    def wear(self, looks: Looks) -> None:
        for part in self._parts:
            part.wear(looks)

    def show_turn(self, turn: Turn) -> None:
        words = made.summary(turn)
        is_away = turn.provenance is not None and made.leaves(turn.provenance)
        self._made.say(words, arrow="dot" if is_away else "")
        self._made.setAccessibleName(self.tr("{0}. Details").format(words))
        self._made.setToolTip(self.tr("Where and how this answer was made"))
        self._made.setVisible(bool(words))
        self._made.setEnabled(turn.provenance is not None)
        told = turn.provenance  # a refusal shows all it has by itself
        self._sources.setVisible(told is not None and told.grounded is not False and bool(told.sources))

    @property
    def row_height(self) -> int:
        return self.copy.sizeHint().height()

    @property
    def made_width(self) -> int:
        """Pixels that the first words take: what stands beside them begins after."""
        return self._made.sizeHint().width() if not self._made.isHidden() else 0

    def lay_out(self, width: int) -> int:
        """Place everything at `width`; the height in pixels."""
        high, x = self.row_height, width
        for part in (self._branch, self._retry, self.copy, self._sources):
            if part.isHidden():
                continue
            wide = part.sizeHint().width()
            x -= wide
            part.setGeometry(x, 0, wide, high)
        self._made.setGeometry(0, 0, min(self._made.sizeHint().width(), x - 8), high)
        return high
