"""The one Markdown parser and its limits: markdown-it, CommonMark with tables and strikethrough, no raw HTML.

What is too deep or too long is kept as literal text, so that hostile input cannot hang the window and nothing of it
is hidden. Addresses pass through as written: links.py decides what becomes a link.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

References = MutableMapping[str, Any]

MOST_DEPTH = 12  # of markdown-it's levels: six lists in lists, twelve quotes in quotes
MOST_INLINE = 6_000  # characters of one paragraph; the parser is quadratic in some of what stands inside one
MOST_MARKS = 800  # the same, for characters that may begin something
MOST_BRACKETS = 150  # and for "[" and addresses, the dearest
_MARKS = re.compile(r"[*_~`<\\$&!]")


def parse(text: str, references: References) -> list[Token]:
    """Block tokens with their inline children. `references` collects link definitions, first one wins."""
    return _parser().parse(text, references)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    class Parser(MarkdownIt):
        """Addresses as written: markdown-it's own rewriting fails on lone surrogates."""

        def normalizeLink(self, url: str) -> str:  # noqa: N802
            return url

        def normalizeLinkText(self, link: str) -> str:  # noqa: N802
            return link

        def validateLink(self, url: str) -> bool:  # noqa: N802, ARG002
            return True

    parser = Parser("commonmark", {"html": False, "linkify": True, "maxNesting": 20})
    parser.enable(["table", "strikethrough", "linkify"])
    assert parser.linkify is not None
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    for schema in ("ftp:", "//"):
        parser.linkify.add(schema, None)
    parser.core.ruler.at("inline", _parse_inlines)
    parser.block.ruler.before("table", "too_deep", _keep_what_is_too_deep)
    parser.inline.ruler.before("escape", "formula", _keep_formula)
    return parser


def _parse_inlines(state: StateCore) -> None:
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = token.children or []
        content = token.content
        if _is_a_flood(content):
            token.children.append(Token("text", "", 0, content=content))
            token.content = ""  # no rule that follows looks at it
        else:
            state.md.inline.parse(content, state.md, state.env, token.children)


def _is_a_flood(content: str) -> bool:
    return (
        len(content) > MOST_INLINE
        or content.count("[") > MOST_BRACKETS
        or content.count("://") > MOST_BRACKETS
        or (len(content) > MOST_MARKS and len(_MARKS.findall(content)) > MOST_MARKS)
    )


def _keep_what_is_too_deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    if state.level < MOST_DEPTH:
        return False
    if not silent:
        token = state.push("literal", "", 0)
        token.content = state.getLines(start, end, state.blkIndent, False)
        token.map = [start, end]
        state.line = end
    return True


def _keep_formula(state: StateInline, silent: bool) -> bool:
    r"""Leave \(x_1\), \[x\], $$x$$ and $x$ as they are written: emphasis and escapes mean something else there."""
    end = _end_of_formula(state.src, state.pos, state.posMax)
    if not end:
        return False
    if not silent:
        token = state.push("text_special", "", 0)
        token.content = state.src[state.pos : end]
        token.markup, token.info = token.content, "formula"
    state.pos = end
    return True


def _end_of_formula(source: str, at: int, most: int) -> int:
    """Where the formula that starts at `at` ends, or 0 when none does."""
    opening = source[at : at + 2]
    closing = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}.get(opening)
    if closing:
        found = source.find(closing, at + 2, most)
        return found + 2 if found > at + 2 else 0
    # One dollar sign is money unless text touches both signs and no digit follows the second (as Pandoc has it).
    if opening[:1] != "$" or not opening[1:].strip():
        return 0
    found = source.find("$", at + 1, most)
    if found < 0 or source[found - 1].isspace() or "\n" in source[at:found] or source[found + 1 : found + 2].isdigit():
        return 0
    return found + 1
