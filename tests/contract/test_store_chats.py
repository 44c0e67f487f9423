"""What everyone may expect of conversations, the ones in memory and the ones in the vault alike."""

from __future__ import annotations

import pytest

from freehold.chats.conversations import Conversations
from freehold.chats.values import (
    ALL_DOCUMENTS,
    NO_DOCUMENTS,
    Attachment,
    Ending,
    Provenance,
    Role,
    Scope,
    Source,
    Use,
)
from freehold.foundation.errors import NotFound, UsageError
from support.chats import MemoryConversations
from support.vaults import InProcess, open_safe, opened


@pytest.fixture(scope="module")
def safe(tmp_path_factory):
    safe = open_safe(tmp_path_factory.mktemp("safe"))
    yield safe
    safe.close()


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("vault")) as vault:
        yield vault


@pytest.fixture(params=["in memory", "in the store", "through the vault process"])
def conversations(request):
    if request.param == "in memory":
        yield MemoryConversations()
        return
    is_store = request.param == "in the store"
    real = Conversations(InProcess(request.getfixturevalue("safe")) if is_store else request.getfixturevalue("vault"))
    yield real
    for chat in [*real.list(), *real.list(trash=True)]:
        real.erase(chat.id)


def say(conversations, chat, *texts, parent=None):
    """Question, answer, question ... one below the other; their turns."""
    turns = []
    for place, text in enumerate(texts):
        if place % 2 == 0:
            turn = conversations.ask(chat.id, text, parent)
        else:
            turn = conversations.begin_answer(chat.id, parent)
            conversations.extend(turn.id, text)
            turn = conversations.seal(turn.id, Ending.COMPLETE)
        turns.append(turn)
        parent = turn.id
    return turns


def texts(turns):
    return [turn.text for turn in turns]


def test_a_question_is_there_as_soon_as_it_is_asked(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Is it raining?", None)
    assert conversations.turns([question.id]) == [question]
    assert (question.role, question.parent, question.ending) == (Role.USER, None, None)
    assert conversations.leaf(chat.id) == question.id


def test_the_first_question_gives_the_chat_its_title(conversations):
    chat = conversations.create()
    say(conversations, chat, "  Why is the sky blue?\nReally?", "Because.", "And red?")
    assert conversations.get(chat.id).title == "Why is the sky blue?"


def test_a_title_someone_chose_stays(conversations):
    chat = conversations.create("Weather")
    say(conversations, chat, "Is it raining?")
    assert conversations.get(chat.id).title == "Weather"


def test_an_answer_grows_and_is_sealed_with_where_it_came_from(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Hi", None)
    answer = conversations.begin_answer(chat.id, question.id)
    assert (answer.text, answer.ending) == ("", None)
    conversations.extend(answer.id, "Hel")
    conversations.extend(answer.id, "lo")
    assert conversations.turns([answer.id])[0].text == "Hello"
    made = Provenance(model="tiny", model_sha256="ab" * 32, sampler={"temperature": 0.5}, tokens=2)
    sealed = conversations.seal(answer.id, Ending.COMPLETE, made, [7, 1 << 30])
    assert sealed == conversations.turns([answer.id])[0]
    assert (sealed.text, sealed.ending) == ("Hello", Ending.COMPLETE)
    assert (sealed.provenance, sealed.tokens) == (made, (7, 1 << 30))


def test_a_seal_may_replace_the_words_and_keep_what_went_wrong(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Hi", None)
    answer = conversations.begin_answer(chat.id, question.id)
    conversations.extend(answer.id, "Hel")
    error = {"code": "engine-stopped", "title": "t", "advice": "a", "detail": ""}
    sealed = conversations.seal(answer.id, Ending.BROKEN, error=error, text="Hell")
    assert (sealed.text, sealed.ending, sealed.error) == ("Hell", Ending.BROKEN, error)


def test_a_sealed_answer_and_a_question_never_change(conversations):
    chat = conversations.create()
    question, answer = say(conversations, chat, "Hi", "Hello")
    for turn in (question, answer):
        with pytest.raises(UsageError):
            conversations.extend(turn.id, " more")
        with pytest.raises(UsageError):
            conversations.seal(turn.id, Ending.STOPPED, text="other")
    assert conversations.turns([question.id, answer.id]) == [question, answer]


def test_an_edited_question_is_a_sibling_and_the_old_one_stays(conversations):
    chat = conversations.create()
    first, _, second, _ = say(conversations, chat, "one", "1", "two", "2")
    edited = conversations.ask(chat.id, "two, please", second.parent)
    assert texts(conversations.branch(chat.id)) == ["one", "1", "two, please"]
    assert conversations.siblings(edited.id) == [second.id, edited.id]
    assert conversations.siblings(first.id) == [first.id]
    assert len(conversations.tree(chat.id)) == 5


def test_showing_an_older_branch_goes_down_to_its_newest_turn(conversations):
    chat = conversations.create()
    first, *_, last = say(conversations, chat, "one", "1", "two", "2")
    say(conversations, chat, "other start", "other answer")
    assert texts(conversations.branch(chat.id)) == ["other start", "other answer"]
    assert conversations.show(first.id) == last.id
    assert texts(conversations.branch(chat.id)) == ["one", "1", "two", "2"]
    assert conversations.get(chat.id).turns == 4


def test_the_outline_counts_alternatives_without_words(conversations):
    chat = conversations.create()
    question, old = say(conversations, chat, "Häh?", "first try")
    retried = conversations.begin_answer(chat.id, question.id)
    marks = conversations.outline(chat.id)
    assert [(m.id, m.role, m.length, m.place, m.siblings) for m in marks] == [
        (question.id, Role.USER, 4, 0, 1),
        (retried.id, Role.ASSISTANT, 0, 1, 2),
    ]
    conversations.show(old.id)
    assert conversations.outline(chat.id)[1].place == 0


def test_a_long_chat_is_read_back_only_as_far_as_asked(conversations):
    chat = conversations.create()
    parent = None
    for number in range(6):
        parent = conversations.ask(chat.id, f"number {number}", parent).id  # 8 characters each
    turns, before = conversations.back(parent, 20)
    assert texts(turns) == ["number 3", "number 4", "number 5"]
    assert before == 3
    assert conversations.back(parent, 1_000) == (conversations.branch(chat.id), 0)
    assert texts(conversations.back(parent, 0)[0]) == ["number 5"]


def test_an_empty_chat_has_an_empty_outline(conversations):
    chat = conversations.create()
    assert conversations.outline(chat.id) == conversations.branch(chat.id) == []
    assert conversations.leaf(chat.id) is None


def test_a_turn_of_another_chat_is_no_parent(conversations):
    here, there = conversations.create(), conversations.create()
    (question,) = say(conversations, there, "mine")
    with pytest.raises(NotFound):
        conversations.ask(here.id, "yours", question.id)
    assert conversations.branch(here.id) == []


@pytest.mark.parametrize("call", ["get", "outline", "branch", "tree", "move_to_trash", "restore", "erase", "leaf"])
def test_an_unknown_chat_is_said_to_be_missing(conversations, call):
    with pytest.raises(NotFound):
        getattr(conversations, call)("0" * 32)


def test_an_unknown_turn_is_said_to_be_missing(conversations):
    for ask in (conversations.siblings, conversations.show, lambda id: conversations.turns([id])):
        with pytest.raises(NotFound):
            ask("0" * 32)


def test_the_chat_used_last_stands_first(conversations):
    one, two, three = (conversations.create(title) for title in ("one", "two", "three"))
    say(conversations, one, "hello")
    assert [chat.id for chat in conversations.list()] == [one.id, three.id, two.id]


def test_the_trash_gives_back_what_was_put_there(conversations):
    chat = conversations.create("Old")
    turns = say(conversations, chat, "precious", "indeed")
    conversations.move_to_trash(chat.id)
    assert conversations.list() == []
    assert [one.id for one in conversations.list(trash=True)] == [chat.id]
    assert conversations.search("precious") == []
    conversations.restore(chat.id)
    assert conversations.branch(chat.id) == turns
    assert len(conversations.search("precious")) == 1


def test_an_erased_chat_is_gone(conversations):
    chat, other = conversations.create(), conversations.create()
    (question,) = say(conversations, chat, "secret")
    say(conversations, other, "harmless")
    conversations.erase(chat.id)
    with pytest.raises(NotFound):
        conversations.get(chat.id)
    with pytest.raises(NotFound):
        conversations.turns([question.id])
    assert conversations.search("secret") == []
    assert len(conversations.search("harmless")) == 1


def test_a_draft_is_kept_until_it_is_asked(conversations):
    chat = conversations.create()
    conversations.save_draft(chat.id, "Half a thou")
    assert conversations.get(chat.id).draft == "Half a thou"
    say(conversations, chat, "something else")
    assert conversations.get(chat.id).draft == "Half a thou"
    say(conversations, chat, "Half a thou")
    assert conversations.get(chat.id).draft == ""


def test_a_chat_has_its_own_prompt_sampling_and_model(conversations):
    chat = conversations.create("x")
    conversations.change(chat.id, system_prompt="Be brief.", sampling={"temperature": 0.1, "top_k": 5}, model="tiny")
    kept = conversations.change(chat.id, system_prompt=None)
    assert (kept.system_prompt, kept.sampling, kept.model) == (None, {"temperature": 0.1, "top_k": 5}, "tiny")
    assert conversations.get(chat.id) == kept


def test_answers_a_crash_left_open_become_broken_and_keep_their_words(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Hi", None)
    answer = conversations.begin_answer(chat.id, question.id)
    conversations.extend(answer.id, "It was going to sa")
    assert conversations.recover() == [answer.id]
    assert conversations.recover() == []
    kept = conversations.turns([answer.id])[0]
    assert (kept.ending, kept.text) == (Ending.BROKEN, "It was going to sa")


def test_what_was_noted_of_an_answer_stays_known_when_a_crash_breaks_it(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Hi", None)
    answer = conversations.begin_answer(chat.id, question.id)
    noted = Provenance(model="tiny", model_sha256="ab" * 32, sampler={"temperature": 0.5}, seed=7, notes=("Gently.",))
    conversations.note(answer.id, noted)
    conversations.extend(answer.id, "It was going to sa")
    conversations.recover()
    kept = conversations.turns([answer.id])[0]
    assert (kept.ending, kept.text, kept.provenance) == (Ending.BROKEN, "It was going to sa", noted)


def test_a_seal_replaces_what_was_noted_and_without_better_keeps_it(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "Hi", None)
    first, second = Provenance(model="tiny", seed=7), Provenance(model="tiny", seed=7, tokens=3)
    answer = conversations.begin_answer(chat.id, question.id)
    conversations.note(answer.id, first)
    assert conversations.seal(answer.id, Ending.COMPLETE, second).provenance == second
    other = conversations.begin_answer(chat.id, question.id)
    conversations.note(other.id, first)
    assert conversations.seal(other.id, Ending.BROKEN).provenance == first


def test_nothing_is_noted_of_what_is_finished(conversations):
    chat = conversations.create()
    question, answer = say(conversations, chat, "Hi", "Hello")
    for turn in (question, answer):
        with pytest.raises(UsageError):
            conversations.note(turn.id, Provenance(model="other"))
    assert conversations.turns([question.id, answer.id]) == [question, answer]


def test_search_finds_all_words_and_the_last_may_be_unfinished(conversations):
    chat = conversations.create("t")
    wanted, _ = say(conversations, chat, "the quick brown fox", "jumps over the lazy dog")
    assert [hit.turn for hit in conversations.search("fox quick")] == [wanted.id]
    assert [hit.turn for hit in conversations.search("quick bro")] == [wanted.id]
    assert conversations.search("qui brown") == []
    assert conversations.search("fox dog") == []


def test_words_no_database_can_hold_are_kept_as_near_as_possible(conversations):
    chat = conversations.create("t")
    question = conversations.ask(chat.id, "half \ud83d pair, \x00 nothing, whole 😀", None)
    assert conversations.turns([question.id])[0].text == "half � pair, � nothing, whole 😀"


def test_a_chat_remembers_which_documents_it_answers_from(conversations):
    chat = conversations.create()
    assert conversations.get(chat.id).scope == NO_DOCUMENTS
    for scope in (Scope(True, ("letters", "Verträge")), ALL_DOCUMENTS, NO_DOCUMENTS):
        assert conversations.change(chat.id, scope=scope).scope == scope
        assert conversations.get(chat.id).scope == scope


def test_files_stay_beside_the_question_they_came_with(conversations):
    chat = conversations.create()
    lease = Attachment("lease.pdf", 11, "Page 1.More", ((7, 1), (4, 2)))
    question = conversations.ask(chat.id, "When does it end?", None, [lease, Attachment("b.txt", 1, "x", ((1, None),))])
    named = (Attachment("lease.pdf", 11), Attachment("b.txt", 1))
    assert question.attachments == named
    assert conversations.turns([question.id])[0].attachments == named, "without the text, which may be long"
    assert conversations.attached(question.id)[0] == lease
    plain = conversations.ask(chat.id, "And this?", question.id)
    assert (plain.attachments, conversations.attached(plain.id)) == ((), [])


def test_the_passages_of_an_answer_are_kept_in_numbers(conversations):
    chat = conversations.create()
    question = conversations.ask(chat.id, "When does it end?", None)
    answer = conversations.begin_answer(chat.id, question.id)
    cited = Source(3, 10, 20, 4, "ab12", Use.CITED, 1.5, ((0, 12), (14, 20)))
    made = Provenance(model="tiny", grounded=True, sources=(cited, Source(-1, 0, 5, None, "cd", Use.LEFT_OUT)))
    conversations.seal(answer.id, Ending.COMPLETE, made)
    assert conversations.turns([answer.id])[0].provenance == made
