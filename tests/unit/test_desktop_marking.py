"""Which words stand out in a passage, and which part of it is shown."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from freehold.desktop.marking import cut, excerpt, marked, units
from freehold.desktop.search_wish import KINDS, SearchWish, span_of

TEXT = st.text(st.sampled_from("ab éÄß\n\t.,-語私😀\u0301 lease"), max_size=400)


def words(shown):
    return [shown.text[start:end] for start, end in shown.spans]


def test_words_are_marked_in_whatever_form_case_and_accents():
    assert words(marked("landlord renew", "Landlords renewed; LANDLORD'S renewal, a landing.")) == [
        "Landlords", "renewed", "LANDLORD", "renewal",
    ]  # fmt: skip
    assert words(marked("resume café", "A résumé at the Cafe.")) == ["résumé", "Cafe"]


def test_little_words_are_marked_only_when_nothing_else_was_asked():
    assert words(marked("the end of the lease", "The end of the lease.")) == ["lease"]
    assert words(marked("to be", "To be or not to be")) == ["To", "be", "to", "be"]
    assert words(marked("clause 9", "Under clause 9 or 10")) == ["clause", "9"]


def test_scripts_without_spaces_are_marked_by_character():
    assert "".join(words(marked("機械", "私は機械学習を勉強しています"))) == "機械"


def test_the_excerpt_is_where_most_of_the_words_are():
    text = "notice " + "x " * 200 + "the notice that ends the lease\n\n comes early " + "y " * 200
    shown = excerpt(marked("notice lease", text), 80)
    assert words(shown) == ["notice", "lease"]
    assert shown.text.startswith("… ")
    assert shown.text.endswith(" …")
    assert "\n" not in shown.text


def test_a_short_passage_is_shown_whole_on_one_line():
    shown = excerpt(marked("lease", "The\n\n  lease ends."), 80)
    assert (shown.text, words(shown)) == ("The lease ends.", ["lease"])


@given(TEXT, TEXT)
def test_marks_lie_in_order_inside_the_text(query, text):
    for shown in (marked(query, text), excerpt(marked(query, text), 40)):
        places = [place for span in shown.spans for place in span]
        assert places == sorted(places)
        assert all(shown.text[start:end].strip() for start, end in shown.spans)
        assert all(0 <= start < end <= len(shown.text) for start, end in shown.spans)


@given(TEXT, st.integers(1, 60))
def test_an_excerpt_keeps_to_its_length_and_its_words(text, most):
    whole = marked("lease", text)
    shown = excerpt(whole, most)
    assert len(shown.text) <= most + 4
    assert set(words(shown)) <= set(words(whole))


@given(TEXT, st.integers(1, 60))
def test_what_has_no_room_is_cut_before_it(text, kept):
    whole = marked("lease", text)
    if units(text, len(text)) > kept:
        shown = cut(whole, kept)
        assert units(shown.text, len(shown.text)) <= kept + 2
        assert set(words(shown)) <= set(words(whole))


def test_a_time_is_a_span_of_seconds():
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    year = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    assert span_of("any", now) == (None, None)
    assert span_of("week", now) == (datetime(2026, 3, 3, 12, tzinfo=UTC).timestamp(), None)
    assert span_of("month", now) == (datetime(2026, 2, 8, 12, tzinfo=UTC).timestamp(), None)
    assert span_of("year", now) == (year, None)
    assert span_of("before", now) == (None, year)


def test_kinds_share_no_suffix():
    suffixes = [suffix for kind in KINDS.values() for suffix in kind]
    assert len(suffixes) == len(set(suffixes))
    assert not SearchWish("x").is_narrowed
    assert SearchWish("x", kind="pdf").is_narrowed
