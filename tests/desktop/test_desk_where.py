"""Where the next message goes, said before Enter: green is a promise, amber names who will read it and what."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from freehold.assistant.placing import ASKS_FIRST
from freehold.chats.values import ALL_DOCUMENTS, NO_DOCUMENTS, Attachment, Ending, Scope
from freehold.desktop.where_menu import WhereMenu
from freehold.foundation.errors import PeerUnreachable
from freehold.market.values import Allowed, Device
from support.desk import Desk, provenance

pytest_plugins = ("support.qt",)
DESK = Device("0x" + "ab" * 20, "Desk", "Qwen3 32B", 32_762_123_264, 38.0)
KIND = Device("0x" + "cd" * 20, "Studio", "Qwen3 14B", 14_768_307_200, 21.0, takes_documents=True)


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path)
    made.house.assistant.allowed, made.house.assistant.devices = Allowed(is_on=True), [DESK]
    made.start()
    yield made
    made.close()


@pytest.fixture
def alone(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


def composer(desk):
    return desk.window.chat.composer


def said(desk) -> tuple[str, str]:
    """The pill and the line beside it."""
    return composer(desk).where.words, composer(desk)._promise.whole


def tones(desk) -> set[str]:
    box = composer(desk)
    return {str(one.property("tone") or "") for one in (box.where, box._promise, box._send)}


def menu_of(desk) -> WhereMenu:
    desk.do("choose-where")
    [menu] = composer(desk).findChildren(WhereMenu)
    return menu


def choose(desk, words: str, place: int = 0) -> None:
    menu = menu_of(desk)
    [one] = [action for action in menu.actions() if action.text() == words][place : place + 1]
    one.trigger()
    menu.close()
    desk.settle()


def view_text(desk) -> str:
    return desk.window.chat.panel.content.text.toPlainText()


def test_with_the_toggle_off_nothing_of_it_shows_but_here(alone):
    alone.house.assistant.devices = [DESK]
    alone.do("new-chat")
    box = composer(alone)
    assert said(alone) == ("Here", "Your words stay on this computer.")
    assert not box.where.isEnabled()
    assert box.where.focusPolicy() == Qt.FocusPolicy.NoFocus
    assert alone.window.chat.where.accessibleName() == "On this computer"
    alone.do("choose-where")
    assert not box.findChildren(QMenu)
    assert alone.window.page == "peers"


def test_a_message_that_would_leave_is_amber_and_names_who_reads_it(desk):
    assert said(desk) == ("Desk", "Desk will read this message.")
    assert tones(desk) == {"away"}
    assert desk.window.chat.where.accessibleName() == "Words may leave"
    assert "Qwen3 32B answers, on Desk." in desk.window.chat._empty._model.text()
    desk.ask("hello")
    desk.settle()
    assert said(desk) == ("Desk", "Desk will read this message and the chat before it.")


def test_a_message_shown_as_answered_here_is_asked_here_whatever_changed_meanwhile(alone):
    house = alone.house
    house.assistant.allowed, house.assistant.devices = Allowed(is_on=True), [DESK]  # the window has not seen it yet
    alone.ask("between you and me")
    alone.settle()
    assert [wish.where for wish in house.assistant.wishes] == ["here"]


def test_a_chat_for_a_device_is_answered_here_once_the_toggle_is_off(desk):
    choose(desk, "A device of mine: Desk")
    desk.ask("hello")
    desk.settle()
    desk.house.assistant.allowed = Allowed()
    desk.shell._chat.placing.refresh()
    desk.settle()
    assert said(desk)[0] == "Here"
    desk.ask("still there?")
    desk.settle()
    assert [wish.where for wish in desk.house.assistant.wishes] == ["peer", "here"]


def test_documents_stay_here_and_the_line_says_why(desk):
    desk.shell._chat._scoping.show(ALL_DOCUMENTS)
    desk.settle()
    assert said(desk) == ("Here", "It is made from your documents, which stay here.")
    assert tones(desk) == {"here", ""}
    assert composer(desk).where.isEnabled()
    desk.shell._chat._scoping.show(NO_DOCUMENTS)
    desk.settle()
    assert said(desk)[0] == "Desk"


def test_documents_that_were_released_go_and_the_line_says_so(desk):
    desk.house.assistant.devices = [DESK, KIND]
    desk.shell._chat._scoping.show(Scope(True, ("Home",)))
    desk.settle()
    assert said(desk) == ("Studio", "Studio will read this message and passages of your documents.")


def test_a_file_beside_the_message_counts_as_documents(desk, tmp_path):
    (tmp_path / "notes.txt").write_text("secret")
    desk.shell._chat._attaching.add([str(tmp_path / "notes.txt")])
    desk.settle()
    assert said(desk)[0] == "Here"
    desk.shell._chat._attaching.take()
    desk.settle()
    assert said(desk)[0] == "Desk"


def test_an_answer_made_of_documents_keeps_the_whole_chat_here(desk):
    chat = desk.house.say("When?", "On Monday.")
    answer = desk.house.conversations.branch(chat)[-1]
    desk.house.conversations.seal(answer.id, Ending.COMPLETE, provenance(data_class="documents"))
    desk.shell._chat.open(chat)
    desk.settle()
    assert said(desk)[0] == "Here"


def test_asking_first_says_so_and_the_next_message_can_be_let_go_once(desk):
    desk.house.assistant.allowed = Allowed(is_on=True, asks_first=True)
    desk.do("new-chat")
    assert said(desk) == ("Here", ASKS_FIRST)
    choose(desk, "A device of mine: Desk", place=1)
    assert said(desk)[0] == "Desk"
    desk.ask("hello")
    desk.settle()
    assert [wish.where for wish in desk.house.assistant.wishes] == ["peer"]
    assert said(desk)[0] == "Here"


def test_what_was_chosen_for_one_message_can_be_taken_back(desk):
    choose(desk, "This computer")
    assert said(desk)[0] == "Here"
    [chosen] = [one for one in menu_of(desk).actions() if one.isChecked() and one.text() == "This computer"]
    chosen.trigger()
    desk.settle()
    assert said(desk)[0] == "Desk"


def test_the_choice_of_a_chat_is_kept_with_it(desk):
    choose(desk, "This computer alone")
    desk.ask("hello")
    desk.settle()
    [chat] = desk.house.conversations.list()
    assert chat.where == "here"
    other = desk.house.say("Hi", "Hi.")
    desk.shell._chat.open(other)
    desk.settle()
    assert said(desk)[0] == "Desk"
    choose(desk, "This computer alone")
    assert desk.house.conversations.get(other).where == "here"
    desk.shell._chat.open(chat.id)
    desk.settle()
    assert said(desk)[0] == "Here"


def test_a_draft_takes_the_choice_with_it(desk, qt):
    choose(desk, "This computer alone")
    QTest.keyClicks(composer(desk).box, "half a tho")
    qt.until(desk.house.conversations.list)
    desk.settle()
    [chat] = desk.house.conversations.list()
    assert (chat.where, chat.draft) == ("here", "half a tho")


def test_the_bottom_line_names_who_is_answering(desk):
    words = []
    desk.bridge.busy_changed.connect(words.append)
    desk.ask("hello")
    desk.settle()
    assert ["Desk is answering"] in words


def test_the_peer_view_has_every_word_in_order_with_its_role(desk):
    chat = desk.house.say("What should I pack?", "It depends.")
    desk.shell._chat.open(chat)
    desk.settle()
    composer(desk).box.setPlainText("Lisbon, in \u202eMay")
    desk.do("peer-view")
    text = view_text(desk)
    parts = ["Instructions\nYou are a careful assistant.", "You\nWhat should I pack?", "Answer\nIt depends.",
             "You\nLisbon, in [U+202E]May"]  # fmt: skip
    assert text == "\n\n".join(parts)
    panel = desk.window.chat.panel.content
    assert panel._where.accessibleName() == "Desk"
    assert panel._facts.text().endswith("words, no documents")
    assert "tokens" in panel._facts.text()
    assert "larger model" in panel._why.text()


def test_the_peer_view_follows_what_is_written_and_chosen(desk, qt):
    desk.do("peer-view")
    composer(desk).box.setPlainText("one")
    qt.until(lambda: view_text(desk).endswith("You\none"))
    choose(desk, "This computer alone")
    qt.until(desk.window.chat.panel.content.text.isHidden)
    assert "Nothing of this message leaves" in desk.window.chat.panel.content._facts.text()
    desk.do("peer-view")
    assert desk.window.chat.panel.isHidden()
    looks = len(desk.house.assistant.previews)
    composer(desk).box.setPlainText("two")
    qt.spin(0.7)
    assert len(desk.house.assistant.previews) == looks


def test_the_peer_view_of_an_edit_has_the_chat_before_that_question(desk, qt):
    chat = desk.house.say("First?", "One.")
    desk.house.say("Second?", "Two.", chat=chat)
    desk.shell._chat.open(chat)
    desk.settle()
    desk.do("edit-last")
    composer(desk).box.setPlainText("Third?")
    desk.do("peer-view")
    text = view_text(desk)
    assert "Two." not in text
    assert text.endswith("Answer\nOne.\n\nYou\nThird?")


def test_the_peer_view_tells_a_failure_in_place(desk):
    desk.house.assistant.preview_error = PeerUnreachable("Desk does not answer")
    desk.do("peer-view")
    panel = desk.window.chat.panel.content
    assert panel.trouble.isVisible()
    assert panel._where.accessibleName() == "Not known"


def test_the_menu_is_reached_and_used_with_the_keyboard(desk):
    box = composer(desk)
    box.where.setFocus()
    QTest.keyClick(box.where, Qt.Key.Key_Space)
    desk.settle()
    [menu] = box.findChildren(WhereMenu)
    [here] = [one for one in menu.actions() if one.text() == "This computer alone"]
    menu.setActiveAction(here)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    desk.settle()
    assert said(desk)[0] == "Here"


def test_a_device_s_name_is_never_read_as_more_than_a_name(desk):
    evil = replace(DESK, name="De\u202esk & <b>\nco")
    desk.house.assistant.devices = [evil]
    desk.do("new-chat")
    assert said(desk)[0] == "De[U+202E]sk & <b> co"
    texts = [one.text() for one in menu_of(desk).actions()]
    assert "A device of mine: De[U+202E]sk && <b> co" in texts


def test_locking_shows_here_again(desk):
    desk.shell.lock()
    desk.settle()
    assert said(desk)[0] == "Here"


def test_an_attachment_is_part_of_what_is_previewed(desk, tmp_path):
    desk.house.assistant.devices = [KIND]
    desk.house.assistant.files = {"notes.txt": Attachment("notes.txt", 6, "secret", ((6, None),))}
    (tmp_path / "notes.txt").write_text("secret")
    desk.shell._chat._attaching.add([str(tmp_path / "notes.txt")])
    desk.settle()
    desk.do("peer-view")
    assert "From notes.txt:\nsecret" in view_text(desk)
    assert desk.window.chat.panel.content._facts.text().endswith("words and documents")
