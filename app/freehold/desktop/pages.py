"""The pages beside the chat: each is made when it is first wanted and joined to the household then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from freehold.desktop.appearance import Appearance
from freehold.desktop.bridge import Bridge
from freehold.desktop.chats_controller import ChatsController
from freehold.desktop.icons import icon
from freehold.desktop.library_state import LibraryState, Standing
from freehold.desktop.library_words import bottom_words, name_of, side_words
from freehold.desktop.needs import Household
from freehold.desktop.peer_words import lending_words
from freehold.desktop.peer_words import side_words as peers_words
from freehold.desktop.peers_state import PeersStanding, PeersState
from freehold.desktop.vault_watch import VaultWatch
from freehold.desktop.window import Window
from freehold.desktop.words import count_words

if TYPE_CHECKING:
    from freehold.desktop.connections_controller import ConnectionsController
    from freehold.desktop.library_controller import LibraryController
    from freehold.desktop.models_controller import ModelsController
    from freehold.desktop.own_program import FilePanel
    from freehold.desktop.peers_controller import PeersController
    from freehold.desktop.search_controller import SearchController
    from freehold.desktop.settings_controller import SettingsController
    from freehold.engine.values import Model
    from freehold.library.values import Document


class Pages(QObject):
    """Shows a page by its name. `model_changed`: another model may answer now; `setting_changed` names the setting."""

    model_changed = Signal()
    setting_changed = Signal(str)
    lock_asked = Signal()
    offline_asked = Signal(bool)
    setting_wanted = Signal(str, object)
    erase_asked = Signal(bool)
    passage_asked = Signal(int, str, object, int, int)  # document, path, page or None, start, end

    def __init__(
        self, household: Household, window: Window, appearance: Appearance, bridge: Bridge, chats: ChatsController
    ) -> None:
        super().__init__()
        self._household, self._window, self._appearance, self._bridge = household, window, appearance, bridge
        self._chats = chats
        self.vault_watch = VaultWatch(household.vault, bridge, window)
        self.vault_watch.asked.connect(self._show_vault)
        self.library_state = LibraryState(household, bridge)
        self.library_state.changed.connect(self._say_standing)
        self._library: LibraryController | None = None
        self._search: SearchController | None = None
        self._file_panel: FilePanel | None = None
        self.peers_state = PeersState(household, bridge)
        self.peers_state.changed.connect(self._say_peers)
        self._peers: PeersController | None = None
        self._models: ModelsController | None = None
        self._connections: ConnectionsController | None = None
        self._settings: SettingsController | None = None

    def deeds(self) -> dict[str, Callable[[], object]]:
        """What the actions do that belong to a page, by the actions' names."""
        names = ("library", "search", "models", "peers", "connections", "promises", "settings", "trash")
        pages = {"chats": "chat", **dict.fromkeys(names)}
        return {
            **{action: partial(self.show, page or action) for action, page in pages.items()},
            "add-files": self._in_library(lambda library: library.choose_files()),
            "add-folder": self._in_library(lambda library: library.choose_folder()),
            "check-library": self._in_library(lambda library: library.check()),
            "rescan-library": self._in_library(lambda library: library.rescan()),
            "pause-library": self._in_library(lambda library: library.toggle_pause()),
            "import-model": self._import_model,
            "toggle-peers": self._in_peers(lambda peers: peers.toggle_over()),
            "pause-peers": self._in_peers(lambda peers: peers.pause_all()),
            "pair-device": self._in_peers(lambda peers: peers.open_pairing()),
            "verify-receipt": self._in_peers(lambda peers: peers.choose_bundle()),
            "export-key": self._in_peers(lambda peers: peers.choose_export()),
            "import-key": self._in_peers(lambda peers: peers.choose_import()),
            "lend": self._in_peers(lambda peers: peers.lending.toggle()),
            "new-code": self._in_peers(lambda peers: peers.lending.new_code()),
        }

    def _in_library(self, do: Callable[[LibraryController], object]) -> Callable[[], None]:
        def deed() -> None:
            self.show("library")
            do(self.library)

        return deed

    def _in_peers(self, do: Callable[[PeersController], object]) -> Callable[[], None]:
        def deed() -> None:
            self.show("peers")
            do(self.peers)

        return deed

    def _import_model(self) -> None:
        self.show("models")
        self.models.choose_file()

    def show(self, name: str) -> None:
        """Bring the page `name` into view, with what it shows read anew."""
        self._read(name)
        if name != "settings" and self._settings is not None and self._window.page == "settings":
            self._settings.flush()
        self._window.show_page(name)
        takers = {"library": self._library, "search": self._search, "connections": self._connections,
                  "peers": self._peers}  # fmt: skip
        taker = takers.get(name)
        if taker is not None:
            taker.take_keys()

    def _read(self, name: str) -> None:
        if name == "models":
            self.models.reload()
        elif name == "library":
            self.library.reload()
        elif name == "search":
            self.search.reload()
        elif name == "connections":
            self.connections.reload()
        elif name == "peers":
            self.peers.reload()
        elif name == "promises":
            self._make_promises()
        elif name == "settings":
            self.settings.reload()
        elif name == "trash":
            self._show_trash()

    def _say_standing(self, standing: Standing) -> None:
        self._window.sidebar.say("library", *side_words(standing))
        self._window.status.show_reading(bottom_words(standing))

    def forget(self) -> None:
        """The vault is closed: nothing of it stays in a page or in a model behind one."""
        for one in (self._library, self._search, self._connections, self._peers):
            if one is not None:
                one.end()
        self._library = self._search = self._connections = self._peers = None
        for name in ("library", "search", "connections", "peers"):
            self._window.drop_page(name)
        if self._file_panel is not None:
            self._file_panel.forget()
        self.library_state.forget()
        self.vault_watch.end()

    @property
    def library(self) -> LibraryController:
        if self._library is None:
            from freehold.desktop.library_controller import LibraryController
            from freehold.desktop.library_page import LibraryPage

            page = LibraryPage()
            self._library = LibraryController(
                self._household, self._bridge, page, self.library_state, self._window.toast
            )
            self._library.open_asked.connect(self._show_document)
            self._library.own_program_asked.connect(self.open_file)
            self._window.add_page("library", page)
        return self._library

    @property
    def search(self) -> SearchController:
        if self._search is None:
            from freehold.desktop.search_controller import SearchController
            from freehold.desktop.search_page import SearchPage

            page = SearchPage()
            self._search = SearchController(self._household, self._bridge, page, self.library_state)
            self._search.passage_asked.connect(self.passage_asked)
            self._search.open_asked.connect(self.open_file)
            self._search.library_asked.connect(partial(self.show, "library"))
            self._window.add_page("search", page)
        return self._search

    def add_to_library(self, paths: list[str]) -> None:
        self.show("library")
        self.library.ask_about(paths)

    def _show_document(self, document: Document) -> None:
        """From its beginning."""
        self.passage_asked.emit(document.id, document.path, 1 if document.pages else None, 0, 0)

    def open_file(self, path: str, *, may_run: bool = True) -> None:
        """Open a document in its own program, at once or after asking; see FilePanel.take."""
        if self._file_panel is None:
            from freehold.desktop.own_program import FilePanel

            self._file_panel = FilePanel(self._window)
            self._file_panel.failed.connect(self._open_failed)
        self._file_panel.take(Path(path), may_run=may_run)

    def _open_failed(self, path: str) -> None:
        self._window.toast.say(self.tr("{0} could not be opened. It may have been moved.").format(name_of(path)))

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
    def connections(self) -> ConnectionsController:
        if self._connections is None:
            from freehold.desktop.connections_controller import ConnectionsController
            from freehold.desktop.connections_page import ConnectionsPage

            page = ConnectionsPage()
            self._connections = ConnectionsController(self._household, self._bridge, page)
            page.offline_asked.connect(self.offline_asked)
            page.promises_asked.connect(partial(self.show, "promises"))
            self._window.add_page("connections", page)
        return self._connections

    @property
    def peers(self) -> PeersController:
        if self._peers is None:
            from freehold.desktop.peers_controller import PeersController
            from freehold.desktop.peers_page import PeersPage

            page = PeersPage()
            page.dress(self._appearance.theme, self._appearance.text_size)
            self._appearance.changed.connect(page.dress)
            self._peers = PeersController(self._household, self._bridge, page, self._window.toast, self.peers_state)
            self._peers.setting_wanted.connect(self.setting_wanted)
            self._window.add_page("peers", page)
        return self._peers

    def show_receipt(self, job: str) -> None:
        """The Peers page, at what was signed about a job."""
        self.show("peers")
        self.peers.show_receipt(job)

    def _say_peers(self, standing: PeersStanding) -> None:
        self._window.sidebar.say("peers", *peers_words(standing))
        self._window.status.show_lending(lending_words(standing.lending))

    def show_connected(self, count: int, *, is_offline: bool) -> None:
        """The live line, beside the page's name and on the page itself."""
        tone = "off" if is_offline else "away" if count else "here"
        words = self.tr("offline") if is_offline else self.tr("{0} since start").format(count_words(count))
        self._window.sidebar.say("connections", words, tone)
        if self._connections is not None:
            self._connections.beat(in_view=self._window.page == "connections")

    def _make_promises(self) -> None:
        if not self._window.has_page("promises"):
            from freehold.desktop.promises_page import PromisesPage

            self._window.add_page("promises", PromisesPage())

    @property
    def settings(self) -> SettingsController:
        if self._settings is None:
            from freehold.desktop.settings_controller import SettingsController
            from freehold.desktop.settings_page import SettingsPage

            page = SettingsPage()
            self._settings = SettingsController(self._household, self._bridge, page, self.vault_watch)
            self._settings.changed.connect(self.setting_changed)
            self._settings.vault.lock_asked.connect(self.lock_asked)
            self._settings.vault.erase_asked.connect(self.erase_asked)
            self._settings.vault.added.connect(self._chats.reload)
            self._window.add_page("settings", page)
        return self._settings

    def _show_vault(self) -> None:
        self.show("settings")
        self.settings.show_vault()

    def refresh_settings(self) -> None:
        """A setting was changed elsewhere."""
        if self._settings is not None:
            self._settings.reload()

    def go_on_downloading(self) -> None:
        """What was on its way when the vault was locked, the switch turned on, or Freehold ended."""

        def go_on(wanted: Sequence[Model]) -> None:
            if wanted:
                self.models.go_on(wanted)

        self._bridge.run(lambda _stop: self._household.models.wanted(), done=go_on, failed=lambda _error: None)

    def download(self, model: str) -> None:
        """Fetch a model and let it answer, without leaving the page in view."""
        self.models.reload()
        self.models.get_and_use(model)

    def _show_trash(self) -> None:
        if not self._window.has_page("trash"):
            page = self._window.trash_page()
            page.restore_asked.connect(self._chats.restore)
            page.erase_asked.connect(self._chats.erase)
        self._chats.reload()
