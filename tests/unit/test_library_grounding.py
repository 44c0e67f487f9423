"""What code decides in place of a model: whether the documents hold the answer, and who said what."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from freehold.library.embed.client import MINILM
from freehold.library.grounding import attribute, fits, holds_answer
from freehold.library.values import Passage, Signal

_HARBOUR = Passage(1, "/a.txt", None, 0, 0, "The harbour of Lindau has 24 berths, painted blue in 1856.", 1.0)
_CAKE = Passage(2, "/b.txt", None, 0, 0, "Bake the cake for 40 minutes with butter and sugar.", 0.5)


def sources(answer: str) -> list[int | None]:
    return [cited.passage for cited in attribute(answer, [_HARBOUR, _CAKE])]


def test_each_sentence_is_given_the_passage_that_says_it():
    assert sources("Lindau's harbour has 24 berths. The cake is baked for 40 minutes!") == [0, 1]


def test_a_sentence_that_no_passage_says_has_none():
    assert sources("Elephants migrate in autumn.") == [None]


def test_a_number_that_the_passage_does_not_hold_is_not_attributed_to_it():
    assert sources("The harbour of Lindau has 25 berths.") == [None]
    assert sources("The harbour of Lindau has berths painted in 1,856.") == [0]


def test_a_scrap_of_a_word_is_a_source_only_where_it_is_all_that_is_said():
    assert sources("Lindau.") == [0]
    assert sources("Lindau. Elephants migrate there in autumn.") == [None, None]


def test_numbers_alone_make_no_source():
    years = Passage(3, "/c.txt", None, 0, 0, "Settled in 1788 and again in 1803, first by ships.", 0.4)
    assert attribute("The first use of a steam engine was in 1803 or 1788.", [years])[0].passage is None
    assert attribute("1788.", [years])[0].passage == 0


def test_the_marks_of_a_list_are_not_numbers_that_are_said():
    assert sources("1) The harbour of Lindau has 24 berths.\n2) Bake the cake with butter.") == [0, 1]
    assert sources("[2] The harbour of Lindau has 24 berths.") == [0]


def test_of_passages_that_say_the_same_the_best_ranked_one_is_the_source():
    later = replace(_HARBOUR, document=4, text=f"{_HARBOUR.text} Lindau lies on the lake.")
    answer = "The harbour of Lindau has 24 berths on the lake."
    assert [one.passage for one in attribute(answer, [_CAKE, later])] == [1]
    assert [one.passage for one in attribute("The harbour of Lindau has 24 berths.", [_HARBOUR, later])] == [0]
    assert [one.passage for one in attribute("The harbour of Lindau has 24 berths.", [later, _HARBOUR])] == [0]


def test_nothing_is_attributed_to_nothing():
    assert attribute("Words.", [])[0].passage is None
    assert attribute("", [_CAKE]) == ()
    assert attribute("... !", [_CAKE]) == ()


@given(some.text(max_size=200))
def test_sentences_stand_where_they_are_said_to(answer):
    ends = 0
    for cited in attribute(answer, [_HARBOUR, _CAKE]):
        assert ends <= cited.start < cited.end <= len(answer)
        assert answer[cited.start : cited.end].strip()
        ends = cited.end


def test_a_good_fit_is_answered_and_a_poor_one_refused():
    # Medians of the calibration: questions with their document, and with it taken away.
    assert holds_answer(Signal(0.66, coverage=0.58, names=1.0, lead=2.4, model=MINILM))
    assert not holds_answer(Signal(0.41, coverage=0.28, names=0.5, lead=1.2, model=MINILM))
    assert holds_answer(Signal(coverage=0.61, names=1.0, standing_out=0.6))
    assert not holds_answer(Signal(coverage=0.3, names=0.0, standing_out=0.4))
    assert not holds_answer(Signal())


def test_cosines_of_a_model_that_was_not_calibrated_decide_nothing():
    far, near = Signal(0.1, coverage=0.6, model="another"), Signal(0.99, coverage=0.6, model="another")
    assert fits(far) == fits(near) == fits(replace(far, best_meaning=None))


@given(some.floats(0, 1), some.floats(0, 1), some.floats(0, 1), some.sampled_from(Signal.__slots__[:-1]))
def test_more_of_what_speaks_for_an_answer_never_makes_a_fit_worse(rest, less, more, name):
    low, high = sorted((less, more))
    signal = Signal(rest, rest, rest, rest, rest, MINILM)
    assert fits(replace(signal, **{name: low})) <= fits(replace(signal, **{name: high}))
