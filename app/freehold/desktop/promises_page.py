"""What Freehold promises, how that is tested, and what is not promised. The words are foundation/promises.py's."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from freehold.desktop.pieces import Pill, column, frame, label, line, row
from freehold.foundation.promises import NOT_PROMISED, PROMISES, Promise

WIDTH = 760


def _tr(text: str) -> str:
    return QCoreApplication.translate("Promises", text)


class PromisesPage(QWidget):
    """Nothing on it changes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        words = label(
            self.tr("Each has tests that can fail, and most a command with which you can try it yourself."), "muted",
            wraps=True,
        )  # fmt: skip
        inside = column(label(self.tr("What Freehold promises"), "title"), words, 12, spacing=4,
                        margins=(34, 28, 34, 28))  # fmt: skip
        for promise in PROMISES:
            inside.addWidget(self._card(promise))
            inside.addSpacing(6)
        inside.addSpacing(14)
        inside.addWidget(label(self.tr("What is not promised"), "title"))
        inside.addSpacing(8)
        inside.addWidget(self._limits())
        inside.addStretch(1)
        self._show(inside)

    def _show(self, inside: object) -> None:
        holder = QWidget()
        holder.setLayout(inside)  # type: ignore[arg-type]
        holder.setMaximumWidth(WIDTH + 68)
        self._around, self._area = QWidget(), QScrollArea()
        centred = row(spacing=0)
        centred.addWidget(holder, 1000)
        centred.addStretch(1)
        self._around.setLayout(centred)
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName(self.tr("What Freehold promises"))
        self._area.setWidget(self._around)
        self.setLayout(column(self._area, spacing=0))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.StyleChange, QEvent.Type.Show):
            self._fit()
        return super().event(event)

    def _fit(self) -> None:
        """A scroll area asks for a height without saying the width; wrapped words then claim far too much."""
        layout = self._around.layout()
        if layout is not None:
            self._around.setFixedHeight(layout.totalHeightForWidth(self._area.viewport().width()))

    def _card(self, promise: Promise) -> QFrame:
        head = row(label(_tr(promise.title), "heading"), None, spacing=10)
        if promise.missing:
            head.addWidget(Pill(self.tr("not whole yet"), dot=False))
        head.addWidget(label(promise.name, "smallcode"))
        card = column(head, label(_tr(promise.words), wraps=True, selectable=True), spacing=6,
                      margins=(18, 14, 18, 14))  # fmt: skip
        card.addWidget(label(self.tr("How it is tested: {0}").format(_tr(promise.proof)), "note", wraps=True,
                             selectable=True))  # fmt: skip
        if promise.missing:
            card.addWidget(label(self.tr("Not yet: {0}").format(_tr(promise.missing)), "note", wraps=True))
        if promise.command:
            card.addWidget(label(promise.command, "smallcode", selectable=True))
        made = frame("card", card)
        made.setAccessibleName(f"{promise.name}: {_tr(promise.title)}")
        return made

    def _limits(self) -> QFrame:
        rows = column(spacing=0, margins=(18, 4, 18, 4))
        for place, (title, words) in enumerate(NOT_PROMISED):
            if place:
                rows.addWidget(line())
            said = column(label(_tr(title)), label(_tr(words), "note", wraps=True, selectable=True), spacing=2,
                          margins=(0, 10, 0, 10))  # fmt: skip
            rows.addLayout(said)
        return frame("card", rows)
