"""Follows the answers being written, wherever the owner looks meanwhile, and shows those of the chat in view."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from freehold.assistant.values import Answered, Asked, Began, LeftOut, Loading, Notice, Reading, Sources, Words
from freehold.chats.values import Attachment, Mark, Role, Turn
from freehold.desktop import chat_flows as flows
from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.in_view import InView
from freehold.desktop.source_words import found_words
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop


@dataclass(slots=True)
class Live:
    """An answer being written: what is known of it, for when its chat comes back into view."""

    chat: str
    question: str
    files: tuple[Attachment, ...] = ()
    job: Job | None = None
    asked: Turn | None = None
    turn: Turn | None = None
    text: str = ""
    leaves: bool = False  # a device is asked
    found: str = ""  # what its documents gave
    notice: str = ""


class Answering(QObject):
    """Any number of answers, one a chat. `answered` carries one that ended in view, `returned` what was not saved."""

    chats_changed = Signal()
    model_changed = Signal()
    settled = Signal(str)  # the new chat in view has its place
    branched = Signal(object, str)
    answered = Signal(object)
    ended = Signal()
    returned = Signal(str, object)

    def __init__(self, bridge: Bridge, page: ChatPage, view: InView) -> None:
        super().__init__()
        self._bridge, self._page, self._view = bridge, page, view
        self._live: dict[str, Live] = {}

    @property
    def is_going_on(self) -> bool:
        return bool(self._live)

    @property
    def is_in_view(self) -> bool:
        """The chat in view is being answered."""
        return self._view.chat in self._live

    def stop(self) -> None:
        live = self._live.get(self._view.chat)
        if live is not None and live.job is not None:
            live.job.stop.set()

    def stop_all(self) -> None:
        """Stop every answer, in view or not; what was said is kept."""
        for live in self._live.values():
            if live.job is not None:
                live.job.stop.set()

    def forget(self) -> None:
        self.stop_all()
        self._live.clear()

    def follow(self, live: Live, flow: Callable[[Stop], Any], words: str) -> None:
        """Run `flow` and show its steps while its chat is in view; `words` say in the bottom line what goes on."""
        self._page.trouble.clear()
        self._page.show_left_out(0)
        self._live[live.chat] = live
        live.job = self._bridge.run(
            flow,
            steps=partial(self._take, live),
            failed=partial(self._fail, live),
            words=words,
        )
        live.job.ended.connect(lambda: self._end(live))
        self.refresh_busy()

    def resume(self) -> None:
        """The chat in view is being answered: hand over what was written while nobody looked."""
        live = self._live.get(self._view.chat)
        if live is None or live.turn is None:
            return
        self._page.transcript.provide([replace(live.turn, text=live.text)])
        self._page.transcript.begin_answer(replace(live.turn, text=live.text), leaves=live.leaves)
        if live.notice:
            self._page.transcript.set_notice(live.turn.id, live.notice)

    def known(self, turns: Sequence[Turn]) -> list[Turn]:
        """`turns` as they were read, but for those of which more is known by now."""
        live = self._live.get(self._view.chat)
        writing = live.turn.id if live is not None and live.turn is not None else ""
        newest = [self._view.sealed.get(turn.id, turn) for turn in turns]
        return [replace(turn, text=live.text) if live is not None and turn.id == writing else turn for turn in newest]

    def refresh_busy(self) -> None:
        self._page.composer.set_busy(self.is_in_view)

    def _sees(self, live: Live) -> bool:
        return live.chat == self._view.chat and self._live.get(live.chat) is live

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
        match step:
            case flows.Created():
                self._settle(live, step.chat.id)
            case Asked():
                self._took_question(live, step.turn)
            case flows.Branch():
                if self._sees(live):
                    self.branched.emit(step.marks, step.marks[-1].id if step.marks else "")
            case Began():
                self._began(live, step.turn)
            case LeftOut():
                if self._sees(live):
                    self._page.show_left_out(step.turns)
                    self._page.show_meter(step.context.tokens, step.context.limit)
            case Answered():
                self._finished(live, step.turn)
            case Sources() | Loading() | Reading() | Notice():
                self._notice(live, step)

    def _settle(self, live: Live, chat: str) -> None:
        self._live.pop(live.chat, None)
        in_view = self._view.chat == live.chat
        live.chat = chat
        self._live[chat] = live
        if in_view:
            self.settled.emit(chat)
            self.refresh_busy()

    def _took_question(self, live: Live, turn: Turn) -> None:
        live.asked = turn
        self.chats_changed.emit()
        if not self._sees(live):
            return
        marks = self._view.marks
        if turn.parent is None and marks:
            return  # a new branch from the root: its outline follows
        if turn.parent is not None and (not marks or marks[-1].id != turn.parent):
            return  # a new branch from inside: the same
        self._view.marks = (*marks, Mark(turn.id, Role.USER, len(turn.text), 0, 1))
        self._page.show_turns()
        self._page.transcript.append_question(turn)

    def _began(self, live: Live, turn: Turn) -> None:
        live.turn = turn
        if not self._sees(live):
            return
        if turn.id not in {mark.id for mark in self._view.marks}:
            self._view.marks = (*self._view.marks, Mark(turn.id, Role.ASSISTANT, 0, 0, 1))
        self._page.transcript.begin_answer(turn, leaves=live.leaves)

    def _notice(self, live: Live, step: Sources | Loading | Reading | Notice) -> None:
        if isinstance(step, Sources):
            documents = len({passage.document for passage in step.passages})
            live.found = found_words(len(step.passages), documents) if step.holds else ""
            words = ""
        elif isinstance(step, Loading):
            words = self.tr("Loading {0}: {1} %").format(step.name, round(step.done * 100))
            if step.done >= 1:
                self.model_changed.emit()
        elif isinstance(step, Reading):
            words = self.tr("Reading: {0:,} of {1:,} tokens").format(step.done, step.total)
        else:
            words = step.words
        live.notice = ". ".join(filter(None, (live.found, words)))
        if live.turn is not None and self._sees(live):
            self._page.transcript.set_notice(live.turn.id, live.notice)

    def _finished(self, live: Live, turn: Turn) -> None:
        live.turn = turn
        self.chats_changed.emit()
        self.model_changed.emit()
        if not self._sees(live):
            return
        self._view.sealed[turn.id] = turn
        self._page.transcript.finish_answer(turn)
        if turn.provenance is not None and turn.provenance.context.limit:
            context = turn.provenance.context
            self._page.show_meter(context.tokens + turn.provenance.tokens, context.limit)
        self.answered.emit(turn)

    def _fail(self, live: Live, error: FreeholdError) -> None:
        if not self._sees(live):
            return  # the answer is sealed as broken and says so when its chat is opened
        if live.turn is not None:
            self._page.transcript.fail(live.turn.id, error.title, error.next_step, error.detail)
        elif live.asked is not None or not live.question:
            self._page.trouble.show_error(error)
        else:  # nothing was saved: the words and files go back to where they were
            self.returned.emit(live.question, live.files)
            self._page.composer.trouble.show_error(error)

    def _end(self, live: Live) -> None:
        if self._live.get(live.chat) is live:
            del self._live[live.chat]
        self.refresh_busy()
        self.ended.emit()
