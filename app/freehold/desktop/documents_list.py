"""The files of the library as a list that may be thousands long: a model filled in parts, and how a row is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from freehold.desktop.library_words import folder_of, name_of, state_advice, state_words
from freehold.desktop.lists import ROW, be_a_list, paint_row_ground
from freehold.library.values import Document, State
from freehold.rendering.visible import one_line

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
TROUBLED = (State.FAILED, State.EMPTY, State.UNSUPPORTED)


class DocumentsModel(QAbstractListModel):
    """What was brought until now; `more_wanted` when the view comes near its end and there is more."""

    more_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.documents: list[Document] = []
        self._has_more = self._is_waiting = False

    def show(self, documents: Sequence[Document], *, has_more: bool) -> None:
        """Begin anew; when only facts of the same documents changed, selection and place stay."""
        if [one.id for one in documents] == [one.id for one in self.documents]:
            self.renew(documents)
        else:
            self.beginResetModel()
            self.documents = list(documents)
            self.endResetModel()
        self._has_more, self._is_waiting = has_more, False

    def append(self, documents: Sequence[Document], *, has_more: bool) -> None:
        self._has_more, self._is_waiting = has_more, False
        if documents:
            first = len(self.documents)
            self.beginInsertRows(_NOTHING, first, first + len(documents) - 1)
            self.documents += documents
            self.endInsertRows()

    def renew(self, documents: Sequence[Document]) -> None:
        """Take newer facts of documents that are listed; others are left alone."""
        newer = {one.id: one for one in documents}
        for place, old in enumerate(self.documents):
            new = newer.get(old.id, old)
            if new != old:
                self.documents[place] = new
                self.dataChanged.emit(self.index(place), self.index(place))

    def expect(self, document: Document) -> None:
        """Show that a document waits to be read again, before the vault says so."""
        self.renew([replace(document, state=State.WAITING, reason="")])

    def place_of(self, document: int) -> int:
        return next((place for place, one in enumerate(self.documents) if one.id == document), -1)

    def canFetchMore(self, parent: _Index) -> bool:  # noqa: N802 - Qt's name
        return not parent.isValid() and self._has_more and not self._is_waiting

    def fetchMore(self, parent: _Index) -> None:  # noqa: N802 - Qt's name
        if self.canFetchMore(parent):
            self._is_waiting = True
            self.more_wanted.emit()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.documents)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.documents):
            return None
        one = self.documents[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return name_of(one.path)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{name_of(one.path)}, {state_words(one)}. {state_advice(one)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return one_line(one.path)
        return one if role == ROW else None


class _DocumentPainter(QStyledItemDelegate):
    """A name with its state, and below them why it came to it or where the file lies."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(0, option.fontMetrics.height() * 2 + 16)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        fields: Any = option
        one: Document = index.data(ROW)
        palette = QApplication.palette()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_ground(painter, fields)
        inside: QRect = fields.rect.adjusted(14, 7, -14, -7)
        upper, lower = inside.adjusted(0, 0, 0, -inside.height() // 2), inside.adjusted(0, inside.height() // 2, 0, 0)
        small = QFont(fields.font)
        small.setPixelSize(max(9, round(fields.font.pixelSize() * 12 / 14)))
        painter.setFont(small)
        words = state_words(one)
        width = painter.fontMetrics().horizontalAdvance(words) + 12
        painter.setPen((palette.brightText() if one.state is State.FAILED else palette.placeholderText()).color())
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        painter.setPen(palette.placeholderText().color())
        below = one_line(one.reason) if one.state in TROUBLED else folder_of(one.path)
        mode = Qt.TextElideMode.ElideRight if one.state in TROUBLED else Qt.TextElideMode.ElideMiddle
        shown = painter.fontMetrics().elidedText(below, mode, lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.setFont(fields.font)
        painter.setPen(palette.text().color())
        name = painter.fontMetrics().elidedText(name_of(one.path), Qt.TextElideMode.ElideMiddle, upper.width() - width)
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, name)
        painter.restore()


class DocumentsView(QListView):
    """The list itself. Enter acts on a file, Delete forgets it."""

    chosen = Signal(object)  # the current Document, or None
    acted = Signal(object)
    forget_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.documents = DocumentsModel()
        self.setModel(self.documents)
        self.setItemDelegate(_DocumentPainter(self))
        be_a_list(self, self.tr("Files"))
        self.setUniformItemSizes(True)  # what keeps thousands of rows fast
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.activated.connect(lambda index: self.acted.emit(index.data(ROW)))
        self.documents.dataChanged.connect(self._renewed)
        self.documents.modelReset.connect(lambda: self.chosen.emit(None))

    @property
    def document(self) -> Document | None:
        index = self.currentIndex()
        return index.data(ROW) if index.isValid() else None

    def choose(self, document: int) -> None:
        """Make a document the current one, if it is listed."""
        place = self.documents.place_of(document)
        if place >= 0:
            self.setCurrentIndex(self.documents.index(place))

    def in_view(self) -> tuple[int, int]:
        """The first and the last row that can be seen; (0, -1) without rows."""
        inside = self.viewport().rect().adjusted(1, 1, -1, -1)
        first, last = self.indexAt(inside.topLeft()), self.indexAt(inside.bottomLeft())
        return max(0, first.row()), last.row() if last.isValid() else self.documents.rowCount() - 1

    def currentChanged(self, current: _Index, previous: _Index) -> None:  # noqa: N802 - Qt's name
        super().currentChanged(current, previous)
        self.chosen.emit(current.data(ROW) if current.isValid() else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        document = self.document
        if document is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.acted.emit(document)
        elif document is not None and event.key() == Qt.Key.Key_Delete:
            self.forget_asked.emit(document)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
        return super().event(event)

    def _renewed(self, first: QModelIndex, last: QModelIndex) -> None:
        if first.row() <= self.currentIndex().row() <= last.row():
            self.chosen.emit(self.document)
