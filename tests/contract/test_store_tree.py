"""The tree of turns under any order of wishes, crashes included: the store does what three dictionaries would."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from freehold.chats.conversations import Conversations
from freehold.chats.values import Ending
from support.chats import MemoryConversations
from support.vaults import InProcess, closed_safe, open_safe

WORDS = st.text(st.sampled_from('ab \n"*ü\x00\ud800😀'), max_size=12)


class Tree(RuleBasedStateMachine):
    """Every rule does the same to both; `same` maps the ids of one to those of the other."""

    chats = Bundle("chats")
    turns = Bundle("turns")
    unsealed = Bundle("unsealed")

    @initialize()
    def open_both(self):
        self.folder = tempfile.TemporaryDirectory()
        self.safe = open_safe(Path(self.folder.name))
        self.store = Conversations(InProcess(self.safe))
        self.model = MemoryConversations()
        self.same = {None: None}
        self.chat_of = {}

    def teardown(self):
        self.safe.close()
        self.folder.cleanup()

    @rule(target=chats, title=WORDS.map(lambda text: text.replace("\ud800", "").replace("\0", "")))
    def create(self, title):
        mine, theirs = self.model.create(title), self.store.create(title)
        self.same[mine.id] = theirs.id
        return mine.id

    @rule(target=turns, chat=chats, text=WORDS)
    def ask_at_the_root(self, chat, text):
        return self._said(chat, "ask", text, None)

    @rule(target=turns, parent=turns, text=WORDS)
    def ask_below(self, parent, text):
        return self._said(self.chat_of[parent], "ask", text, parent)

    @rule(target=unsealed, parent=turns)
    def begin_answer(self, parent):
        return self._said(self.chat_of[parent], "begin_answer", parent)

    @rule(turn=unsealed, text=WORDS)
    def extend(self, turn, text):
        self.model.extend(turn, text)
        self.store.extend(self.same[turn], text)

    @rule(target=turns, turn=consumes(unsealed), ending=st.sampled_from(Ending), text=st.none() | WORDS)
    def seal(self, turn, ending, text):
        self.model.seal(turn, ending, tokens=[1, 2], text=text)
        self.store.seal(self.same[turn], ending, tokens=[1, 2], text=text)
        return turn

    @rule(turn=turns)
    def show(self, turn):
        assert self.same[self.model.show(turn)] == self.store.show(self.same[turn])

    @rule(turn=turns)
    def siblings(self, turn):
        assert [self.same[id] for id in self.model.siblings(turn)] == self.store.siblings(self.same[turn])

    @rule(chat=chats, text=WORDS)
    def draft(self, chat, text):
        self.model.save_draft(chat, text.replace("\ud800", "").replace("\0", ""))
        self.store.save_draft(self.same[chat], text.replace("\ud800", "").replace("\0", ""))

    @rule(chat=chats)
    def into_the_trash_and_back(self, chat):
        for one, id in ((self.model, chat), (self.store, self.same[chat])):
            one.move_to_trash(id)
            assert [c.id for c in one.list(trash=True)] == [id]
            one.restore(id)

    @rule()
    def lock_and_open_again(self):
        self.safe.close()
        self.safe.unlock_raw(bytes(range(32)))

    @rule()
    def die_and_open_again(self):
        """As a kill leaves it: the log is not folded in, and the database is opened by a new process."""
        log = {path: path.read_bytes() for path in (Path(self.folder.name) / "home" / "vault").iterdir()}
        self.safe.close()
        for path, content in log.items():
            path.write_bytes(content)
        self.safe = closed_safe(Path(self.folder.name))
        self.safe.unlock_raw(bytes(range(32)))
        self.store = Conversations(InProcess(self.safe))

    @invariant()
    def both_are_the_same(self):
        mine, theirs = self.model.list(), self.store.list()
        assert [self._translated(chat) for chat in mine] == [replace(c, created=1.0, updated=1.0) for c in theirs]
        for chat in mine:
            there = self.same[chat.id]
            for name in ("tree", "branch"):
                said = [self._translated_turn(turn) for turn in getattr(self.model, name)(chat.id)]
                assert said == [replace(turn, created=1.0) for turn in getattr(self.store, name)(there)]
            marks = [replace(mark, id=self.same[mark.id]) for mark in self.model.outline(chat.id)]
            assert marks == self.store.outline(there)

    def _said(self, chat, how, *args):
        """args end with the parent."""
        mine = getattr(self.model, how)(chat, *args)
        theirs = getattr(self.store, how)(self.same[chat], *args[:-1], self.same[args[-1]])
        self.same[mine.id] = theirs.id
        self.chat_of[mine.id] = chat
        return mine.id

    def _translated(self, chat):
        return replace(chat, id=self.same[chat.id], leaf=self.same[chat.leaf])

    def _translated_turn(self, turn):
        return replace(turn, id=self.same[turn.id], chat=self.same[turn.chat], parent=self.same[turn.parent])


Tree.TestCase.settings = settings(
    max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestTheTreeOfTurns = Tree.TestCase
