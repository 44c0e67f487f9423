"""Numbers behind sentences: where they stand, what they leave alone, and that the text stays what it was."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.rendering.citing import Cited, with_numbers
from freehold.rendering.plain import plain
from freehold.rendering.stream import render
from freehold.rendering.values import Code, Document


def shown(text, *cited):
    return plain(Document(with_numbers(render(text).blocks, [Cited(words, numbers) for words, numbers in cited])))


def test_a_number_stands_behind_its_sentence_and_before_the_full_stop():
    text = "It ends in 2027. You must write."
    assert (
        shown(text, ("It ends in 2027.", (1,)), ("You must write.", (2,))) == "It ends in 2027[1]. You must write[2]."
    )


def test_emphasis_and_inline_code_around_the_end_stay_whole():
    assert shown("It ends on **30 June `2027`**. Yes.", ("It ends on **30 June `2027`**.", (1,))) == (
        "It ends on 30 June 2027[1]. Yes."
    )


def test_several_sources_of_one_sentence_stand_side_by_side_once_each():
    assert shown("So it is.", ("So it is.", (1, 3)), ("So it is.", (3,))) in ("So it is[1][3].",)


def test_quotes_brackets_and_percent_signs_belong_to_the_word():
    assert shown("It grew (by 5%). He said “no”.", ("It grew (by 5%).", (1,)), ("He said “no”.", (2,))) == (
        "It grew (by 5%)[1]. He said “no”[2]."
    )


def test_items_quotes_headings_and_cells_get_theirs():
    text = (
        "# The head\n\n- one thing\n- other thing\n\n> a quoted line\n\n| a | b |\n|---|---|\n| cell one | cell two |\n"
    )
    words = ("The head", "one thing", "other thing", "a quoted line", "cell two")
    found = shown(text, *((word, (number,)) for number, word in enumerate(words, 1)))
    for number, word in enumerate(words, 1):
        assert f"{word}[{number}]" in found


def test_code_is_never_touched():
    text = "Look:\n\n```python\nprint('It ends in 2027.')\n```\n\nIt ends in 2027."
    blocks = with_numbers(
        render(text).blocks, [Cited("print('It ends in 2027.')", (1,)), Cited("It ends in 2027.", (2,))]
    )
    assert [block.text for block in blocks if isinstance(block, Code)] == ["print('It ends in 2027.')"]
    assert plain(Document(blocks)).endswith("It ends in 2027[2].")


def test_a_sentence_around_a_link_is_found_by_its_end():
    text = "See [the guide to leases](https://example.org/a/long/way) before you sign anything. Then sign."
    cited = ("See [the guide to leases](https://example.org/a/long/way) before you sign anything.", (1,))
    assert "sign anything[1]. Then sign." in shown(text, cited)


def test_a_sentence_that_is_not_there_gets_no_number_and_costs_the_others_none():
    assert shown("One. Two is here.", ("Nowhere to be found.", (1,)), ("Two is here.", (2,))) == "One. Two is here[2]."


def test_a_number_that_the_text_claims_is_only_text():
    blocks = with_numbers(render("As [1] says.").blocks, ())
    assert all(span.source == 0 for block in blocks for span in block.spans)


@given(st.text(alphabet="ab .!*_`[]()>#-|\n1é\u202e", max_size=120), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_is_cited_the_words_stay_as_they_were(text, data):
    blocks = render(text).blocks
    cited = []
    for number in range(1, data.draw(st.integers(0, 4)) + 1):
        start = data.draw(st.integers(0, len(text)))
        cited.append(Cited(text[start : data.draw(st.integers(start, len(text)))], (number,)))
    numbered = with_numbers(blocks, cited)
    before, after = _spans(blocks), _spans(numbered)
    assert "".join(span.text for span in after if not span.source) == "".join(span.text for span in before)
    numbers = [span.source for span in after if span.source]
    assert len(numbers) == len(set(numbers)) <= len(cited)


def _spans(blocks):
    from freehold.rendering.citing import _runs

    return [span for block in blocks for run in _runs(block) for span in run]
