"""Receipts as a table, newest first, and how a row reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QItemSelection, QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView

from freehold.desktop.peer_values import ReceiptShown
from freehold.desktop.peer_words import brief_check, check_advice, name_words, time_words, tokens_words
from freehold.rendering.visible import one_line

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_DEVICE, _MODEL, _TOKENS, _CHECK = 1, 2, 3, 4
_WIDE = 68  # digits; below this there is no room for the model, which the details have
_MOST_ROWS = 8


class ReceiptsModel(QAbstractTableModel):
    def __init__(self) -> None:
        super().__init__()
        self.receipts: Sequence[ReceiptShown] = ()
        self._titles = (self.tr("When"), self.tr("Device"), self.tr("Model"), self.tr("Tokens"), self.tr("Check"))

    def show(self, receipts: Sequence[ReceiptShown]) -> None:
        """Rows that are shown already are renewed in place, so that the list does not jump."""
        if [one.job for one in receipts] == [one.job for one in self.receipts]:
            self.receipts = receipts
            if receipts:
                self.dataChanged.emit(self.index(0, 0), self.index(len(receipts) - 1, len(self._titles) - 1))
            return
        self.beginResetModel()
        self.receipts = receipts
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.receipts)

    def columnCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._titles)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (_TOKENS, _CHECK) else _LEFT
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one = self.receipts[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if index.column() in (_TOKENS, _CHECK) else _LEFT
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == _CHECK:
            return self._colour(one)
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == _CHECK:
            return check_advice(one) or None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return (
            time_words(one.time, datetime.now().astimezone()), name_words(one.device_name, one.device),
            one_line(one.model), tokens_words(one.tokens_in, one.tokens_out),
            brief_check(one.check, can_check=one.can_check),
        )[index.column()]  # fmt: skip

    @staticmethod
    def _colour(one: ReceiptShown) -> QColor | None:
        palette = QApplication.palette()
        if one.check is None:
            return palette.placeholderText().color()
        return None if one.check.passed else palette.brightText().color()


class ReceiptsView(QTableView):
    """`chosen` carries the receipt that the owner wants to know more of."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.receipts = ReceiptsModel()
        self.setModel(self.receipts)
        self.setAccessibleName(self.tr("Receipts"))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for section in (_DEVICE, _MODEL):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(56)
        header.setHighlightSections(False)
        header.setSectionsClickable(False)
        self.clicked.connect(lambda index: self._tell(index.row()))

    def show_receipts(self, receipts: Sequence[ReceiptShown]) -> None:
        self.receipts.show(receipts)
        rows = min(len(receipts), _MOST_ROWS)
        high = self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * high + 8)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.currentIndex().isValid():
            self._tell(self.currentIndex().row())
        else:
            super().keyPressEvent(event)

    def choose(self, job: str) -> bool:
        """Select the receipt of `job` and tell of it; False when there is none."""
        rows = [number for number, one in enumerate(self.receipts.receipts) if one.job == job]
        if rows:
            self.selectRow(rows[0])
            self._tell(rows[0])
        return bool(rows)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:  # noqa: N802 - Qt's name
        super().selectionChanged(selected, deselected)
        if selected.indexes():
            self.scrollTo(selected.indexes()[0])

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.setColumnHidden(_MODEL, event.size().width() < _WIDE * self.fontMetrics().horizontalAdvance("0"))

    def _tell(self, row: int) -> None:
        self.chosen.emit(self.receipts.receipts[row])
