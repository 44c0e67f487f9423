"""Joins the window and the household: who reacts to which wish, open or locked. The pages are joined in pages.py."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from freehold.desktop.actions import set_open
from freehold.desktop.appearance import Appearance, load_later_fonts
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_controller import ChatController
from freehold.desktop.chats_controller import ChatsController
from freehold.desktop.details_controller import DetailsController
from freehold.desktop.documents import Documents
from freehold.desktop.drops import Drops
from freehold.desktop.entry_controller import EntryController, Locked
from freehold.desktop.exchange import Exchange
from freehold.desktop.needs import Household
from freehold.desktop.pages import Pages
from freehold.desktop.peer_view_controller import PeerViewController
from freehold.desktop.sources_controller import SourcesController
from freehold.desktop.status_controller import StatusController
from freehold.desktop.window import Window
from freehold.foundation.errors import FreeholdError
from freehold.processes.replacing import Handed

_STATUS_MS = 1000


class Shell(QObject):
    """The running app. Emits `opened`, `locked` when every process that knew something has ended, and `applied` with
    the name of a setting that counts from now on.

    `leaves` says that this process ends then as well, and another takes its place; what that one is given is `handed`.
    """

    opened = Signal()
    locked = Signal()
    applied = Signal(str)

    def __init__(
        self, household: Household, window: Window, appearance: Appearance, bridge: Bridge, *, leaves: bool = False,
        handed: Handed | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._leaves, self._handed = leaves, handed
        self.chat_in_view = handed.chat if handed is not None else ""
        window.furnish()
        self._household, self._window, self._appearance, self._bridge = household, window, appearance, bridge
        self._chat = ChatController(household, bridge, window.chat)
        self._chats = ChatsController(household, bridge, window, self._chat)
        self._entry = EntryController(household, bridge, window)
        self._pages = Pages(household, window, appearance, bridge, self._chats)
        self._status = StatusController(household, window, bridge, self._pages)
        self._documents = Documents(household, window, bridge)
        self._sources = SourcesController(
            household, bridge, window.chat, chat=self._chat, documents=self._documents, appearance=appearance
        )
        self._peer_view = PeerViewController(household, bridge, window.chat, self._chat.placing)
        self._details = DetailsController(household, bridge, window.chat)
        self._exchange = Exchange(household, bridge, window)
        self._exchange.imported.connect(self._chats.reload)
        self._panel: Any = None
        self._drops = Drops(window)
        self._drops.dropped.connect(self._pages.add_to_library)
        self._idle = QTimer(self)
        self._idle.setSingleShot(True)
        self._idle.timeout.connect(self._lock_when_idle)
        self._pulse = QTimer(self)
        self._pulse.setInterval(_STATUS_MS)
        self._pulse.timeout.connect(self._beat)
        self._is_open = self._is_locked = False
        load_later_fonts()
        self._connect()
        self._connect_actions()

    def start(self) -> None:
        self._window.watch_touches()
        self._apply("enter_sends")
        if self._handed is None:
            self._entry.start()
        else:
            self._entry.lock_screen(Locked.ANEW)

    def stop(self) -> None:
        """Keep what is being written, stop what is going on."""
        self._pulse.stop()
        self._idle.stop()
        if self._is_open:
            self._chat.save_last_draft()
        self._bridge.close()

    def close(self) -> None:
        """Stop, and end every child process."""
        self.stop()
        self._household.close()

    def _connect(self) -> None:
        window = self._window
        self._bridge.unhandled.connect(self._show_failure)
        self._bridge.busy_changed.connect(window.status.show_work)
        self._entry.opened.connect(self._opened)
        self._entry.waiting.connect(self._wait_for_unlocking)
        self._entry.failed.connect(self._show_failure)
        self._entry.download_wanted.connect(self._pages.download)
        window.sidebar.new_chat_asked.connect(self._new_chat)
        window.sidebar.search_asked.connect(self._open_palette)
        window.sidebar.page_asked.connect(self._pages.show)
        window.chat.models_asked.connect(partial(self._pages.show, "models"))
        window.chat.settings_asked.connect(self._toggle_chat_settings)
        window.chat.panel.closed.connect(self._close_panel)
        window.touched.connect(self._touch)
        self._documents.file_asked.connect(partial(self._pages.open_file, may_run=False))
        self._pages.passage_asked.connect(self._documents.open_passage)
        self._pages.model_changed.connect(self._refresh_models)
        self._pages.setting_changed.connect(self._apply)
        self._pages.lock_asked.connect(self.lock)
        self._pages.offline_asked.connect(partial(self._set, "offline"))
        self._pages.erase_asked.connect(self._erase)
        self._chats.page_wanted.connect(self._pages.show)
        self._chats.export_asked.connect(self._exchange.export)
        self._chat.details_shown.connect(self._details.show)
        self._chat.link_asked.connect(self._ask_link)
        self._chat.library_asked.connect(partial(self._pages.show, "library"))
        self._chat.model_changed.connect(self._refresh_models)
        self._chat.placing.view_asked.connect(self._show_peer_view)
        self._chat.placing.devices_asked.connect(partial(self._pages.show, "peers"))
        self._pages.peers_state.allowed_changed.connect(self._chat.placing.refresh)
        self._pages.setting_wanted.connect(self._set)
        self._details.receipt_asked.connect(self._pages.show_receipt)

    def _connect_actions(self) -> None:
        chat, chats, window = self._chat, self._chats, self._window
        deeds = {
            "new-chat": self._new_chat, "palette": self._open_palette, "stop": chat.stop, "retry": chat.retry_last,
            "edit-last": chat.edit_last, "copy-last": self._copy_last,
            "choose-documents": self._choose_documents, "attach": self._attach, "write": self._write,
            "choose-where": self._choose_where, "peer-view": self._show_peer_view,
            "next-chat": partial(chats.open_next, 1), "previous-chat": partial(chats.open_next, -1),
            "rename-chat": chats.rename_current, "delete-chat": chats.delete_current,
            "chat-settings": partial(self._toggle_chat_settings, None), "undo": window.toast.undo,
            "export-chat": lambda: self._exchange.export(chat.chat),
            "export-all": lambda: self._exchange.export(""), "import-chats": self._exchange.choose_import,
            **self._pages.deeds(), "offline": self._toggle_offline, "lock": self.lock,
            "sidebar": window.toggle_sidebar, "larger": partial(self._change_text_size, 1),
            "smaller": partial(self._change_text_size, -1), "colours": self._toggle_colours, "quit": window.close,
        }  # fmt: skip
        for name, deed in deeds.items():
            window.actions_by_name[name].triggered.connect(lambda _checked=False, do=deed: do())

    def _opened(self) -> None:
        self._is_open, self._is_locked = True, False
        self._drops.accepting = True
        set_open(self._window.actions_by_name, True)
        self._chat.new_chat()
        self._pages.show("chat")
        self._chats.reload()
        if self.chat_in_view:
            self._chats.open(self.chat_in_view)
        self._refresh_models()
        self._refresh_status()
        self._pulse.start()
        self._touch()
        self._write()
        days = self._household.settings.whole("trash_days")
        self._bridge.call(lambda: self._household.conversations.empty_trash(days))
        self._pages.vault_watch.look()
        self._pages.go_on_downloading()
        self.opened.emit()

    @property
    def is_open(self) -> bool:
        return self._is_open

    def _erase(self, models: bool) -> None:
        """Erase the profile, once nothing works in it any more. What cannot be removed is tried again at a start."""

        def erase() -> None:
            self._household.lending.stop()
            self._household.vault.erase(models=models)

        self.lock(erase)
        self.chat_in_view = ""

    def lock(self, then: Callable[[], None] = lambda: None) -> bool:
        """End every process that knows something, and show nothing of it; whether there was something to lock.

        `then` runs once they have ended.
        """
        if not self._is_open:
            return False
        from freehold.desktop.unlock_page import UnlockPage

        self._is_open = self._drops.accepting = False
        self.chat_in_view = self._chat.chat
        if self._household.vault.is_open:
            self._chat.keep_draft()
        self._chat.stop_all()
        self._window.toast.settle()
        self._idle.stop()
        self._pulse.stop()
        self._pages.vault_watch.end()
        set_open(self._window.actions_by_name, False)
        self._window.show_entry(UnlockPage())  # what was in view is covered at once
        self._bridge.run(
            lambda _stop: self._close_all(then), done=lambda _: self._locked(), failed=self._locked_badly,
            words=self.tr("Locking"), lane="draft",
        )  # fmt: skip
        return True

    def _close_all(self, then: Callable[[], None]) -> None:
        self._household.library.close()
        self._household.engine.unload()
        self._household.door.close()
        self._household.vault.lock()
        then()

    def _locked_badly(self, error: FreeholdError) -> None:
        self._locked()
        self._show_failure(error)

    def _locked(self) -> None:
        self._chat.forget()
        self._sources.forget()
        self._documents.forget()
        self._chats.clear()
        self._pages.forget()
        self.locked.emit()
        if not self._leaves:
            self._entry.lock_screen(Locked.IN_PLACE)

    def _wait_for_unlocking(self) -> None:
        """The vault is closed: a command may open it as well."""
        self._is_locked = True
        self._window.status.show_vault(self.tr("Vault locked"))
        self._window.status.show_model("")
        self._pulse.start()

    def _lock_when_idle(self) -> None:
        if self._bridge.is_busy:
            self._touch()  # an answer or a download is not idleness
        else:
            self.lock()

    def _touch(self) -> None:
        minutes = self._household.settings.whole("lock_minutes")
        if self._is_open and minutes:
            self._idle.start(minutes * 60_000)
        else:
            self._idle.stop()

    def _new_chat(self) -> None:
        self._pages.show("chat")
        self._chat.new_chat()
        self._write()

    def _write(self) -> None:
        self._pages.show("chat")
        self._window.chat.composer.box.setFocus()

    def _apply(self, name: str) -> None:
        """A setting has a new value."""
        settings = self._household.settings
        if name in ("theme", "text_size"):
            self._appearance.wish(settings.text("theme"), settings.whole("text_size"))
        elif name == "enter_sends":
            self._window.chat.composer.set_enter_sends(settings.is_on("enter_sends"))
        elif name == "model":
            self._refresh_models()
        elif name in ("offload", "lend_while_locked"):
            self._pages.peers_state.look()
        elif name == "offline" and self._is_open and not settings.is_on("offline"):
            self._pages.go_on_downloading()
        self._touch()
        self._refresh_status()
        self.applied.emit(name)

    def _set(self, name: str, value: bool | int | str) -> None:
        try:
            self._household.settings.set(name, value)
        except FreeholdError as error:
            self._show_failure(error)
            return
        self._apply(name)
        self._pages.refresh_settings()

    def _change_text_size(self, step: int) -> None:
        size = self._household.settings.whole("text_size") + step
        if 10 <= size <= 28:
            self._set("text_size", size)

    def _toggle_colours(self) -> None:
        self._set("theme", "light" if self._appearance.theme.is_dark else "dark")

    def _toggle_offline(self) -> None:
        on = not self._household.settings.is_on("offline")
        self._set("offline", on)
        words = self.tr("The offline switch is on: no connection is made.")
        self._window.toast.say(
            words if on else self.tr("The offline switch is off."), partial(self._set, "offline", not on)
        )

    def _refresh_models(self) -> None:
        if self._is_open:
            self._status.look_for_model()
            self._refresh_status()

    def _beat(self) -> None:
        """Follow what happened outside the window: a command may lock or unlock the vault, and its process may die."""
        if self._bridge.is_busy and not self._is_open:
            return  # a way in is being tried right here
        if self._is_open and not self._household.vault.is_open:
            self.lock()
        elif self._is_locked and self._household.vault.is_open:
            self._is_locked = False
            self._entry.go_in()
        else:
            self._refresh_status()

    def _refresh_status(self) -> None:
        self._status.refresh(is_open=self._is_open)
        if self._is_open:
            self._pages.library_state.beat()
            self._pages.peers_state.beat()

    def _open_palette(self) -> None:
        if not self._is_open:
            return
        palette = self._window.palette_panel()
        if self._panel is not palette:
            self._panel = palette
            palette.chat_chosen.connect(self._chats.open)
            palette.hit_chosen.connect(self._chats.open)
            palette.search_asked.connect(self._chats.search)
        palette.open(self._window.actions_by_name.values(), self._chats.chats)

    def _ask_link(self, url: str) -> None:
        panel = self._window.link_panel()
        panel.ask(url)

    def _choose_documents(self) -> None:
        self._pages.show("chat")
        self._chat.choose_documents()

    def _attach(self) -> None:
        self._pages.show("chat")
        self._chat.choose_files()

    def _choose_where(self) -> None:
        self._pages.show("chat")
        self._chat.placing.choose()

    def _show_peer_view(self) -> None:
        self._pages.show("chat")
        self._peer_view.toggle()

    def _copy_last(self) -> None:
        self._chat.copy_last()
        self._window.toast.say(self.tr("The last answer is on the clipboard."))

    def _toggle_chat_settings(self, wanted: bool | None = None) -> None:
        is_open = self._window.chat.panel.isVisible() and self._window.chat.is_settings_open
        if wanted is False or (wanted is None and is_open):
            self._close_panel()
            return
        from freehold.desktop.chat_settings_controller import open_chat_settings

        self._pages.show("chat")
        open_chat_settings(self._household, self._bridge, self._window.chat, self._chat)

    def _close_panel(self) -> None:
        self._window.chat.close_panel()

    def _show_failure(self, error: FreeholdError) -> None:
        """A failure without a place of its own."""
        if self._window.entry is not None and not self._is_open:
            self._window.toast.say(f"{error.title}. {error.next_step}")
            return
        self._pages.show("chat")
        self._window.chat.trouble.show_error(error)
