"""Joins the settings page and the household."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household, VaultStatus
from freehold.desktop.settings_page import SettingsPage
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError
from freehold.foundation.settings import BY_NAME, SETTINGS, Value


@dataclass(frozen=True, slots=True)
class _Told:
    status: VaultStatus
    private: dict[str, Value]
    models: Sequence[Model]


class SettingsController(QObject):
    """`changed` names a setting that has a new value on disk; `lock_asked` is the vault card's button."""

    changed = Signal(str)
    lock_asked = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: SettingsPage) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        page.changed.connect(self.set)
        page.vault.lock_asked.connect(self.lock_asked)
        page.vault.passphrase_given.connect(self._change_passphrase)
        page.vault.recovery_asked.connect(self._new_code)

    def reload(self) -> None:
        """Show what is in force now."""
        settings = self._household.settings
        self._page.show_values({one.name: settings[one.name] for one in SETTINGS if not one.private})
        self._bridge.run(lambda _stop: self._tell(), done=self._show, failed=self._page.trouble.show_error)

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
        return _Told(vault.status(), dict(private), here)

    def _show(self, told: _Told) -> None:
        self._page.set_models([(one.id, one.name) for one in told.models])
        self._page.show_values(told.private)
        self._page.vault.show_status(told.status.slots, told.status.bytes)

    def _change_passphrase(self, new: str) -> None:
        self._bridge.run(
            lambda _stop: self._household.vault.change_passphrase(new), done=lambda _: self._passphrase_changed(),
            failed=self._page.vault.show_error, words=self.tr("Changing the passphrase"),
        )  # fmt: skip

    def _passphrase_changed(self) -> None:
        self._page.vault.passphrase_saved()
        self.reload()

    def _new_code(self) -> None:
        self._bridge.run(
            lambda _stop: self._household.vault.new_recovery_code(), done=self._page.vault.show_code,
            failed=self._page.vault.show_error, words=self.tr("Making a recovery code"),
        )  # fmt: skip
