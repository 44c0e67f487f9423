"""What the window's lists of rows share: manners, and what lies under a row."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QAbstractItemView, QApplication, QListView, QStyle

ROW = Qt.ItemDataRole.UserRole  # under which a model gives the value that a row shows


def be_a_list(view: QListView, name: str) -> None:
    """Scroll smoothly, light up under the pointer, edit nothing unasked; `name` is for who hears the window."""
    view.setAccessibleName(name)
    view.setMouseTracking(True)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)


def paint_row_ground(painter: QPainter, option: Any) -> None:
    """What lies under a row: filled when selected, outlined when it has the keyboard or the pointer."""
    palette, state = QApplication.palette(), option.state
    place = option.rect.adjusted(2, 1, -2, -1)
    if state & QStyle.StateFlag.State_Selected:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.highlight())
        painter.drawRoundedRect(place, 8, 8)
    is_pointed_at = state & QStyle.StateFlag.State_MouseOver and not state & QStyle.StateFlag.State_Selected
    if state & QStyle.StateFlag.State_HasFocus or is_pointed_at:
        painter.setPen(palette.placeholderText().color() if state & QStyle.StateFlag.State_HasFocus
                       else palette.mid().color())  # fmt: skip
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(place.adjusted(0, 0, -1, -1), 8, 8)
