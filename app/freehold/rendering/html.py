"""Blocks as HTML of our own making: a dozen tags, inline styles, no address but checked links.

The result suits Qt's rich text and browsers alike. Nothing of the text is ever passed through: every character of it
is escaped, and there is no tag here that loads anything.
"""

from __future__ import annotations

from html import escape

from freehold.rendering.highlight import DARK, LIGHT, Tone, tones
from freehold.rendering.plain import numbered
from freehold.rendering.values import (
    Block,
    Code,
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

# Heading sizes relative to the body's, levels 1 to 6.
HEADING_SCALES = (1.43, 1.29, 1.14, 1.0, 1.0, 1.0)


def html(blocks: tuple[Block, ...], look: Look) -> str:
    """`blocks` as an HTML fragment in the colours and sizes of `look`."""
    return "".join(_block(block, look) for block in blocks)


def html_spans(spans: Spans, look: Look) -> str:
    """Inline content as HTML."""
    return "".join(_span(span, look) for span in spans)


def html_code(code: Code, look: Look) -> str:
    """A code block in colour."""
    colours = DARK if look.dark else LIGHT
    runs = "".join(
        escape(text) if tone is Tone.PLAIN else f'<span style="color:{colours[tone]}">{escape(text)}</span>'
        for tone, text in tones(code.text, code.language)
    )
    style = f"font-family:{_family(look.mono, 'monospace')}; background-color:{look.soft}; margin:8px 0; padding:12px"
    return f'<pre style="{style}; white-space:pre-wrap">{runs}</pre>'


def _block(block: Block, look: Look) -> str:
    match block:
        case Paragraph():
            return f'<p style="margin:0 0 8px 0">{html_spans(block.spans, look)}</p>'
        case Heading():
            size = round(look.size * HEADING_SCALES[block.level - 1])
            style = f"margin:16px 0 8px 0; font-size:{size}px; font-weight:600"
            return f'<h{block.level} style="{style}">{html_spans(block.spans, look)}</h{block.level}>'
        case Code():
            return html_code(block, look)
        case Rule():
            return "<hr>"
        case Quote():
            return f'<blockquote style="margin:8px 16px; color:{look.muted}">{html(block.blocks, look)}</blockquote>'
        case Listing():
            return _listing(block, look)
        case Table():
            return _table(block, look)


def _listing(listing: Listing, look: Look) -> str:
    parts = []
    for mark, item in numbered(listing):
        only = item.blocks[0] if len(item.blocks) == 1 else None
        inside = html_spans(only.spans, look) if isinstance(only, Paragraph) else html(item.blocks, look)
        hidden = "" if mark else ' style="list-style-type:none"'
        parts.append(f"<li{hidden}>{inside}</li>")
    if listing.start is None:
        return f"<ul>{''.join(parts)}</ul>"
    return f'<ol start="{listing.start}">{"".join(parts)}</ol>'


def _table(table: Table, look: Look) -> str:
    header = _row("th", table.header, table, look)
    rows = "".join(_row("td", row, table, look) for row in table.rows)
    style = f"border-collapse:collapse; border-color:{look.line}; margin:8px 0"
    return (
        f'<table border="1" cellspacing="0" cellpadding="6" style="{style}">'
        f"<thead>{header}</thead><tbody>{rows}</tbody></table>"
    )


def _row(tag: str, cells: tuple[Spans, ...], table: Table, look: Look) -> str:
    parts = []
    for alignment, cell in zip(table.alignments, cells, strict=True):
        side = f' align="{alignment}"' if alignment else ' align="left"'
        parts.append(f"<{tag}{side}>{html_spans(cell, look)}</{tag}>")
    return f"<tr>{''.join(parts)}</tr>"


def _span(span: Span, look: Look) -> str:
    text = escape(span.text).replace("\n", "<br>")
    if span.code:
        style = f"font-family:{_family(look.mono, 'monospace')}; background-color:{look.soft}"
        text = f'<span style="{style}; white-space:pre-wrap">{text}</span>'
    if span.note or span.chip:
        text = f'<span style="color:{look.muted}">{text}</span>'
    for is_on, tag in ((span.strong, "b"), (span.emphasis, "i"), (span.strike, "s")):
        if is_on:
            text = f"<{tag}>{text}</{tag}>"
    if span.link is not None:
        text = f'<a href="{escape(span.link.url)}" style="color:{look.link}">{text}</a>'
    return text


def _family(name: str, fallback: str) -> str:
    return f"'{name}', {fallback}"
