"""The devices that may answer for this computer, and the way to pair another."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.device_row import DeviceRow
from freehold.desktop.pairing_form import PairingForm
from freehold.desktop.peer_values import DeviceShown
from freehold.desktop.pieces import button, column, label, line, row


class DevicesCard(QFrame):
    """Shows what it is given; wishes about a device leave with its id."""

    documents_wanted = Signal(str, bool)
    unpair_asked = Signal(str)
    trust_asked = Signal(str)
    pause_wanted = Signal(str, bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._add = button(self.tr("Pair a device…"), "small")
        self._add.clicked.connect(lambda: self.open_pairing(True))
        self.pairing = PairingForm()
        self.pairing.left.connect(lambda: self.open_pairing(False))
        self.pairing.hide()
        self.trouble = Trouble()
        self._empty = label(
            self.tr(
                "No device is paired yet. A computer of yours with a larger model can answer here: start lending on "
                "it, then pair it with its code. No account, and nothing in between."
            ), "muted", wraps=True,
        )  # fmt: skip
        self._empty.setContentsMargins(0, 4, 0, 14)
        self._rows: QWidget | None = None
        head = row(label(self.tr("Your devices"), "heading"), None, self._add, margins=(0, 12, 0, 6))
        self._inside = column(head, self.pairing, self.trouble, self._empty, spacing=0, margins=(18, 2, 18, 4))
        self.setLayout(self._inside)

    @property
    def rows(self) -> Sequence[DeviceRow]:
        return self._rows.findChildren(DeviceRow) if self._rows is not None else ()

    def show_devices(self, devices: Sequence[DeviceShown], *, is_on: bool) -> None:
        if self._rows is not None:
            self._inside.removeWidget(self._rows)
            self._rows.deleteLater()
        self._empty.setVisible(not devices)
        rows = QWidget()
        layout = column(spacing=0)
        for one in devices:
            layout.addWidget(line())
            layout.addWidget(self._row(one, is_on=is_on))
        rows.setLayout(layout)
        self._inside.addWidget(rows)
        self._rows = rows

    def open_pairing(self, is_open: bool) -> None:
        """Open the form, or close it and forget what was typed."""
        self.pairing.settle()
        self.pairing.setVisible(is_open)
        self._add.setVisible(not is_open)
        (self.pairing if is_open else self._add).setFocus()

    def _row(self, one: DeviceShown, *, is_on: bool) -> DeviceRow:
        made = DeviceRow(one, is_on=is_on)
        made.documents_wanted.connect(self.documents_wanted)
        made.unpair_asked.connect(self.unpair_asked)
        made.trust_asked.connect(self.trust_asked)
        made.pause_wanted.connect(self.pause_wanted)
        return made
