"""Server-sent events however they are cut, and what is none of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.network.events import Events, Junk

PLAIN = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)


def read(pieces):
    events = Events()
    return [event for piece in pieces for event in events.feed(piece)], events.is_between


@given(st.lists(PLAIN, max_size=8), st.lists(st.integers(1, 7), max_size=60), st.sampled_from(["\n", "\r\n"]))
def test_events_come_whole_and_in_order_however_they_were_cut(texts, cuts, end):
    stream = "".join(f": here{end}{end}data: {text}{end}id: 7{end}{end}" for text in texts).encode()
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(stream[at : at + cut])
        at += cut
    assert read([*pieces, stream[at:]]) == (texts, True)


def test_comments_and_fields_that_nobody_needs_are_passed_over():
    assert read([b": still here\n\nretry: 5\nevent: x\ndata:a\n\n"]) == (["a"], True)


def test_an_event_of_several_lines_is_joined():
    assert read([b"data: a\ndata: b\n\n"]) == (["a\nb"], True)


def test_a_stream_may_not_end_inside_an_event():
    assert read([b"data: a\n"]) == ([], False)
    assert read([b"dat"]) == ([], False)


@pytest.mark.parametrize(
    "junk",
    [b"<html>\n", b"data\n", b"\x00\n", b"data: \xff\n", b"data: a\tb\n", b"data: \x1b[2J\n", b"data: \r\r\n"],
)
def test_junk_is_refused(junk):
    with pytest.raises(Junk):
        read([junk])


def test_an_event_that_does_not_end_is_refused_long_before_memory_is():
    events = Events(most=1000)
    with pytest.raises(Junk):
        for _ in range(3):
            events.feed(b"data: " + b"a" * 500 + b"\n")
    events = Events(most=1000)
    with pytest.raises(Junk):
        for _ in range(11):
            events.feed(b"a" * 100)


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_any_bytes_are_events_or_junk(pieces):
    events = Events()
    try:
        for piece in pieces:
            assert all(event.isascii() for event in events.feed(piece))
    except Junk:
        pass
