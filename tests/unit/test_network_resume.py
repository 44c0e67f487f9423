"""What a server's answer means for a download that is half here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.network.resume import Answer, judge, strong

TAG = '"abc"'


def verdict(answer, have=0, size=100, limit=100, etag=TAG):
    return judge(answer, have=have, size=size, limit=limit, etag=etag)


def test_the_missing_rest_is_appended():
    answer = Answer(206, 60, "bytes 40-99/100", TAG)
    assert (verdict(answer, have=40).action, verdict(answer, have=40).total) == ("append", 100)


def test_a_whole_file_replaces_what_is_here():
    assert verdict(Answer(200, 100, etag='"new"'), have=40).action == "rewrite"


def test_another_part_than_was_asked_for_is_not_appended():
    for told in (
        "bytes 41-99/100",
        "bytes 40-98/100",
        "bytes 40-99/*",
        "bytes 0-99/100",
        "40-99/100",
        "",
        "bytes -1-99/100",
    ):
        assert verdict(Answer(206, 60, told, TAG), have=40).action == "again", told


def test_a_changed_file_is_not_glued_to_the_old_one():
    assert verdict(Answer(206, 60, "bytes 40-99/100", '"other"'), have=40).action == "again"


def test_a_promised_size_that_does_not_hold_is_wrong():
    assert verdict(Answer(200, 99)).action == "wrong"
    assert verdict(Answer(200, 101)).action == "wrong"
    assert verdict(Answer(206, 70, "bytes 40-109/110", TAG), have=40).action == "wrong"


def test_more_than_there_is_room_for_is_not_begun():
    assert verdict(Answer(200, 101), size=0).action == "barred"


def test_a_web_page_or_a_compressed_answer_is_not_a_model():
    assert verdict(Answer(200, 100, media_type="text/html")).action == "barred"
    assert verdict(Answer(200, 100, encoding="gzip")).action == "barred"


def test_a_server_without_more_to_send_means_whole_or_lost():
    assert verdict(Answer(416), have=100).action == "complete"
    assert verdict(Answer(416), have=40).action == "again"
    assert verdict(Answer(416), have=0).action == "answered"


@pytest.mark.parametrize("etag", ['W/"abc"', "abc", '"a"b"', "", '"a\nb"', '"' + "x" * 300 + '"'])
def test_a_weak_or_odd_validator_is_not_relied_on(etag):
    assert strong(etag) == ""


answers = st.builds(
    Answer,
    status=st.sampled_from([200, 206, 301, 302, 304, 401, 404, 416, 500, 503]),
    length=st.none() | st.integers(0, 300),
    content_range=st.builds("bytes {}-{}/{}".format, st.integers(0, 120), st.integers(0, 120), st.integers(0, 120)),
    etag=st.sampled_from([TAG, '"other"', ""]),
    media_type=st.sampled_from(["", "text/html"]),
    encoding=st.sampled_from(["", "gzip", "identity"]),
    location=st.sampled_from(["", "/other"]),
)


@given(answers, st.integers(0, 100))
def test_whatever_is_appended_begins_where_the_file_ends_and_ends_where_it_should(answer, have):
    told = verdict(answer, have=have)
    if told.action == "append":
        assert answer.status == 206 and answer.content_range == f"bytes {have}-99/100"
    if told.action == "rewrite":
        assert told.total == 100
    if told.action == "complete":
        assert have == 100
