"""Rendered text in a terminal: readable, and without one control character of its own."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from freehold.rendering.stream import render
from freehold.terminal.markdown import rich_document
from support.hostile import CORPUS

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def printed(text, width=60):
    screen = io.StringIO()
    Console(file=screen, force_terminal=True, width=width, color_system="standard").print(rich_document(render(text)))
    return COLOURS.sub("", screen.getvalue())


def test_blocks_look_like_what_they_are():
    shown = printed("# Title\n\n1. one\n2. two\n   - inner\n\n> said\n\n```py\nx = 1\n```\n\n|a|b|\n|-|-:|\n|1|2|\n")
    lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
    assert lines[0] == "Title"
    assert lines[1:4] == ["1. one", "2. two", "   • inner"]
    assert "│ said" in lines and "  x = 1" in lines


@pytest.mark.parametrize("text", CORPUS)
def test_hostile_text_sends_the_terminal_nothing_but_characters_and_colours(text):
    shown = printed(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_many_deep_quotes_and_lists_are_drawn_without_measuring_them_over_and_over():
    """With a grid of Rich's for each level, this took half a second a paragraph."""
    shown = printed(("> " * 12 + "word\n\n") * 1000, width=100)
    assert shown.count("│ word") == 384, "all that the limit on blocks lets through"


def test_a_list_keeps_its_place_on_a_terminal_too_narrow_for_it():
    lines = [line.rstrip() for line in printed("1. " + "word " * 3 + "\n\n- - - - deep\n", width=9).splitlines()]
    assert [line for line in lines if line] == [
        "1. word", "   word", "   word", "• • • • d", "        e", "        e", "        p",
    ]  # fmt: skip
