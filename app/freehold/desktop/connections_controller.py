"""Joins the connections page and the door: what was connected, live, and the offline switch."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from freehold.desktop.bridge import Bridge
from freehold.desktop.connections_page import ConnectionsPage
from freehold.desktop.needs import Household
from freehold.network.values import Connection


class ConnectionsController(QObject):
    """`beat` is to be called each second while the vault is open; the vault is asked only when there is news."""

    def __init__(self, household: Household, bridge: Bridge, page: ConnectionsPage) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        self._seen: tuple[int, bool] | None = None
        self._goes_on = False

    def reload(self) -> None:
        self._seen = self._now()
        self._page.show_state(self._seen[0], is_offline=self._seen[1])
        self._bridge.run(
            lambda _stop: self._household.door.ledger(0.0), done=self._show, failed=self._page.trouble.show_error,
            lane="ledger",
        )  # fmt: skip

    def beat(self, *, in_view: bool) -> None:
        if in_view and (self._goes_on or self._now() != self._seen):
            self.reload()

    def take_keys(self) -> None:
        self._page.setFocus()

    def end(self) -> None:
        """The vault is closed: nothing of it stays."""
        self._page.show_connections(())

    def _now(self) -> tuple[int, bool]:
        return self._household.door.connections_since_start, self._household.settings.is_on("offline")

    def _show(self, connections: Sequence[Connection]) -> None:
        self._page.trouble.clear()
        self._goes_on = any(one.ended is None for one in connections)
        self._page.show_connections(connections)
