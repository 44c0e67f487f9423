"""What of a chat is shown to the model: rules that hold for every chat there could be."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from freehold.assistant.fitting import first_kept, left_out_before, messages_from, reserve_for_answer
from freehold.chats.values import Context, Ending, Provenance, Role, Turn

SHA = "ab" * 32


def question(text, number=0):
    return Turn(f"q{number}", "c", None, Role.USER, text, 0.0)


def answer(text, *, sha=SHA, tokens=(1, 2), ending=Ending.COMPLETE, dropped=0, limit=100):
    made = Provenance(model_sha256=sha, context=Context(10, limit, dropped))
    return Turn("a", "c", None, Role.ASSISTANT, text, 0.0, ending, made, tokens)


@given(st.integers(0, 50), st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(20, 400))
def test_what_is_kept_fits_unless_the_last_message_alone_is_too_long(fixed, counts, limit):
    first = first_kept(fixed, counts, limit)
    assert 0 <= first < len(counts)
    assert fixed + sum(counts[first:]) <= limit or first == len(counts) - 1


@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_nothing_is_left_out_of_a_chat_that_fits(counts):
    assert first_kept(5, counts, 5 + sum(counts)) == 0


@given(st.lists(st.sampled_from(["q", "a", "empty"]), max_size=30))
def test_questions_and_answers_alternate_and_every_turn_is_counted_once(kinds):
    turns = [question("why", n) if k == "q" else answer("so" if k == "a" else " ") for n, k in enumerate(kinds)]
    shown = messages_from([*turns, question("last")], SHA)
    roles = [one.message.role for one in shown]
    assert roles[0] == roles[-1] == "user"
    assert all(before != after for before, after in pairwise(roles))
    assert sum(one.turns for one in shown) == len(turns) + 1


def test_questions_that_got_no_answer_are_read_together():
    shown = messages_from([question("one"), answer(""), question("two")], SHA)
    assert [(one.message.text, one.turns) for one in shown] == [("one\n\ntwo", 3)]


def test_thinking_is_not_shown_again_and_its_tokens_are_not_reused():
    shown = messages_from([question("q"), answer("<think>hm</think>Yes."), question("r")], SHA)
    assert (shown[1].message.text, shown[1].message.tokens) == ("Yes.", ())


def test_tokens_go_only_to_the_model_that_made_them():
    assert messages_from([question("q"), answer("Yes."), question("r")], SHA)[1].message.tokens == (1, 2)
    assert messages_from([question("q"), answer("Yes."), question("r")], "other")[1].message.tokens == ()


def test_what_was_left_out_before_stays_left_out_with_the_same_model():
    turns = [question("a"), answer("b"), question("c"), answer("d", dropped=2), question("e")]
    assert left_out_before(turns, SHA, 100) == 2
    assert left_out_before(turns, "other", 100) == 0
    assert left_out_before(turns, SHA, 200) == 0


def test_the_answer_is_left_a_quarter_of_the_context_at_most():
    assert reserve_for_answer(8192, 2048) == 2048
    assert reserve_for_answer(2048, 2048) == 512
    assert reserve_for_answer(2048, 100) == 100
