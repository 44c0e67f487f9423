"""`kill -9` of the vault process at random moments: what was acknowledged is there, and nothing needs a repair."""

from __future__ import annotations

import os
import random
import signal
import threading

import pytest

from freehold.chats.conversations import Conversations
from freehold.chats.values import Ending
from freehold.foundation.errors import FreeholdError, VaultLocked, WorkerStopped
from support.vaults import RAW_KEY, open_vault, opened, profile_in, vault_in
from support.workers import wait_until

ROUNDS = 15


class Talk:
    """Questions and growing answers as fast as they go, and what was acknowledged of them."""

    def __init__(self, vault, chat):
        self.conversations, self.chat = Conversations(vault), chat
        self.kept: dict[str, tuple[str, Ending | None]] = {}
        self.growing: dict[str, str] = {}
        self.leaf: str | None = None

    def until_killed(self):
        try:
            while True:
                self.one_round()
        except FreeholdError as error:
            assert isinstance(error, WorkerStopped | VaultLocked), error

    def one_round(self):
        text = f"question {len(self.kept)} " * 20
        question = self.conversations.ask(self.chat, text, self.leaf)
        self.kept[question.id] = (text, None)
        answer = self.conversations.begin_answer(self.chat, question.id)
        said = ""
        for number in range(3):
            self.growing[answer.id] = said
            self.conversations.extend(answer.id, f"word {number} " * 30)
            said += f"word {number} " * 30
        self.conversations.seal(answer.id, Ending.COMPLETE)
        self.kept[answer.id] = (said, Ending.COMPLETE)
        self.leaf = answer.id


def test_nothing_acknowledged_is_lost_in_any_of_fifteen_kills(tmp_path):
    dice = random.Random(7)
    with opened(tmp_path) as vault:
        chat = Conversations(vault).create("Talk").id
    told: dict[str, tuple[str, Ending | None]] = {}
    for number in range(ROUNDS):
        vault = open_vault(tmp_path)
        talk = Talk(vault, chat)
        talk.conversations.recover()
        talk.leaf = talk.conversations.leaf(chat)
        if number % 3 == 2:
            talk.conversations.erase(talk.conversations.create("short lived").id)
        killer = threading.Timer(dice.uniform(0.0, 0.15), os.kill, (vault.pid, signal.SIGKILL))
        killer.start()
        talk.until_killed()
        killer.join()
        told |= talk.kept
        vault.lock()
        with opened(tmp_path) as again:
            conversations = Conversations(again)
            conversations.recover()
            kept = {turn.id: turn for turn in conversations.turns(list(told))}
            assert {id: (kept[id].text, kept[id].ending) for id in told} == told
            for id, said in talk.growing.items():
                assert conversations.turns([id])[0].text.startswith(said)
            assert again.check() == []
    assert len(told) > ROUNDS  # or nothing was tested


def test_after_a_kill_a_vault_opened_by_hand_says_that_it_is_locked(tmp_path):
    vault = open_vault(tmp_path)
    deaths = []
    vault._died = deaths.append
    os.kill(vault.pid, signal.SIGKILL)
    wait_until(lambda: not vault.is_open)
    with pytest.raises(VaultLocked):
        Conversations(vault).list()
    assert vault.status().state == "locked"
    assert len(deaths) == 1
    vault.unlock(raw=RAW_KEY)
    assert Conversations(vault).list() == []
    vault.lock()


def test_a_kill_while_the_vault_is_made_leaves_none_or_a_whole_one(tmp_path):
    dice = random.Random(3)
    for number in range(6):
        folder = tmp_path / str(number)
        vault = vault_in(folder)
        vault.status()
        killer = threading.Timer(dice.uniform(0.0, 0.08), os.kill, (vault.pid, signal.SIGKILL))
        killer.start()
        try:
            vault.create(raw=RAW_KEY)
        except FreeholdError as error:
            assert isinstance(error, WorkerStopped | VaultLocked)
        killer.join()
        vault.lock()
        with opened(folder) as again:  # makes it, or opens it
            assert Conversations(again).list() == []
        assert not (profile_in(folder).vault / "vault.db.new").exists()


def test_a_kill_during_erasure_still_ends_in_erasure(tmp_path):
    """The wish is in the same transaction as the deletion; the log is emptied at the next open at the latest."""
    vault = open_vault(tmp_path)
    conversations = Conversations(vault)
    chat = conversations.create("doomed")
    parent = None
    for number in range(40):
        parent = conversations.ask(chat.id, f"the word zanzibar {number}", parent).id
    killer = threading.Timer(0.004, os.kill, (vault.pid, signal.SIGKILL))
    killer.start()
    try:
        conversations.erase(chat.id)
    except FreeholdError:
        pass
    killer.join()
    vault.lock()
    with opened(tmp_path) as again:
        chats, found = Conversations(again).list(), Conversations(again).search("zanzibar")
        assert (len(chats), len(found)) in ((0, 0), (1, 40))
