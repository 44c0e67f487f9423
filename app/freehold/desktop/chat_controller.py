"""Joins the chat page and the household: opens chats, asks, follows answers wherever the owner looks meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from freehold.assistant.values import Answered, Asked, Began, LeftOut, Loading, Notice, Reading, Words
from freehold.chats.values import Context, Mark, Role, Turn
from freehold.desktop import chat_flows as flows
from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.needs import Household
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop


@dataclass(slots=True)
class Live:
    """An answer being written: what is known of it, for when its chat comes back into view."""

    chat: str
    question: str
    job: Job | None = None
    asked: Turn | None = None
    turn: Turn | None = None
    text: str = ""
    notice: str = ""


class ChatController(QObject):
    """One chat in view, any number being answered. `chats_changed` wants the list read again."""

    chats_changed = Signal()
    opened = Signal(str)
    details_shown = Signal(object)
    link_asked = Signal(str)
    model_changed = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: ChatPage) -> None:
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        self._conversations = household.conversations
        self._chat = ""
        self._wanted = ""
        self._marks: Sequence[Mark] = ()
        self._live: dict[str, Live] = {}
        self._sealed: dict[str, Turn] = {}  # answers that ended while this chat was in view
        self._is_drafting, self._question = False, ""
        composer = page.composer
        composer.submitted.connect(self.ask)
        composer.edit_submitted.connect(self.ask_beside)
        composer.stop_asked.connect(self.stop)
        composer.draft_changed.connect(self._save_draft)
        composer.edit_last_asked.connect(self.edit_last)
        page.transcript_made.connect(self._listen)

    @property
    def chat(self) -> str:
        """The chat in view; "" for a new one that nothing was said in."""
        return self._chat

    @property
    def is_answering(self) -> bool:
        return bool(self._live)

    def open(self, chat: str, turn: str = "", highlight: str = "") -> None:
        """Bring `chat` into view, at `turn` when one was searched for."""
        self.keep_draft()
        self._wanted = chat
        self._bridge.call(
            lambda: flows.open_chat(self._conversations, chat, turn), lambda opened: self._show(opened, turn, highlight)
        )

    def new_chat(self) -> None:
        """An empty page. The chat itself is made when something is written."""
        self.keep_draft()
        self._wanted = self._chat = ""
        self._marks = ()
        self._page.show_title("")
        self._page.show_empty()
        self._page.composer.set_draft("")
        self._page.close_panel()
        self._refresh_busy()
        self._measure()
        self.opened.emit("")

    def forget(self) -> None:
        """The vault is locked: show nothing, keep nothing."""
        self.stop_all()
        self._sealed.clear()
        self._live.clear()
        self._wanted = self._chat = ""
        self._marks = ()
        self._page.composer.set_draft("")
        self._page.show_title("")
        if self._page.has_transcript:
            self._page.transcript.show([])
        self._page.show_empty()
        self._page.close_panel()

    def stop_all(self) -> None:
        """Stop every answer, in view or not; what was said is kept."""
        for live in self._live.values():
            if live.job is not None:
                live.job.stop.set()

    def save_last_draft(self) -> None:
        """The window closes: save what is being written, at once and in this thread."""
        draft, chat = self._page.composer.take_draft(), self._chat
        if draft is None or not (chat or draft.strip()):
            return
        with suppress(FreeholdError):
            self._conversations.save_draft(chat or self._conversations.create().id, draft)

    def ask(self, text: str) -> None:
        if self._is_drafting:
            self._question = text  # the chat is being made for its draft this moment: the question goes into it
            return
        chat = self._chat
        self._follow(
            Live(chat, text), lambda stop: flows.ask(self._conversations, self._household.assistant, chat, text, stop)
        )

    def ask_beside(self, turn: str, text: str) -> None:
        self._follow(
            Live(self._chat, text),
            lambda stop: flows.ask_beside(self._conversations, self._household.assistant, turn, text, stop),
        )

    def retry(self, turn: str) -> None:
        if self._chat in self._live:
            return
        self._follow(
            Live(self._chat, ""),
            lambda stop: flows.answer_again(self._conversations, self._household.assistant, turn, stop),
        )

    def retry_last(self) -> None:
        if self._marks:
            self.retry(self._marks[-1].id)

    def stop(self) -> None:
        live = self._live.get(self._chat)
        if live is not None and live.job is not None:
            live.job.stop.set()

    def edit_last(self) -> None:
        question = flows.last_of(self._marks, Role.USER)
        if question and self._chat not in self._live:
            self._bridge.call(
                lambda: self._conversations.turns([question])[0],
                lambda turn: self._page.composer.start_edit(turn.id, turn.text),
            )

    def copy_last(self) -> None:
        answer = flows.last_of(self._marks, Role.ASSISTANT)
        if answer:
            self._bridge.call(
                lambda: flows.copyable(self._conversations.turns([answer])[0]),
                lambda text: QGuiApplication.clipboard().setText(text),
            )

    def branch(self, turn: str) -> None:
        """The next question goes below the answer `turn`, beside what already follows it."""
        follower = flows.question_after(self._marks, turn)
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
        self._chat = self._wanted = chat
        self.opened.emit(chat)

    def title_changed(self, chat: str, title: str) -> None:
        if chat == self._chat:
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

    def _show(self, opened: flows.Opened, turn: str, highlight: str) -> None:
        if opened.chat.id != self._wanted:
            return  # the owner has moved on meanwhile
        self._chat, self._marks = opened.chat.id, opened.marks
        self._sealed.clear()
        self._page.show_title(opened.chat.title)
        self._page.show_left_out(0)
        self._page.trouble.clear()
        self._page.composer.trouble.clear()
        self._page.composer.set_draft(opened.chat.draft)
        self._page.close_panel()
        if opened.marks:
            self._page.show_turns()
            self._page.transcript.show(opened.marks, turn or None)
            self._resume()
            if turn:
                self._page.transcript.scroll_to(turn, highlight)
        else:
            self._page.show_empty()
        self._refresh_busy()
        self._measure()
        self.opened.emit(self._chat)

    def _show_branch(self, marks: Sequence[Mark], at: str) -> None:
        self._marks = marks
        self._page.transcript.show(marks, at)
        self._measure()

    def _resume(self) -> None:
        """The chat in view is being answered: hand over what was written while nobody looked."""
        live = self._live.get(self._chat)
        if live is None or live.turn is None:
            return
        self._page.transcript.provide([replace(live.turn, text=live.text)])
        self._page.transcript.begin_answer(replace(live.turn, text=live.text))
        if live.notice:
            self._page.transcript.set_notice(live.turn.id, live.notice)

    def _provide(self, ids: list[str]) -> None:
        chat = self._chat
        self._bridge.call(lambda: self._conversations.turns(ids), lambda turns: self._hand_over(chat, turns))

    def _hand_over(self, chat: str, turns: Sequence[Turn]) -> None:
        """Give the transcript what was read, unless more is known by now than when it was read."""
        if chat != self._chat:
            return
        live = self._live.get(chat)
        writing = live.turn.id if live is not None and live.turn is not None else ""
        known = [self._sealed.get(turn.id, turn) for turn in turns]
        self._page.transcript.provide(
            [replace(turn, text=live.text) if live is not None and turn.id == writing else turn for turn in known]
        )

    def _follow(self, live: Live, flow: Callable[[Stop], Any]) -> None:
        self._page.trouble.clear()
        self._page.show_left_out(0)
        self._live[live.chat] = live
        live.job = self._bridge.run(
            flow,
            steps=partial(self._take, live),
            failed=partial(self._fail, live),
            words=self.tr("Answering"),
        )
        live.job.ended.connect(lambda: self._end(live))
        self._refresh_busy()

    def _take(self, live: Live, steps: list[Any]) -> None:
        """Steps as they come, words of one batch joined: a paint for each token would be too many."""
        words: list[str] = []
        for step in steps:
            if isinstance(step, Words):
                words.append(step.text)
                continue
            self._add_words(live, words)
            self._take_one(live, step)
        self._add_words(live, words)

    def _add_words(self, live: Live, words: list[str]) -> None:
        if not words or live.turn is None:
            return
        text = "".join(words)
        words.clear()
        live.text += text
        live.notice = ""
        if self._sees(live):
            self._page.transcript.add_words(live.turn.id, text)

    def _take_one(self, live: Live, step: Any) -> None:
        if isinstance(step, flows.Created):
            self._settle_new_chat(live, step.chat.id)
        elif isinstance(step, Asked):
            self._took_question(live, step.turn)
        elif isinstance(step, flows.Branch):
            if self._sees(live):
                self._show_branch(step.marks, step.marks[-1].id if step.marks else "")
        elif isinstance(step, Began):
            self._began(live, step.turn)
        elif isinstance(step, LeftOut):
            if self._sees(live):
                self._page.show_left_out(step.turns)
                self._page.show_meter(step.context.tokens, step.context.limit)
        elif isinstance(step, Answered):
            self._finished(live, step.turn)
        elif isinstance(step, Loading | Reading | Notice):
            self._notice(live, step)

    def _settle_new_chat(self, live: Live, chat: str) -> None:
        self._live.pop(live.chat, None)
        in_view = self._chat == live.chat
        live.chat = chat
        self._live[chat] = live
        if in_view:
            self._chat = self._wanted = chat
            self.opened.emit(chat)
            self._refresh_busy()

    def _took_question(self, live: Live, turn: Turn) -> None:
        live.asked = turn
        self.chats_changed.emit()
        if not self._sees(live):
            return
        ids = {mark.id for mark in self._marks}
        if turn.parent is None and ids:
            return  # a new branch from the root: its outline follows
        if turn.parent is not None and (not self._marks or self._marks[-1].id != turn.parent):
            return  # a new branch from inside: the same
        self._marks = (*self._marks, Mark(turn.id, Role.USER, len(turn.text), 0, 1))
        self._page.show_turns()
        self._page.transcript.append_question(turn)

    def _began(self, live: Live, turn: Turn) -> None:
        live.turn = turn
        if not self._sees(live):
            return
        if turn.id not in {mark.id for mark in self._marks}:
            self._marks = (*self._marks, Mark(turn.id, Role.ASSISTANT, 0, 0, 1))
        self._page.transcript.begin_answer(turn)

    def _notice(self, live: Live, step: Loading | Reading | Notice) -> None:
        if isinstance(step, Loading):
            live.notice = self.tr("Loading {0}: {1} %").format(step.name, round(step.done * 100))
            if step.done >= 1:
                self.model_changed.emit()
        elif isinstance(step, Reading):
            live.notice = self.tr("Reading: {0:,} of {1:,} tokens").format(step.done, step.total)
        else:
            live.notice = step.words
        if live.turn is not None and self._sees(live):
            self._page.transcript.set_notice(live.turn.id, live.notice)

    def _finished(self, live: Live, turn: Turn) -> None:
        live.turn = turn
        if self._sees(live):
            self._sealed[turn.id] = turn
        self.chats_changed.emit()
        self.model_changed.emit()
        if self._sees(live):
            self._page.transcript.finish_answer(turn)
        if turn.provenance is not None and self._sees(live):
            context = turn.provenance.context
            self._page.show_meter(context.tokens + turn.provenance.tokens, context.limit)

    def _fail(self, live: Live, error: FreeholdError) -> None:
        if not self._sees(live):
            return  # the answer is sealed as broken and says so when its chat is opened
        if live.turn is not None:
            self._page.transcript.fail(live.turn.id, error.title, error.next_step, error.detail)
        elif live.asked is not None or not live.question:
            self._page.trouble.show_error(error)
        else:  # nothing was saved: the words go back to where they were written
            if not self._page.composer.text().strip():
                self._page.composer.set_draft(live.question)
            self._page.composer.trouble.show_error(error)

    def _end(self, live: Live) -> None:
        if self._live.get(live.chat) is live:
            del self._live[live.chat]
        self._refresh_busy()

    def _sees(self, live: Live) -> bool:
        return live.chat == self._chat and self._live.get(live.chat) is live

    def _refresh_busy(self) -> None:
        self._page.composer.set_busy(self._chat in self._live)

    def _measure(self) -> None:
        chat = self._chat
        if not chat:
            self._page.show_meter(0, 0)
            return
        self._bridge.run(
            lambda _stop: self._household.assistant.measure(chat),
            done=lambda context: self._show_meter(chat, context),
            failed=lambda _error: None,  # a meter that cannot be read is left empty; asking will say why
        )

    def _show_meter(self, chat: str, context: Context) -> None:
        if chat == self._chat:
            self._page.show_meter(context.tokens, context.limit)

    def _show_details(self, turn: str) -> None:
        self._bridge.call(lambda: self._conversations.turns([turn])[0], self.details_shown.emit)

    def keep_draft(self) -> None:
        draft = self._page.composer.take_draft()
        if draft is not None:
            self._save_draft(draft)

    def _save_draft(self, text: str) -> None:
        chat = self._chat
        if chat:
            self._bridge.call(lambda: self._conversations.save_draft(chat, text), lane="draft")
        elif text.strip() and not self._is_drafting:
            self._is_drafting = True
            job = self._bridge.call(lambda: self._start_with_draft(text), self._took_draft, lane="draft")
            job.ended.connect(self._end_drafting)

    def _start_with_draft(self, text: str) -> str:
        """Runs on a thread: a chat for a draft that has none."""
        chat = self._conversations.create().id
        self._conversations.save_draft(chat, text)
        return chat

    def _took_draft(self, chat: str) -> None:
        if not self._wanted:
            self.adopt(chat)
        self.chats_changed.emit()

    def _end_drafting(self) -> None:
        self._is_drafting = False
        question, self._question = self._question, ""
        if question:
            self.ask(question)
