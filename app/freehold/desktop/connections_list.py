"""The egress ledger as a table: every connection, newest first, and how a row reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QCoreApplication, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QTableView

from freehold.desktop.words import size_words
from freehold.network.values import Connection

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_HOST, _SENT, _RECEIVED, _WHAT_LEFT, _OUTCOME = 2, 3, 4, 5, 6
_WIDE = 700  # pixels; below this there is no room for what left, and the outcome's tooltip tells it


def _tr(text: str) -> str:
    return QCoreApplication.translate("connections", text)


def when_words(moment: float, now: datetime) -> str:
    """A time of today as "14:32:05", an earlier one with its day: "24 Nov 14:32"."""
    when = datetime.fromtimestamp(moment).astimezone()
    return f"{when:%H:%M:%S}" if when.date() == now.date() else f"{when.day} {when:%b %H:%M}"


def left_words(data_class: str) -> str:
    """What of the owner's went with it."""
    known = {
        "public-file": _tr("The name of a public file"),
        "keys": _tr("Names and public keys of devices"),
        "numbers": _tr("Numbers"),
        "words": _tr("Words of a chat"),
        "documents": _tr("Passages of documents"),
    }
    return known.get(data_class, data_class)


def outcome_words(one: Connection) -> str:
    if one.refused:
        return _tr("Refused: offline switch") if one.error == "offline" else _tr("Refused: {0}").format(one.error)
    if one.ended is None:
        return _tr("Going on")
    return one.error.capitalize() if one.error else _tr("Done")


class ConnectionsModel(QAbstractTableModel):
    """Newest first. Rows that are shown already are renewed in place, so that the list does not jump."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: Sequence[Connection] = ()
        self._titles = (
            self.tr("When"), self.tr("For"), self.tr("Host"), self.tr("Sent"), self.tr("Received"),
            self.tr("What left"), self.tr("Outcome"),
        )  # fmt: skip

    def show(self, connections: Sequence[Connection]) -> None:
        if [one.id for one in connections] == [one.id for one in self.connections]:
            self.connections = connections
            if connections:
                self.dataChanged.emit(self.index(0, 0), self.index(len(connections) - 1, len(self._titles) - 1))
            return
        self.beginResetModel()
        self.connections = connections
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.connections)

    def columnCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._titles)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (_SENT, _RECEIVED) else _LEFT
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one = self.connections[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (_SENT, _RECEIVED):
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole and one.refused:
            return QApplication.palette().placeholderText()
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == _OUTCOME:
            return f"{outcome_words(one)}\n{self._titles[_WHAT_LEFT]}: {left_words(one.data_class)}"
        host = one.host if one.port == 443 else f"{one.host}:{one.port}"
        now = datetime.now().astimezone()
        return (
            when_words(one.time, now), one.purpose[:1].upper() + one.purpose[1:], host, size_words(one.bytes_out),
            size_words(one.bytes_in), left_words(one.data_class), outcome_words(one),
        )[index.column()]  # fmt: skip


class ConnectionsView(QTableView):
    """The table; it only shows."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = ConnectionsModel()
        self.setModel(self.connections)
        self.setAccessibleName(self.tr("Connections"))
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        for section in (_HOST, _OUTCOME):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(64)
        header.setHighlightSections(False)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.setColumnHidden(_WHAT_LEFT, event.size().width() < _WIDE)
