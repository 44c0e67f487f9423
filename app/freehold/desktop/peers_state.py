"""How borrowing and lending stand, for the side bar, the bottom line and the Peers page: one place asks, all show."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from freehold.desktop import peer_facts
from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.desktop.peer_values import NOT_LENT, LendingShown

if TYPE_CHECKING:
    from freehold.market.lending.shared import Shared

_QUIET_BEATS = 5  # while nothing is lent, one look in so many seconds


@dataclass(frozen=True, slots=True)
class PeersStanding:
    """`may_ask`: the toggle is on, and `devices` are paired. Unknown until the vault was asked."""

    has_key: bool = False
    is_on: bool = False
    devices: int = 0
    lending: LendingShown = NOT_LENT
    is_known: bool = False

    @property
    def may_ask(self) -> bool:
        return self.is_on and self.devices > 0


class PeersState(QObject):
    """`changed` carries a PeersStanding; `allowed_changed` comes when what may be asked is another than before,
    `happened` with each thing that the gateway told.
    """

    changed = Signal(object)
    allowed_changed = Signal()
    happened = Signal(object)

    def __init__(self, household: Household, bridge: Bridge) -> None:
        super().__init__()
        self._household, self._bridge = household, bridge
        self._beats, self._vaults, self._is_looking, self._must_look = 0, 0, False, False
        self._told, self._until = peer_facts.Told(NOT_LENT), 0.0
        self._shared: Shared | None = None
        self.standing = PeersStanding()

    def note_code(self, shared: Shared) -> None:
        """A code was made here: the gateway does not tell it again."""
        self._shared, self._until = shared, time.monotonic() + shared.seconds
        self.look()

    def beat(self) -> None:
        """To be called each second while the vault is open."""
        self._beats += 1
        if self.standing.lending.state != "off" or self._beats % _QUIET_BEATS == 1:
            self.look()

    def look(self) -> None:
        """Ask how it stands; for whoever changed something."""
        if self._is_looking:
            self._must_look = True
            return
        self._is_looking, vault = True, self._vaults
        told, shared, until = self._told, self._shared, self._until
        job = self._bridge.run(
            lambda _stop: self._ask(told, shared, until), done=lambda found: self._took(found[0], found[1], vault),
            failed=lambda _error: None, lane="peers state",
        )  # fmt: skip
        job.ended.connect(self._end)

    def forget(self) -> None:
        self._vaults += 1
        self._beats, self._must_look, self.standing = 0, False, PeersStanding()
        self._shared = None
        self.changed.emit(self.standing)

    def _ask(
        self, before: peer_facts.Told, shared: Shared | None, until: float
    ) -> tuple[PeersStanding, peer_facts.Told]:
        """Runs on a thread."""
        peers = self._household.peers
        told = peer_facts.lending(self._household, before, shared, until)
        standing = PeersStanding(
            self._household.keys.has_key(), peers.allowed().is_on, len(peers.devices()), told.lending, True
        )
        return standing, told

    def _end(self) -> None:
        self._is_looking = False
        if self._must_look:
            self._must_look = False
            self.look()

    def _took(self, standing: PeersStanding, told: peer_facts.Told, vault: int) -> None:
        if vault != self._vaults:
            return
        self._told = told
        for one in told.happened:
            self.happened.emit(one)
        if standing == self.standing:
            return
        before, self.standing = self.standing, standing
        self.changed.emit(standing)
        if (before.is_on, before.devices) != (standing.is_on, standing.devices):
            self.allowed_changed.emit()
