"""The pages beside the chat: each is made when it is first wanted and joined to the household then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from freehold.desktop.appearance import Appearance
from freehold.desktop.bridge import Bridge
from freehold.desktop.chats_controller import ChatsController
from freehold.desktop.icons import icon
from freehold.desktop.needs import Household
from freehold.desktop.window import Window

if TYPE_CHECKING:
    from freehold.desktop.models_controller import ModelsController
    from freehold.desktop.settings_controller import SettingsController


class Pages(QObject):
    """Shows a page by its name. `model_changed`: another model may answer now; `setting_changed` names the setting."""

    model_changed = Signal()
    setting_changed = Signal(str)
    lock_asked = Signal()

    def __init__(
        self, household: Household, window: Window, appearance: Appearance, bridge: Bridge, chats: ChatsController
    ) -> None:
        super().__init__()
        self._household, self._window, self._appearance, self._bridge = household, window, appearance, bridge
        self._chats = chats
        self._models: ModelsController | None = None
        self._settings: SettingsController | None = None

    def show(self, name: str) -> None:
        """Bring the page `name` into view, with what it shows read anew."""
        if name == "models":
            self.models.reload()
        elif name == "settings":
            self.settings.reload()
        elif name == "trash":
            self._show_trash()
        if name != "settings" and self._settings is not None and self._window.page == "settings":
            self._settings.flush()
        self._window.show_page(name)

    @property
    def models(self) -> ModelsController:
        if self._models is None:
            from freehold.desktop.models_controller import ModelsController
            from freehold.desktop.models_page import ModelsPage

            page = ModelsPage()
            page.dress(icon("close", self._appearance.theme.muted))
            self._models = ModelsController(self._household, self._bridge, page, self._window.toast)
            self._models.changed.connect(self.model_changed)
            self._window.add_page("models", page)
        return self._models

    @property
    def settings(self) -> SettingsController:
        if self._settings is None:
            from freehold.desktop.settings_controller import SettingsController
            from freehold.desktop.settings_page import SettingsPage

            page = SettingsPage()
            self._settings = SettingsController(self._household, self._bridge, page)
            self._settings.changed.connect(self.setting_changed)
            self._settings.lock_asked.connect(self.lock_asked)
            self._window.add_page("settings", page)
        return self._settings

    def refresh_settings(self) -> None:
        """A setting was changed elsewhere."""
        if self._settings is not None:
            self._settings.reload()

    def download(self, model: str) -> None:
        """Fetch a model and let it answer, without leaving the page in view."""
        self.models.reload()
        self.models.get_and_use(model)

    def import_model(self) -> None:
        self.show("models")
        self.models.choose_file()

    def _show_trash(self) -> None:
        if not self._window.has_page("trash"):
            page = self._window.trash_page()
            page.restore_asked.connect(self._chats.restore)
            page.erase_asked.connect(self._chats.erase)
        self._chats.reload()
