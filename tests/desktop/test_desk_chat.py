"""The chat page over a scripted assistant: asking, streaming, failing, branching, drafts, switching away and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtGui import QGuiApplication

from freehold.chats.values import Ending, Role
from freehold.foundation.errors import DiskFull, EngineStopped, ModelMissing
from freehold.foundation.stop import Stop
from support.desk import Desk, Script

pytest_plugins = ("support.qt",)


@pytest.fixture
def desk(qt, tmp_path):
    made = Desk(qt, tmp_path).start()
    yield made
    made.close()


def test_a_question_makes_its_chat_and_the_answer_streams_in(desk):
    desk.ask("When does the lease end?")
    desk.settle()
    assert desk.transcript.said == ["When does the lease end?", "Hello there."]
    assert next(iter(desk.transcript.finished.values())).ending is Ending.COMPLETE
    assert desk.listed == ["Today", "When does the lease end?"]
    assert desk.window.chat._title.whole == "When does the lease end?"
    assert not desk.window.chat.composer._is_busy


def test_the_meter_says_how_full_the_context_is(desk):
    desk.ask("hello")
    desk.settle()
    assert desk.window.chat._meter_words.text() == "Context 1,300 of 8,192"


def test_what_was_left_out_is_said_in_words(desk):
    desk.house.assistant.script = Script(left_out=3)
    desk.ask("hello")
    desk.settle()
    assert desk.window.chat._strip.isVisible()
    assert "The oldest 3 messages no longer fit" in desk.window.chat._left_out.text()


def test_stop_keeps_what_was_said(desk):
    desk.house.assistant.script = Script(["one "], gate=Stop())
    desk.ask("count")
    desk.qt.until(lambda: desk.window.chat.has_transcript and "one " in desk.transcript.said)
    assert desk.window.chat.composer._is_busy
    desk.window.actions_by_name["stop"].trigger()
    desk.settle()
    assert next(iter(desk.transcript.finished.values())).ending is Ending.STOPPED
    assert not desk.window.chat.composer._is_busy


def test_a_failure_after_the_question_was_saved_stands_at_the_answer(desk):
    desk.house.assistant.script = Script(["Hel"], error=EngineStopped("ended by SIGKILL"))
    desk.ask("hello")
    desk.settle()
    [(turn, title, advice, detail)] = desk.transcript.failures
    assert desk.transcript.texts[turn] == "Hel"
    assert (title, detail) == ("The model stopped working", "ended by SIGKILL")
    assert "kept" in advice


def test_a_question_that_could_not_be_saved_goes_back_to_the_box(desk):
    desk.house.assistant.script = Script(refused=DiskFull("vault.db"))
    desk.ask("my precious words")
    desk.settle()
    assert desk.window.chat.composer.text() == "my precious words"
    assert desk.window.chat.composer.trouble.isVisible()


def test_a_retry_that_fails_before_it_begins_is_said_on_the_page(desk):
    desk.ask("hello")
    desk.settle()
    desk.house.assistant.retry = _fails(ModelMissing())
    desk.do("retry")
    assert desk.window.chat.trouble.isVisible()


def _fails(error):
    def flow(*_):
        raise error
        yield

    return flow


def test_loading_and_reading_are_told_at_the_answer(desk):
    desk.house.assistant.script = Script([], gate=Stop())
    desk.ask("hello")
    desk.qt.until(lambda: desk.window.chat.has_transcript and desk.transcript.notices)
    assert list(desk.transcript.notices.values()) == ["Reading: 40 of 40 tokens"]
    desk.do("stop")


def test_an_answer_goes_on_while_another_chat_is_in_view(desk):
    other = desk.house.say("other question", "other answer", title="Other")
    gate = Stop()
    desk.house.assistant.script = Script(["first part "], gate=gate)
    desk.ask("long question")
    desk.qt.until(lambda: desk.window.chat.has_transcript and "first part " in desk.transcript.said)
    mine = next(chat.id for chat in desk.house.conversations.list() if chat.id != other)
    desk.window.sidebar.chats.opened.emit(other)
    desk.qt.until(lambda: desk.transcript.said == ["other question", "other answer"])
    assert not desk.window.chat.composer._is_busy
    desk.window.sidebar.chats.opened.emit(mine)
    desk.qt.until(lambda: desk.transcript.said == ["long question", "first part "])
    assert desk.window.chat.composer._is_busy
    gate.set()
    desk.settle()
    assert list(desk.transcript.finished.values())[-1].ending is Ending.COMPLETE


def test_the_draft_of_a_new_chat_survives_and_comes_back(desk):
    other = desk.house.say("q", "a", title="Other")
    desk.window.chat.composer.box.setPlainText("half a thought")
    desk.qt.until(lambda: any(chat.draft for chat in desk.house.conversations.list()))
    desk.settle()
    assert "New chat" in desk.listed
    drafted = next(chat.id for chat in desk.house.conversations.list() if chat.draft)
    desk.window.sidebar.chats.opened.emit(other)
    desk.settle()
    assert desk.window.chat.composer.text() == ""
    desk.window.sidebar.chats.opened.emit(drafted)
    desk.settle()
    assert desk.window.chat.composer.text() == "half a thought"


def test_switching_away_at_once_keeps_the_draft(desk):
    mine = desk.house.say("q", "a", title="Mine")
    other = desk.house.say("q", "a", title="Other")
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    desk.window.chat.composer.box.setPlainText("unfinished")
    desk.window.sidebar.chats.opened.emit(other)
    desk.settle()
    assert desk.house.conversations.get(mine).draft == "unfinished"


def test_the_draft_is_dropped_once_the_question_is_saved(desk):
    mine = desk.house.say("q", "a", title="Mine")
    desk.house.conversations.save_draft(mine, "next")
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    assert desk.window.chat.composer.text() == "next"
    desk.window.chat.composer.box.sent.emit()
    desk.settle()
    assert desk.house.conversations.get(mine).draft == ""


def test_a_question_right_after_the_first_keystrokes_makes_one_chat_only(desk):
    desk.window.chat.composer.box.setPlainText("hello")
    desk.window.chat.composer.draft_changed.emit("hello")
    desk.window.chat.composer.box.sent.emit()
    desk.settle()
    assert len(desk.house.conversations.chats) == 1
    assert desk.transcript.said == ["hello", "Hello there."]


def test_an_edited_question_makes_a_branch_and_both_can_be_seen(desk):
    desk.ask("first wording")
    desk.settle()
    desk.window.chat.composer.edit_last_asked.emit()
    desk.settle()
    assert desk.window.chat.composer.text() == "first wording"
    desk.house.assistant.script = Script(["Better."])
    desk.ask("second wording")
    desk.settle()
    assert desk.transcript.said == ["second wording", "Better."]
    mark = desk.transcript.marks[0]
    assert (mark.place, mark.siblings) == (1, 2)
    desk.transcript.sibling_asked.emit(mark.id, 0)
    desk.settle()
    assert desk.transcript.said == ["first wording", "Hello there."]


def test_retry_answers_beside_the_last_answer(desk):
    desk.ask("hello")
    desk.settle()
    desk.house.assistant.script = Script(["Again."])
    desk.do("retry")
    assert desk.transcript.said == ["hello", "Again."]
    assert desk.transcript.marks[1].siblings == 2


def test_a_branch_from_an_answer_keeps_what_followed_it(desk):
    desk.ask("one")
    desk.settle()
    answer = desk.transcript.marks[1].id
    desk.ask("two")
    desk.settle()
    desk.transcript.branch_asked.emit(answer)
    desk.house.assistant.script = Script(["Elsewhere."])
    desk.ask("instead of two")
    desk.settle()
    assert desk.transcript.said == ["one", "Hello there.", "instead of two", "Elsewhere."]
    assert desk.transcript.marks[2].siblings == 2


def test_the_last_answer_can_be_copied_without_its_thinking(desk):
    desk.house.assistant.script = Script(["<think>hm</think>\n\n", "Forty-two."])
    desk.ask("hello")
    desk.settle()
    desk.do("copy-last")
    assert QGuiApplication.clipboard().text() == "Forty-two."


def test_what_an_answer_is_made_of_is_shown_beside_it(desk):
    desk.ask("hello")
    desk.settle()
    desk.transcript.details_asked.emit(desk.transcript.marks[1].id)
    desk.settle()
    assert desk.window.chat.panel.isVisible()
    assert desk.window.chat.panel.accessibleName() == "About this answer"


def test_a_found_turn_on_another_branch_is_brought_into_view(desk):
    desk.ask("first wording")
    desk.settle()
    hidden = desk.transcript.marks[0].id
    desk.transcript.edit_asked.emit(hidden, "second wording")
    desk.settle()
    chat = desk.house.conversations.list()[0].id
    desk.shell._chats.open(chat, hidden, "wording")
    desk.settle()
    assert desk.transcript.said[0] == "first wording"
    assert desk.transcript.scrolled == (hidden, "wording")


def test_a_chats_own_settings_are_saved(desk):
    desk.ask("hello")
    desk.settle()
    desk.do("chat-settings")
    panel = desk.window.chat.panel._area.widget()
    panel._prompt.setPlainText("Answer briefly.")
    panel._fields["temperature"].setValue(0.2)
    panel.flush()
    desk.settle()
    chat = desk.house.conversations.list()[0]
    assert chat.system_prompt == "Answer briefly."
    assert chat.sampling == {"temperature": 0.2}
    panel._reset.click()
    desk.settle()
    assert desk.house.conversations.list()[0].sampling == {}


def test_words_of_one_batch_reach_the_transcript_together(desk):
    desk.house.assistant.script = Script(["word "] * 2000)
    calls = []
    desk.window.chat.transcript.add_words = lambda turn, text: calls.append(text)
    desk.ask("hello")
    desk.settle()
    assert "".join(calls) == "word " * 2000
    assert len(calls) < 400


def test_every_turn_of_the_tree_is_kept(desk):
    desk.ask("hello")
    desk.settle()
    assert [turn.role for turn in desk.house.conversations.kept.values()] == [Role.USER, Role.ASSISTANT]


def test_closing_the_window_saves_what_is_being_written(desk):
    mine = desk.house.say("q", "a", title="Mine")
    desk.window.sidebar.chats.opened.emit(mine)
    desk.settle()
    desk.window.chat.composer.box.setPlainText("unfinished")
    desk.window.close()
    desk.shell.close()
    assert desk.house.conversations.get(mine).draft == "unfinished"


def test_words_read_before_an_answer_ended_do_not_replace_what_it_became(desk):
    desk.ask("hello")
    desk.settle()
    answer = desk.transcript.marks[1].id
    chat = desk.house.conversations.list()[0].id
    stale = replace(desk.house.conversations.kept[answer], text="", ending=None)
    desk.shell._chat._hand_over(chat, [stale])
    assert desk.transcript.said == ["hello", "Hello there."]
