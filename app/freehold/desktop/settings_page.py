"""The settings page, derived from the table in foundation/settings.py, with the vault below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QScrollArea, QWidget

from freehold.desktop.backup_card import BackupCard
from freehold.desktop.controls import Trouble
from freehold.desktop.pieces import column, label, row
from freehold.desktop.setting_row import SettingRow
from freehold.desktop.vault_card import VaultCard, card_of, labelled_card
from freehold.foundation.settings import SETTINGS, Value

WIDTH = 760


class SettingsPage(QWidget):
    """Every change is told at once; `show_values` fills the page."""

    changed = Signal(str, object)

    def __init__(self, models: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.setObjectName("page")
        choices = {"model": models or [("", self.tr("The starter, or the only one here"))]}
        self.rows: Mapping[str, SettingRow] = {
            setting.name: SettingRow(setting, choices.get(setting.name, ())) for setting in SETTINGS
        }
        for one in self.rows.values():
            one.changed.connect(self.changed)
        self.vault, self.backups = VaultCard(), BackupCard()
        self.trouble = Trouble()
        self._lay_out()

    def _lay_out(self) -> None:
        words = label(self.tr("Changes count at once."), "muted")
        inside = column(
            label(self.tr("Settings"), "title"), words, 8, self.trouble, spacing=4, margins=(34, 28, 34, 28)
        )
        inside.addSpacing(8)
        for group in dict.fromkeys(setting.group for setting in SETTINGS):
            rows = [one for one in self.rows.values() if one.setting.group == group]
            inside.addWidget(labelled_card(QCoreApplication.translate("Settings", group), card_of(rows)))
        inside.addWidget(labelled_card(self.tr("Vault"), self.vault))
        inside.addWidget(labelled_card(self.tr("Backups"), self.backups))
        inside.addStretch(1)
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(WIDTH + 68)
        around = QWidget()
        centred = row(spacing=0)
        centred.addWidget(holder, 1000)
        centred.addStretch(1)
        around.setLayout(centred)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidget(around)
        whole = column(spacing=0)
        whole.addWidget(self._area)
        self.setLayout(whole)

    def show_values(self, values: Mapping[str, Value]) -> None:
        for name, value in values.items():
            self.rows[name].show_value(value)

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """The models here, as (id, name)."""
        self.rows["model"].set_choices([("", self.tr("The starter, or the only one here")), *models])

    def show_error(self, name: str, words: str) -> None:
        self.rows[name].show_error(words)

    def flush(self) -> None:
        for one in self.rows.values():
            one.flush()

    def scroll_to(self, card: QWidget) -> None:
        self._area.ensureWidgetVisible(card, 0, 40)
