"""Receipts as a table, newest first, and how a row reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QCoreApplication, QItemSelection, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QTableView

from freehold.desktop.peer_values import ReceiptShown
from freehold.desktop.peer_words import brief_check, check_advice, name_words, time_words, tokens_words
from freehold.desktop.tables import Index, TableModel, be_a_table
from freehold.rendering.visible import one_line

_DEVICE, _MODEL, _TOKENS, _CHECK = 1, 2, 3, 4
_WIDE = 68  # digits; below this there is no room for the model, which the details have
_MOST_ROWS = 8


def _tr(text: str) -> str:
    return QCoreApplication.translate("receipts", text)


class ReceiptsModel(TableModel[ReceiptShown]):
    def __init__(self) -> None:
        titles = (_tr("When"), _tr("Device"), _tr("Model"), _tr("Tokens"), _tr("Check"))
        super().__init__(titles, (_TOKENS, _CHECK), lambda one: one.job)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one = self.rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
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
        be_a_table(self, self.tr("Receipts"), stretched=(_DEVICE, _MODEL), narrowest=56)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.horizontalHeader().setSectionsClickable(False)
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
        rows = [number for number, one in enumerate(self.receipts.rows) if one.job == job]
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
        self.chosen.emit(self.receipts.rows[row])
