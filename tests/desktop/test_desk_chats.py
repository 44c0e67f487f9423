"""The chat list, the trash and the palette."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from freehold.chats.values import Chat
from freehold.desktop.chats_list import ChatsModel
from freehold.desktop.palette import matches
from support.desk import Desk

pytest_plugins = ("support.qt",)
DAY = 86_400.0


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path)
    made.lease = made.house.say("When does the lease end?", "In September.", title="The lease")
    made.lisbon = made.house.say("What should I pack?", "A hat.", title="Packing list", age=3 * DAY)
    made.start()
    yield made
    made.close()


def at(day: int, hour: int) -> float:
    return datetime(2026, 11, day, hour).timestamp()


def test_chats_stand_below_their_days_newest_first(qt):
    model = ChatsModel()
    chats = [
        Chat("a", "Old", 0, at(1, 12)),
        Chat("b", "Morning", 0, at(23, 8)),
        Chat("c", "Noon", 0, at(23, 12)),
        Chat("d", "Day before", 0, at(22, 12)),
        Chat("e", "Some days ago", 0, at(19, 12)),
    ]
    model.show(chats, date(2026, 11, 23))
    assert [model.index(row).data() for row in range(model.rowCount())] == [
        "Today", "Noon", "Morning", "Yesterday", "Day before", "This week", "Some days ago", "Earlier", "Old",
    ]  # fmt: skip
    assert not model.flags(model.index(0)) & Qt.ItemFlag.ItemIsSelectable


def test_a_chat_is_renamed_in_place(desk):
    desk.window.sidebar.chats.opened.emit(desk.lease)
    desk.settle()
    desk.do("rename-chat")
    editor = desk.qt.app.focusWidget()
    editor.setText("Flat")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    desk.settle()
    assert desk.house.conversations.get(desk.lease).title == "Flat"
    assert desk.window.chat._title.whole == "Flat"


def test_an_empty_title_changes_nothing(desk):
    view = desk.window.sidebar.chats
    index = view.chats.index_of(desk.lease)
    assert view.chats.setData(index, "   ") is False
    assert desk.house.conversations.get(desk.lease).title == "The lease"


def test_a_deleted_chat_comes_back_with_undo(desk):
    desk.window.sidebar.chats.opened.emit(desk.lease)
    desk.settle()
    desk.do("delete-chat")
    assert "The lease" not in desk.listed
    assert desk.window.toast.isVisible()
    assert desk.window.sidebar._pages["trash"].isVisible()
    desk.do("undo")
    assert "The lease" in desk.listed
    assert desk.window.chat._title.whole == "The lease"


def test_the_trash_restores_and_erases_and_erasing_waits_for_undo(desk):
    for chat in (desk.lease, desk.lisbon):
        desk.window.sidebar.chats.delete_asked.emit(chat)
    desk.do("trash")
    page = desk.page("trash")
    page.erase_asked.emit([desk.lease])
    desk.settle()
    assert desk.lease in desk.house.conversations.chats
    desk.do("undo")
    assert len(page._chats) == 2
    page.erase_asked.emit([desk.lease])
    desk.window.toast.settle()
    desk.settle()
    assert desk.lease not in desk.house.conversations.chats
    page.restore_asked.emit(desk.lisbon)
    desk.settle()
    assert desk.listed == ["This week", "Packing list"]


def test_what_waits_for_undo_happens_when_the_window_closes(desk):
    desk.window.sidebar.chats.delete_asked.emit(desk.lease)
    desk.do("trash")
    desk.page("trash").erase_asked.emit([desk.lease])
    desk.window.close()
    desk.settle()
    assert desk.lease not in desk.house.conversations.chats


def test_old_trash_is_emptied_at_start(qt, tmp_path):
    desk = Desk(qt, tmp_path)
    old = desk.house.say("q", "a", title="Old")
    chats = desk.house.conversations.chats
    chats[old] = replace(chats[old], deleted=time.time() - 31 * DAY)
    desk.start()
    assert old not in chats
    desk.close()


def test_next_and_previous_chat_go_round_the_list(desk):
    desk.do("next-chat")
    assert desk.window.chat._title.whole == "The lease"
    desk.do("next-chat")
    assert desk.window.chat._title.whole == "Packing list"
    desk.do("next-chat")
    assert desk.window.chat._title.whole == "The lease"


def test_the_palette_finds_chats_actions_and_what_was_said(desk):
    desk.do("palette")
    palette = desk.window.palette_panel()
    QTest.keyClicks(palette._field, "september")
    desk.qt.until(lambda: "Said" in palette.texts)
    assert palette.texts == ["Said", "The lease"]
    palette._field.setText("lease")
    assert palette.texts[:2] == ["Chats", "The lease"]
    palette._field.setText("larger")
    assert "Larger text" in palette.texts
    palette._field.setText("zzz")
    assert palette.texts == []
    assert palette._nothing.isVisible()


def test_enter_in_the_palette_opens_what_was_said_at_its_place(desk):
    desk.do("palette")
    palette = desk.window.palette_panel()
    QTest.keyClicks(palette._field, "a hat")
    desk.qt.until(lambda: "Said" in palette.texts)
    QTest.keyClick(palette._field, Qt.Key.Key_Return)
    desk.settle()
    assert not palette.isVisible()
    turn, words = desk.transcript.scrolled
    assert desk.house.conversations.kept[turn].text == "A hat."
    assert words == "a hat"


def test_the_palette_runs_an_action_by_keyboard_and_gives_the_focus_back(desk):
    desk.do("palette")
    palette = desk.window.palette_panel()
    QTest.keyClicks(palette._field, "trash")
    assert palette.texts[0] == "Actions"
    QTest.keyClick(palette._field, Qt.Key.Key_Down)
    QTest.keyClick(palette._field, Qt.Key.Key_Escape)
    assert not palette.isVisible()
    assert desk.qt.app.focusWidget() is desk.window.chat.composer.box


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [("", "anything", True), ("le end", "When does the lease end?", True), ("end le", "the lease end", True),
     ("le", "title file", False), ("LEASE", "the lease", True), ("ü", "Über alles", True)],
)  # fmt: skip
def test_words_match_where_words_begin(wanted, text, found):
    assert matches(wanted, text) is found
