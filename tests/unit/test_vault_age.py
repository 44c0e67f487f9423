"""An older copy that was put back is told in words, and never keeps the owner out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.chats.conversations import Conversations
from freehold.foundation.errors import DiskFull
from freehold.vault import header as headers
from freehold.vault.age import Age, newest, older
from support.vaults import RAW_KEY, InProcess, closed_safe, open_safe, profile_in


@pytest.mark.parametrize(
    ("header", "age", "seen", "told"),
    [
        (5, Age(5, True), 0, ""),
        (5, Age(5, False), 0, ""),  # the confirmation was cut off
        (5, Age(6, False), 0, ""),  # the header's change was cut off
        (5, Age(4, True), 0, "database"),
        (5, Age(4, False), 0, "database"),
        (5, Age(6, True), 0, "header"),
        (5, Age(9, False), 0, "header"),
        (5, Age(5, True), 6, "vault"),
        (5, Age(5, True), 5, ""),
        (5, None, 0, ""),  # a vault from before generations were kept
        (5, None, 7, "vault"),
    ],
)
def test_what_is_older_than_what_was_written_with_it(header, age, seen, told):
    assert older(header, age, seen) == told


@given(st.data())
def test_no_crash_between_the_steps_of_a_change_is_taken_for_an_old_copy(data):
    """Any number of changes, each cut off anywhere; then nothing is called old."""
    header, age = 1, Age(1, True)
    for _ in range(data.draw(st.integers(0, 6))):
        generation = newest(header, age, 0) + 1
        steps = data.draw(st.integers(0, 3))
        if steps >= 1:
            age = Age(generation, False)
        if steps >= 2:
            header = generation
        if steps >= 3:
            age = Age(generation, True)
        assert older(header, age, 0) == ""


def files(folder):
    return {path.name: path.read_bytes() for path in profile_in(folder).vault.iterdir()}


def put_back(folder, content, *names):
    for name in names:
        (profile_in(folder).vault / name).write_bytes(content[name])


def session(folder, *titles):
    """Open, make these chats, close; what was told at opening."""
    safe = open_safe(folder)
    told = safe.status().older
    for title in titles:
        Conversations(InProcess(safe)).create(title)
    safe.close()
    return told


def test_a_session_that_changes_something_is_a_generation_and_one_that_reads_is_none(tmp_path):
    safe = open_safe(tmp_path)
    safe.close()
    first = headers.decode(files(tmp_path)["header.a"]).generation
    assert session(tmp_path) == ""
    assert headers.decode(files(tmp_path)["header.a"]).generation == first
    session(tmp_path, "One", "Two")
    assert headers.decode(files(tmp_path)["header.a"]).generation == first + 1


def test_an_old_database_under_a_new_header_is_told_and_opens_all_the_same(tmp_path):
    session(tmp_path, "Old")
    before = files(tmp_path)
    session(tmp_path, "New")
    put_back(tmp_path, before, "vault.db")
    assert session(tmp_path) == "database"
    safe = open_safe(tmp_path)
    assert safe.status().older == "database"  # until something is changed
    assert [chat.title for chat in Conversations(InProcess(safe)).list()] == ["Old"]
    Conversations(InProcess(safe)).create("Goes on")
    safe.close()
    assert session(tmp_path) == ""


def test_an_old_header_over_a_new_database_is_told_and_opens_with_what_it_had(tmp_path):
    safe = closed_safe(tmp_path)
    safe.create(passphrase="old")
    safe.close()
    before = files(tmp_path)
    safe.unlock("passphrase", b"old")
    safe.change_passphrase("new")
    safe.close()
    put_back(tmp_path, before, *headers.NAMES)
    safe.unlock("passphrase", b"old")
    assert safe.status().older == "header"
    safe.close()


def test_one_old_copy_of_the_header_is_just_brought_up_to_date(tmp_path):
    session(tmp_path, "Old")
    before = files(tmp_path)
    session(tmp_path, "New")
    put_back(tmp_path, before, "header.a")
    assert session(tmp_path) == ""
    assert files(tmp_path)["header.a"] == files(tmp_path)["header.b"]


def test_all_files_put_back_are_noticed_by_what_the_keyring_has_seen(tmp_path):
    session(tmp_path, "Old")
    before = files(tmp_path)
    session(tmp_path, "New")
    seen = headers.decode(files(tmp_path)["header.a"]).generation
    put_back(tmp_path, before, "vault.db", *headers.NAMES)
    safe = closed_safe(tmp_path)
    safe._unlock(lambda header: RAW_KEY, seen)
    assert safe.status().older == "vault"
    assert safe.grow() > seen
    safe.close()
    assert session(tmp_path) == ""


def test_a_generation_that_cannot_grow_keeps_nobody_out(tmp_path, monkeypatch):
    session(tmp_path, "Old")
    safe = open_safe(tmp_path)

    def full(*_):
        raise DiskFull

    monkeypatch.setattr(headers, "write", full)
    Conversations(InProcess(safe)).create("Saved all the same")
    safe.close()
    monkeypatch.undo()
    assert session(tmp_path) == ""


def test_a_clock_set_back_ten_years_confuses_no_order(tmp_path):
    safe = open_safe(tmp_path)
    now = [1_800_000_000.0]
    conversations = Conversations(InProcess(safe), now=lambda: now[0])
    first = conversations.create("First")
    question = conversations.ask(first.id, "before", None)
    now[0] -= 10 * 365 * 86_400
    conversations.create("Second")
    answer = conversations.ask(first.id, "after", question.id)
    assert [turn.id for turn in conversations.branch(first.id)] == [question.id, answer.id]
    assert [chat.title for chat in conversations.list()] == ["First", "Second"]
    conversations.move_to_trash(first.id)
    assert conversations.empty_trash(30) == 0
    safe.close()
    assert session(tmp_path) == ""
