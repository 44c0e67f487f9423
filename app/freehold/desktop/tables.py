"""What the window's tables share: rows that are renewed in place, titles above them, and manners."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

Index = QModelIndex | QPersistentModelIndex
Row = TypeVar("Row")

_NOTHING = QModelIndex()
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class TableModel(QAbstractTableModel, Generic[Row]):
    """Values as rows below `titles`; columns in `numbers` stand at the right. Two rows are of the same thing when `key`
    says so. What a row reads is for the subclass.
    """

    def __init__(self, titles: Sequence[str], numbers: Collection[int], key: Callable[[Row], object]) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self.titles, self._numbers, self._key = titles, numbers, key

    def show(self, rows: Sequence[Row]) -> None:
        """Rows that are shown already are renewed in place, so that the list does not jump."""
        if [self._key(one) for one in rows] == [self._key(one) for one in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self.titles) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.titles)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(section)
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        return None

    def alignment(self, column: int) -> Qt.AlignmentFlag:
        return _RIGHT if column in self._numbers else _LEFT


def be_a_table(view: QTableView, name: str, *, stretched: Collection[int], narrowest: int) -> None:
    """Scroll smoothly, no grid, no numbers of rows; the columns in `stretched` share what room there is.

    `narrowest` is in pixels; `name` is for who hears the window.
    """
    view.setAccessibleName(name)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.verticalHeader().hide()
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    header = view.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    for section in stretched:
        header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
    header.setMinimumSectionSize(narrowest)
    header.setHighlightSections(False)
