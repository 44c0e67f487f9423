"""Joins the chat list, the trash and the palette to the household."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from freehold.chats.values import Chat
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_controller import ChatController
from freehold.desktop.needs import Household
from freehold.desktop.window import Window

_RELOAD_MS = 60  # several changes in a row are read once


class ChatsController(QObject):
    """Keeps the list true, and lets what was removed be brought back."""

    page_wanted = Signal(str)
    export_asked = Signal(str)

    def __init__(self, household: Household, bridge: Bridge, window: Window, chat: ChatController) -> None:
        super().__init__()
        self._conversations, self._settings = household.conversations, household.settings
        self._bridge, self._window, self._chat = bridge, window, chat
        self.chats: Sequence[Chat] = ()
        self.trash: Sequence[Chat] = ()
        self._hidden: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_RELOAD_MS)
        self._timer.timeout.connect(self._read)
        view = window.sidebar.chats
        view.opened.connect(self.open)
        view.delete_asked.connect(self.delete)
        view.export_asked.connect(self.export_asked)
        view.chats.renamed.connect(self._rename)
        chat.chats_changed.connect(self._timer.start)
        chat.opened.connect(self._opened)

    def reload(self) -> None:
        self._read()

    def clear(self) -> None:
        """The vault is locked: list nothing."""
        self._timer.stop()
        self.chats = self.trash = ()
        self._hidden.clear()
        self._window.sidebar.chats.show_chats(())
        self._window.sidebar.show_trash(0)

    def open(self, chat: str, turn: str = "", highlight: str = "") -> None:
        self.page_wanted.emit("chat")
        self._chat.open(chat, turn, highlight)

    def open_next(self, step: int) -> None:
        """The chat below (or above) the one in view, round the list."""
        ids = self._window.sidebar.chats.chats.ids()
        if ids:
            place = ids.index(self._chat.chat) + step if self._chat.chat in ids else 0
            self.open(ids[place % len(ids)])

    def rename_current(self) -> None:
        if self._chat.chat:
            self._window.sidebar.setVisible(True)
            self._window.sidebar.chats.rename(self._chat.chat)

    def delete_current(self) -> None:
        if self._chat.chat:
            self.delete(self._chat.chat)

    def delete(self, chat: str) -> None:
        """To the trash, and back with Undo."""
        title = next((one.title for one in self.chats if one.id == chat), "") or self.tr("New chat")
        self._bridge.call(lambda: self._conversations.move_to_trash(chat), lambda _: self._read())
        if chat == self._chat.chat:
            self._chat.new_chat()
        self._window.toast.say(
            self.tr("“{0}” is in the trash.").format(_short(title)), partial(self.restore, chat, reopen=True)
        )

    def restore(self, chat: str, *, reopen: bool = False) -> None:
        self._bridge.call(lambda: self._conversations.restore(chat), lambda _: self._restored(chat, reopen))

    def erase(self, chats: Sequence[str]) -> None:
        """For good, once nobody undid it."""
        self._hidden.update(chats)
        self._show_trash()
        words = (
            self.tr("1 chat will be erased for good.")
            if len(chats) == 1
            else self.tr("{0} chats will be erased for good.").format(len(chats))
        )
        self._window.toast.say(words, partial(self._unhide, chats), partial(self._erase_now, chats))

    def search(self, text: str) -> None:
        """Find what was said; the palette shows it."""
        palette = self._window.palette_panel()
        self._bridge.call(lambda: self._conversations.search(text), lambda hits: palette.show_hits(text, hits))

    def _opened(self, chat: str) -> None:
        self._window.sidebar.chats.mark(chat)

    def _rename(self, chat: str, title: str) -> None:
        self._chat.title_changed(chat, title)
        self._bridge.call(lambda: self._conversations.rename(chat, title), lambda _: self._read())

    def _restored(self, chat: str, reopen: bool) -> None:
        self._read()
        if reopen:
            self.open(chat)

    def _unhide(self, chats: Sequence[str]) -> None:
        self._hidden.difference_update(chats)
        self._show_trash()

    def _erase_now(self, chats: Sequence[str]) -> None:
        def erase() -> None:
            for chat in chats:
                self._conversations.erase(chat)

        self._bridge.call(erase, lambda _: self._read())

    def _read(self) -> None:
        self._timer.stop()
        self._bridge.call(
            lambda: (self._conversations.list(), self._conversations.list(trash=True)), self._took, lane="list"
        )

    def _took(self, found: tuple[Sequence[Chat], Sequence[Chat]]) -> None:
        chats, self.trash = found
        current = self._chat.chat
        # A chat in which nothing was said or begun is no chat yet; it is listed while it is in view.
        self.chats = [one for one in chats if one.turns or one.draft or one.title or one.id == current]
        self._window.sidebar.chats.show_chats(self.chats)
        self._window.sidebar.chats.mark(current)
        title = next((one.title for one in self.chats if one.id == current), "")
        if title:
            self._chat.title_changed(current, title)
        self._show_trash()

    def _show_trash(self) -> None:
        left = [one for one in self.trash if one.id not in self._hidden]
        self._window.sidebar.show_trash(len(left))
        if self._window.has_page("trash"):
            self._window.trash_page().show_chats(left, self._settings.whole("trash_days"))


def _short(title: str) -> str:
    return title if len(title) <= 40 else title[:39].rstrip() + "…"
