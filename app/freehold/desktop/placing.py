"""Where the next message is answered: chosen under the message box, and shown before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from freehold.assistant.reply import Wish
from freehold.chats.values import NEW_CHAT, Attachment, Chat, Scope, Where
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.destination import HERE, Destination
from freehold.desktop.in_view import InView
from freehold.desktop.needs import Household


@dataclass(frozen=True, slots=True)
class Asked:
    """What the answer hangs on: the chat in view, and what was chosen for the next message."""

    chat: str
    scope: Scope
    where: Where
    once: Where | None
    files: tuple[Attachment, ...]
    editing: str  # a question that is being asked again in other words, or ""


class Placing(QObject):
    """What is shown holds: a message that is shown as answered here is asked here, whatever has changed meanwhile.

    `changed` carries each new Destination; `view_asked` and `devices_asked` come from the menu.
    """

    changed = Signal(object)
    view_asked = Signal()
    devices_asked = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: ChatPage, view: InView) -> None:
        super().__init__()
        self._household, self._bridge, self._page, self._view = household, bridge, page, view
        self._files: tuple[Attachment, ...] = ()
        self._is_looking = self._must_look = self._is_forgotten = False
        self.shown = HERE
        page.composer.where_asked.connect(self.choose)
        page.composer.edit_changed.connect(self.refresh)

    @property
    def asked(self) -> Asked:
        view = self._view
        return Asked(view.chat, view.scope, view.where, view.once, self._files, self._page.composer.editing)

    @property
    def wished(self) -> Where:
        """Where a message that is sent now may be answered."""
        return (self._view.once or self._view.where) if self.shown.leaves else "here"

    def show(self, where: Where) -> None:
        """The chat in view is answered there."""
        self._view.where, self._view.once = where, None
        self.refresh()

    def take_files(self, files: tuple[Attachment, ...]) -> None:
        """These go with the next message."""
        self._files = files
        self.refresh()

    def sent(self) -> None:
        """What was chosen for one message went with it."""
        self._view.once = None
        self.refresh()

    def forget(self) -> None:
        self._page.composer.close_menu()
        self._view.where, self._view.once, self._files = "auto", None, ()
        self._must_look, self._is_forgotten = False, self._is_looking
        self._show(HERE)

    def refresh(self) -> None:
        """Ask the rule again: something that it hangs on has changed. One asking at a time."""
        if self._is_looking:
            self._must_look = True
            return
        self._is_looking = True
        asked = self.asked
        job = self._bridge.run(
            lambda _stop: destination(self._household, asked), done=self._take, failed=lambda _error: self._show(HERE)
        )
        job.ended.connect(self._end)

    def choose(self) -> None:
        """Open the menu, where there is something to choose."""
        if not self.shown.is_choice:
            self.devices_asked.emit()
            return
        menu = self._page.composer.where_menu(self._view.where, self._view.once, self.shown)
        menu.chosen.connect(self._choose)
        menu.chosen_once.connect(self._choose_once)
        menu.view_asked.connect(self.view_asked)
        menu.devices_asked.connect(self.devices_asked)

    def _choose(self, where: Where) -> None:
        chat = self._view.chat
        self.show(where)
        if chat:
            self._bridge.call(lambda: self._household.conversations.change(chat, where=where), lane="scope")

    def _choose_once(self, where: str) -> None:
        self._view.once = {"here": "here", "peer": "peer"}.get(where)  # type: ignore[assignment] # both are Where
        self.refresh()

    def _take(self, to: Destination) -> None:
        if not (self._must_look or self._is_forgotten):
            self._show(to)

    def _end(self) -> None:
        self._is_looking = self._is_forgotten = False
        if self._must_look:
            self._must_look = False
            self.refresh()

    def _show(self, to: Destination) -> None:
        if to != self.shown:
            self.shown = to
            self._page.show_destination(to)
        self.changed.emit(to)


def ready(household: Household, asked: Asked) -> tuple[Chat, Wish]:
    """The chat as the next message finds it, and what is wished for that: what was chosen now, saved or not."""
    conversations = household.conversations
    chat = conversations.get(asked.chat) if asked.chat else NEW_CHAT
    chat = replace(chat, scope=asked.scope, where=asked.where)
    if not asked.editing:
        return chat, Wish(attachments=asked.files, where=asked.once)
    old = conversations.turns([asked.editing])[0]
    files = tuple(conversations.attached(old.id)) if old.attachments else ()
    return replace(chat, leaf=old.parent), Wish(attachments=files, where=asked.once)


def destination(household: Household, asked: Asked) -> Destination:
    """Runs on a thread: where a message would be answered, without asking anybody."""
    assistant = household.assistant
    if not assistant.may_leave:
        return HERE
    chat, wish = ready(household, asked)
    placed, data = assistant.placed(chat, wish)
    wished, _ = assistant.placed(chat, replace(wish, where="peer"))
    return Destination(True, placed.devices, data, placed.why, wished.devices, chat.leaf is not None)
