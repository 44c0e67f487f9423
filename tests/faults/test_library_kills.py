"""`kill -9` while files are read and embedded: the library ends complete and correct, and reads nothing twice."""

from __future__ import annotations

import sys

import pytest

from support.indexing_kills import kill_while_indexing


@pytest.mark.skipif(sys.platform == "win32", reason="what is killed there is told differently")
def test_a_library_killed_again_and_again_ends_complete_and_correct(tmp_path):
    after = kill_while_indexing(tmp_path, rounds=6)
    assert after.kills >= 4  # one that comes late meets a program that has ended
    assert after.wrong == []
    assert after.read_twice == []
