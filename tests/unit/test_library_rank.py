"""The rules that make one order of two rankers."""

from __future__ import annotations

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from freehold.library.rank import diverse, fuse, rarest, says_the_same, smooth, standardise, words_weight
from freehold.library.words import any_of, is_said, named_in, spaced, terms, word_set

_SCORES = some.lists(some.floats(-100, 100, width=32), min_size=2, max_size=30).map(
    lambda values: numpy.asarray(values, dtype=numpy.float64)
)


@given(_SCORES)
@settings(deadline=None)
def test_standardising_keeps_the_order(scores):
    standard = standardise(scores)
    assert abs(standard.mean()) < 1e-6
    order = numpy.argsort(scores, kind="stable")
    assert all(numpy.diff(standard[order]) >= 0)


@given(_SCORES)
@settings(deadline=None)
def test_a_ranker_for_which_all_are_alike_says_nothing(scores):
    flat = numpy.full(len(scores), 3.0)
    assert numpy.allclose(fuse(flat, scores), (1 - words_weight(scores.max())) * standardise(scores))


@given(_SCORES)
@settings(deadline=None)
def test_a_passage_best_for_both_rankers_is_best(scores):
    fused = fuse(scores, scores)
    assert fused[int(scores.argmax())] == pytest.approx(fused.max())


@given(_SCORES)
@settings(deadline=None)
def test_neighbours_in_other_documents_change_nothing(scores):
    apart = numpy.zeros(len(scores) - 1, dtype=bool)
    assert numpy.array_equal(smooth(scores, apart), scores)


def test_a_passage_gains_from_those_beside_it():
    together = numpy.asarray([True, True, False])
    assert smooth(numpy.asarray([0.0, 4.0, 0.0, 8.0]), together, 0.25).tolist() == [1.0, 4.0, 1.0, 8.0]


@given(some.lists(some.sampled_from(["a b c", "a b c d e f", "x y z", "a b c ."]), max_size=12), some.integers(1, 5))
@settings(deadline=None)
def test_no_two_chosen_passages_say_the_same_nor_fill_a_page(texts, many):
    words = [frozenset(text.split()) for text in texts]
    chosen = diverse(range(len(texts)), many, lambda place: words[place], lambda place: place % 2, 2)
    assert chosen == sorted(chosen) and len(chosen) <= many
    assert not any(says_the_same(words[a], words[b]) for a in chosen for b in chosen if a > b)
    assert all(sum(place % 2 == page for place in chosen) <= 2 for page in (0, 1))


@given(some.floats(-1, 1), some.floats(-1, 1))
def test_words_count_the_more_the_less_near_the_nearest_is(one, other):
    far, near = sorted((one, other))
    assert 0.25 <= words_weight(near) <= words_weight(far) <= 0.6


def test_candidates_are_measured_against_the_sample_of_all():
    meaning, sample = numpy.asarray([0.9, 0.1, 0.1]), numpy.asarray([0.0, 0.2])
    assert fuse(None, meaning, sample).tolist() == pytest.approx([8.0, 0.0, 0.0])


def test_the_same_report_of_another_quarter_says_something_else():
    words = frozenset(f"w{chr(97 + n)}" for n in range(24))
    assert says_the_same(words | {"sales"}, words | {"sales"})
    assert says_the_same(words, words | {"sales"})
    assert not says_the_same(words | {"2023"}, words | {"2022"})


def test_common_words_are_dropped_once_many_chunks_are_to_be_looked_at():
    counts = [("the", 900), ("of", 800), ("hull", 3), ("keel", 2), ("zzz", 0), ("mast", 50)]
    assert rarest(counts) == ["keel", "hull", "mast", "of", "the"]
    assert rarest(counts, most=60) == ["keel", "hull", "mast"]
    assert rarest([("the", 900), ("who", 500)], most=60) == ["who"]


def test_what_a_question_names_are_capitals_within_it_and_numbers():
    assert named_in("What did Apple's net sales do in Q3 2022?") == ["apple", "q3", "2022"]
    assert named_in("Wann zogen die Hugenotten nach Frankreich?") == ["hugenotten", "frankreich"]
    assert named_in("who is that") == named_in("") == []


def test_terms_are_words_and_pairs_of_characters_without_spaces():
    assert terms("What is 機械学 (ML_2)? what") == ["what", "is", "機 械", "械 学", "ml", "2"]
    assert spaced("a機械b") == "a 機  械 b"
    assert any_of(['a"b', "機 械"]) == '"a""b" OR "機 械"'


@pytest.mark.parametrize(
    ("term", "text", "agrees"),
    [
        ("hugenotten", "Der Hugenottenaufstand begann 1620.", True),
        ("regierung", "Die Bundesregierung trat zurück.", True),
        ("colonias", "La colonia inglesa prometió tierra.", True),
        ("apple", "as applicable", False),
        ("port", "the report", False),
        ("port", "all ports", True),
        ("2022", "Net sales of 20225 units", False),
        ("q3", "2022 Q3 AAPL.pdf", True),
        ("sea", "the season of rain", False),
        ("機 械", "工作機械の輸出", True),
        ("mountain", "the harbour of Lindau", False),
    ],
)
def test_a_term_is_said_by_its_first_letters_in_any_language_and_a_number_only_whole(term, text, agrees):
    assert is_said(term, text.lower(), word_set(text)) is agrees
