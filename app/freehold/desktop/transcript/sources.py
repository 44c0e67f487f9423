"""Below an answer from documents: the sources it cites, or the near misses when the documents do not say."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from freehold.assistant.values import Reference
from freehold.chats.values import Turn, Use
from freehold.desktop.excerpts import excerpt
from freehold.desktop.rows import in_rows
from freehold.desktop.source_words import name_words, note_words, place_words
from freehold.desktop.transcript.card import SourceCard
from freehold.desktop.transcript.flat import FlatButton, Note
from freehold.desktop.transcript.looks import Looks, text_font
from freehold.rendering.citing import Cited

MOST_CHIPS = 8
_MOST_NAME = 220  # pixels


class SourceChip(FlatButton):
    """A number in a soft field and the name of what it stands for."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("", lambda: None, framed=True)
        self.setParent(parent)
        self._number = ""

    def show_source(self, number: int, name: str, place: str) -> None:
        self._number = str(number)
        metrics = QFontMetrics(self._looks.note)
        name = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, _MOST_NAME)
        self.say(f"{name}, {place}" if name and place else name or place)
        self.setAccessibleName(self.tr("Source {0}: {1}").format(number, self.text()))

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        metrics = QFontMetrics(self._looks.note)
        words = metrics.horizontalAdvance(self.text())
        return QSize(self._field() + (8 + words if words else 0) + 14, metrics.height() + 8)

    minimumSizeHint = sizeHint  # noqa: N815 - Qt's name

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        is_hot = self.underMouse() or self.hasFocus()
        painter.setPen(QPen(self._looks.colour("muted" if is_hot else "line"), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        field = QRectF(4, 4, self._field(), self.height() - 8)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._looks.colour("here_soft"))
        painter.drawRoundedRect(field, 5, 5)
        painter.setPen(self._looks.colour("here"))
        painter.setFont(text_font(self._looks.sizes.note, QFont.Weight.DemiBold))
        painter.drawText(field, Qt.AlignmentFlag.AlignCenter, self._number)
        painter.setPen(self._looks.colour("ink"))
        painter.setFont(self._looks.note)
        rest = self.rect().adjusted(round(field.right()) + 8, 0, -6, 0)
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, self.text())

    def _field(self) -> int:
        return max(18, QFontMetrics(self._looks.note).horizontalAdvance(self._number) + 10)


class SourcesView(QWidget):
    """Shows what `turn` says about its sources; their names once `references` are known.

    `source_asked` has the place of a source among the answer's.
    """

    source_asked = Signal(int)
    all_asked = Signal()
    without_asked = Signal()
    others_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._looks = Looks()
        self._chips: list[SourceChip] = []
        self._cards: list[SourceCard] = []
        self._title = Note(strong=True)
        self._more = FlatButton("", self.all_asked.emit)
        self._without = FlatButton(self.tr("Answer without documents"), self.without_asked.emit, framed=True)
        self._others = FlatButton(self.tr("Choose other documents"), self.others_asked.emit, framed=True)
        for part in (self._title, self._more, self._without, self._others):
            part.setParent(self)
        self.clear()

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        for part in (*self._chips, self._more, self._without, self._others):
            part.wear(looks)
        for card in self._cards:
            card.wear(looks)
        self._title.wear(looks)

    @property
    def is_empty(self) -> bool:
        return not (self._chips or self._is_refusal)

    def show_turn(self, turn: Turn, references: Sequence[Reference]) -> None:
        self.clear()
        made = turn.provenance
        if made is None or made.grounded is None:
            return
        self._is_refusal = made.grounded is False
        if self._is_refusal:
            self._show_near(references)
            return
        cited = [place for place, source in enumerate(made.sources) if source.use is Use.CITED]
        for number, place in enumerate(cited[:MOST_CHIPS], 1):
            chip = SourceChip(self)
            chip.wear(self._looks)
            known = references[place] if place < len(references) else None
            page = made.sources[place].page
            if known is None:
                chip.show_source(number, "", place_words(page))
            else:
                chip.show_source(number, name_words(known), note_words(known) or place_words(known.page))
            chip.clicked.connect(partial(self._ask, place))
            chip.show()
            self._chips.append(chip)
        self._more.setVisible(len(cited) > MOST_CHIPS)
        self._more.say(self.tr("{0} more").format(len(cited) - MOST_CHIPS))

    def _show_near(self, references: Sequence[Reference]) -> None:
        """What came nearest, and the two ways on."""
        self._title.say(self.tr("The nearest passages") if references else "")
        self._title.setVisible(bool(references))
        for place, one in enumerate(references):
            card = SourceCard(partial(self.source_asked.emit, place))
            card.setParent(self)
            card.wear(self._looks)
            card.say(0, name_words(one), place_words(one.page), excerpt(one.text), note_words(one))
            card.show()
            self._cards.append(card)
        self._without.show()
        self._others.show()

    def _ask(self, place: int, _checked: bool = False) -> None:
        self.source_asked.emit(place)

    def clear(self) -> None:
        for part in (*self._chips, *self._cards):
            part.hide()
            part.deleteLater()
        self._chips, self._cards, self._is_refusal = [], [], False
        for one in (self._title, self._more, self._without, self._others):
            one.hide()

    def lay_out(self, width: int) -> int:
        """Place everything at `width`; the height in pixels."""
        if self._is_refusal:
            return self._lay_out_near(width)
        parts = [*self._chips, *([self._more] if not self._more.isHidden() else [])]
        return in_rows(parts, width)

    def _lay_out_near(self, width: int) -> int:
        y = 0
        if self._title.text:
            high = self._title.height_for(width)
            self._title.setGeometry(0, y, width, high)
            y += high + 6
        for card in self._cards:
            high = card.heightForWidth(width)
            card.setGeometry(0, y, width, high)
            y += high + 8
        return in_rows([self._without, self._others], width, y)


def cited_of(turn: Turn) -> tuple[Cited, ...]:
    """The sentences of an answer that come from documents, in their order, with the numbers of their sources."""
    made = turn.provenance
    if made is None:
        return ()
    cited = [source for source in made.sources if source.use is Use.CITED]
    numbers: dict[tuple[int, int], list[int]] = {}
    for number, source in enumerate(cited, 1):
        for mark in source.marks:
            numbers.setdefault(mark, []).append(number)
    return tuple(Cited(turn.text[start:end], tuple(numbers[start, end])) for start, end in sorted(numbers))


def place_of(turn: Turn, number: int) -> int | None:
    """The place among an answer's sources of the one that is cited as `number`."""
    sources = turn.provenance.sources if turn.provenance is not None else ()
    cited = [place for place, source in enumerate(sources) if source.use is Use.CITED]
    return cited[number - 1] if 0 < number <= len(cited) else None
