"""The part of a passage that a card shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from freehold.desktop.excerpts import MOST, excerpt

CLAUSE = "Either party may terminate by written notice of three months."


def test_the_sentence_that_says_it_is_marked():
    found = excerpt(
        f"The term is long. {CLAUSE} Rent is due on Mondays.", "You must give written notice of three months"
    )
    assert found.text[found.start : found.end] == CLAUSE
    assert found.text.startswith("The term")


def test_a_sentence_far_inside_brings_a_little_of_what_stands_before_it():
    found = excerpt(
        "Filler words go on and on here. " * 20 + CLAUSE + " More follows." * 20, "written notice three months"
    )
    assert found.text.startswith("… ")
    assert found.text.endswith(" …")
    assert found.text[found.start : found.end] == CLAUSE
    assert found.start < 60


def test_without_anything_to_look_for_the_beginning_is_shown_in_whole_words():
    found = excerpt("word " * 100)
    assert found.text.endswith("word …")
    assert (found.start, found.end) == (0, 0)


def test_hidden_characters_are_written_out_and_the_mark_moves_along():
    found = excerpt("\u202eevil words. The written notice counts.", "written notice counts")
    assert found.text.startswith("[U+202E]evil words.")
    assert found.text[found.start : found.end] == "The written notice counts."


@given(st.text(max_size=400), st.text(max_size=60))
def test_the_mark_lies_in_the_text_whatever_comes(passage, said):
    found = excerpt(passage, said)
    assert 0 <= found.start <= found.end <= len(found.text)
    assert found.text.isascii() is False or len(found.text) <= 3 * MOST + 80
