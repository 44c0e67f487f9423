"""Rows are readable at any width: nothing is lost but the end of what may be cut."""

import io

import pytest
from rich.console import Console

from freehold.terminal.tables import table

ROWS = [
    ("2026-11-23 02:13", "model details", "huggingface.example:443", "1.2 kB", "refused"),
    ("2026-11-23 02:14", "model download", "a-rather-long-name-of-a-host.example:443", "0 bytes", ""),
]


def drawn(columns, *, cuts=False, rows=ROWS):
    console = Console(file=io.StringIO(), width=columns)
    console.print(table("time", "purpose", "host", "sent", "", rows=rows, wide="host", cuts=cuts))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 100, 1000])
def test_no_line_is_wider_than_the_terminal(columns):
    assert max(len(line) for line in drawn(columns)) <= columns
    assert max(len(line) for line in drawn(columns, cuts=True)) <= columns


def test_with_room_each_row_is_one_line_under_its_headings():
    lines = drawn(120)
    assert lines[0].split() == ["time", "purpose", "host", "sent"]
    assert len(lines) == 3
    assert "a-rather-long-name-of-a-host.example:443" in lines[2]


def test_a_cell_that_may_be_cut_gives_way_and_the_others_stay_whole():
    lines = drawn(80, cuts=True)
    assert "2026-11-23 02:14" in lines[2]
    assert "…" in lines[2]


def test_without_room_the_cells_stand_below_one_another_and_none_is_lost():
    lines = drawn(60)
    assert lines[0] == "huggingface.example:443"
    assert lines[1].strip() == "2026-11-23 02:13, model details, 1.2 kB, refused"


def test_hidden_characters_in_a_cell_are_shown():
    lines = drawn(120, rows=[("t", "p", "a\x1b[2Jb\nc", "s", "")])
    assert "a[U+001B][2Jb c" in lines[1]
