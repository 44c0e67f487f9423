"""Text from a model, a document or a peer cannot load anything, lead anywhere unseen, or hide."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from freehold.rendering.export import as_markdown, as_page
from freehold.rendering.html import html
from freehold.rendering.plain import plain
from freehold.rendering.stream import StreamRenderer, render
from freehold.rendering.values import Look
from freehold.rendering.visible import is_plain, visible
from support.hostile import CORPUS, read_strictly

LOOK = Look("#111111", "#666666", "#CCCCCC", "#EEEEEE", "#226644")
NEVER = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufeff\ufffc"
    "\ud800-\udfff\ue000-\uf8ff]"
)
fragments = st.one_of(
    st.sampled_from(CORPUS),
    st.sampled_from([
        "- ", "1. ", "> ", "\n", "\n\n", "|-|", "| a |\n|-|\n", "```", "    ", "*", "**", "~~", "`", "[", "](", "![",
        ")", "<", ">", '"', "'", "&", "&#x", ";", "\\", "http://h.example/", "javascript:", "//h/x", "file:///",
        "<img src=",
        "\u202e", "\u200b", "\r", "\u2066", "\u3164", "\ufe0f", "\u200d", "$", "#",
        "===", "---", "[a]: /x\n", "é", "👩‍🚀",
    ]),
    st.text(max_size=12),
)  # fmt: skip
texts = st.lists(fragments, max_size=10).map("".join)


def test_ten_thousand_renders_of_the_corpus_at_every_split_make_only_our_own_html():
    renders = 0
    for text in CORPUS:
        whole = html(render(text).blocks, LOOK)
        read_strictly(whole)
        for split in range(len(text) + 1):
            stream = StreamRenderer()
            stream.feed(text[:split])
            update = stream.update()
            read_strictly(html(update.settled + update.open, LOOK))
            stream.feed(text[split:])
            assert html(stream.finish().blocks, LOOK) == whole
            renders += 2
    dice = random.Random(7)
    while renders < 10_000:
        text = "".join(dice.choice(CORPUS)[dice.randrange(40) :][: dice.randrange(60)] for _ in range(4))
        read_strictly(html(render(text).blocks, LOOK))
        renders += 1


@settings(max_examples=150, deadline=None)
@given(texts)
def test_whatever_the_text_the_html_is_only_ours_and_nothing_hidden_is_left_in_it(text):
    document = render(text)
    reader = read_strictly(html(document.blocks, LOOK))
    for shown in (reader.text, plain(document)):
        assert visible(shown) == shown
        assert not NEVER.search(shown)


@settings(max_examples=80, deadline=None)
@given(texts)
def test_an_export_leads_nowhere_the_text_did_not_lead(text):
    document = render(text)
    links = set(read_strictly(html(document.blocks, LOOK)).links)
    again = render(as_markdown(document))
    assert set(read_strictly(html(again.blocks, LOOK)).links) <= links
    page = as_page(text, [(text, document)])
    assert page.count("<section>") == 1 and "<script" not in page.lower() and "<img" not in page.lower()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![a cat](http://h/x.png)", "[image: a cat]"),
        ("![](http://h/x.png)", "[image]"),
        ("[here](https://example.com/a)", "here (example.com)"),
        ("https://example.com/a", "https://example.com/a"),
        ("[https://bank.example](https://evil.example/)", "https://bank.example (evil.example)"),
        ("[pay](http://paypal.com@evil.example/)", "pay (evil.example)"),
        ("https://аpple.com/", "https://аpple.com/ (xn--pple-43d.com)"),
        ("[run](javascript:alert(1))", "run (javascript:alert(1))"),
        ("[file](file:///etc/passwd)", "file (file:///etc/passwd)"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("photo\u202egpj.exe", "photo[U+202E]gpj.exe"),
        ("a\u200bb", "a[U+200B]b"),
        ("x" + "\U000e0041" * 30, "x[30 hidden characters]"),
        ("example.com and me@example.com", "example.com and me@example.com"),
    ],
)
def test_what_stands_in_for_something_unsafe_says_what_it_was(text, shown):
    assert plain(render(text)) == shown


@pytest.mark.parametrize("honest", ["👨‍👩‍👧", "❤️", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "می‌خواهم", "क्‍ष", "naïve", "Ångström", "tab\tand\nline"])
def test_honest_joiners_stay(honest):
    assert visible(honest) == honest


def test_joiners_that_join_nothing_are_shown():
    assert visible("a\u200db") == "a[U+200D]b"
    assert visible("🏴\U000e0041") == "🏴[U+E0041]"
    assert is_plain("plain") and not is_plain("\u2066")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000, "![" * 10_000, "*a _" * 5_000, "> " * 20_000 + "x", "- " * 20_000, "`" * 20_000, "<a" * 10_000,
        "|" * 20_000 + "\n" + "|-" * 20_000, "\\(" * 10_000, "\u200b" * 20_000, "a" * 250_000, "- x\n" * 20_000,
        "e" + "\u0301" * 20_000, "1. " * 5_000, "$" * 9_999, "http://" * 3_000, "[a]: /x\n" * 3_000,
        "".join("  " * depth + "- x\n" for depth in range(200)), "```" * 7_000, "~" * 9_999 + "\n" + "x" * 9_999,
    ],
)  # fmt: skip
def test_a_flood_of_marks_ends_as_a_bounded_document(text):
    document = render(text)
    read_strictly(html(document.blocks, LOOK))
    assert len(document.blocks) <= 5_000


def test_what_is_nested_too_deep_stays_readable_as_text():
    shown = plain(render("> " * 40 + "the end"))
    assert shown.endswith("the end")


def test_a_text_beyond_the_limit_says_that_it_was_cut():
    assert render("word " * 50_000).cut
    assert not render("word " * 1_000).cut
