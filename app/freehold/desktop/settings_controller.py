"""Joins the settings page and the household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household, VaultStatus
from freehold.desktop.settings_page import SettingsPage
from freehold.desktop.vault_controller import VaultController
from freehold.desktop.vault_watch import VaultWatch
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError
from freehold.foundation.settings import BY_NAME, SETTINGS, Value


@dataclass(frozen=True, slots=True)
class _Told:
    vault: tuple[VaultStatus, str | None]
    private: dict[str, Value]
    models: Sequence[Model]


class SettingsController(QObject):
    """`changed` names a setting that has a new value on disk."""

    changed = Signal(str)

    def __init__(self, household: Household, bridge: Bridge, page: SettingsPage, watch: VaultWatch) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        page.changed.connect(self.set)
        self.vault = VaultController(household.vault, bridge, page.vault, page.backups, watch)
        self.vault.changed.connect(self.reload)

    def reload(self) -> None:
        """Show what is in force now."""
        settings = self._household.settings
        self._page.show_values({one.name: settings[one.name] for one in SETTINGS if not one.private})
        self._bridge.run(lambda _stop: self._tell(), done=self._show, failed=self._page.trouble.show_error)

    def show_vault(self) -> None:
        """Bring the vault's card into view."""
        self._page.scroll_to(self._page.vault)

    def flush(self) -> None:
        """Save text that is still being typed."""
        self._page.flush()

    def set(self, name: str, value: Value) -> None:
        """Save one setting; private ones go into the vault."""
        if BY_NAME[name].private:
            self._bridge.run(
                lambda _stop: self._household.vault.set_setting(name, str(value)),
                failed=partial(self._refused, name), lane="setting",
            )  # fmt: skip
            return
        try:
            self._household.settings.set(name, value)
        except FreeholdError as error:
            self._refused(name, error)
            return
        self.changed.emit(name)

    def _refused(self, name: str, error: FreeholdError) -> None:
        if name in self._page.rows and not BY_NAME[name].private:
            self._page.rows[name].show_value(self._household.settings[name])
        self._page.show_error(name, f"{error.detail or error.title} {error.next_step}".strip())

    def _tell(self) -> _Told:
        """Runs on a thread."""
        vault = self._household.vault
        private = {one.name: vault.setting(one.name) for one in SETTINGS if one.private}
        here = [one for one in self._household.models.list() if one.state == "here"]
        return _Told(self.vault.tell(), dict(private), here)

    def _show(self, told: _Told) -> None:
        self._page.set_models([(one.id, one.name) for one in told.models])
        self._page.show_values(told.private)
        self.vault.show(told.vault)
