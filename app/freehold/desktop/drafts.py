"""What is being written and not sent: saved with its chat, which is made for it where there is none."""

from __future__ import annotations

from contextlib import suppress

from PySide6.QtCore import QObject, Signal

from freehold.desktop import chat_flows as flows
from freehold.desktop.bridge import Bridge
from freehold.desktop.composer import Composer
from freehold.desktop.in_view import InView
from freehold.desktop.needs import Conversations
from freehold.foundation.errors import FreeholdError


class Drafts(QObject):
    """`made` names the chat that was made for a draft; `question_ready` a question that had to wait for it."""

    made = Signal(str)
    question_ready = Signal(str)

    def __init__(self, conversations: Conversations, bridge: Bridge, composer: Composer, view: InView) -> None:
        super().__init__()
        self._conversations, self._bridge, self._composer, self._view = conversations, bridge, composer, view
        self._is_making, self._question = False, ""
        composer.draft_changed.connect(self.save)

    def holds(self, question: str) -> bool:
        """Whether a chat is being made this moment, into which `question` will go."""
        if self._is_making:
            self._question = question
        return self._is_making

    def keep(self) -> None:
        """Save what was not saved yet."""
        draft = self._composer.take_draft()
        if draft is not None:
            self.save(draft)

    def save_last(self) -> None:
        """The window closes: save what is being written, at once and in this thread."""
        draft, chat = self._composer.take_draft(), self._view.chat
        if draft is None or not (chat or draft.strip()):
            return
        with suppress(FreeholdError):
            self._conversations.save_draft(chat or self._conversations.create().id, draft)

    def save(self, text: str) -> None:
        chat, start = self._view.chat, flows.Start(self._view.scope, self._view.where)
        if chat:
            self._bridge.call(lambda: self._conversations.save_draft(chat, text), lane="draft")
        elif text.strip() and not self._is_making:
            self._is_making = True
            job = self._bridge.call(lambda: self._start_with(text, start), self._took, lane="draft")
            job.ended.connect(self._end)

    def _start_with(self, text: str, start: flows.Start) -> str:
        """Runs on a thread: a chat for a draft that has none."""
        chat = flows.begin(self._conversations, start).id
        self._conversations.save_draft(chat, text)
        return chat

    def _took(self, chat: str) -> None:
        self.made.emit(chat)

    def _end(self) -> None:
        self._is_making = False
        question, self._question = self._question, ""
        if question:
            self.question_ready.emit(question)
