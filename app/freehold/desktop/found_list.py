"""The passages that a search found, as a list: title and place, the words that matched, where the file lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QApplication, QListView, QStyledItemDelegate, QStyleOptionViewItem

from freehold.desktop.library_words import folder_of, name_of, page_words
from freehold.desktop.lists import ROW, be_a_list, paint_row_ground
from freehold.desktop.marking import Marked, cut, excerpt, marked, units
from freehold.library.values import Passage
from freehold.rendering.visible import one_line, visible

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex
_LINES = 2
_EXCERPT = 220  # characters, more than two lines hold


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage as it is listed."""

    passage: Passage
    shown: Marked

    @classmethod
    def of(cls, passage: Passage, query: str) -> Hit:
        return cls(passage, excerpt(marked(query, visible(passage.text)), _EXCERPT))

    @property
    def title(self) -> str:
        return one_line(self.passage.title) or name_of(self.passage.path)

    @property
    def place(self) -> str:
        """The file and its folder, where the title does not name the file."""
        folder, name = folder_of(self.passage.path), name_of(self.passage.path)
        return folder if self.title == name else f"{name}  ·  {folder}"


class FoundModel(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.hits: list[Hit] = []

    def show(self, passages: Sequence[Passage], query: str) -> None:
        self.beginResetModel()
        self.hits = [Hit.of(one, query) for one in passages]
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.hits)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.hits):
            return None
        one = self.hits[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return one.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            parts = (one.title, page_words(one.passage.page), one.shown.text)
            return ", ".join(part for part in parts if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return one_line(one.passage.path)
        return one if role == ROW else None


class _HitPainter(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 - Qt's name
        small = _smaller(option)
        return QSize(0, option.fontMetrics.height() + round(small.pixelSize() * 1.45) * (_LINES + 1) + 26)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        fields: Any = option
        hit: Hit = index.data(ROW)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_ground(painter, fields)
        inside: QRect = fields.rect.adjusted(14, 10, -14, -10)
        strong, small = QFont(fields.font), _smaller(option)
        strong.setWeight(QFont.Weight.DemiBold)
        palette = QApplication.palette()
        painter.setFont(small)
        painter.setPen(palette.placeholderText().color())
        head = QRect(inside.left(), inside.top(), inside.width(), option.fontMetrics.height())
        words = page_words(hit.passage.page)
        width = painter.fontMetrics().horizontalAdvance(words) + 16 if words else 0
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, words)
        line = round(small.pixelSize() * 1.45)
        foot = QRect(inside.left(), inside.bottom() - line, inside.width(), line + 1)
        place = painter.fontMetrics().elidedText(hit.place, Qt.TextElideMode.ElideMiddle, foot.width())
        painter.drawText(foot, Qt.AlignmentFlag.AlignVCenter, place)
        painter.setFont(strong)
        painter.setPen(palette.text().color())
        title = painter.fontMetrics().elidedText(hit.title, Qt.TextElideMode.ElideRight, head.width() - width)
        painter.drawText(head, Qt.AlignmentFlag.AlignVCenter, title)
        painter.setPen(palette.placeholderText().color())
        lines = _laid_out(hit.shown, small, inside.width(), _LINES)
        lines.draw(painter, QPointF(inside.left(), head.bottom() + 4))
        painter.restore()


def _smaller(option: Any) -> QFont:
    small = QFont(option.font)
    small.setPixelSize(max(9, round(option.font.pixelSize() * 13 / 14)))
    return small


def _laid_out(shown: Marked, font: QFont, width: int, lines: int) -> QTextLayout:
    """`shown` in `lines` lines at most, its marks on a soft ground; what has no room ends in …."""
    layout = QTextLayout(shown.text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.setFormats([_format(*(units(shown.text, place) for place in span)) for span in shown.spans])
    step = round(font.pixelSize() * 1.45)
    layout.beginLayout()
    for number in range(lines):
        line = layout.createLine()
        if not line.isValid():
            break
        line.setLineWidth(width)
        line.setPosition(QPointF(0, number * step))
    layout.endLayout()
    last = layout.lineAt(layout.lineCount() - 1) if layout.lineCount() else None
    end = last.textStart() + last.textLength() if last is not None else 0
    if end < units(shown.text, len(shown.text)):
        return _laid_out(cut(shown, end), font, width, lines)
    return layout


def mark_format() -> QTextCharFormat:
    """How a word that matched stands out: on the soft ground of what is here, in full ink."""
    palette = QApplication.palette()
    look = QTextCharFormat()
    ground = QColor(palette.link().color())
    ground.setAlphaF(0.18)
    look.setBackground(ground)
    look.setForeground(palette.text().color())
    return look


def _format(start: int, end: int) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, end - start, mark_format()
    return made


class FoundView(QListView):
    """Walking shows a passage, Enter opens it; Up from the first goes back to the question."""

    chosen = Signal(object)  # the current Hit, or None
    opened = Signal(object)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.found = FoundModel()
        self.setModel(self.found)
        self.setItemDelegate(_HitPainter(self))
        be_a_list(self, self.tr("Passages found"))
        self.setUniformItemSizes(True)
        self.doubleClicked.connect(lambda index: self.opened.emit(index.data(ROW)))

    @property
    def hit(self) -> Hit | None:
        index = self.currentIndex()
        return index.data(ROW) if index.isValid() else None

    def show_found(self, passages: Sequence[Passage], query: str) -> None:
        """List `passages`; the one that was chosen stays so where it is found again, else the first is."""
        before = self.hit
        self.found.show(passages, query)
        places = [(one.passage.document, one.passage.start) for one in self.found.hits]
        wanted = (before.passage.document, before.passage.start) if before else None
        row = places.index(wanted) if wanted in places else 0
        if places:
            self.setCurrentIndex(self.found.index(row))
        else:
            self.chosen.emit(None)

    def currentChanged(self, current: _Index, previous: _Index) -> None:  # noqa: N802 - Qt's name
        super().currentChanged(current, previous)
        self.chosen.emit(current.data(ROW) if current.isValid() else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        hit = self.hit
        if hit is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(hit)
        elif event.key() == Qt.Key.Key_Up and self.currentIndex().row() <= 0:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
        return super().event(event)
