"""The side panel of one answer's sources: what was cited, what else was read, what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QWidget

from freehold.assistant.values import Reference
from freehold.chats.values import Turn, Use
from freehold.desktop.excerpts import excerpt
from freehold.desktop.pieces import column, label
from freehold.desktop.source_words import name_words, note_words, place_words
from freehold.desktop.transcript.card import SourceCard
from freehold.desktop.transcript.looks import Looks


class SourcesPanel(QWidget):
    """Cards in the order of what became of the passages. `source_asked` has a place among the answer's sources."""

    source_asked = Signal(int)

    def __init__(self, turn: Turn, references: Sequence[Reference], looks: Looks) -> None:
        super().__init__()
        self.turn = turn
        self._cards: list[SourceCard] = []
        layout = column(spacing=10, margins=(20, 4, 20, 20))
        for use, title in _groups():
            places = [place for place, one in enumerate(references) if one.use is use]
            if not places:
                continue
            if use is not Use.CITED:
                layout.addWidget(label(title, "group"))
            for place in places:
                layout.addWidget(self._card(place, references[place], looks))
        opens = QCoreApplication.translate("SourcesPanel", "Click a source to open it at the page.")
        layout.addWidget(label(opens, "note", wraps=True))
        layout.addStretch(1)
        self.setLayout(layout)
        if self._cards:
            self.setFocusProxy(self._cards[0])

    def dress(self, looks: Looks) -> None:
        for card in self._cards:
            card.wear(looks)

    def _card(self, place: int, one: Reference, looks: Looks) -> SourceCard:
        said = " ".join(self.turn.text[start:end] for start, end in one.marks)
        card = SourceCard(partial(self.source_asked.emit, place))
        card.wear(looks)
        card.say(one.number, name_words(one), place_words(one.page), excerpt(one.text, said), note_words(one))
        self._cards.append(card)
        return card


def _groups() -> list[tuple[Use, str]]:
    def _tr(text: str) -> str:
        return QCoreApplication.translate("SourcesPanel", text)

    return [
        (Use.CITED, _tr("Cited")), (Use.USED, _tr("Read, not cited")), (Use.LEFT_OUT, _tr("Found, no room for it")),
        (Use.NEAR, _tr("The nearest passages")),
    ]  # fmt: skip
