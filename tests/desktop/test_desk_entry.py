"""The way in: first run with at most three screens, unlocking, locking, and a profile that cannot be opened."""

from __future__ import annotations

import stat

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from freehold.desktop.passphrase import NewPassphrase, strength
from freehold.desktop.recovery_code import RecoveryCode
from freehold.foundation.errors import ModelMalformed
from support.desk import CODE, OTHERS, SMALL, STARTER, Desk, FakeModels, FakeVault

pytest_plugins = ("support.qt",)
GOOD = "four words I like"


@pytest.fixture
def opened(qt, tmp_path):
    desks = []

    def make(**given):
        desks.append(Desk(qt, tmp_path, **given).start())
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


def type_passphrase(pages, first=GOOD, second=GOOD):
    pages.welcome.fields._first.setText(first)
    pages.welcome.fields._second.setText(second)


def test_with_a_passphrase_two_screens_lead_into_an_empty_chat(opened):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    assert not pages.welcome.onward.isEnabled()
    assert not pages.welcome.keyring.isEnabled()
    assert "No keyring" in pages.welcome.keyring._words.text()
    type_passphrase(pages)
    pages.welcome.onward.click()
    desk.settle()
    assert pages.count() == 2
    assert pages.model.starter.is_chosen
    assert "tiny" in pages.model.starter._words.text()
    pages.model.onward.click()
    desk.settle()
    assert desk.window.entry is None
    assert desk.house.vault.is_open
    assert desk.house.vault.passphrase == GOOD
    assert desk.house.conversations.recovered == 1


def test_with_a_keyring_the_code_is_shown_once_then_the_model_is_chosen(opened):
    desk = opened(vault=FakeVault("new", (), keyring="GNOME Keyring"))
    pages = desk.window.entry
    pages.welcome.keyring.radio.setChecked(True)
    pages.welcome.onward.click()
    desk.settle()
    screen = pages.currentWidget()
    assert screen._code._code.text() == CODE
    screen.onward.click()
    desk.settle()
    assert screen._code._code.text() == ""
    assert pages.count() == 3


def test_the_keyboard_alone_leads_through_the_first_run(opened):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    for field in (pages.welcome.fields._first, pages.welcome.fields._second):
        QTest.keyClicks(field, GOOD)
        QTest.keyClick(field, Qt.Key.Key_Return)
    desk.settle()
    assert pages.model.starter.radio.hasFocus()
    QTest.keyClick(pages.model.starter.radio, Qt.Key.Key_Down)
    assert pages.model.recommended.is_chosen
    QTest.keyClick(pages.model.recommended.radio, Qt.Key.Key_Up)
    QTest.keyClick(pages.model.starter.radio, Qt.Key.Key_Return)
    desk.settle()
    assert desk.window.entry is None


def test_a_return_too_many_does_not_pass_the_recovery_code_by(opened):
    desk = opened(vault=FakeVault("new", (), keyring="GNOME Keyring"))
    pages = desk.window.entry
    pages.welcome.keyring.radio.setChecked(True)
    QTest.keyClick(pages.welcome.keyring.radio, Qt.Key.Key_Return)
    desk.settle()
    screen = pages.currentWidget()
    QTest.keyClick(screen, Qt.Key.Key_Return)
    desk.settle()
    assert screen._code._code.text() == CODE


def test_the_recommended_model_downloads_while_the_chat_is_open(opened):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    type_passphrase(pages)
    pages.welcome.onward.click()
    desk.settle()
    assert "2.5 GB" in pages.model.recommended._hint.text()
    pages.model.recommended.radio.setChecked(True)
    pages.model.onward.click()
    desk.qt.until(lambda: desk.house.models.chosen == SMALL.id)
    desk.settle()
    assert desk.window.entry is None
    assert desk.window.page == "chat"


def test_a_model_of_another_app_is_used_where_it_lies(opened):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    type_passphrase(pages)
    pages.welcome.onward.click()
    desk.settle()
    pages.model.found.radio.setChecked(True)
    pages.model.onward.click()
    desk.settle()
    assert desk.house.models.in_use().path == OTHERS.path


def test_a_file_that_is_no_model_is_refused_in_place(opened):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    type_passphrase(pages)
    pages.welcome.onward.click()
    desk.settle()
    desk.house.models.error = ModelMalformed("an HTML page")
    desk.shell._entry._take_in(pages, "/some/page.gguf")
    desk.settle()
    assert pages.model.trouble.isVisible()
    assert desk.window.entry is pages


def test_with_no_starter_and_nothing_found_the_screen_says_so(opened):
    desk = opened(vault=FakeVault("new", ()), models=FakeModels([SMALL], []))
    pages = desk.window.entry
    type_passphrase(pages)
    pages.welcome.onward.click()
    desk.settle()
    assert not pages.model.starter.isEnabled()
    assert not pages.model.found.isEnabled()
    assert pages.model.recommended.is_chosen


@pytest.mark.parametrize(
    ("first", "second", "good"), [(GOOD, GOOD, True), (GOOD, "other", False), ("short", "short", False)]
)
def test_a_passphrase_counts_when_it_is_typed_twice_alike_and_long_enough(qt, first, second, good):
    fields = qt.show(NewPassphrase())
    fields._first.setText(first)
    fields._second.setText(second)
    assert bool(fields.value()) is good


def test_longer_and_more_varied_is_stronger():
    assert strength("aaaaaaaaaaaaaaaa") < strength("abcdefgh1") < strength("correct horse battery staple")


def test_unlocking_with_the_passphrase(opened):
    desk = opened(vault=FakeVault("locked", ("passphrase", "recovery")))
    page = desk.window.entry
    QTest.keyClicks(page._field, "correct horse")
    QTest.keyClick(page._field, Qt.Key.Key_Return)
    desk.settle()
    assert desk.window.entry is None
    assert desk.window.actions_by_name["new-chat"].isEnabled()


def test_a_wrong_passphrase_is_said_in_place_and_can_be_corrected(opened):
    desk = opened(vault=FakeVault("locked", ("passphrase", "recovery")))
    page = desk.window.entry
    page._field.setText("wrong")
    page._unlock.click()
    desk.settle()
    assert page.trouble.isVisible()
    assert page._field.isEnabled()
    page._field.setText("correct horse")
    page._unlock.click()
    desk.settle()
    assert desk.window.entry is None


def test_the_recovery_code_opens_too(opened):
    desk = opened(vault=FakeVault("locked", ("passphrase", "recovery")))
    page = desk.window.entry
    page._other.click()
    page._field.setText(CODE)
    page._unlock.click()
    desk.settle()
    assert desk.house.vault.is_open


def test_a_keyring_opens_by_itself_and_says_when_it_cannot(opened):
    desk = opened(vault=FakeVault("locked", ("keyring", "recovery"), keyring="KWallet"))
    assert desk.house.vault.is_open


def test_a_keyring_that_fails_leaves_the_other_ways(opened):
    desk = opened(vault=FakeVault("locked", ("keyring", "recovery"), keyring=None))
    page = desk.window.entry
    assert page.trouble.isVisible()
    page._field.setText(CODE)
    page._unlock.click()
    desk.settle()
    assert desk.house.vault.is_open


def test_lock_shows_nothing_of_what_was_open(opened):
    desk = opened()
    desk.ask("my secret")
    desk.settle()
    desk.do("lock")
    assert desk.house.vault.locks == 1
    assert desk.house.engine.loaded is None
    assert desk.window.entry is not None
    assert desk.listed == []
    assert desk.transcript.said == []
    assert desk.window.chat._title.whole == "New chat"
    assert not desk.window.actions_by_name["palette"].isEnabled()
    desk.window.entry._field.setText("correct horse")
    desk.window.entry._unlock.click()
    desk.settle()
    assert desk.listed == ["Today", "my secret"]


@pytest.mark.parametrize(
    ("lends", "words"), [(True, "goes on answering your other devices"), (False, "Nothing of Freehold")]
)
def test_the_lock_screen_says_whether_other_devices_are_still_answered(opened, lends, words):
    desk = opened()
    if lends:
        desk.house.lending.start()
    desk.do("lock")
    desk.settle()
    assert words in desk.window.entry._locked.text()
    assert desk.house.lending.is_on is lends


def test_erasing_everything_ends_lending_too(opened):
    desk = opened()
    desk.house.lending.start()
    desk.shell._erase(models=False)
    desk.settle()
    assert not desk.house.lending.is_on


def test_a_vault_locked_by_a_command_closes_the_window_too_and_opens_it_again(opened):
    desk = opened()
    desk.ask("hello")
    desk.settle()
    desk.house.vault.lock()
    desk.shell._beat()
    desk.settle()
    assert desk.window.entry is not None
    assert desk.house.vault.locks == 2  # the command's, and the window's own to be sure
    desk.house.vault.unlock(passphrase="correct horse")
    desk.shell._beat()
    desk.settle()
    assert desk.window.page == "chat"


def test_locking_by_hand_does_not_ask_the_keyring_again(opened):
    desk = opened(vault=FakeVault("open", ("keyring", "recovery"), keyring="KWallet"))
    desk.do("lock")
    assert not desk.house.vault.is_open


def test_an_idle_window_locks_unless_it_is_working(opened):
    desk = opened()
    assert desk.shell._idle.isActive()
    gate = desk.bridge.run(lambda stop: stop.wait(20), words="Answering")
    desk.shell._idle.timeout.emit()
    assert desk.house.vault.is_open
    gate.stop.set()
    desk.settle()
    desk.shell._idle.timeout.emit()
    desk.settle()
    assert not desk.house.vault.is_open


def test_a_saved_recovery_code_is_readable_by_its_owner_alone(qt, tmp_path):
    shown = qt.show(RecoveryCode())
    shown.show_code(CODE)
    shown.save(str(tmp_path / "code.txt"))
    assert CODE in (tmp_path / "code.txt").read_text()
    assert stat.S_IMODE((tmp_path / "code.txt").stat().st_mode) == 0o600
    shown.save(str(tmp_path / "no" / "code.txt"))
    assert "could not be saved" in shown._said.text()


def test_the_starter_is_what_answers_at_first(opened):
    desk = opened()
    assert desk.window.chat._empty._model.text() == f"{STARTER.name} answers, on this computer."


def test_a_backup_is_brought_back_into_a_new_profile(opened, tmp_path):
    desk = opened(vault=FakeVault("new", ()))
    pages = desk.window.entry
    desk.shell._entry.look_into(pages, tmp_path / "letter.odt")
    desk.settle()
    assert pages.welcome.trouble.isVisible()
    desk.shell._entry.look_into(pages, tmp_path / "all.backup")
    desk.settle()
    page = desk.window.entry
    page._field.setText("wrong")
    page._unlock.click()
    desk.settle()
    assert page.trouble.isVisible()
    page._field.setText("theirs")
    page._unlock.click()
    desk.settle()
    assert desk.window.entry is None
    assert desk.house.conversations.recovered == 1


def test_who_chose_the_wrong_backup_goes_back_to_the_first_screen(opened, tmp_path):
    desk = opened(vault=FakeVault("new", ()))
    desk.shell._entry.look_into(desk.window.entry, tmp_path / "all.backup")
    desk.settle()
    desk.window.entry._back.click()
    desk.settle()
    assert desk.window.entry.welcome.onward is not None
