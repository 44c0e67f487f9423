"""The vault's cards on the settings page: what opens it, the recovery kit, backups, erasing everything."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QPdfWriter

from freehold.desktop.backup_card import counts_words
from freehold.desktop.recovery_code import RecoveryCode
from freehold.processes.replacing import Handed
from support.desk import CODE, Desk, FakeVault

pytest_plugins = ("support.qt",)


@pytest.fixture
def opened(qt, tmp_path):
    desks = []

    def make(**given):
        desks.append(Desk(qt, tmp_path, **given).start())
        desks[-1].do("settings")
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def keys(desk):
    return desk.page("settings").vault


def backups(desk):
    return desk.page("settings").backups


def test_a_recovery_kit_is_shown_once_with_all_that_a_stranger_needs(opened, tmp_path):
    desk = opened()
    card = keys(desk)
    card._code_button.click()
    desk.settle()
    assert card.code._code.text() == CODE
    assert "restored with this code in a trial" in card.said.text()
    card.code.save(str(tmp_path / "kit.txt"))
    kit = (tmp_path / "kit.txt").read_text()
    assert CODE in kit
    assert "freehold vault restore" in kit
    assert "not encrypted" in card.code._said.text()
    card._done.click()
    assert card.code._code.text() == ""
    assert card.code._page == ""
    assert not card._shown.isVisible()


def test_a_kit_goes_to_a_printer(qt, tmp_path):
    shown = qt.show(RecoveryCode())
    shown.show_code(CODE, f"FREEHOLD RECOVERY KIT\n\n{CODE}\n")
    shown.print_on(QPdfWriter(str(tmp_path / "kit.pdf")))
    assert (tmp_path / "kit.pdf").read_bytes().startswith(b"%PDF")
    assert "printer" in shown._said.text()


def test_a_code_that_was_written_down_is_tried_in_a_real_restore(opened):
    desk = opened()
    card = keys(desk)
    card._try.click()
    card._written.setText("not the code")
    card._try_now.click()
    desk.settle()
    assert card.trouble.isVisible()
    card._written.setText(CODE)
    card._try_now.click()
    desk.settle()
    assert "It works" in card.said.text()
    assert card._written.text() == ""


def test_the_keyring_is_added_and_taken_away_again(opened):
    desk = opened(vault=FakeVault("open", ("passphrase",), keyring="GNOME Keyring"))
    card = keys(desk)
    assert "GNOME Keyring" in card._keyring_words.text()
    card._keyring.click()
    desk.settle()
    assert desk.house.vault.slots == ("passphrase", "keyring")
    assert "Stop" in card._keyring.text()
    card._keyring.click()
    desk.settle()
    assert desk.house.vault.slots == ("passphrase",)


def test_without_a_safe_keyring_the_card_says_so(opened):
    card = keys(opened(vault=FakeVault("open", ("passphrase",))))
    assert not card._keyring.isEnabled()
    assert "No keyring" in card._keyring_words.text()


def test_a_backup_is_written_and_its_place_said(opened, tmp_path):
    desk = opened()
    backups(desk).backup_asked.emit(str(tmp_path / "all.backup"))
    assert backups(desk)._progress.isVisible()
    desk.settle()
    assert (tmp_path / "all.backup").exists()
    assert "all.backup" in backups(desk).said.text()
    assert not backups(desk)._progress.isVisible()


def test_the_difference_is_seen_before_anything_is_added(opened):
    desk = opened()
    card = backups(desk)
    card.look_into("/media/all.backup")
    desk.settle()
    assert "3 chats, 41 turns, 1 document" in card._difference.text()
    assert desk.house.vault.taken_in == 0
    card._add.click()
    desk.settle()
    assert desk.house.vault.taken_in == 1
    assert card.said.text().startswith("Added: 3 chats")
    assert not card._found.isVisible()


def test_a_difference_that_is_not_wanted_changes_nothing(opened):
    desk = opened()
    backups(desk).look_into("/media/all.backup")
    desk.settle()
    backups(desk)._leave.click()
    assert not backups(desk)._found.isVisible()
    assert desk.house.vault.taken_in == 0


def test_a_backup_of_another_vault_asks_for_what_opens_it(opened):
    desk = opened()
    desk.house.vault.foreign = True
    card = backups(desk)
    card.look_into("/media/theirs.backup")
    desk.settle()
    assert card._foreign.isVisible()
    card._secret.setText("wrong")
    card._look.click()
    desk.settle()
    assert card.trouble.isVisible()
    card._secret.setText("theirs")
    card._look.click()
    desk.settle()
    card._add.click()
    desk.settle()
    assert desk.house.vault.taken_in == 1
    assert card._secret.text() == ""


@pytest.mark.parametrize("models", [True, False])
def test_everything_is_erased_only_after_the_word_was_typed(opened, models):
    desk = opened()
    card = backups(desk)
    card._erase.click()
    card._models.setChecked(models)
    card._word.setText("eras")
    assert not card._really.isEnabled()
    card._word.setText("erase")
    card._really.click()
    desk.settle()
    assert desk.house.vault.erased == ("with models" if models else "without models")
    assert desk.house.vault.locks == 1, "nothing works in it any more"
    assert hasattr(desk.window.entry, "welcome"), "a fresh profile's first run"


def test_counts_are_said_in_words():
    assert counts_words({"chats": {"chats": 1, "turns": 1200}, "library": {"documents": 0}}) == "1 chat, 1,200 turns"
    assert counts_words({"chats": {"chats": 0}}) == ""


def test_after_a_lock_by_a_new_process_the_chat_in_view_comes_back(qt, tmp_path):
    from freehold.desktop.shell import Shell

    desk = Desk(qt, tmp_path, vault=FakeVault("locked", ("passphrase", "keyring"), keyring="KWallet"))
    chat = desk.house.say("Where were we?", "Here.")
    desk.house.say("Another", "One.")
    desk.shell = Shell(desk.house, desk.window, desk.appearance, desk.bridge, leaves=True, handed=Handed(chat=chat))
    desk.start()
    assert not desk.house.vault.is_open, "the keyring is not asked by itself"
    assert "new one" in desk.window.entry._locked.text()
    desk.window.entry._field.setText("correct horse")
    desk.window.entry._unlock.click()
    desk.settle()
    assert desk.shell._chat.chat == chat
    desk.close()
