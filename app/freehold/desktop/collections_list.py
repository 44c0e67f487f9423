"""The collections of the library and the folders they were made of, as a list beside the files."""

from __future__ import annotations

import os
from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QKeyEvent, QPainter
from PySide6.QtWidgets import QApplication, QListView, QStyledItemDelegate, QStyleOptionViewItem

from freehold.desktop.library_words import collection_words, name_of
from freehold.desktop.lists import ROW, be_a_list, paint_row_ground
from freehold.desktop.words import count_words
from freehold.library.values import Collection, Source
from freehold.rendering.visible import one_line

_NOTHING = QModelIndex()
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Place:
    """Where files are looked for: everything (no collection), one collection, or one source in it."""

    collection: str | None = None
    source: Source | None = None
    documents: int = 0

    @property
    def below(self) -> str:
        return self.source.path if self.source else ""

    def is_like(self, other: Place) -> bool:
        """Whether it is the same place, whatever else is known of it."""
        return (self.collection, self.below) == (other.collection, other.below)


def places_of(collections: Sequence[Collection], leaving: Some[str] = ()) -> list[Place]:
    """Everything, then each collection with its sources; what is about to be forgotten is left out."""
    places = [Place(documents=sum(one.documents for one in collections))]
    for collection in collections:
        sources = [one for one in collection.sources if not is_leaving(one.path, leaving)]
        if sources:
            places.append(Place(collection.name, documents=collection.documents))
            places += [Place(collection.name, source) for source in sources]
    return places


def is_leaving(path: str, leaving: Some[str]) -> bool:
    """Whether `path` is, or lies below, something that is about to be forgotten."""
    return any(path == one or path.startswith(one.rstrip(os.sep) + os.sep) for one in leaving)


class PlacesModel(QAbstractListModel):
    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    def show(self, places: list[Place]) -> None:
        self.beginResetModel()
        self.places = places
        self.endResetModel()

    def rowCount(self, parent: _Index = _NOTHING) -> int:  # noqa: N802 - Qt's name
        return 0 if parent.isValid() else len(self.places)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.places):
            return None
        one = self.places[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.title(one)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (self.title(one), self.note(one)) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return one_line(one.below) or None
        return one if role == ROW else None

    def title(self, place: Place) -> str:
        if place.source is not None:
            return name_of(place.source.path)
        return self.tr("Everything") if place.collection is None else collection_words(place.collection)

    def note(self, place: Place) -> str:
        """The number of documents, or what is special about a source."""
        if place.source is None:
            return count_words(place.documents)
        if place.source.first:
            return self.tr("read first")
        return self.tr("watched") if place.source.watched else ""


class _PlacePainter(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, _index: _Index) -> QSize:  # noqa: N802 - Qt's name
        return QSize(0, option.fontMetrics.height() + 15)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        fields: Any = option
        place: Place = index.data(ROW)
        model = index.model()
        assert isinstance(model, PlacesModel)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row_ground(painter, fields)
        inside: QRect = fields.rect.adjusted(28 if place.source else 12, 0, -12, 0)
        font, small = QFont(fields.font), QFont(fields.font)
        small.setPixelSize(max(9, round(fields.font.pixelSize() * 12 / 14)))
        if place.source is None:
            font.setWeight(QFont.Weight.DemiBold)
        palette = QApplication.palette()
        painter.setFont(small)
        painter.setPen(palette.placeholderText().color())
        note = model.note(place)
        width = painter.fontMetrics().horizontalAdvance(note) + 10 if note else 0
        painter.drawText(inside, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, note)
        painter.setFont(font)
        painter.setPen(palette.text().color())
        shown = painter.fontMetrics().elidedText(
            model.title(place), Qt.TextElideMode.ElideMiddle, inside.width() - width
        )
        painter.drawText(inside, Qt.AlignmentFlag.AlignVCenter, shown)
        painter.restore()


class PlacesView(QListView):
    """Choosing a place shows its files, Enter goes to them. Delete forgets a source."""

    chosen = Signal(object)
    forget_asked = Signal(object)
    entered_by_key = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._is_filling = False
        self.places = PlacesModel()
        self.setModel(self.places)
        self.setItemDelegate(_PlacePainter(self))
        be_a_list(self, self.tr("Collections and folders"))
        self.setUniformItemSizes(True)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)

    @property
    def place(self) -> Place:
        index = self.currentIndex()
        return index.data(ROW) if index.isValid() else Place()

    def show_places(self, places: list[Place]) -> None:
        """List `places`; the one that was chosen stays so while it is there."""
        before = self.place
        self._is_filling = True
        self.places.show(places)
        row = next((row for row, one in enumerate(places) if one.is_like(before)), 0)
        self.setCurrentIndex(self.places.index(row))
        self._is_filling = False
        self.chosen.emit(self.place)

    def currentChanged(self, current: _Index, previous: _Index) -> None:  # noqa: N802 - Qt's name
        super().currentChanged(current, previous)
        if not self._is_filling:
            self.chosen.emit(self.place)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if self.place.source is not None and event.key() == Qt.Key.Key_Delete:
            self.forget_asked.emit(self.place)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered_by_key.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()
        return super().event(event)
