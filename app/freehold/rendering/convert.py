"""Turns the parser's tokens into our own blocks: what has no value in values.py does not come through."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from freehold.rendering.links import names_itself, safe_link
from freehold.rendering.values import (
    Alignment,
    Block,
    Code,
    Heading,
    Item,
    Link,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Span,
    Spans,
    Table,
)
from freehold.rendering.visible import visible

if TYPE_CHECKING:
    from markdown_it.token import Token

MOST_COLUMNS = 40
MOST_LINE = 5_000  # characters of one paragraph of literal text
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_LANGUAGE = re.compile(r"[\w+#.-]{1,30}", re.ASCII)
_ALIGNMENTS: dict[str, Alignment] = {
    "text-align:left": "left", "text-align:center": "center", "text-align:right": "right",
}  # fmt: skip


class Budget:
    """How many more blocks, items and cells one text may become; `cut` once something had to be left out."""

    def __init__(self, left: int, cut: bool = False) -> None:
        self.left, self.cut = left, cut

    def take(self) -> bool:
        """Whether one more is allowed."""
        self.left -= 1
        self.cut = self.cut or self.left < 0
        return self.left >= 0

    def copy(self) -> Budget:
        return Budget(self.left, self.cut)


class Placed(NamedTuple):
    """A top-level block, its first source line, the line after its last, and the budget that was left after it."""

    block: Block
    first: int
    after: int
    left: int
    cut: bool


def blocks_from(tokens: Sequence[Token], budget: Budget) -> list[Placed]:
    """Top-level blocks in order, as far as `budget` goes."""
    reader, found = _Reader(tokens, budget), list[Placed]()
    while (token := reader.peek()) is not None:
        assert token.map is not None, "every top-level block of markdown-it has lines"
        first, after = token.map
        blocks = reader.read_block()
        found += [Placed(block, first, after, budget.left, budget.cut) for block in blocks]
    return found


class _Reader:
    """Reads one token after another; every `read_` method leaves the reader after what it read."""

    def __init__(self, tokens: Sequence[Token], budget: Budget) -> None:
        self._tokens, self._at, self._budget = tokens, 0, budget

    def peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def read_block(self) -> list[Block]:
        token = self._next()
        if not self._budget.take():
            self._skip(token)
            return []
        match token.type:
            case "paragraph_open":
                return _paragraphs(self._read_inline(token))
            case "heading_open":
                return [Heading(int(token.tag[1:]), spans_from(self._read_inline(token)))]
            case "fence" | "code_block":
                return [Code(visible(token.content.removesuffix("\n")), _language(token.info))]
            case "hr":
                return [Rule()]
            case "blockquote_open":
                return [Quote(self._read_until("blockquote_close"))]
            case "bullet_list_open" | "ordered_list_open":
                return [self._read_list(token)]
            case "table_open":
                return [self._read_table()]
            case "literal":
                return list(_literal(token.content))
        raise AssertionError(f"no rule of ours makes {token.type}")

    def _next(self) -> Token:
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, opened: Token) -> None:
        """Go past everything inside `opened`."""
        depth: int = opened.nesting
        while depth > 0:
            depth += self._next().nesting

    def _read_inline(self, opened: Token) -> list[Token]:
        inline = self._next()
        self._skip(opened)
        return inline.children or []

    def _read_until(self, closing: str) -> tuple[Block, ...]:
        found: list[Block] = []
        while self._tokens[self._at].type != closing:
            found += self.read_block()
        self._at += 1
        return tuple(found)

    def _read_list(self, opened: Token) -> Listing:
        items, closing = [], opened.type.replace("_open", "_close")
        tight = True
        while (token := self._next()).type != closing:
            if not self._budget.take():
                self._skip(token)
                continue
            tight = tight and self._is_tight()
            items.append(Item(self._read_until("list_item_close")))
        ordered = opened.type == "ordered_list_open"
        return Listing(tuple(items), int(opened.attrs.get("start", 1)) if ordered else None, tight)

    def _is_tight(self) -> bool:
        """The item that begins here has no blank line in or around it: markdown-it hides its paragraphs."""
        token = self._tokens[self._at]
        return token.type != "paragraph_open" or token.hidden

    def _read_table(self) -> Table:
        rows: list[list[Spans]] = []
        alignments: list[Alignment] = []
        while (token := self._next()).type != "table_close":
            if token.type == "tr_open":
                rows.append([])
            elif token.type in ("th_open", "td_open") and self._has_room_for_cell(rows[-1]):
                rows[-1].append(spans_from(self._tokens[self._at].children or []))
                if token.type == "th_open":
                    alignments.append(_ALIGNMENTS.get(str(token.attrs.get("style", "")), ""))
        filled = [tuple(row) + ((),) * (len(alignments) - len(row)) for row in rows if row]
        return Table(tuple(alignments), filled[0] if filled else (), tuple(filled[1:]))

    def _has_room_for_cell(self, row: list[Spans]) -> bool:
        if len(row) < MOST_COLUMNS:
            return self._budget.take()
        self._budget.cut = True
        return False


def spans_from(tokens: Sequence[Token]) -> Spans:
    """Inline tokens as runs of text; neighbours in one style become one run."""
    return tuple(_joined(_spans(tokens)))


def _spans(tokens: Sequence[Token]) -> Iterator[Span]:
    style, label, target = Span(""), "", ""
    for token in tokens:
        kind, _, edge = token.type.rpartition("_")
        if kind == "link":
            if edge == "open":
                target, label = str(token.attrs.get("href", "")), ""
                style = replace(style, link=safe_link(target))
            else:
                yield from _link_end(style, label, target)
                style = replace(style, link=None)
        elif kind == "strong":
            style = replace(style, strong=edge == "open")
        elif kind == "em":
            style = replace(style, emphasis=edge == "open")
        elif kind == "s":
            style = replace(style, strike=edge == "open")
        else:
            for span in _leaf(token, style):
                label += span.text
                yield span


def _leaf(token: Token, style: Span) -> Iterator[Span]:
    match token.type:
        case "softbreak" | "hardbreak":  # a model's line ends are meant: letters, addresses, poems
            yield replace(style, text="\n")
        case "code_inline":
            yield replace(style, text=visible(token.content), code=True)
        case "image":
            words = " ".join("".join(span.text for span in _spans(token.children or [])).split())
            yield replace(style, text=f"[image: {words}]" if words else "[image]", chip=True)
        case _:
            yield replace(style, text=visible(_BREAK.sub("\n", token.content)))


def _link_end(style: Span, label: str, target: str) -> Iterator[Span]:
    """What a reader must know beyond the label: the host of a link, or the address that was not made one."""
    link: Link | None = style.link
    if link is None:
        shown = visible(target.strip())
        if shown and shown != label.strip():
            yield Span(f" ({shown[:60]}{'…' if len(shown) > 60 else ''})", note=True)
    elif not label.strip():
        yield replace(style, text=link.url)
    elif not names_itself(label, link):
        yield Span(f" ({link.host})", note=True)


def _joined(spans: Iterator[Span]) -> Iterator[Span]:
    waiting: Span | None = None
    for span in spans:
        if not span.text:
            continue
        if waiting is not None and replace(span, text=waiting.text) == waiting:
            waiting = replace(waiting, text=waiting.text + span.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = span
    if waiting is not None:
        yield waiting


def _paragraphs(tokens: Sequence[Token]) -> list[Block]:
    if len(tokens) == 1 and len(tokens[0].content) > MOST_LINE:
        return list(_literal(tokens[0].content))
    spans = spans_from(tokens)
    return [Paragraph(spans)] if spans else []


def _literal(text: str) -> Iterator[Block]:
    """Text as it was written, in paragraphs that a text layout can bear."""
    shown = visible(text.rstrip("\n"))
    for start in range(0, len(shown), MOST_LINE):
        yield Paragraph((Span(shown[start : start + MOST_LINE]),))


def _language(info: str) -> str:
    found = _LANGUAGE.match(info.strip())
    return found[0].lower() if found else ""
