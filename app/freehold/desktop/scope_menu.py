"""The menu of what answers are made from: nothing, everything, or some collections, each with its count."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QWidget

from freehold.chats.values import ALL_DOCUMENTS, NO_DOCUMENTS, Scope
from freehold.desktop.library_words import collection_words
from freehold.desktop.words import count_words
from freehold.library.values import Collection


class ScopeMenu(QMenu):
    """Stays open while collections are ticked, so that several can be. `chosen` comes with each change."""

    chosen = Signal(object)
    library_asked = Signal()

    def __init__(self, parent: QWidget, collections: Sequence[Collection], scope: Scope) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAccessibleName(self.tr("Documents for this chat"))
        self._none = self._add(self.tr("No documents"), not scope.reads)
        total = sum(one.documents for one in collections)
        every = _counted(self.tr("All documents"), total)
        self._every = self._add(every, scope == ALL_DOCUMENTS)
        self._every.setEnabled(bool(total) or scope == ALL_DOCUMENTS)
        self.addSeparator()
        counts = {one.name: one.documents for one in collections} | {
            name: 0 for name in scope.collections if name not in {one.name for one in collections}
        }
        self._named = {
            name: self._add(_counted(collection_words(name), count), name in scope.collections)
            for name, count in counts.items()
        }
        if counts:
            self.addSeparator()
        more = self.tr("Add documents…") if counts else self.tr("Add your first documents…")
        self.addAction(more).triggered.connect(lambda _checked=False: self.library_asked.emit())
        self._none.triggered.connect(lambda _checked=False: self._choose(NO_DOCUMENTS))
        self._every.triggered.connect(lambda _checked=False: self._choose(ALL_DOCUMENTS))

    def _add(self, text: str, is_chosen: bool) -> QAction:
        action = self.addAction(text)
        action.setCheckable(True)
        action.setChecked(is_chosen)
        return action

    def _choose(self, scope: Scope) -> None:
        self._none.setChecked(not scope.reads)
        self._every.setChecked(scope == ALL_DOCUMENTS)
        for name, action in self._named.items():
            action.setChecked(name in scope.collections)
        self.chosen.emit(scope)

    def _toggle(self, action: QAction) -> bool:
        """Tick or untick a collection; False when `action` is none."""
        if action not in self._named.values():
            return False
        action.setChecked(not action.isChecked())
        names = tuple(name for name, one in self._named.items() if one.isChecked())
        self._choose(Scope(bool(names), names))
        return True

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        action = self.actionAt(event.position().toPoint())
        if action is None or not self._toggle(action):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        action = self.activeAction()
        if event.key() == Qt.Key.Key_Space and action is not None and self._toggle(action):
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and action is not None and self._toggle(action):
            self.close()
            return
        super().keyPressEvent(event)


def _counted(name: str, count: int) -> str:
    """A menu shows what follows the tab at its right edge. A lone & would mark a letter."""
    return f"{name.replace('&', '&&')}\t{count_words(count)}"
