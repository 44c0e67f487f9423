"""The egress ledger as a table: every connection, newest first, and how a row reads."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QTableView

from freehold.desktop.tables import Index, TableModel, be_a_table
from freehold.desktop.words import size_words
from freehold.network.values import Connection

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


class ConnectionsModel(TableModel[Connection]):
    """Newest first."""

    def __init__(self) -> None:
        titles = (
            _tr("When"), _tr("For"), _tr("Host"), _tr("Sent"), _tr("Received"), _tr("What left"), _tr("Outcome"),
        )  # fmt: skip
        super().__init__(titles, (_SENT, _RECEIVED), lambda one: one.id)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        one = self.rows[index.row()]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.alignment(index.column())
        if role == Qt.ItemDataRole.ForegroundRole and one.refused:
            return QApplication.palette().placeholderText()
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return None
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == _OUTCOME:
            return f"{outcome_words(one)}\n{self.titles[_WHAT_LEFT]}: {left_words(one.data_class)}"
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
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        be_a_table(self, self.tr("Connections"), stretched=(_HOST, _OUTCOME), narrowest=64)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.setColumnHidden(_WHAT_LEFT, event.size().width() < _WIDE)
