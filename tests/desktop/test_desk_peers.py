"""The Peers page: a first key, the toggle, pairing, what devices may, what they signed, lending."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest

from freehold.chats.values import Ending
from freehold.foundation.errors import KeyMissing, PeerUnreachable, UsageError
from freehold.foundation.stop import Stop
from freehold.market.errors import LendingFailed
from freehold.market.lending.shared import LentJob
from freehold.market.receipts import Verdict
from freehold.market.records import Check
from freehold.network.peer_values import Found
from support.desk import Desk, provenance
from support.fake_peers import CODE, DESK, LARGE, MIDDLE, STUDIO, WORDS, weights_of

pytest_plugins = ("support.qt",)


@pytest.fixture
def bare(qt, tmp_path):
    """A window whose owner has no key yet."""
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path)
    made.house.keys._has_key = True
    made.house.models.models.append(weights_of(LARGE))
    made.start()
    yield made
    made.close()


def page(desk):
    desk.do("peers")
    return desk.page("peers")


def rows(desk):
    return [one.device for one in desk.page("peers").devices.rows]


def side(desk) -> str:
    return desk.window.sidebar._pages["peers"].accessibleName()


def pair(desk, code: str = CODE) -> None:
    form = page(desk).devices.pairing
    desk.house.peers.near = [Found("Desk", "192.168.1.20", 47017, "ab" * 8)]
    desk.do("pair-device")
    form._search.click()
    desk.settle()
    form._code.setText(code)
    form._pair.click()
    desk.settle()


def test_without_a_key_the_page_says_what_it_is_for_and_makes_one(bare):
    shown = page(bare)
    assert not shown.first.isHidden()
    assert shown._everything.isHidden()
    assert not bare.house.keys.has_key()
    shown.first.make.click()
    bare.settle()
    assert bare.house.keys.has_key()
    assert shown.first.isHidden()
    assert "0x5aAeb" in shown.key._address.whole
    assert "Export it" in shown.key.said.text()


def test_a_key_that_cannot_be_made_is_said_in_place(bare):
    bare.house.keys.error = UsageError("there is a key already")
    shown = page(bare)
    shown.first.make.click()
    bare.settle()
    assert shown.first.trouble.isVisible()
    assert shown.first.make.isEnabled()


def test_deeds_that_need_a_key_lead_to_the_page_that_makes_one(bare):
    for deed in ("pair-device", "toggle-peers", "pause-peers", "verify-receipt", "export-key"):
        bare.do(deed)
        assert bare.window.page == "peers"
    assert bare.house.peers.offload == "off"
    assert bare.page("peers").first.isVisible()


def test_the_toggle_is_off_until_it_is_turned_on_and_the_composer_follows(desk, qt):
    desk.house.peers.put(DESK, "Desk")
    shown = page(desk)
    assert not shown.switch.isChecked()
    assert shown._pill.accessibleName() == "Nothing leaves"
    assert side(desk) == "Peers, off"
    desk.do("toggle-peers")
    assert desk.house.peers.offload != "off"
    assert shown._pill.accessibleName() == "Words may leave this computer"
    qt.until(lambda: side(desk) == "Peers, on, 1 paired")
    desk.settle()
    assert desk.window.chat.composer.where.words == "Desk"
    shown.switch.click()
    desk.settle()
    qt.until(lambda: side(desk) == "Peers, off")
    desk.settle()
    assert desk.window.chat.composer.where.words == "Here"


def test_a_toggle_that_was_refused_shows_how_it_stands(desk):
    desk.house.peers.error = KeyMissing()
    shown = page(desk)
    shown.switch.click()
    desk.settle()
    assert not shown.switch.isChecked()
    assert shown.trouble.isVisible()


def test_what_another_command_changed_is_seen(desk, qt):
    desk.house.peers.put(DESK, "Desk")
    page(desk)
    desk.house.peers.turn("on")
    desk.shell._pages.peers_state.look()
    qt.until(desk.page("peers").switch.isChecked)


def test_nothing_is_sent_into_the_network_before_it_is_asked_for(desk):
    shown = page(desk)
    desk.do("pair-device")
    shown.devices.pairing._code.setText("482913")
    desk.settle()
    assert desk.house.peers.searches == 0
    assert "Nothing is sent" in shown.devices.pairing._search_words.text()


def test_a_device_is_found_paired_by_its_code_and_the_words_compared(desk):
    pair(desk)
    form = desk.page("peers").devices.pairing
    assert form._comparing.isVisible()
    assert form._words.text().split() == list(WORDS)
    form._same.click()
    desk.settle()
    assert form.isHidden()
    assert [one.name for one in rows(desk)] == ["Desk"]


def test_words_that_differ_undo_the_pairing_at_once(desk):
    pair(desk)
    form = desk.page("peers").devices.pairing
    form._differ.click()
    desk.settle()
    assert desk.house.peers.kept == {}
    assert "different words" in form.trouble._detail.text()
    assert rows(desk) == []


def test_a_wrong_code_is_said_in_place_and_can_be_typed_again(desk):
    pair(desk, "000000")
    form = desk.page("peers").devices.pairing
    assert form.trouble.isVisible()
    assert form._asking.isVisible()
    form._code.setText(CODE)
    assert not form._pair.isHidden()
    form._pair.click()
    desk.settle()
    assert form._comparing.isVisible()


def test_an_invite_needs_no_code_and_an_address_does(desk):
    shown = page(desk)
    desk.do("pair-device")
    form = shown.devices.pairing
    form._address.setText("192.168.1.20:47017")
    assert not form._pair.isEnabled()
    form._code.setText("48 29 13")
    assert form._code.text() == "482 913"
    assert form._pair.isEnabled()
    form._code.clear()
    form._address.setText(f"freehold://pair?at=192.168.1.20:47017&code={CODE}&tls={'ab' * 32}")
    assert form._pair.isEnabled()
    assert not form._code.isEnabled()
    QTest.keyClick(form._address, Qt.Key.Key_Return)
    desk.settle()
    assert form._comparing.isVisible()


@pytest.mark.parametrize(
    ("typed", "at"),
    [("desk.local", "desk.local:47017"), ("10.0.0.4:9", "10.0.0.4:9"), ("fe80::1", "[fe80::1]:47017"),
     ("[fe80::1]:9", "[fe80::1]:9")],
)  # fmt: skip
def test_addresses_of_every_kind_are_taken_as_they_are_typed(desk, typed, at):
    shown = page(desk)
    desk.do("pair-device")
    shown.devices.pairing._address.setText(typed)
    shown.devices.pairing._code.setText(CODE)
    shown.devices.pairing._give()
    desk.settle()
    assert desk.house.peers.pairings == [(CODE, at)]


def test_nobody_found_says_what_may_be_wrong(desk):
    shown = page(desk)
    desk.do("pair-device")
    shown.devices.pairing._search.click()
    desk.settle()
    assert "Nobody answered" in shown.devices.pairing._search_words.text()
    desk.house.peers.error = PeerUnreachable("there is no network")
    shown.devices.pairing._search.click()
    desk.settle()
    assert shown.devices.pairing.trouble.isVisible()
    assert shown.devices.pairing._search.isEnabled()


def test_a_pairing_that_is_left_says_nothing_later(desk):
    desk.house.peers.gate = Stop()
    form = page(desk).devices.pairing
    desk.do("pair-device")
    form._address.setText("192.168.1.20")
    form._code.setText(CODE)
    form._pair.click()
    desk.qt.until(form._progress.isVisible)
    desk.shell._pages.peers.pairing.end()
    desk.settle()
    assert form.isHidden()


def test_a_device_shows_its_model_its_checks_and_what_it_may_read(desk):
    desk.house.peers.put(DESK, "Desk", documents=True)
    desk.house.peers.put(STUDIO, "Studio", MIDDLE, state="blocked")
    desk.house.receipts.sign("aa" * 16, check=Check("aa" * 16, 1.0, True, 64))
    desk.house.receipts.sign("bb" * 16, STUDIO, check=Check("bb" * 16, 1.0, False, 64, 4.2, "other weights"))
    page(desk)
    first, second = rows(desk)
    assert (first.model, first.tokens_per_s, first.documents, first.passed) == ("Qwen3 32B Q4_K_M", 38.0, True, 1)
    assert (second.state, second.failed) == ("blocked", 1)


def test_documents_are_released_and_taken_back_for_one_device(desk):
    desk.house.peers.put(DESK, "Desk")
    page(desk)
    [row] = desk.page("peers").devices.rows
    row.documents.click()
    desk.settle()
    assert desk.house.peers.kept[DESK].documents
    [row] = desk.page("peers").devices.rows
    row.documents.click()
    desk.settle()
    assert not desk.house.peers.kept[DESK].documents


def test_unpairing_counts_at_once_and_says_so(desk):
    desk.house.peers.put(DESK, "Desk")
    page(desk)
    [row] = desk.page("peers").devices.rows
    row._unpair.click()
    desk.settle()
    assert desk.house.peers.kept == {}
    assert rows(desk) == []
    assert "Desk is unpaired, and was told so" in desk.window.toast._text.text()
    assert not desk.window.toast.can_undo


def test_a_device_that_does_not_hear_of_it_is_unpaired_here_all_the_same(desk):
    desk.house.peers.put(DESK, "Desk")
    desk.house.peers.is_deaf = True
    page(desk)
    [row] = desk.page("peers").devices.rows
    row._unpair.click()
    desk.settle()
    assert desk.house.peers.kept == {}
    assert desk.house.lending.forgotten == [DESK]
    assert "could not be told" in desk.window.toast._text.text()


def test_a_device_is_paused_alone_and_all_of_them(desk):
    desk.house.peers.put(DESK, "Desk")
    page(desk)
    [row] = desk.page("peers").devices.rows
    row._pause.click()
    desk.settle()
    assert desk.house.keys.mandate().peers[DESK].paused
    assert rows(desk)[0].state == "paused"
    desk.do("pause-peers")
    assert desk.house.keys.mandate().paused
    assert desk.page("peers").limits._paused.isChecked()


def test_a_blocked_device_is_asked_again_only_when_its_owner_says_so(desk):
    desk.house.peers.put(DESK, "Desk", state="blocked")
    page(desk)
    [row] = desk.page("peers").devices.rows
    assert row._pause.isHidden()
    row._trust.click()
    desk.settle()
    assert desk.house.peers.kept[DESK].state == "active"


def test_limits_are_what_the_signer_holds_to(desk):
    desk.house.keys.asked = {DESK: 11, STUDIO: 1}
    limits = page(desk).limits
    assert limits._today.text() == "12 of 200"
    limits._per_day.setValue(40)
    desk.settle()
    limits._ask_first.click()
    desk.settle()
    mandate = desk.house.keys.mandate()
    assert (mandate.answers_per_day, mandate.ask_first) == (40, True)
    assert desk.house.peers.offload == "off"
    assert limits._today.text() == "12 of 40"
    desk.house.keys.closed = True
    desk.do("peers")
    assert limits._closed.isVisible()


def test_asking_first_is_the_rule_s_and_the_signer_s(desk):
    desk.house.peers.put(DESK, "Desk")
    page(desk)
    desk.do("toggle-peers")
    desk.page("peers").limits._ask_first.click()
    desk.settle()
    assert (desk.house.peers.offload, desk.house.keys.mandate().ask_first) == ("ask", True)
    assert desk.page("peers").switch.isChecked()
    desk.do("toggle-peers")
    desk.do("toggle-peers")
    assert desk.house.peers.offload == "ask"
    desk.page("peers").limits._ask_first.click()
    desk.settle()
    assert (desk.house.peers.offload, desk.house.keys.mandate().ask_first) == ("on", False)


def test_a_limit_that_is_refused_goes_back(desk):
    limits = page(desk).limits
    desk.house.keys.error = UsageError("a limit is a whole number")
    limits._per_day.setValue(7)
    desk.settle()
    assert limits._per_day.value() == 200
    assert limits.trouble.isVisible()


def test_receipts_are_listed_opened_exported_and_verified(desk, tmp_path):
    desk.house.peers.put(DESK, "Desk")
    desk.house.receipts.sign("aa" * 16, check=Check("aa" * 16, 1.0, True, 64))
    desk.house.receipts.sign("bb" * 16, chat="", tokens_out=91)
    card = page(desk).receipts
    model = card.table.receipts
    told = [[model.index(row, column).data() for column in range(1, 5)] for row in range(2)]
    assert told == [["Desk", "Qwen3 32B", "812 in, 91 out", "not checked yet"],
                    ["Desk", "Qwen3 32B", "812 in, 344 out", "64 tokens match"]]  # fmt: skip
    card.table.setFocus()
    card.table.selectRow(1)
    QTest.keyClick(card.table, Qt.Key.Key_Return)
    panel = desk.page("peers")._panel
    assert panel.isVisible()
    card.export_asked.emit("aa" * 16, str(tmp_path / "bundle.json"))
    desk.settle()
    assert (tmp_path / "bundle.json").read_text() == "aa" * 16
    assert "unencrypted" in card._said.text()
    card.verify_asked.emit(str(tmp_path / "bundle.json"))
    desk.settle()
    assert "64 tokens match the weights" in card._said.text()
    desk.house.receipts.verdict = Verdict(False, 0, "it is of another answer")
    card.verify_asked.emit(str(tmp_path / "bundle.json"))
    desk.settle()
    assert card._said.text() == "It does not hold: it is of another answer."
    assert card._said.property("tone") == "failed"


def test_without_the_weights_an_answer_is_unverified(desk):
    desk.house.models.models.pop()
    desk.house.receipts.sign("aa" * 16)
    card = page(desk).receipts
    assert card.table.receipts.index(0, 4).data() == "unverified"


def test_a_thousand_receipts_open_and_scroll(desk):
    for number in range(1000):
        desk.house.receipts.sign(f"{number:032x}")
    card = page(desk).receipts
    assert card.table.receipts.rowCount() == 1000
    assert card.table.height() < 420
    desk.shell._pages.show_receipt(f"{3:032x}")
    desk.settle()
    assert desk.page("peers")._panel.isVisible()


def test_an_answer_names_who_made_it_and_leads_to_its_receipt(desk):
    desk.house.peers.put(DESK, "Desk")
    desk.house.receipts.sign("aa" * 16, check=Check("aa" * 16, 1.0, True, 64))
    chat = desk.house.say("Hello?", "Hi.")
    answer = desk.house.conversations.branch(chat)[-1]
    made = provenance(where=("Desk", "here"), jobs=("aa" * 16,), data_class="words", notes=("Desk went away.",))
    sealed = desk.house.conversations.seal(answer.id, Ending.COMPLETE, made)
    desk.shell._details.show(sealed)
    desk.settle()
    panel = desk.window.chat.panel.content
    from PySide6.QtWidgets import QLabel, QPushButton

    told = [one.text() for one in panel.findChildren(QLabel)]
    assert "by Desk, then on this computer" in told
    assert "words, no documents" in told
    assert "Desk signed 812 in, 344 out" in told
    assert "64 tokens checked, matches" in told
    assert "Desk went away." in told
    [opened] = panel.findChildren(QPushButton)
    opened.click()
    desk.settle()
    assert desk.window.page == "peers"
    assert desk.page("peers")._panel.isVisible()


def test_lending_shows_its_code_who_is_there_and_how_much_runs(desk, qt):
    shown = page(desk)
    desk.do("lend")
    qt.until(lambda: shown.lending._code.text() == "482 913")
    assert "freehold://pair" in shown.lending._shown.invite
    shown.lending._copy.click()
    assert QGuiApplication.clipboard().text().startswith("freehold://pair?at=192.168.1.20:47017")
    desk.house.peers.put(STUDIO, "Laptop", host="")
    jobs = (LentJob("aa" * 16, STUDIO, "running", 812, 128),)
    seen = {STUDIO: time.time(), DESK: time.time() - 5}
    desk.house.lending.at = replace(desk.house.lending.at, jobs=jobs, seen=seen)
    desk.shell._pages.peers_state.look()
    qt.until(lambda: "Laptop: 128 tokens" in shown.lending._guests.text())
    assert "0xabab…abab: connected" in shown.lending._guests.text()
    assert desk.window.status._lent.text() == "Lending to 2 devices"
    assert side(desk) == "Peers, lending"
    shown.lending._new.click()
    desk.settle()
    qt.until(lambda: shown.lending._code.text() == "482 914")
    desk.do("lend")
    qt.until(desk.window.status._lent.isHidden)
    assert shown.lending._start.isVisible()


def test_lending_that_cannot_start_says_why_in_place(desk):
    desk.house.lending.error = LendingFailed("port 47017 cannot be used")
    shown = page(desk)
    shown.lending._start.click()
    desk.settle()
    assert shown.lending.trouble.isVisible()
    assert shown.lending._start.isVisible()


def test_a_code_runs_out_on_the_screen_too(desk, qt):
    shown = page(desk)
    desk.do("lend")
    qt.until(lambda: shown.lending._code.text() == "482 913")
    shown.lending._left = 1.0
    shown.lending._count_down()
    assert shown.lending._code.text() == "— —"
    assert not shown.lending._copy.isEnabled()


def test_who_typed_the_code_is_compared_on_this_screen_too(desk, qt):
    shown = page(desk)
    desk.house.peers.put(STUDIO, "Laptop")
    desk.do("lend")
    desk.house.lending.tell("paired", device=STUDIO, name="Laptop", words=WORDS)
    qt.until(shown.lending._comparing.isVisible)
    assert shown.lending._words.text().split() == list(WORDS)
    shown.lending._differ.click()
    desk.settle()
    assert desk.house.peers.kept == {}
    assert desk.house.lending.forgotten == [STUDIO]
    assert shown.lending._comparing.isHidden()


def test_a_device_that_only_asks_here_is_listed_as_that(desk):
    desk.house.peers.put(STUDIO, "Laptop", host="")
    page(desk)
    [row] = desk.page("peers").devices.rows
    assert row.device.state == "guest"
    assert row.documents.parentWidget() is None
    row._unpair.click()
    desk.settle()
    assert desk.house.peers.kept == {}


def test_a_code_that_another_command_made_is_not_shown_as_ours(desk, qt):
    shown = page(desk)
    desk.do("lend")
    qt.until(lambda: shown.lending._code.text() == "482 913")
    desk.house.lending.at = replace(desk.house.lending.at, code_seconds=300.0)
    desk.shell._pages.peers_state.look()
    qt.until(lambda: shown.lending._code.text() == "— —")


def test_lending_that_ended_by_itself_says_so(desk, qt):
    shown = page(desk)
    desk.do("lend")
    qt.until(lambda: shown.lending._code.text() == "482 913")
    desk.house.lending.stop()
    desk.house.lending.tell("ended")
    qt.until(shown.lending.trouble.isVisible)
    qt.until(shown.lending._start.isVisible)


def test_a_key_is_exported_under_a_passphrase_of_its_own(desk, tmp_path):
    card = page(desk).key
    desk.do("export-key")
    card._new._first.setText("correct horse battery")
    card._new._second.setText("correct horse battery")
    assert card._write.isEnabled()
    card.export_to(str(tmp_path / "key.json"))
    desk.settle()
    assert "correct horse battery" in (tmp_path / "key.json").read_text()
    assert "Exported" in card.said.text()
    assert card._new.value() == ""
    card.open_export()
    card._new._first.setText("correct horse battery")
    card._new._second.setText("correct horse battery")
    card.export_to(str(tmp_path / "key.json"))
    desk.settle()
    assert card.trouble.isVisible()


def test_an_imported_key_takes_the_place_of_this_one(desk, tmp_path):
    card = page(desk).key
    card.taking.take_file(str(tmp_path / "other.json"))
    card.taking._secret.setText("their words")
    card.taking._take.click()
    desk.settle()
    assert "0x7777" in card._address.whole
    assert card.taking.isHidden()


def test_locking_leaves_nothing_of_it_on_the_page(desk, qt):
    desk.house.peers.put(DESK, "Desk")
    desk.house.receipts.sign("aa" * 16)
    shown = page(desk)
    desk.shell.lock()
    desk.settle()
    assert not desk.window.has_page("peers")
    assert side(desk) == "Peers, off"
    assert desk.window.status._lent.isHidden()
    assert shown is not None


def test_every_deed_of_the_page_is_in_the_palette(desk):
    names = ("peers", "toggle-peers", "pause-peers", "pair-device", "lend", "new-code", "verify-receipt",
             "export-key", "import-key", "peer-view", "choose-where")  # fmt: skip
    for name in names:
        action = desk.window.actions_by_name[name]
        assert action.isEnabled()
        assert action.text()
        assert not action.shortcut().isEmpty()


def test_everything_on_the_page_is_reached_with_tab_and_has_a_name(desk):
    from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QLineEdit

    desk.house.peers.put(DESK, "Desk")
    shown = page(desk)
    desk.do("pair-device")
    for kind in (QAbstractButton, QAbstractSpinBox, QLineEdit):
        for one in shown.findChildren(kind):
            if one.isVisible() and one.parentWidget().metaObject().className() not in ("WholeField",):
                assert one.accessibleName() or one.text(), one
                assert one.focusPolicy() & Qt.FocusPolicy.TabFocus, one


def test_the_page_takes_one_column_where_there_is_no_room_for_two(desk):
    shown = page(desk)
    wide = shown.devices.mapTo(shown, shown.devices.rect().topLeft()).x()
    beside = shown.limits.mapTo(shown, shown.limits.rect().topLeft()).x()
    assert beside > wide
    desk.window.resize(900, 700)
    desk.qt.spin(0.1)
    assert abs(shown.limits.mapTo(shown, shown.limits.rect().topLeft()).x() - wide) <= 2
