"""Opens "About this answer", with what the devices that wrote at it signed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal

from freehold.chats.values import Turn
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.needs import Household
from freehold.desktop.peer_values import ReceiptShown


class DetailsController(QObject):
    """`receipt_asked` carries the job of a receipt that the owner wants to see."""

    receipt_asked = Signal(str)

    def __init__(self, household: Household, bridge: Bridge, page: ChatPage) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page

    def show(self, turn: Turn) -> None:
        if turn.provenance is None or not turn.provenance.jobs:
            self._fill(turn, ())
            return
        from freehold.desktop import peer_facts

        jobs = turn.provenance.jobs
        self._bridge.run(
            lambda _stop: peer_facts.receipts_of(self._household, jobs), done=partial(self._fill, turn),
            failed=lambda _error: self._fill(turn, ()),
        )  # fmt: skip

    def _fill(self, turn: Turn, receipts: Sequence[ReceiptShown]) -> None:
        from freehold.desktop.details import DetailsPanel

        panel = DetailsPanel(turn, receipts)
        panel.receipt_asked.connect(self.receipt_asked)
        self._page.set_settings_open(False)
        self._page.show_panel(self.tr("About this answer"), panel)
