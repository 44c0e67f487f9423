"""The chats in the side bar: a model with date groups, how a row is painted, and the view."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from freehold.desktop.lists import be_a_list
from freehold.desktop.words import day_words

if TYPE_CHECKING:
    from freehold.chats.values import Chat

ID_ROLE = Qt.ItemDataRole.UserRole
_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class _Row:
    chat: str  # empty for a group's name
    text: str


class ChatsModel(QAbstractListModel):
    """Chats, newest first, below the names of their date groups. Editing a row emits `renamed` and changes nothing."""

    renamed = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[_Row] = []

    def show(self, chats: Iterable[Chat], today: date | None = None) -> None:
        """Replace what is listed. Dates are local; the newest change comes first."""
        today = today or datetime.now().astimezone().date()
        rows: list[_Row] = []
        group = ""
        for chat in sorted(chats, key=lambda one: one.updated, reverse=True):
            words = day_words(datetime.fromtimestamp(chat.updated).astimezone().date(), today)
            if words != group:
                group = words
                rows.append(_Row("", words))
            rows.append(_Row(chat.id, chat.title or self.tr("New chat")))
        if rows == self._rows:
            return
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def ids(self) -> list[str]:
        return [one.chat for one in self._rows if one.chat]

    def index_of(self, chat: str) -> QModelIndex:
        """The row of a chat, or an invalid index."""
        place = next((number for number, one in enumerate(self._rows) if one.chat and one.chat == chat), -1)
        return self.index(place) if place >= 0 else QModelIndex()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        one = self._rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return one.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.tr("Chat: {0}").format(one.text) if one.chat else one.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return one.text if len(one.text) > 28 else None
        return one.chat if role == ID_ROLE else None

    def setData(self, index: _Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        one = self._rows[index.row()]
        title = " ".join(str(value).split())
        if role != Qt.ItemDataRole.EditRole or not one.chat or not title or title == one.text:
            return False
        self._rows[index.row()] = _Row(one.chat, title)
        self.dataChanged.emit(index, index)
        self.renamed.emit(one.chat, title)
        return True

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if not index.isValid() or not self._rows[index.row()].chat:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable


class _RowPainter(QStyledItemDelegate):
    """Paints chats and group names; in place of a chat's row, a line edit renames it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's name
        height = option.fontMetrics.height()
        is_first = index.row() == 0
        if not index.data(ID_ROLE):
            return QSize(0, height + (10 if is_first else 22))
        return QSize(0, height + 19)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        fields: Any = option
        palette = QApplication.palette()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if index.data(ID_ROLE):
            self._paint_chat(painter, fields, str(index.data()), palette.highlight().color())
        else:
            self._paint_group(painter, fields, str(index.data()))
        painter.restore()

    def _paint_chat(self, painter: QPainter, option: Any, text: str, selected: QColor) -> None:
        place = option.rect.adjusted(0, 2, 0, -2)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(selected)
            painter.drawRoundedRect(place, 8, 8)
        if state & QStyle.StateFlag.State_HasFocus or (
            state & QStyle.StateFlag.State_MouseOver and not state & QStyle.StateFlag.State_Selected
        ):
            painter.setPen(QApplication.palette().mid().color())
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(place.adjusted(0, 0, -1, -1), 8, 8)
        painter.setPen(QApplication.palette().text().color())
        inside = place.adjusted(8, 0, -8, 0)
        shown = option.fontMetrics.elidedText(text, Qt.TextElideMode.ElideRight, inside.width())
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, shown)

    def _paint_group(self, painter: QPainter, option: Any, text: str) -> None:
        font = QFont(option.font)
        font.setPixelSize(max(9, round(option.font.pixelSize() * 12 / 14)))
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QApplication.palette().placeholderText().color())
        inside: QRect = option.rect.adjusted(8, 0, -8, -6)
        painter.drawText(inside, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignLeft, text)

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, _index: _Index) -> None:  # noqa: N802
        editor.setGeometry(option.rect.adjusted(0, 2, 0, -2))

    def createEditor(self, parent: QWidget, _option: QStyleOptionViewItem, _index: _Index) -> QWidget:  # noqa: N802
        editor = QLineEdit(parent)
        editor.setAccessibleName(self.tr("New title"))
        editor.setMaxLength(200)
        return editor

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: _Index) -> None:  # noqa: N802 - Qt's name
        assert isinstance(editor, QLineEdit)
        model.setData(index, editor.text())


class ChatsView(QListView):
    """The list itself. Enter or a click opens, F2 renames, Delete removes; the menu key has all three."""

    opened = Signal(str)
    delete_asked = Signal(str)
    export_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.chats = ChatsModel()
        self.setModel(self.chats)
        self.setItemDelegate(_RowPainter(self))
        be_a_list(self, self.tr("Chats"))
        self.setUniformItemSizes(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._show_menu)
        self.clicked.connect(self._open)
        self._current = ""

    def show_chats(self, chats: Iterable[Chat], today: date | None = None) -> None:
        """List `chats`, keeping the row in view and an unfinished rename."""
        if self.state() == QAbstractItemView.State.EditingState:
            return
        self.chats.show(chats, today)
        self.mark(self._current)

    def mark(self, chat: str) -> None:
        """Show which chat is open; "" for none."""
        self._current = chat
        index = self.chats.index_of(chat)
        if index.isValid():
            self.setCurrentIndex(index)
            self.scrollTo(index)
        else:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())

    def rename(self, chat: str) -> None:
        index = self.chats.index_of(chat)
        if index.isValid():
            self.setCurrentIndex(index)
            self.edit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        index = self.currentIndex()
        if index.isValid() and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open(index)
        elif index.isValid() and event.key() == Qt.Key.Key_Delete:
            self.delete_asked.emit(str(index.data(ID_ROLE)))
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
        return super().event(event)

    def _open(self, index: QModelIndex) -> None:
        if chat := index.data(ID_ROLE):
            self.opened.emit(str(chat))

    def _show_menu(self, place: QPoint) -> None:
        index = self.indexAt(place) if self.rect().contains(place) else self.currentIndex()
        chat = str(index.data(ID_ROLE) or "")
        if not chat:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Rename")).triggered.connect(lambda: self.rename(chat))
        menu.addAction(self.tr("Export…")).triggered.connect(lambda: self.export_asked.emit(chat))
        menu.addSeparator()
        menu.addAction(self.tr("Move to trash")).triggered.connect(lambda: self.delete_asked.emit(chat))
        menu.popup(self.viewport().mapToGlobal(place))
