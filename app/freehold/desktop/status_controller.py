"""Keeps true what is always in view: the bottom line, and which model answers."""

from __future__ import annotations

from PySide6.QtCore import QObject

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.desktop.pages import Pages
from freehold.desktop.window import Window
from freehold.desktop.words import size_words
from freehold.engine.values import Loaded, Model


class StatusController(QObject):
    """`refresh` asks nobody and may be called each second."""

    def __init__(self, household: Household, window: Window, bridge: Bridge, pages: Pages) -> None:
        super().__init__()
        self._household, self._window, self._bridge, self._pages = household, window, bridge, pages

    def refresh(self, *, is_open: bool) -> None:
        status, door, settings = self._window.status, self._household.door, self._household.settings
        count, is_offline = door.connections_since_start, settings.is_on("offline")
        status.show_connections(count, is_offline=is_offline)
        if not is_open:
            return
        self._pages.show_connected(count, is_offline=is_offline)
        minutes = settings.whole("lock_minutes")
        words = self.tr("Vault open, locks after {0} min").format(minutes) if minutes else self.tr("Vault open")
        status.show_vault(words)
        status.show_model(self._loaded_words(self._household.engine.loaded))

    def look_for_model(self) -> None:
        """Say which model answers here."""
        models = self._household.models
        self._bridge.run(
            lambda _stop: (models.in_use(), models.starter()), done=self._show_model,
            failed=lambda _error: self._show_no_model(), lane="model in use",
        )  # fmt: skip

    def _show_model(self, found: tuple[Model, Model | None]) -> None:
        model, starter = found
        self._window.sidebar.say("models", model.name, "here")
        is_tiny = starter is not None and model.id == starter.id
        words = self.tr("It is tiny: fine for a first try, not for facts.") if is_tiny else ""
        self._window.chat.show_model(model.name, words)

    def _show_no_model(self) -> None:
        self._window.sidebar.say("models", self.tr("none"), "off")
        self._window.chat.show_no_model()

    def _loaded_words(self, loaded: Loaded | None) -> str:
        if loaded is None:
            return self.tr("No model in memory")
        return self.tr("{0}, {1} in memory").format(loaded.name, size_words(loaded.memory))
