"""Numbers, times and streamed words as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.chats.values import Context, Provenance
from freehold.foundation.errors import UsageError
from freehold.rendering.visible import visible
from freehold.terminal.words import Trickle, context_line, count, provenance_line, short_ids, since, size

# What streams break: joined emoji, joiners inside words, marks, hidden characters, plain letters.
PIECES = st.sampled_from(
    ["a", " ", "é", "e\u0301", "👩", "\u200d", "👧", "\ufe0f", "می", "\u200c", "خواهم", "\u202e", "你", "\n"]
)


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 bytes"), (999, "999 bytes"), (98_362_432, "98.4 MB"), (5 * 10**12, "5.0 TB")]
)
def test_sizes(number, words):
    assert size(number) == words


def test_counts_agree_with_their_noun():
    assert (count(1, "turn"), count(2, "turn"), count(1234, "token")) == ("1 turn", "2 turns", "1,234 tokens")


def test_an_answer_says_where_it_was_made_and_what_it_did_not_see():
    made = Provenance(model="Tiny", model_sha256="b179c9523d0e6a", tokens=12, tokens_per_s=84.2)
    assert provenance_line(made) == "made here by Tiny (b179c9523d0e), 84 tok/s, 12 tokens, saw everything"
    made = Provenance(where=("study",), model="Tiny", tokens=1, context=Context(9, 10, dropped_turns=3))
    assert provenance_line(made) == "made by study by Tiny (), 1 token, 3 turns left out"


def test_the_context_is_told_in_percent():
    assert context_line(Context(4200, 8192)) == "context 51 % full (4,200 of 8,192 tokens)"


@pytest.mark.parametrize(
    ("text", "moment"), [("2h", 1_000_000 - 7200), ("7d", 1_000_000 - 604_800), ("1700000000", 1.7e9)]
)
def test_times_since(text, moment):
    assert since(text, 1_000_000.0) == moment


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "9" * 400, "-1"])
def test_what_is_no_time_is_wrong_usage(text):
    with pytest.raises(UsageError):
        since(text, 0.0)


@given(st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), unique=True, max_size=20))
def test_short_ids_are_unique_beginnings(ids):
    short = short_ids(ids)
    assert len(set(short.values())) == len(ids)
    for id, beginning in short.items():
        assert id.startswith(beginning)
        assert sum(other.startswith(beginning) for other in ids) == 1


@given(st.lists(PIECES, max_size=30))
def test_streamed_words_are_those_of_the_whole_text(pieces):
    trickle = Trickle()
    streamed = "".join(trickle.push(piece) for piece in pieces) + trickle.rest()
    assert streamed == "".join(pieces)


@pytest.mark.parametrize("text", ["a 👩\u200d👩\u200d👧 b", "می\u200cخواهم", "flag 🏳️\u200d🌈.", "é"])
def test_honest_joiners_survive_a_stream_of_single_characters(text):
    trickle = Trickle()
    shown = "".join(visible(trickle.push(character)) for character in text) + visible(trickle.rest())
    assert shown == visible(text) == text
