"""A text renders the same whether it comes at once, in pieces, or character by character."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from freehold.rendering.stream import StreamRenderer, render
from freehold.rendering.values import Code, Heading, Paragraph
from support.hostile import CORPUS

ANSWER = """# Notice

The lease ends on **30 September**, see [the lease](https://example.com).

1. Write the letter.
2. Post it

   ```python
   print("posted")
   ```

| day | what |
|:----|-----:|
| 1   | post |

> Keep a copy.

Done.
"""
parts = st.lists(
    st.sampled_from([
        "- ", "1. ", "2", ".", "\n", "\n\n", "> ", "a", "b c", "|", "-", "---", "===", "```", "~~~", "    ", "  ", "*",
        "**", "[a]", "[a]: /x", "\n[b]:\n/y\n'tit\nle'", "#", " ", "\r", "\r\n", "`", "|-|", "| a |", "\t", "<br>",
        "http://x.example", "![", "](", "\\", "$", "*a*", "+ ", "=", "'", "\x00", "\u202e", "x\n| a |\n|-|\n",
        "<div>\n",
    ]),
    max_size=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(parts, st.integers(1, 4))
@example(["1. a\n\n2", ". b"], 1)
@example(["para\n| a |\n|-", "x"], 1)
@example(["[a]\n\nx\n\n", "[a]: http://h.example\n"], 3)
def test_a_stream_ends_as_the_whole_text_would(chunks, step):
    text = "".join(chunks)
    stream, settled = StreamRenderer(), []
    for at in range(0, len(text), step):
        stream.feed(text[at : at + step])
        settled += stream.update().settled
    whole = render(text)
    assert stream.finish() == whole
    if "[" not in text:  # a later link definition may change what was settled
        assert tuple(settled) == whole.blocks[: len(settled)]


@pytest.mark.parametrize("text", [ANSWER, *CORPUS[:6], CORPUS[28], CORPUS[29]])
def test_every_split_of_an_answer_ends_the_same(text):
    whole = render(text)
    for split in range(len(text)):
        stream = StreamRenderer()
        stream.feed(text[:split])
        stream.update()
        stream.feed(text[split:])
        assert stream.finish() == whole


def test_settled_blocks_are_told_once_and_the_rest_stays_open():
    stream = StreamRenderer()
    stream.feed("# One\n\ntwo\n\nthree\nmore\n")
    update = stream.update()
    assert [type(block) for block in update.settled] == [Heading, Paragraph]
    assert update.open == render("three\nmore\n").blocks
    stream.feed("and more")
    update = stream.update()
    assert update.settled == ()
    assert update.open == render("three\nmore\nand more").blocks


def test_a_fence_that_is_still_open_is_code_already():
    stream = StreamRenderer()
    stream.feed("```python\nx = 1\n")
    assert stream.update().open == (Code("x = 1", "python"),)


def test_an_empty_text_is_an_empty_document():
    assert render("").blocks == render(" \n\n ").blocks == ()
