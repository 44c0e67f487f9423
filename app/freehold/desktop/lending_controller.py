"""Joins the lending card and the gateway: start, stop, a code, who has typed it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.lending_card import LendingCard
from freehold.desktop.needs import Household
from freehold.desktop.peer_values import Agreed, LendingShown
from freehold.foundation.errors import FreeholdError
from freehold.market.errors import LendingFailed

if TYPE_CHECKING:
    from freehold.market.lending.shared import Happened


class LendingController(QObject):
    """`changed` wants the standing asked again; `coded` carries a new code, `setting_wanted` a setting and a value."""

    changed = Signal()
    coded = Signal(object)
    setting_wanted = Signal(str, object)

    def __init__(self, household: Household, bridge: Bridge, card: LendingCard) -> None:
        super().__init__()
        self._household, self._bridge, self._card = household, bridge, card
        self._is_starting, self._shown = False, LendingShown()
        card.start_asked.connect(self.start)
        card.stop_asked.connect(self.stop)
        card.code_asked.connect(self.new_code)
        card.locked_wanted.connect(lambda on: self.setting_wanted.emit("lend_while_locked", on))
        card.differed.connect(self._let_go)

    @property
    def is_on(self) -> bool:
        return self._is_starting or self._shown.state == "on"

    def toggle(self) -> None:
        (self.stop if self.is_on else self.start)()

    def show(self, lending: LendingShown) -> None:
        self._shown = lending
        if not self._is_starting:
            self._card.show_lending(lending)

    def hear(self, told: Happened) -> None:
        """Something that the gateway told."""
        if told.kind == "paired":
            self._card.show_newcomer(Agreed(told.device, told.name, told.words))
        elif told.kind == "ended":
            self._card.show_error(LendingFailed(self.tr("the model stopped again and again")))

    def start(self) -> None:
        if self.is_on:
            return
        self._is_starting = True
        self._card.trouble.clear()
        self._card.show_lending(LendingShown("starting", while_locked=self._shown.while_locked))
        self._run(self._household.lending.start, self.coded.emit, self.tr("Starting to lend"))

    def stop(self) -> None:
        """At once: who is being answered is told, and goes on elsewhere."""
        self._card.show_newcomer(None)
        self._run(self._household.lending.stop, words=self.tr("Ending the lending"))

    def new_code(self) -> None:
        self._run(self._household.lending.new_code, self.coded.emit)

    def _let_go(self, device: str) -> None:
        """The words differ: somebody stands between the two."""
        self._run(partial(self._household.peers.forget, device))

    def _run(
        self, work: Callable[[], object], done: Callable[[Any], object] = lambda _result: None, words: str = ""
    ) -> None:
        def end(result: object) -> None:
            self._is_starting = False
            done(result)
            self.changed.emit()

        def fail(error: FreeholdError) -> None:
            self._is_starting = False
            self._card.show_lending(self._shown)
            self._card.show_error(error)
            self.changed.emit()

        self._bridge.run(lambda _stop: work(), done=end, failed=fail, words=words, lane="lending")
