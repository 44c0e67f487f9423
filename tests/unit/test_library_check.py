"""What `library check` advises, from what is found and what was found the last time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freehold.library.check import compared, from_json, question_from, shares, to_json
from freehold.library.library import Checked

GOOD = Checked(40, 0.95, 0.9, 0.95, embedder="new")
OLD = replace(GOOD, embedder="old")


def advice(found, before=None, *, is_changing=False):
    return compared(found, before, is_changing=is_changing).advice


@pytest.mark.parametrize(
    ("found", "before", "says"),
    [
        (GOOD, None, "All is well."),
        (GOOD, GOOD, "All is well."),
        (replace(GOOD, hybrid=0.7), None, "try another model"),
        (replace(GOOD, meaning=0.3), None, "a language that this model does not know"),
        (replace(GOOD, questions=0), OLD, "no passage long enough"),
        (Checked(40, 0.9, None, 0.9), OLD, "by words only"),
        (replace(GOOD, hybrid=0.85), OLD, "`freehold library embedder use old` takes it back"),
        (GOOD, replace(OLD, hybrid=0.8), "finds more than old did: keep it"),
        (GOOD, OLD, "finds as much as old did: keep it"),
        (replace(GOOD, hybrid=0.88), GOOD, "forget the documents and add them again"),
    ],
)
def test_what_to_do_follows_from_what_changed(found, before, says):
    assert says in advice(found, before)


def test_while_another_model_reads_the_check_is_to_be_made_later():
    assert "check again when it has taken over" in advice(GOOD, OLD, is_changing=True)


def test_a_result_is_kept_and_what_another_version_kept_is_none():
    found = shares(4, {"words": 4, "meaning": 2, "hybrid": 3}, "letters")
    assert (found.words, found.meaning, found.hybrid) == (1.0, 0.5, 0.75)
    assert from_json(to_json(found)) == found
    assert shares(4, {"words": 3}, "").meaning is None
    for text in ("", "{}", "[]", "null"):
        assert from_json(text) is None


def test_a_question_is_made_of_the_longest_sentence():
    assert (
        question_from("Short. The harbour keeps lanterns through every winter storm.") == "harbour lanterns every storm"
    )
