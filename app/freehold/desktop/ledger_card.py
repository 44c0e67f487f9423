"""Connections on the settings page: every one that was made or refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from freehold.desktop.pieces import column, label
from freehold.desktop.words import count_words, size_words

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
_MOST = 500


class LedgerModel(QAbstractTableModel):
    """Connections, newest first. A row has `time`, `purpose`, `host`, `bytes_out`, `bytes_in`, `refused`, `error`."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Any] = ()
        self._titles = (
            self.tr("When"), self.tr("For"), self.tr("Host"), self.tr("Sent"), self.tr("Received"), self.tr("Outcome"),
        )  # fmt: skip

    def show(self, connections: Sequence[Any]) -> None:
        self.beginResetModel()
        self._rows = sorted(connections, key=lambda one: one.time, reverse=True)[:_MOST]
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._titles)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight if section in (3, 4) else Qt.AlignmentFlag.AlignLeft
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (3, 4):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        one = self._rows[index.row()]
        when = datetime.fromtimestamp(one.time).astimezone()
        outcome = self.tr("refused") if one.refused else (one.error or self.tr("done"))
        return (
            f"{when:%d %b %H:%M}", one.purpose, one.host, size_words(one.bytes_out), size_words(one.bytes_in), outcome,
        )[index.column()]  # fmt: skip


class LedgerCard(QFrame):
    """The list, or words when there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.ledger = LedgerModel()
        self._words = label("", "note", wraps=True)
        self._table = QTableView()
        self._table.setModel(self.ledger)
        self._table.setAccessibleName(self.tr("Connections"))
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self._table.setShowGrid(False)
        self._table.verticalHeader().hide()
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        self._table.horizontalHeader().setHighlightSections(False)
        self.setLayout(
            column(label(self.tr("Every connection")), self._words, self._table, spacing=4, margins=(18, 14, 10, 14))
        )
        self.show_connections(())

    def show_connections(self, connections: Sequence[Any]) -> None:
        self.ledger.show(connections)
        count = len(connections)
        self._table.setVisible(count > 0)
        self._table.setFixedHeight(min(40 + 34 * count, 320))
        if not count:
            self._words.setText(self.tr("None was ever made. Freehold connects only when you download a model."))
        elif count == 1:
            self._words.setText(self.tr("1 connection since the vault was made. Your words were in none of them."))
        else:
            self._words.setText(
                self.tr("{0} connections since the vault was made. Your words were in none of them.").format(
                    count_words(count)
                )
            )
