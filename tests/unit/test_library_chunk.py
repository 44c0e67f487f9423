"""Chunks tile the document, keep to its structure and know where they stand."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as some

from freehold.library.chunk import MOST_TOKENS, chunks, estimate_tokens
from freehold.library.extract.blocks import Block, Kind

_BLOCKS = some.lists(
    some.builds(
        Block, some.sampled_from([Kind.HEADING, Kind.PARAGRAPH, Kind.ITEM, Kind.ROW, Kind.CODE]),
        some.text("abc XYZ.!?\n漢字é-", min_size=1, max_size=1500), some.integers(1, 4),
        some.sampled_from([None, 1, 2]), some.sampled_from(["", "name | age"]),
    ), max_size=12,
)  # fmt: skip


@given(_BLOCKS)
@settings(max_examples=60, deadline=None)
def test_chunks_one_after_the_other_are_the_document(blocks):
    whole = "".join(chunk.text for chunk in chunks(blocks))
    after = {Kind.ROW: "\n", Kind.ITEM: "\n"}
    assert whole == "".join(block.text + after.get(block.kind, "\n\n") for block in blocks)


@given(_BLOCKS)
@settings(max_examples=60, deadline=None)
def test_no_chunk_is_larger_than_the_embedders_window_or_lies_on_two_pages(blocks):
    for chunk in chunks(blocks):
        assert chunk.tokens <= MOST_TOKENS
        assert estimate_tokens(chunk.text) <= chunk.tokens
    pages = [block.page for block in blocks]
    assert {chunk.page for chunk in chunks(blocks)} <= set(pages)


def test_a_chunk_knows_the_headings_above_it():
    blocks = [
        Block(Kind.HEADING, "# Boat", 1), Block(Kind.HEADING, "## Hull", 2), Block(Kind.PARAGRAPH, "blue " * 100),
        Block(Kind.HEADING, "## Sail", 2), Block(Kind.PARAGRAPH, "red " * 100), Block(Kind.PARAGRAPH, "big " * 100),
    ]  # fmt: skip
    assert [chunk.context for chunk in chunks(blocks)] == ["", "Boat", "Boat › Sail"]


def test_a_sentence_is_cut_only_when_it_fits_no_chunk():
    sentence = "The tide comes in twice a day and nobody has stopped it. "
    cut = list(chunks([Block(Kind.PARAGRAPH, sentence * 60)]))
    assert len(cut) > 3
    assert all(chunk.text.rstrip().endswith("stopped it.") for chunk in cut)


def test_a_tables_header_goes_with_each_of_its_chunks():
    table = [Block(Kind.ROW, "name | age")] + [
        Block(Kind.ROW, f"Ada the {number}th | {number}", header="name | age") for number in range(200)
    ]
    cut = list(chunks(table))
    assert len(cut) > 3
    assert all(chunk.context == "\nname | age\n" for chunk in cut[1:])


def test_a_page_begins_a_chunk():
    cut = list(chunks([Block(Kind.PARAGRAPH, "one", page=1), Block(Kind.PARAGRAPH, "two", page=2)]))
    assert [(chunk.text, chunk.page) for chunk in cut] == [("one\n\n", 1), ("two\n\n", 2)]
