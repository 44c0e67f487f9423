"""The sealed journal of jobs done for others: nothing is lost to a full disk, a power cut or a reader in between."""

from __future__ import annotations

import json
import shutil

import pytest

from freehold.market.lending import journal as journals
from freehold.market.lending.journal import Journal, lines_of, waiting
from freehold.market.lending.taking import take_in


def plain(line: bytes) -> bytes:
    """A seal that hides nothing."""
    return line


class PlainKeys:
    def open_sealed(self, lines):
        return [bytes.fromhex(line) for line in lines if bytes.fromhex(line).startswith(b"{")]


class Rows:
    """The vault's end: each job once."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict] = {}
        self.fails = False

    def call(self, op, lines):
        assert op == "market.absorb"
        if self.fails:
            raise OSError("the vault went away")
        before = len(self.jobs)
        self.jobs.update({line["job"]: line for line in lines})
        return len(self.jobs) - before


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "share"
    folder.mkdir()
    return folder


def jobs_in(folder) -> list[str]:
    return [
        json.loads(bytes.fromhex(line))["job"] for path in waiting(folder, all_of_it=True) for line in lines_of(path)
    ]


def test_lines_are_written_one_after_another_for_their_owner_alone(folder):
    journal = Journal(folder, plain)
    journal.add({"job": "a"})
    journal.add({"job": "b"})
    assert jobs_in(folder) == ["a", "b"]
    assert (folder / "journal").stat().st_mode & 0o777 == 0o600
    assert journal.is_well


def test_what_is_being_read_is_written_to_by_nobody(folder):
    journal = Journal(folder, plain)
    journal.set_aside()  # of nothing: nothing
    journal.add({"job": "a"})
    journal.set_aside()
    journal.add({"job": "b"})
    (aside,) = waiting(folder, all_of_it=False)
    assert [json.loads(bytes.fromhex(line))["job"] for line in lines_of(aside)] == ["a"]
    assert jobs_in(folder) == ["a", "b"]


def test_a_line_that_the_disk_does_not_take_is_kept_and_nothing_new_should_begin(folder):
    journal = Journal(folder, plain)
    shutil.rmtree(folder)
    journal.add({"job": "a"})
    assert not journal.is_well
    folder.mkdir()
    assert journal.is_well
    journal.add({"job": "b"})
    assert jobs_in(folder) == ["a", "b"]


def test_a_journal_that_nobody_takes_in_does_not_grow_for_ever(folder):
    journal = Journal(folder, lambda line: bytes(journals.MOST_BYTES // 2))
    journal.add({"job": "a"})
    assert not journal.is_well


def test_what_was_taken_in_is_removed_and_what_is_in_use_stays(folder):
    journal, rows = Journal(folder, plain), Rows()
    journal.add({"job": "a"})
    journal.set_aside()
    journal.add({"job": "b"})
    assert take_in(folder, PlainKeys(), rows, all_of_it=False) == 1
    assert jobs_in(folder) == ["b"]
    assert take_in(folder, PlainKeys(), rows, all_of_it=True) == 1
    assert waiting(folder, all_of_it=True) == []
    assert set(rows.jobs) == {"a", "b"}


def test_a_vault_that_goes_away_in_between_takes_nothing_with_it(folder):
    journal, rows = Journal(folder, plain), Rows()
    journal.add({"job": "a"})
    rows.fails = True
    with pytest.raises(OSError, match="went away"):
        take_in(folder, PlainKeys(), rows, all_of_it=True)
    rows.fails = False
    assert take_in(folder, PlainKeys(), rows, all_of_it=True) == 1


def test_half_a_line_junk_and_a_line_twice_count_for_nothing(folder):
    journal, rows = Journal(folder, plain), Rows()
    journal.add({"job": "a"})
    whole = (folder / "journal").read_bytes()
    (folder / "journal").write_bytes(whole + whole + b"\nzz\n\xff\xfe\nabc\n" + whole[: len(whole) // 2 // 2 * 2])
    assert take_in(folder, PlainKeys(), rows, all_of_it=True) == 1
    assert set(rows.jobs) == {"a"}
