"""Blocks as plain text, for clipboards, screen readers, search excerpts and titles."""

from __future__ import annotations

from collections.abc import Iterator

from freehold.rendering.values import (
    Block,
    Code,
    Document,
    Heading,
    Item,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Spans,
    Table,
)


def plain(document: Document) -> str:
    """The text a reader sees, without marks of style; blocks stand apart by an empty line."""
    return _joined(document.blocks)


def words(spans: Spans) -> str:
    """The text of some inline content."""
    return "".join(span.text for span in spans)


def _joined(blocks: tuple[Block, ...], between: str = "\n\n") -> str:
    return between.join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph() | Heading():
            return words(block.spans)
        case Code():
            return block.text
        case Rule():
            return "* * *"
        case Quote():
            return _indented(_joined(block.blocks), "> ", "> ")
        case Listing():
            return ("\n" if block.tight else "\n\n").join(_items(block))
        case Table():
            rows = (block.header, *block.rows)
            return "\n".join(" | ".join(words(cell).replace("\n", " ") for cell in row) for row in rows)


def _items(listing: Listing) -> Iterator[str]:
    for mark, item in numbered(listing):
        text = _joined(item.blocks, "\n" if listing.tight else "\n\n")
        yield _indented(text, mark + " ", " " * (len(mark) + 1))


def numbered(listing: Listing) -> Iterator[tuple[str, Item]]:
    """Each item with its mark: "-", "3.", or nothing where an item goes on after a code block."""
    number = listing.start
    for item in listing.items:
        if item.continues:
            yield "", item
        elif number is None:
            yield "-", item
        else:
            yield f"{number}.", item
            number += 1


def _indented(text: str, first: str, rest: str) -> str:
    return first + text.replace("\n", "\n" + rest)
