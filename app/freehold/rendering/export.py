"""Blocks as files to keep: Markdown that reads back as the same text, and a page of HTML that loads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from freehold.rendering.html import html
from freehold.rendering.plain import numbered
from freehold.rendering.values import (
    Block,
    Code,
    Document,
    Heading,
    Listing,
    Look,
    Paragraph,
    Quote,
    Rule,
    Span,
    Spans,
    Table,
)
from freehold.rendering.visible import visible

_SPECIAL = re.compile(r"([\\`*_{}<>#+\-.!|~$&=:@])")
_BRACKETS = {ord("["): "&#91;", ord("]"): "&#93;"}  # escaped by a backslash they would open a formula
_LOOK = Look("#1E2421", "#6A716C", "#E4E1D7", "#F3F1EA", "#2F6B4F")
# Even if an escape were missed, a browser would load and run nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def as_markdown(document: Document) -> str:
    """Markdown with every special character of the text escaped; images are words, links the checked ones."""
    return _blocks(document.blocks) + "\n"


def as_page(title: str, sections: Iterable[tuple[str, Document]]) -> str:
    """A whole HTML page: `title`, then each section's heading (who spoke) and text."""
    parts = [
        f'<section><h2 style="font-size:12px; color:{_LOOK.muted}">{escape(visible(who))}</h2>'
        f"{html(document.blocks, _LOOK)}</section>"
        for who, document in sections
    ]
    name = escape(visible(title))
    style = (
        f"max-width:44em; margin:2em auto; font-family:Inter, sans-serif; font-size:14px; line-height:1.5; "
        f"color:{_LOOK.ink}; background-color:#FBFAF6"
    )
    return (
        '<!DOCTYPE html>\n<html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}"><title>{name}</title></head>\n'
        f'<body style="{style}"><h1 style="font-size:20px">{name}</h1>\n{chr(10).join(parts)}\n</body></html>\n'
    )


def _blocks(blocks: tuple[Block, ...], between: str = "\n\n") -> str:
    return between.join(_block(block) for block in blocks)


def _block(block: Block) -> str:
    match block:
        case Paragraph():
            return _spans(block.spans)
        case Heading():
            return f"{'#' * block.level} {_spans(block.spans).replace(chr(10), ' ')}"
        case Code():
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.text)), default=0))
            return f"{fence}{block.language}\n{block.text}\n{fence}"
        case Rule():
            return "* * *"
        case Quote():
            return "> " + _blocks(block.blocks).replace("\n", "\n> ")
        case Listing():
            return _listing(block)
        case Table():
            return _table(block)


def _listing(listing: Listing) -> str:
    between = "\n" if listing.tight else "\n\n"
    items = []
    for mark, item in numbered(listing):
        indent = " " * (len(mark) + 1)
        items.append(_indented(_blocks(item.blocks, between), f"{mark} " if mark else "", indent))
    return between.join(items)


def _table(table: Table) -> str:
    dashes = {"": "---", "left": ":--", "center": ":-:", "right": "--:"}
    lines = [table.header, *table.rows]
    rows = ["| " + " | ".join(_spans(cell).replace("\\\n", "<br>") for cell in line) + " |" for line in lines]
    rows.insert(1, "|" + "|".join(dashes[alignment] for alignment in table.alignments) + "|")
    return "\n".join(rows)


def _spans(spans: Spans) -> str:
    return "".join(_span(span) for span in spans if not span.note)


def _span(span: Span) -> str:
    if span.code:
        ticks = "`" * (1 + max(map(len, re.findall("`+", span.text)), default=0))
        pad = " " if span.text.startswith("`") or span.text.endswith("`") else ""
        text = f"{ticks}{pad}{span.text}{pad}{ticks}"
    else:
        text = _SPECIAL.sub(r"\\\1", span.text).translate(_BRACKETS).replace("\n", "\\\n")
    for is_on, mark in ((span.strong, "**"), (span.emphasis, "*"), (span.strike, "~~")):
        if is_on and text.strip():
            inner = text.strip(" \n")
            lead, tail = text[: text.index(inner)], text[text.index(inner) + len(inner) :]
            text = f"{lead}{mark}{inner}{mark}{tail}"
    if span.link is None:
        return text
    url = span.link.url.replace("&", "&amp;")  # or "&lt" in it would be read as an entity
    return f"[{text}](<{url}>)"


def _indented(text: str, first: str, rest: str) -> str:
    return first + re.sub(r"\n(?=[^\n])", "\n" + rest, text)
