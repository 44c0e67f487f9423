"""Opens the side panel of a chat's own settings and saves what is changed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from freehold.chats.values import Chat
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_controller import ChatController
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.chat_settings import ChatSettings
from freehold.desktop.needs import Household
from freehold.engine.values import Model


@dataclass(frozen=True, slots=True)
class _Told:
    chat: Chat
    prompt: str
    models: Sequence[Model]


def open_chat_settings(household: Household, bridge: Bridge, page: ChatPage, chats: ChatController) -> None:
    """Show the panel for the chat in view; a new one gets its place in the vault first."""
    conversations = household.conversations
    current = chats.chat

    def tell() -> _Told:
        chat = conversations.get(current) if current else conversations.create()
        here = [one for one in household.models.list() if one.state == "here"]
        return _Told(chat, household.vault.setting("system_prompt"), here)

    def show(told: _Told) -> None:
        if not current and not chats.chat:
            chats.adopt(told.chat.id)
        if chats.chat != told.chat.id:
            return
        page.show_panel(page.tr("This chat"), _panel(household, bridge, told))
        page.set_settings_open(True)

    bridge.call(tell, show)


def _panel(household: Household, bridge: Bridge, told: _Told) -> ChatSettings:
    settings, conversations, id = household.settings, household.conversations, told.chat.id
    general: dict[str, float | int] = {
        "temperature": settings.number("temperature"), "top_p": settings.number("top_p"),
        "top_k": settings.whole("top_k"), "max_tokens": settings.whole("max_tokens"),
    }  # fmt: skip
    panel = ChatSettings(
        prompt=told.chat.system_prompt,
        general_prompt=told.prompt,
        sampling=told.chat.sampling,
        general=general,
        model=told.chat.model,
        models=[(one.id, one.name) for one in told.models],
    )
    lane = "chat settings"
    panel.prompt_changed.connect(
        lambda prompt: bridge.call(lambda: conversations.change(id, system_prompt=prompt), lane=lane)
    )
    panel.sampling_changed.connect(
        lambda sampling: bridge.call(lambda: conversations.change(id, sampling=sampling), lane=lane)
    )
    panel.model_changed.connect(lambda model: bridge.call(lambda: conversations.change(id, model=model), lane=lane))
    return panel
