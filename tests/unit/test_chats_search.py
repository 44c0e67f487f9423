"""Searching everything that was said."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from freehold.chats.conversations import Conversations
from freehold.chats.phrases import phrases
from freehold.chats.values import Ending, Role
from freehold.foundation.errors import NotFound
from support.vaults import InProcess, open_safe


@pytest.fixture(scope="module")
def conversations(tmp_path_factory):
    safe = open_safe(tmp_path_factory.mktemp("search"))
    conversations = Conversations(InProcess(safe))
    chat = conversations.create("Holiday plans")
    question = conversations.ask(chat.id, "Where is the Café Müller? " + "filler " * 200 + "near the harbour", None)
    answer = conversations.begin_answer(chat.id, question.id)
    conversations.seal(answer.id, Ending.COMPLETE, text='He said "turn left", NOT right* (a AND b) -c ^d col:x')
    yield conversations
    safe.close()


def found(conversations, text):
    return [(hit.role, hit.text) for hit in conversations.search(text)]


def test_accents_and_capitals_do_not_matter(conversations):
    for typed in ("cafe muller", "CAFÉ", "café mü"):
        ((role, excerpt),) = found(conversations, typed)
        assert role is Role.USER
        assert "\x02Café\x03" in excerpt


def test_an_excerpt_is_short_and_around_the_match(conversations):
    ((_, excerpt),) = found(conversations, "harbour")
    assert excerpt.startswith("…")
    assert "\x02harbour\x03" in excerpt
    assert len(excerpt) < 300


def test_a_title_is_found_once_and_leads_to_the_chat(conversations):
    (hit,) = conversations.search("holiday pl")
    assert (hit.title, hit.text) == ("Holiday plans", "\x02Holiday\x03 \x02plans\x03")
    assert hit.turn == conversations.branch(hit.chat)[0].id


def test_a_chat_that_is_titled_by_its_question_is_found_once(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Quinces and medlars", None)
    assert [hit.turn for hit in conversations.search("quinces")] == [question.id]
    empty = conversations.create("Medlars only")
    assert {hit.turn for hit in conversations.search("medlars")} == {question.id, ""}
    conversations.erase(chat.id)
    conversations.erase(empty.id)


def test_a_renamed_chat_is_found_by_its_new_name_alone(conversations):
    chat = conversations.create("Oldname")
    conversations.rename(chat.id, "Newname")
    assert conversations.search("oldname") == []
    assert [hit.chat for hit in conversations.search("newname")] == [chat.id]
    conversations.erase(chat.id)


@pytest.mark.parametrize(
    "typed", ['"turn left"', "NOT right*", "(a AND b)", "-c", "^d", "col:x", "a AND b", '"turn', "right*"]
)
def test_what_is_syntax_elsewhere_is_words_here(conversations, typed):
    assert Role.ASSISTANT in [role for role, _ in found(conversations, typed)]


def test_nothing_to_find_finds_nothing(conversations):
    for typed in ("", "   ", '"', "***", "\x00", "\u200b", "—"):
        assert phrases(typed) == ""
        assert conversations.search(typed) == []


def test_an_answer_is_found_once_it_is_finished(conversations):
    chat = conversations.create("x")
    question = conversations.ask(chat.id, "?", None)
    answer = conversations.begin_answer(chat.id, question.id)
    conversations.extend(answer.id, "pomegranate")
    assert conversations.search("pomegranate") == []
    conversations.seal(answer.id, Ending.STOPPED)
    assert [hit.turn for hit in conversations.search("pomegranate")] == [answer.id]
    conversations.erase(chat.id)


def test_no_more_than_asked_for_is_returned(conversations):
    chat = conversations.create("x")
    for number in range(20):
        conversations.ask(chat.id, f"kumquat {number}", None)
    assert len(conversations.search("kumquat", limit=7)) == 7
    conversations.erase(chat.id)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(typed=st.text(max_size=40) | st.text(st.sampled_from("\"'*()^-:+ aANDORT\x00\ud800{}[]\\\n"), max_size=30))
def test_whatever_is_typed_is_no_error(conversations, typed):
    conversations.search(typed)


def test_a_chat_is_found_by_a_part_of_its_id_and_a_failure_says_which(conversations):
    (chat,) = conversations.list()
    assert conversations.find(chat.id[:12]) == conversations.find(chat.id[-8:]) == chat
    for part in ("zzz", "../*"):
        with pytest.raises(NotFound) as caught:
            conversations.find(part)
        assert caught.value.detail == f"no chat has an id like {part}"
