"""What is shown where an answer broke: what happened, what to do next, and the technical words for who wants them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from freehold.desktop.transcript.flat import Bubble, FlatButton, Note
from freehold.desktop.transcript.looks import Looks
from freehold.rendering.visible import visible_lines

_PAD = 14


class Failure(Bubble):
    """A card with the only red there is."""

    changed = Signal()
    retry_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__("card", "failed")
        self.setParent(parent)
        self._is_open = False
        self._title, self._advice = Note("failed", strong=True, body=True), Note("ink", body=True)
        self._detail = Note("muted")
        self._retry = FlatButton(
            self.tr("Retry"), self.retry_asked.emit, words=self.tr("Write the answer again"), framed=True
        )
        self._more = FlatButton(self.tr("Details"), self._fold, arrow="folded")
        for part in (self._title, self._advice, self._detail, self._retry, self._more):
            part.setParent(self)

    def wear(self, looks: Looks) -> None:
        super().wear(looks)
        for part in (self._title, self._advice, self._detail, self._retry, self._more):
            part.wear(looks)

    def say(self, title: str, advice: str, detail: str) -> None:
        self._is_open = False
        self._title.say(title)
        self._advice.say(advice)
        self._detail.say(visible_lines(detail[:2_000]))
        self.setAccessibleName(f"{title}. {advice}")
        self._refresh()

    def lay_out(self, width: int) -> int:
        inner, y = width - 2 * _PAD, _PAD - 2
        for part in (self._title, self._advice):
            high = part.height_for(inner)
            part.setGeometry(_PAD, y, inner, high)
            y += high + 2
        row = self._retry.sizeHint()
        self._retry.setGeometry(_PAD, y + 4, row.width(), row.height())
        self._more.setGeometry(_PAD + row.width() + 8, y + 4, self._more.sizeHint().width(), row.height())
        y += row.height() + 6
        if self._is_open:
            high = self._detail.height_for(inner)
            self._detail.setGeometry(_PAD, y, inner, high)
            y += high + 4
        return y + _PAD - 6

    def _fold(self) -> None:
        self._is_open = not self._is_open
        self._refresh()
        self.changed.emit()

    def _refresh(self) -> None:
        self._more.setVisible(bool(self._detail.text))
        self._more.say(self.tr("Details"), arrow="open" if self._is_open else "folded")
        self._detail.setVisible(self._is_open)
