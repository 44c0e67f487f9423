"""What the vault noticed when it opened, said in the window: over a real vault, and over a fake one where that does."""

from __future__ import annotations

import os
import signal

import pytest

from freehold.chats.conversations import Conversations
from freehold.desktop.vault_watch import older_words
from support.desk import Desk, FakeVault
from support.furnished import ROOMS, WORKER
from support.vaults import InProcess, open_safe, open_vault, profile_in

pytest_plugins = ("support.qt",)


@pytest.fixture
def opened(qt, tmp_path):
    desks = []

    def make(vault):
        desks.append(Desk(qt, tmp_path, vault=vault).start())
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()
        desk.house.vault.lock()


def notice(desk):
    return desk.window._notice


def card(desk):
    return desk.page("settings").vault


def test_an_older_database_put_back_is_said_at_opening_and_in_the_card(opened, tmp_path):
    database = profile_in(tmp_path).vault / "vault.db"
    vault = open_vault(tmp_path)
    vault.lock()
    old = database.read_bytes()
    vault = open_vault(tmp_path)
    Conversations(vault).create("Said since")
    vault.lock()
    database.write_bytes(old)
    desk = opened(open_vault(tmp_path))
    assert notice(desk).isVisible()
    assert "older copy of the vault's database" in notice(desk)._title.text()
    assert "What was saved since" in notice(desk)._words.text()
    notice(desk)._act.click()
    desk.settle()
    assert not notice(desk).isVisible()
    assert desk.window.page == "settings"
    assert card(desk)._older.isVisible()
    assert "older copy of the vault's database" in card(desk)._noticed.text()
    assert "on disk" in card(desk)._size.text()


def test_after_a_kill_a_vault_that_is_whole_opens_without_a_word(opened, tmp_path):
    vault = open_vault(tmp_path)
    Conversations(vault).create("Kept")
    os.kill(vault.pid, signal.SIGKILL)
    vault.lock()
    desk = opened(open_vault(tmp_path))
    assert notice(desk) is None
    desk.do("settings")
    assert not card(desk)._older.isVisible()
    card(desk)._check.click()
    desk.settle()
    assert "as it was written" in card(desk)._checked.text()
    assert not card(desk).faults.isVisible()
    assert card(desk)._check.isEnabled()


def test_a_vault_that_is_not_whole_is_checked_after_an_unclean_end_and_said(opened, tmp_path):
    """Words of a chat are missing in the index, as a lost write would leave it."""
    safe = open_safe(tmp_path, ROOMS)
    InProcess(safe).call("chats.create", id="c" * 32, title="Gone from the index", at=1.0)
    with safe.database.transaction() as execute:
        execute("INSERT INTO found_titles (found_titles) VALUES ('delete-all')")
    safe.database.note("check due", "1")
    safe.close()
    desk = opened(open_vault(tmp_path, WORKER))
    desk.qt.until(lambda: notice(desk) is not None)
    assert notice(desk)._title.text() == "The vault is damaged"
    assert "bring that backup back" in notice(desk)._words.text()
    notice(desk)._act.click()
    desk.settle()
    assert card(desk).faults.isVisible()
    assert "found_titles" in card(desk).faults._detail.text()
    assert desk.house.vault.status().check_due
    card(desk)._check.click()
    desk.settle()
    assert card(desk).faults.isVisible()


def test_a_check_that_was_due_and_finds_nothing_says_nothing(opened):
    vault = FakeVault()
    vault.check_due = True
    desk = opened(vault)
    assert vault.checks == 1
    assert notice(desk) is None
    desk.do("settings")
    assert "as it was written" in card(desk)._checked.text()


def test_a_vault_that_noticed_nothing_is_not_checked(opened):
    vault = FakeVault()
    desk = opened(vault)
    desk.do("settings")
    assert vault.checks == 0
    assert "Reads everything" in card(desk)._checked.text()


def test_locking_takes_the_notice_away(opened):
    vault = FakeVault()
    vault.older = "vault"
    desk = opened(vault)
    assert notice(desk).isVisible()
    vault.older = ""
    desk.do("lock")
    assert notice(desk).isHidden()


@pytest.mark.parametrize("older", ["database", "header", "vault"])
def test_whatever_is_older_is_said_with_what_to_do(older):
    title, words = older_words(older)
    assert "older copy" in title
    assert "if that was not you" in words.lower()
