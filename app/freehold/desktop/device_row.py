"""One paired device: what answers there, how its checks went, and what its owner here allows it."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from freehold.desktop.controls import Switch
from freehold.desktop.peer_values import DeviceShown
from freehold.desktop.peer_words import checks_words, device_facts, device_state, name_words
from freehold.desktop.pieces import Dot, Elided, Pill, button, column, label, row


class DeviceRow(QWidget):
    """Shows one device; each wish leaves as a signal with its id."""

    documents_wanted = Signal(str, bool)
    unpair_asked = Signal(str)
    trust_asked = Signal(str)
    pause_wanted = Signal(str, bool)

    def __init__(self, one: DeviceShown, *, is_on: bool) -> None:
        super().__init__()
        self.device = one
        name = name_words(one.name, one.id)
        self._name = Elided(name, "heading")
        is_asked = is_on and one.state == "ready"
        state = {"blocked": self.tr("blocked"), "paused": self.tr("paused")}.get(one.state, "")
        head = row(Dot("away" if is_asked else "off"), self._name, spacing=10)
        if state:
            head.addWidget(Pill(state, "off", dot=False))
        self.documents = Switch(self.tr("{0} may read documents").format(name))
        self.documents.setChecked(one.documents)
        self.documents.setEnabled(one.state != "blocked")  # to say what it may read would be to trust it again
        self.documents.toggled.connect(lambda on: self.documents_wanted.emit(one.id, on))
        self._pause = button("", "plain", words="")
        pause = self.tr("Ask it again") if one.state == "paused" else self.tr("Pause")
        self._pause.setText(pause)
        self._pause.setAccessibleName(f"{pause}: {name}")
        self._pause.clicked.connect(lambda: self.pause_wanted.emit(one.id, one.state != "paused"))
        self._trust = button(self.tr("Ask it again"), "plain", words=self.tr("Ask it again: {0}").format(name))
        self._trust.clicked.connect(lambda: self.trust_asked.emit(one.id))
        self._unpair = button(self.tr("Unpair"), "plain", words=self.tr("Unpair: {0}").format(name))
        self._unpair.clicked.connect(lambda: self.unpair_asked.emit(one.id))
        self._pause.setVisible(one.state in ("ready", "paused"))
        self._trust.setVisible(one.state == "blocked")
        for part in (self._pause, self._trust, self._unpair):
            head.addWidget(part)
        head.setStretch(1, 1)
        self._lay_out(one, head)

    def _lay_out(self, one: DeviceShown, head: object) -> None:
        checks = label(checks_words(one), "note", wraps=True)
        if one.failed:
            checks.setProperty("tone", "failed")
        documents = label(
            self.tr("May read documents") if one.documents else self.tr("Documents are never sent to it"), "note"
        )
        documents.setProperty("tone", "away" if one.documents else "")
        documents.setBuddy(self.documents)
        below = column(spacing=2)
        if one.state != "guest":
            below.addWidget(label(device_facts(one, datetime.now().astimezone()), "note", wraps=True))
        if why := device_state(one):
            below.addWidget(label(why, "note", wraps=True))
        line = row(checks, documents, self.documents, spacing=10)
        line.setStretch(0, 1)
        if one.state != "guest":
            below.addLayout(line)
        self.setLayout(column(head, row(18, below, spacing=0), spacing=2, margins=(0, 10, 0, 8)))  # type: ignore[arg-type]
