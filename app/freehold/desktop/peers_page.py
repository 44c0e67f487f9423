"""The Peers page: which devices of the owner's may answer, what they signed, and lending this machine to them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QScrollArea, QWidget

from freehold.desktop.chat_page import SidePanel
from freehold.desktop.controls import Switch, Trouble
from freehold.desktop.devices_card import DevicesCard
from freehold.desktop.icons import icon
from freehold.desktop.key_card import KeyCard, KeyImport
from freehold.desktop.lending_card import LendingCard
from freehold.desktop.limits_card import LimitsCard
from freehold.desktop.peer_values import LendingShown, Overview, ReceiptShown
from freehold.desktop.pieces import Mark, Pill, button, column, label, row
from freehold.desktop.receipts_card import ReceiptPanel, ReceiptsCard
from freehold.desktop.theme import Theme
from freehold.foundation.errors import FreeholdError

BESIDE = 860  # pixels, as the next two for text of the usual size: from this on the cards stand in two columns
SIDE = 340
WIDTH = 1160
_USUAL = 14


class PeersPage(QWidget):
    """Shows what it is given. `toggled` is the owner's wish to let devices answer, or not."""

    toggled = Signal(bool)
    key_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that no button of it has the keyboard unasked
        self.switch = Switch(self.tr("Let my devices answer"))
        self._pill = Pill(self.tr("Nothing leaves"), "here")
        self.devices, self.receipts, self.limits = DevicesCard(), ReceiptsCard(), LimitsCard()
        self.lending, self.key = LendingCard(), KeyCard()
        self.first = FirstKey()
        self.trouble = Trouble()
        self._panel, self._share = SidePanel(), 1.0
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._side = QWidget()
        self._lay_out()
        self.switch.toggled.connect(self.toggled)
        self._panel.closed.connect(self._close_panel)
        self.receipts.chosen.connect(self._show_receipt)
        self.first.wanted.connect(self.key_wanted)
        self.show_overview(Overview())

    def _lay_out(self) -> None:
        words = label(
            self.tr("Let your own bigger machine answer. Off until you turn it on; nothing leaves before you see it."),
            "muted", wraps=True,
        )  # fmt: skip
        toggle = label(self.tr("Let my devices answer"))
        toggle.setBuddy(self.switch)
        self._toggle = QWidget()
        self._toggle.setLayout(row(self._pill, 4, toggle, self.switch, None, spacing=10))
        title = row(label(self.tr("Peers"), "title"), None)
        self._head = column(title, words, spacing=4)
        self._title = title
        main = column(self.devices, self.receipts, spacing=18)
        main.addStretch(1)
        side = column(self.limits, self.lending, self.key, spacing=18)
        side.addStretch(1)
        self._side.setLayout(side)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(18)
        self._columns.addLayout(main, 1)
        self._columns.addWidget(self._side)
        self._everything = QWidget()
        self._everything.setLayout(self._columns)
        inside = column(
            self._head, self.trouble, self._everything, self.first, None, spacing=16, margins=(34, 28, 34, 24)
        )
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(WIDTH)
        around = QWidget()
        centred = row(spacing=0)
        centred.addWidget(holder, 1000)
        centred.addStretch(1)
        around.setLayout(centred)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(around)
        whole = row(spacing=0)
        whole.addWidget(self._area, 1)
        whole.addWidget(self._panel)
        self.setLayout(whole)

    def clear_troubles(self) -> None:
        for one in (self.trouble, self.devices.trouble, self.limits.trouble, self.receipts.trouble, self.key.trouble):
            one.clear()

    def show_overview(self, shown: Overview) -> None:
        self._toggle.setVisible(shown.key is not None)
        self._everything.setVisible(shown.key is not None)
        self.first.setVisible(shown.key is None)
        if shown.key is None:
            return
        self.switch.blockSignals(True)
        self.switch.setChecked(shown.is_on)
        self.switch.blockSignals(False)
        self.switch.update()
        may_leave = self.tr("Words may leave this computer")
        self._pill.say(may_leave if shown.is_on else self.tr("Nothing leaves"), "away" if shown.is_on else "here")
        self.devices.show_devices(shown.devices, is_on=shown.is_on)
        self.limits.show_limits(shown.limits)
        self.receipts.show_receipts(shown.receipts)
        self.key.show_key(shown.key)

    def show_lending(self, lending: LendingShown) -> None:
        self.lending.show_lending(lending)

    def scroll_to(self, card: QWidget) -> None:
        self._area.ensureWidgetVisible(card, 0, 40)

    def dress(self, theme: Theme, text_size: int) -> None:
        self._share = text_size / _USUAL
        self.switch.set_ink(theme.away)
        self._panel.dress(icon("close", theme.muted))
        self._share_room()

    def forget(self) -> None:
        """Show nothing of what is in the vault."""
        self.show_overview(Overview())
        self._panel.forget()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        """Two columns where there is room for them."""
        room = self.width() - (self._panel.width() if self._panel.isVisible() else 0)
        is_wide = room >= BESIDE * self._share
        beside, below = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        self._columns.setDirection(beside if is_wide else below)
        place = self._title if is_wide else self._head
        if self._toggle.parentWidget() is None or place.indexOf(self._toggle) < 0:
            place.addWidget(self._toggle)  # it leaves the layout that it was in
            self._toggle.setContentsMargins(0, 0 if is_wide else 8, 0, 0)
        side = round(SIDE * self._share)
        self._side.setMinimumWidth(side if is_wide else 0)
        self._side.setMaximumWidth(side if is_wide else WIDTH)

    def _close_panel(self) -> None:
        self._panel.forget()
        self._share_room()

    def _show_receipt(self, one: ReceiptShown) -> None:
        panel = ReceiptPanel(one)
        panel.export_asked.connect(self.receipts.choose_place)
        self._panel.fill(self.tr("Receipt"), panel)
        self._share_room()


class FirstKey(QWidget):
    """What there is before there is a key: what this is for, and the way to one."""

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        title = label(self.tr("Borrow your own bigger machine"), "heading")
        words = [
            self.tr(
                "A computer of yours with a larger model can answer here: the desktop in the next room, for instance. "
                "The two are paired by a code, with no account and nobody in between."
            ),
            self.tr(
                "For that this computer needs a key. It is made here and stays here, encrypted. It signs every "
                "request, so that the other computer knows who asks, and it signs nothing beyond what you allow."
            ),
            self.tr("Making it connects to nothing and turns nothing on."),
        ]
        self.make = button(self.tr("Create your key"), "primary")
        self._import = button(self.tr("Import one…"), "")
        self.taking = KeyImport()
        self._going = label("", "note")
        self._going.hide()
        self.trouble = Trouble()
        inside = column(row(Mark(36), None), 6, title, spacing=10)
        for one in words:
            inside.addWidget(label(one, "muted", wraps=True))
        inside.addSpacing(6)
        inside.addLayout(row(self.make, self._import, None))
        for part in (self._going, self.taking, self.trouble):
            inside.addWidget(part)
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(560)
        whole = row(spacing=0, margins=(0, 12, 0, 0))
        whole.addWidget(holder, 1000)
        whole.addStretch(1)
        self.setLayout(whole)
        self.make.clicked.connect(self.wanted)
        self._import.clicked.connect(self.taking.choose_file)
        self.taking.left.connect(self.taking.settle)

    def choose_import(self) -> None:
        self.taking.choose_file()

    def set_busy(self, words: str = "") -> None:
        """While a key is made or tried; "" ends it."""
        self.make.setDisabled(bool(words))
        self._import.setDisabled(bool(words))
        self._going.setText(words)
        self._going.setVisible(bool(words))
        if words:
            self.trouble.clear()

    def show_error(self, error: FreeholdError) -> None:
        self.set_busy()
        self.taking.set_busy(False)
        self.trouble.show_error(error)
