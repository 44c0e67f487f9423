"""Joins the Peers page and the household: the toggle, the devices, what they may, what they signed, the key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from freehold.desktop import peer_facts
from freehold.desktop.bridge import Bridge
from freehold.desktop.lending_controller import LendingController
from freehold.desktop.needs import Household
from freehold.desktop.pairing_controller import PairingController
from freehold.desktop.peer_values import Overview
from freehold.desktop.peer_words import name_words
from freehold.desktop.peers_page import PeersPage
from freehold.desktop.peers_state import PeersStanding, PeersState
from freehold.desktop.receipts_card import verdict_words
from freehold.desktop.toasts import Toast
from freehold.foundation.errors import FreeholdError

if TYPE_CHECKING:
    from freehold.market.lending.shared import Happened
    from freehold.market.peers import Offload


class PeersController(QObject):
    """`setting_wanted` is a setting and the value the owner gave it here. `state` hears of every change."""

    setting_wanted = Signal(str, object)

    def __init__(
        self, household: Household, bridge: Bridge, page: PeersPage, toast: Toast, state: PeersState
    ) -> None:  # fmt: skip
        super().__init__()
        self._household, self._bridge, self._page, self._toast = household, bridge, page, toast
        self._state = state
        self._shown = Overview()
        self._seen = (False, False, 0)
        self._wanted_receipt = ""
        self.pairing = PairingController(household, bridge, page.devices)
        self.pairing.changed.connect(self._settle)
        self.lending = LendingController(household, bridge, page.lending)
        self.lending.changed.connect(self._settle)
        self.lending.coded.connect(state.note_code)
        self.lending.setting_wanted.connect(self.setting_wanted)
        state.changed.connect(self._take)
        state.happened.connect(self._hear)
        self._connect()

    def _connect(self) -> None:
        page = self._page
        page.toggled.connect(self.toggle)
        page.key_wanted.connect(self._create_key)
        page.first.taking.given.connect(lambda path, secret: self._import_key(path, secret, page.first))
        page.devices.documents_wanted.connect(self._release)
        page.devices.pause_wanted.connect(self._pause)
        page.devices.unpair_asked.connect(self._unpair)
        page.devices.trust_asked.connect(self._trust)
        page.limits.changed.connect(self._limit)
        page.key.export_asked.connect(self._export_key)
        page.key.import_asked.connect(lambda path, secret: self._import_key(path, secret, page.key))
        page.receipts.export_asked.connect(self._export_receipt)
        page.receipts.verify_asked.connect(self._verify)

    def reload(self) -> None:
        """Show how it stands now."""
        self._page.clear_troubles()
        self._bridge.run(
            lambda _stop: peer_facts.overview(self._household), done=self._show, failed=self._page.trouble.show_error,
            lane="peers",
        )  # fmt: skip

    def open_pairing(self) -> None:
        if self._shown.key is not None:
            self.pairing.open()

    def choose_bundle(self) -> None:
        if self._shown.key is not None:
            self._page.receipts.choose_file()

    def choose_export(self) -> None:
        if self._shown.key is not None:
            self._page.scroll_to(self._page.key)
            self._page.key.open_export()

    def choose_import(self) -> None:
        place = self._page.key if self._shown.key is not None else self._page.first
        place.choose_import()

    def take_keys(self) -> None:
        self._page.setFocus()

    def end(self) -> None:
        """The vault is closed: nothing of it stays."""
        self.pairing.end()
        self._shown = Overview()
        self._page.forget()

    def show_receipt(self, job: str) -> None:
        """Once the page is filled, the receipt of a job."""
        self._wanted_receipt = job
        self.reload()

    def toggle(self, on: bool) -> None:
        """Let devices answer, or not."""
        wanted: Offload = ("ask" if self._shown.limits.ask_first else "on") if on else "off"
        self._do(lambda: self._household.peers.turn(wanted), self._page.trouble.show_error)

    def toggle_over(self) -> None:
        """The other way than it is."""
        if self._shown.key is not None:
            self.toggle(not self._shown.is_on)

    def pause_all(self) -> None:
        if self._shown.key is not None:
            self._limit("paused", not self._shown.limits.paused)

    def _take(self, standing: PeersStanding) -> None:
        """What is going on this second."""
        self.lending.show(standing.lending)
        seen = (standing.has_key, standing.is_on, standing.devices)
        if seen != self._seen:
            self._seen = seen
            self.reload()

    def _hear(self, told: Happened) -> None:
        self.lending.hear(told)
        if told.kind in ("paired", "unpaired"):
            self.reload()

    def _show(self, shown: Overview) -> None:
        self._shown = shown
        self._page.show_overview(shown)
        wanted, self._wanted_receipt = self._wanted_receipt, ""
        if wanted and not self._page.receipts.table.choose(wanted):
            self._page.receipts.say(self.tr("There is no receipt of that answer here: the device signed none."))

    def _settle(self) -> None:
        self._state.look()
        self.reload()

    def _do(
        self, work: Callable[[], Any], failed: Callable[[FreeholdError], None],
        done: Callable[[Any], None] = lambda _result: None,
    ) -> None:  # fmt: skip
        """Change something, then show how it stands, also where it did not change."""

        def settle(result: Any) -> None:
            self._settle()
            done(result)

        def refuse(error: FreeholdError) -> None:
            self.reload()
            failed(error)

        self._bridge.run(lambda _stop: work(), done=settle, failed=refuse, lane="peers")

    def _create_key(self) -> None:
        first = self._page.first
        first.set_busy(self.tr("Making the key…"))

        def done(_shown: object) -> None:
            first.set_busy()
            self._page.key.say(self.tr("This is your key now. Export it, so that you have it elsewhere too."))

        self._do(self._household.keys.create, first.show_error, done)

    def _import_key(self, path: str, passphrase: str, place: Any) -> None:
        replace = place is self._page.key

        def done(_shown: object) -> None:
            place.taking.settle()
            self._page.key.say(self.tr("The key of that file signs from now on."))

        self._do(
            lambda: self._household.keys.import_(Path(path), passphrase, replace=replace), place.show_error, done
        )  # fmt: skip

    def _export_key(self, path: str, passphrase: str) -> None:
        card = self._page.key

        def done(_nothing: object) -> None:
            card.settle()
            card.say(self.tr("Exported. The file opens with that passphrase."))

        self._bridge.run(
            lambda _stop: self._household.keys.export(Path(path), passphrase), failed=card.show_error, done=done,
            words=self.tr("Exporting the key"), lane="peers",
        )  # fmt: skip

    def _release(self, device: str, released: bool) -> None:
        self._do(lambda: self._household.peers.trust(device, documents=released), self._page.devices.trouble.show_error)

    def _pause(self, device: str, paused: bool) -> None:
        self._do(
            lambda: self._household.keys.set_mandate(peer=device, paused=paused),
            self._page.devices.trouble.show_error,
        )  # fmt: skip

    def _trust(self, device: str) -> None:
        self._do(lambda: self._household.peers.trust(device), self._page.devices.trouble.show_error)

    def _unpair(self, device: str) -> None:
        name = next((name_words(one.name, one.id) for one in self._shown.devices if one.id == device), "")

        def say(has_heard: bool) -> None:
            told = self.tr("{0} is unpaired, and was told so. To use it again, pair it with a new code.")
            alone = self.tr("{0} is unpaired here. It could not be told: unpair this computer there too.")
            self._toast.say((told if has_heard else alone).format(name))

        self._do(partial(self._household.peers.forget, device), self._page.devices.trouble.show_error, say)

    def _limit(self, name: str, value: object) -> None:
        if name == "ask_first":
            self._ask_first(value is True)
            return
        changes: dict[str, Any] = {name: value}
        self._do(lambda: self._household.keys.set_mandate(**changes), self._page.limits.trouble.show_error)

    def _ask_first(self, on: bool) -> None:
        """The rule asks first, and the signer holds it to that."""
        household, is_on = self._household, self._shown.is_on

        def change() -> None:
            household.keys.set_mandate(ask_first=on)
            if is_on:
                household.peers.turn("ask" if on else "on")

        self._do(change, self._page.limits.trouble.show_error)

    def _export_receipt(self, job: str, path: str) -> None:
        card = self._page.receipts
        self._bridge.run(
            lambda _stop: self._household.receipts.export(job, Path(path)), failed=card.show_error,
            done=lambda _: card.say(self.tr("Exported. The file holds the question and the answer, unencrypted.")),
            lane="peers",
        )  # fmt: skip

    def _verify(self, path: str) -> None:
        card = self._page.receipts
        card.say(self.tr("Holding it against what it says…"))
        self._bridge.run(
            lambda stop: self._household.receipts.verify(Path(path), stop), failed=card.show_error,
            done=lambda verdict: card.say(*verdict_words(verdict.valid, verdict.checked_tokens, verdict.reason)),
            words=self.tr("Verifying a receipt"), lane="verify",
        )  # fmt: skip
