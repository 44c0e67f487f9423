"""The command palette: every action, every chat and everything said, from the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QAction, QFont, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from freehold.desktop.pieces import column, label, line, row

if TYPE_CHECKING:
    from freehold.chats.values import Chat, Hit

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
_SEARCH_MS = 150
_MOST_CHATS = 8
WIDTH = 600
_ROW = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette: a heading when it has no `run`, else something to do."""

    text: str
    hint: str = ""
    below: str = ""
    run: Callable[[], None] | None = None


class _Entries(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.entries):
            return None
        one = self.entries[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return one.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (one.text, one.below, one.hint) if part)
        return one if role == _ROW else None

    def flags(self, index: _Index) -> Qt.ItemFlag:
        if index.isValid() and self.entries[index.row()].run is not None:
            return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return Qt.ItemFlag.NoItemFlags


class _EntryPainter(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:  # noqa: N802 - Qt's name
        one: Entry = index.data(_ROW)
        height = option.fontMetrics.height()
        if one.run is None:
            return QSize(0, height + 14)
        return QSize(0, height * 2 + 16 if one.below else height + 17)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        fields: Any = option
        one: Entry = index.data(_ROW)
        palette = QApplication.palette()
        small = QFont(fields.font)
        small.setPixelSize(max(9, round(fields.font.pixelSize() * 12 / 14)))
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place: QRect = fields.rect.adjusted(8, 1, -8, -1)
        inside = place.adjusted(12, 0, -12, 0)
        if one.run is None:
            small.setWeight(QFont.Weight.DemiBold)
            painter.setFont(small)
            painter.setPen(palette.placeholderText().color())
            painter.drawText(inside.adjusted(0, 0, 0, -4), Qt.AlignmentFlag.AlignBottom, one.text)
            painter.restore()
            return
        if fields.state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.highlight())
            painter.drawRoundedRect(place, 8, 8)
        self._write(painter, inside, one, fields.font, small)
        painter.restore()

    def _write(self, painter: QPainter, inside: QRect, one: Entry, font: QFont, small: QFont) -> None:
        palette = QApplication.palette()
        painter.setFont(small)
        painter.setPen(palette.placeholderText().color())
        hint_width = painter.fontMetrics().horizontalAdvance(one.hint) + 16 if one.hint else 0
        upper = inside.adjusted(0, 7, 0, -inside.height() // 2) if one.below else inside
        painter.drawText(upper, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, one.hint)
        if one.below:
            lower = inside.adjusted(0, inside.height() // 2, 0, -7)
            _draw_marked(painter, lower, one.below, small)
        painter.setFont(font)
        painter.setPen(palette.text().color())
        room = upper.width() - hint_width
        text = painter.fontMetrics().elidedText(one.text, Qt.TextElideMode.ElideRight, room)
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, text)


def _draw_marked(painter: QPainter, place: QRect, text: str, font: QFont) -> None:
    """Draw an excerpt on one line, what stands between the marks (characters 2 and 3) in ink and bold."""
    palette = QApplication.palette()
    strong = QFont(font)
    strong.setWeight(QFont.Weight.DemiBold)
    x = place.left()
    for number, piece in enumerate(text.replace("\x03", "\x02").split("\x02")):
        found = number % 2 == 1
        painter.setFont(strong if found else font)
        painter.setPen(palette.text().color() if found else palette.placeholderText().color())
        shown = painter.fontMetrics().elidedText(piece, Qt.TextElideMode.ElideRight, place.right() - x)
        painter.drawText(QRect(x, place.top(), place.right() - x, place.height()), Qt.AlignmentFlag.AlignVCenter, shown)
        x += painter.fontMetrics().horizontalAdvance(shown)
        if shown != piece or x >= place.right():
            return


class CommandPalette(QWidget):
    """Lies over the window while open. Emits what was chosen; the caller finds what was said (`search_asked`)."""

    chat_chosen = Signal(str)
    hit_chosen = Signal(str, str, str)
    search_asked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("shade")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._actions: Sequence[QAction] = ()
        self._chats: Sequence[Chat] = ()
        self._hits: Sequence[Hit] = ()
        self._search = ""
        self._before: QWidget | None = None
        self._field, self._list, self._entries = QLineEdit(), QListView(), _Entries()
        self._nothing = label(self.tr("Nothing found. Try fewer or other words."), "muted")
        self._box = QFrame(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SEARCH_MS)
        self._timer.timeout.connect(lambda: self.search_asked.emit(self._text()))
        self._lay_out()
        parent.installEventFilter(self)
        self.hide()

    def _lay_out(self) -> None:
        self._field.setProperty("kind", "bare")
        self._field.setPlaceholderText(self.tr("Search chats, everything said, and actions"))
        self._field.setAccessibleName(self.tr("Search chats, everything said, and actions"))
        self._field.textChanged.connect(self._changed)
        self._field.installEventFilter(self)
        self._list.setModel(self._entries)
        self._list.setItemDelegate(_EntryPainter(self._list))
        self._list.setAccessibleName(self.tr("Found"))
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self._list.clicked.connect(self._run)
        self._nothing.setContentsMargins(20, 16, 20, 16)
        self._box.setProperty("kind", "overlay")
        layout = column(
            row(self._field, margins=(20, 14, 20, 14)), line(), 4, self._nothing, spacing=0, margins=(0, 0, 0, 8)
        )
        layout.addWidget(self._list, 1)
        self._box.setLayout(layout)

    def open(self, actions: Iterable[QAction], chats: Sequence[Chat], text: str = "") -> None:
        """Show the palette over its parent and take the keyboard; `close_palette` gives it back."""
        self._before = QApplication.focusWidget()
        self._actions, self._chats, self._hits = [one for one in actions if one.isEnabled()], chats, ()
        self._field.setText(text)
        self._refresh()
        self._place()
        self.show()
        self.raise_()
        self._field.setFocus()
        self._field.selectAll()

    def close_palette(self) -> None:
        self._timer.stop()
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus()

    def show_hits(self, text: str, hits: Sequence[Hit]) -> None:
        """What a search for `text` found; ignored when something else is searched by now."""
        if text == self._text():
            self._hits = hits
            self._refresh()

    @property
    def texts(self) -> list[str]:
        """What is listed, headings included."""
        return [one.text for one in self._entries.entries]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._take_key(event.key())
        if watched is self.parentWidget() and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return False

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if not self._box.geometry().contains(event.position().toPoint()):
            self.close_palette()

    def _take_key(self, key: int) -> bool:
        if key == Qt.Key.Key_Escape:
            self.close_palette()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self._step(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self._list.currentIndex())
        else:
            return key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)  # the focus stays inside
        return True

    def _step(self, direction: int) -> None:
        place, entries = self._list.currentIndex().row(), self._entries.entries
        for _ in entries:
            place = (place + direction) % len(entries)
            if entries[place].run is not None:
                self._list.setCurrentIndex(self._entries.index(place))
                return

    def _run(self, index: QModelIndex) -> None:
        entry: Entry | None = index.data(_ROW) if index.isValid() else None
        if entry is not None and entry.run is not None:
            self.close_palette()
            entry.run()

    def _text(self) -> str:
        return self._field.text().strip()

    def _changed(self) -> None:
        self._hits = ()
        self._refresh()
        if len(self._text()) >= 2:
            self._timer.start()

    def _refresh(self) -> None:
        text = self._text()
        entries = [*self._chat_entries(text), *self._action_entries(text), *self._hit_entries()]
        self._entries.show(entries)
        self._nothing.setVisible(not entries)
        self._list.setVisible(bool(entries))
        first = next((place for place, one in enumerate(entries) if one.run is not None), -1)
        if first >= 0:
            self._list.setCurrentIndex(self._entries.index(first))

    def _chat_entries(self, text: str) -> list[Entry]:
        found = [one for one in self._chats if matches(text, one.title)][: _MOST_CHATS if text else 3]
        if not found:
            return []

        def opening(chat: str) -> Callable[[], None]:
            return lambda: self.chat_chosen.emit(chat)

        title = self.tr("Chats") if text else self.tr("Recent chats")
        return [Entry(title), *(Entry(one.title, run=opening(one.id)) for one in found)]

    def _action_entries(self, text: str) -> list[Entry]:
        found = [one for one in self._actions if matches(text, one.text()) and one.objectName() != "palette"]
        if not found:
            return []
        return [
            Entry(self.tr("Actions")),
            *(Entry(one.text(), hint=one.shortcut().toString().replace("+", " "), run=one.trigger) for one in found),
        ]

    def _hit_entries(self) -> list[Entry]:
        if not self._hits:
            return []

        def opening(hit: Hit) -> Callable[[], None]:
            return lambda: self.hit_chosen.emit(hit.chat, hit.turn, self._text())

        entries = [Entry(self.tr("Said"))]
        for hit in self._hits:
            who = self.tr("you") if hit.role == "user" else self.tr("answer")
            entries.append(Entry(hit.title or self.tr("New chat"), who, " ".join(hit.text.split()), opening(hit)))
        return entries

    def _place(self) -> None:
        around = self.parentWidget()
        assert around is not None
        self.setGeometry(around.rect())
        width, height = min(WIDTH, around.width() - 48), min(480, around.height() - 96)
        self._box.setGeometry((around.width() - width) // 2, max(24, min(88, around.height() // 8)), width, height)


def matches(wanted: str, text: str) -> bool:
    """Whether each word of `wanted` begins a word of `text`; no words match everything."""
    there = re.findall(r"\w+", text.casefold())
    return all(any(one.startswith(word) for one in there) for word in re.findall(r"\w+", wanted.casefold()))
