"""Where lines stand on a page: reading order, and finding a passage again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.library.extract.layout import Line, in_reading_order, steadied, structured
from freehold.library.extract.passages import boxes_on, spans_of


def line(text: str, left: float, top: float, right: float, height: float = 10) -> Line:
    """`top` counts downwards from the edge of a page 1000 high."""
    return Line(text, 1000 - top, 1000 - top - height, left, right, height)


def texts(lines):
    return [one.text for one in lines]


def test_columns_are_read_one_after_the_other_below_what_spans_them():
    left = [line(f"left column line {n}", 50, 100 + 15 * n, 280) for n in range(3)]
    right = [line(f"right column line {n}", 320, 101 + 15 * n, 550) for n in range(3)]
    across = [line("A heading over both of the columns", 50, 50, 550), line("And a footer below them", 50, 300, 550)]
    shuffled = [right[1], across[1], left[2], left[0], right[0], across[0], right[2], left[1]]
    assert texts(in_reading_order(shuffled)) == texts([across[0], *left, *right, across[1]])


def test_a_tables_cells_stay_in_their_rows():
    cells = [line(f"{row}{n}", 50 + 200 * n, 100 + 20 * row, 90 + 200 * n) for row in range(4) for n in range(3)]
    assert texts(in_reading_order(cells[::-1])) == texts(cells)


@given(st.lists(st.tuples(*[st.integers(0, 900)] * 2, st.integers(1, 400), st.integers(1, 60)), max_size=40))
def test_every_line_is_read_once_wherever_it_stands(places):
    lines = [line(str(n), left, top, left + wide, high) for n, (left, top, wide, high) in enumerate(places)]
    assert sorted(texts(in_reading_order(lines)), key=int) == texts(lines)


def test_recognised_lines_of_about_one_size_are_one_paragraph():
    lines = [line("The hull of the boat", 50, 100, 300, 12), line("is blue.", 50, 115, 150, 10)]
    assert [block.text for block in structured(steadied(lines), 1)] == ["The hull of the boat is blue."]


def test_a_passage_is_found_although_its_lines_were_joined_and_its_words_made_whole():
    page = "The har-\nbour was quiet; the well-\nknown boat lay there."
    ((start, end),) = spans_of("The harbour was quiet; the well-known boat", page)
    assert page[start:end] == page[:-11]


def test_a_passage_that_leaves_out_what_stands_between_is_found_in_runs():
    page = "one two three four. Page 7 of 12, printed in Ulm in May. five six seven eight"
    assert [page[start:end] for start, end in spans_of("One two three four, five six seven eight!", page)] == [
        "one two three four", "five six seven eight",
    ]  # fmt: skip


def test_what_does_not_stand_there_is_not_found():
    assert spans_of("of the sea", "The hull of the boat is blue.") == []
    assert spans_of(" - ", "The hull - of the boat") == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_spans_lie_in_the_text_and_follow_one_another(passage, text):
    places = [place for span in spans_of(passage, text) for place in span]
    assert places == sorted(places) and all(0 <= place <= len(text) for place in places)


def test_of_a_line_that_a_passage_begins_in_only_that_part_is_boxed():
    lines = [line("0123456789 abcdefghi", 100, 100, 300), line("jkl", 100, 120, 130)]
    first, second = boxes_on(lines, 1000, 1000, "abcdefghi jkl")
    assert first == pytest.approx((0.21, 0.1, 0.3, 0.11)) and second == pytest.approx((0.1, 0.12, 0.13, 0.13))
