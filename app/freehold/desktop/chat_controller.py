"""Joins the chat page and the household: opens chats, asks in them, and does what their turns are told to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from freehold.assistant.reply import Wish
from freehold.chats.values import NO_DOCUMENTS, Attachment, Context, Mark, Role, Turn
from freehold.desktop import chat_flows as flows
from freehold.desktop.answering import Answering, Live
from freehold.desktop.attaching import Attaching
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.drafts import Drafts
from freehold.desktop.in_view import InView
from freehold.desktop.needs import Household
from freehold.desktop.placing import Placing
from freehold.desktop.scoping import Scoping
from freehold.foundation.stop import Stop


class ChatController(QObject):
    """One chat in view, any number being answered. `chats_changed` wants the list read again."""

    chats_changed = Signal()
    opened = Signal(str)
    details_shown = Signal(object)
    link_asked = Signal(str)
    library_asked = Signal()
    model_changed = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: ChatPage) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        self._conversations = household.conversations
        self._view = InView()
        self.answering = Answering(bridge, page, self._view)
        self._drafts = Drafts(household.conversations, bridge, page.composer, self._view)
        self._scoping = Scoping(household, bridge, page.composer, self._view)
        self._attaching = Attaching(household, bridge, page.composer, self._view)
        self.placing = Placing(household, bridge, page, self._view)
        self._connect()

    def _connect(self) -> None:
        composer, answering, drafts = self._page.composer, self.answering, self._drafts
        composer.submitted.connect(self.ask)
        composer.edit_submitted.connect(self.ask_beside)
        composer.stop_asked.connect(self.stop)
        composer.edit_last_asked.connect(self.edit_last)
        answering.chats_changed.connect(self.chats_changed)
        answering.model_changed.connect(self.model_changed)
        answering.settled.connect(self._settle)
        answering.branched.connect(self._show_branch)
        answering.returned.connect(self._take_back)
        drafts.made.connect(self._took_draft)
        drafts.question_ready.connect(self.ask)
        self._scoping.library_asked.connect(self.library_asked)
        self._attaching.library_asked.connect(self.library_asked)
        self._attaching.changed.connect(self.placing.take_files)
        self._scoping.changed.connect(self.placing.refresh)
        answering.ended.connect(self.placing.refresh)
        self._page.transcript_made.connect(self._listen)

    @property
    def chat(self) -> str:
        """The chat in view; "" for a new one that nothing was said in."""
        return self._view.chat

    @property
    def last_answer(self) -> str:
        """The id of the last answer of the chat in view, or ""."""
        return flows.last_of(self._view.marks, Role.ASSISTANT)

    def open(self, chat: str, turn: str = "", highlight: str = "") -> None:
        """Bring `chat` into view, at `turn` when one was searched for."""
        self.keep_draft()
        self._view.wanted = chat
        self._bridge.call(
            lambda: flows.open_chat(self._conversations, chat, turn), lambda opened: self._show(opened, turn, highlight)
        )

    def new_chat(self) -> None:
        """An empty page. The chat itself is made when something is written."""
        self.keep_draft()
        self._view.leave()
        self._page.show_title("")
        self._page.show_empty()
        self._page.composer.set_draft("")
        self._page.close_panel()
        self._attaching.show()
        self.answering.refresh_busy()
        self._measure()
        self.opened.emit("")

    def forget(self) -> None:
        """The vault is locked: show nothing, keep nothing."""
        self.answering.forget()
        self._view.leave()
        self._scoping.forget()
        self._attaching.forget()
        self.placing.forget()
        self._page.composer.set_draft("")
        self._page.show_title("")
        if self._page.has_transcript:
            self._page.transcript.forget()
        self._page.show_empty()
        self._page.close_panel()

    def stop_all(self) -> None:
        """Stop every answer, in view or not; what was said is kept."""
        self.answering.stop_all()

    def keep_draft(self) -> None:
        self._drafts.keep()

    def save_last_draft(self) -> None:
        """The window closes: save what is being written, at once and in this thread."""
        self._drafts.save_last()

    def ask(self, text: str) -> None:
        if self._drafts.holds(text):
            return
        chat, start, where = self._view.chat, flows.Start(self._view.scope, self._view.where), self.placing.wished
        files, conversations, assistant = self._attaching.take(), self._conversations, self._household.assistant
        wish = Wish(attachments=files, where=where)
        self._follow(
            Live(chat, text, files),
            lambda stop: flows.ask(conversations, assistant, chat, text, stop, wish=wish, start=start),
        )

    def ask_beside(self, turn: str, text: str) -> None:
        wish = Wish(where=self.placing.wished)
        self._follow(
            Live(self._view.chat, text),
            lambda stop: flows.ask_beside(self._conversations, self._household.assistant, turn, text, stop, wish=wish),
        )

    def retry(self, turn: str, wish: Wish | None = None) -> None:
        if self.answering.is_in_view:
            return
        asked = replace(wish or Wish(), where=self.placing.wished)
        self._follow(
            Live(self._view.chat, ""),
            lambda stop: flows.answer_again(self._conversations, self._household.assistant, turn, stop, asked),
        )

    def _follow(self, live: Live, flow: Callable[[Stop], Any]) -> None:
        """Ask as it is shown under the message box."""
        shown = self.placing.shown
        words = self.tr("{0} is answering").format(shown.name) if shown.leaves else self.tr("Answering")
        live.leaves = shown.leaves
        self.answering.follow(live, flow, words)
        self.placing.sent()

    def retry_without_documents(self, turn: str) -> None:
        self.retry(turn, Wish(scope=NO_DOCUMENTS))

    def retry_last(self) -> None:
        if self._view.marks:
            self.retry(self._view.marks[-1].id)

    def stop(self) -> None:
        self.answering.stop()

    def choose_documents(self) -> None:
        """Open the menu of what answers are made from."""
        self._scoping.choose()

    def choose_files(self) -> None:
        """Choose files for the next message."""
        self._attaching.choose()

    def edit_last(self) -> None:
        question = flows.last_of(self._view.marks, Role.USER)
        if question and not self.answering.is_in_view:
            self._bridge.call(
                lambda: self._conversations.turns([question])[0],
                lambda turn: self._page.composer.start_edit(turn.id, turn.text),
            )

    def copy_last(self) -> None:
        answer = self.last_answer
        if answer:
            self._bridge.call(
                lambda: flows.copyable(self._conversations.turns([answer])[0]),
                lambda text: QGuiApplication.clipboard().setText(text),
            )

    def branch(self, turn: str) -> None:
        """The next question goes below the answer `turn`, beside what already follows it."""
        follower = flows.question_after(self._view.marks, turn)
        if follower:
            self._page.composer.start_branch(follower)
        else:
            self._page.composer.box.setFocus()

    def show_sibling(self, turn: str, place: int) -> None:
        self._bridge.call(
            lambda: flows.show_sibling(self._conversations, turn, place),
            lambda found: self._show_branch(found[1].marks, found[0]),
        )

    def adopt(self, chat: str) -> None:
        """The empty page in view has its place in the vault now."""
        start = flows.Start(self._view.scope, self._view.where)
        if start != flows.Start():
            self._bridge.call(
                lambda: self._conversations.change(chat, scope=start.scope, where=start.where), lane="scope"
            )
        self._settle(chat)

    def title_changed(self, chat: str, title: str) -> None:
        if chat == self._view.chat:
            self._page.show_title(title)

    def _listen(self, transcript: QWidget) -> None:
        view: Any = transcript
        view.turns_needed.connect(self._provide)
        view.retry_asked.connect(self.retry)
        view.edit_asked.connect(self.ask_beside)
        view.sibling_asked.connect(self.show_sibling)
        view.branch_asked.connect(self.branch)
        view.details_asked.connect(self._show_details)
        view.link_asked.connect(self.link_asked)
        view.without_documents_asked.connect(self.retry_without_documents)
        view.other_documents_asked.connect(lambda _turn: self.choose_documents())

    def _show(self, opened: flows.Opened, turn: str, highlight: str) -> None:
        if opened.chat.id != self._view.wanted:
            return  # the owner has moved on meanwhile
        self._view.chat, self._view.marks = opened.chat.id, opened.marks
        self._view.sealed.clear()
        self._page.show_title(opened.chat.title)
        self._page.show_left_out(0)
        self._page.trouble.clear()
        self._page.composer.trouble.clear()
        self._page.composer.set_draft(opened.chat.draft)
        self._page.close_panel()
        self._scoping.show(opened.chat.scope)
        self._attaching.show()
        self.placing.show(opened.chat.where)
        if opened.marks:
            self._page.show_turns()
            self._page.transcript.show(opened.marks, turn or None)
            self.answering.resume()
            if turn:
                self._page.transcript.scroll_to(turn, highlight)
        else:
            self._page.show_empty()
        self.answering.refresh_busy()
        self._measure()
        self.opened.emit(opened.chat.id)

    def _settle(self, chat: str) -> None:
        self._attaching.move(self._view.chat, chat)
        self._view.chat = self._view.wanted = chat
        self.opened.emit(chat)

    def _took_draft(self, chat: str) -> None:
        if not self._view.wanted:
            self._settle(chat)
        self.chats_changed.emit()

    def _take_back(self, question: str, files: tuple[Attachment, ...]) -> None:
        """A question that could not be saved goes back to where it was written."""
        if not self._page.composer.text().strip():
            self._page.composer.set_draft(question)
        self._attaching.take_back(files)

    def _show_branch(self, marks: Sequence[Mark], at: str) -> None:
        self._view.marks = marks
        self._page.transcript.show(marks, at)
        self._measure()

    def _provide(self, ids: list[str]) -> None:
        chat = self._view.chat
        self._bridge.call(lambda: self._conversations.turns(ids), lambda turns: self._hand_over(chat, turns))

    def _hand_over(self, chat: str, turns: Sequence[Turn]) -> None:
        if chat == self._view.chat:
            self._page.transcript.provide(self.answering.known(turns))

    def _measure(self) -> None:
        chat = self._view.chat
        if not chat:
            self._page.show_meter(0, 0)
            return
        self._bridge.run(
            lambda _stop: self._household.assistant.measure(chat),
            done=lambda context: self._show_meter(chat, context),
            failed=lambda _error: None,  # a meter that cannot be read is left empty; asking will say why
        )

    def _show_meter(self, chat: str, context: Context) -> None:
        if chat == self._view.chat:
            self._page.show_meter(context.tokens, context.limit)

    def _show_details(self, turn: str) -> None:
        self._bridge.call(lambda: self._conversations.turns([turn])[0], self.details_shown.emit)
