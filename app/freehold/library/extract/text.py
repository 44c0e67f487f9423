"""Plain text and its markups: the text is kept as it stands, only its structure is noticed."""

from __future__ import annotations

import re
from collections.abc import Callable

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, paragraph
from freehold.library.extract.encoding import read_text

_ITEM = re.compile(r"\s{0,8}(?:[-*+•–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S")
_ATX = re.compile(r"\s{0,3}(#{1,6})\s+(.+?)\s*#*\s*$")
_ORG = re.compile(r"(\*{1,6})\s+(.+?)\s*$")
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}\s*$")
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*$")
_TABLE_RULE = re.compile(r"[\s|:+=-]+$")

Heading = Callable[[list[str], int], tuple[int, str, int] | None]  # level, words, lines taken


def read_plain(source: Source) -> Blocks:
    """Paragraphs divided by empty lines, and list items."""
    return _blocks(read_text(source.path), lambda _lines, _at: None, fences=False)


def read_markdown(source: Source) -> Blocks:
    return _blocks(read_text(source.path), _markdown_heading, fences=True)


def markdown_blocks(text: str) -> Blocks:
    """The same for Markdown that stands inside another format."""
    return _blocks(text, _markdown_heading, fences=True)


def read_restructured(source: Source) -> Blocks:
    return _blocks(read_text(source.path), _Underlines(), fences=False)


def read_org(source: Source) -> Blocks:
    return _blocks(read_text(source.path), _org_heading, fences=False)


def read_code(source: Source) -> Blocks:
    """Source code and settings: runs of lines between empty ones, indentation kept."""
    for piece in re.split(r"\n\s*\n", read_text(source.path)):
        if piece.strip():
            yield Block(Kind.CODE, piece.strip("\n").rstrip())


def read_rtf(source: Source) -> Blocks:
    from striprtf.striprtf import rtf_to_text

    raw = source.path.read_bytes()[: 4 * 64_000_000]
    if not raw.lstrip().startswith(b"{\\rtf"):
        raise DocumentUnreadable("it is not rich text")
    # RTF is ASCII with escapes that name their own code page.
    text = rtf_to_text(raw.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    for line in text.split("\n"):
        yield from _item_or_paragraph(line)


def _item_or_paragraph(line: str) -> Blocks:
    if _ITEM.match(line):
        yield Block(Kind.ITEM, line.strip())
    else:
        yield from paragraph(line)


def _blocks(text: str, heading_at: Heading, *, fences: bool) -> Blocks:
    lines = text.split("\n")
    at, waiting = 0, list[str]()
    while at < len(lines):
        line = lines[at]
        if fences and (fence := _FENCE.match(line)):
            yield from _flush(waiting)
            taken = _fence_end(lines, at, fence[1])
            yield Block(Kind.CODE, "\n".join(lines[at:taken]))
            at = taken
        elif found := heading_at(lines, at):
            yield from _flush(waiting)
            level, words, taken = found
            yield Block(Kind.HEADING, words, level)
            at += taken
        elif _TABLE_ROW.match(line):
            yield from _flush(waiting)
            taken = next((i for i in range(at, len(lines)) if not _TABLE_ROW.match(lines[i])), len(lines))
            yield from _table(lines[at:taken])
            at = taken
        else:
            if not line.strip() or _ITEM.match(line):
                yield from _flush(waiting)
            if line.strip():
                waiting.append(line)
            at += 1
    yield from _flush(waiting)


def _flush(waiting: list[str]) -> Blocks:
    if waiting:
        kind = Kind.ITEM if _ITEM.match(waiting[0]) else Kind.PARAGRAPH
        text = "\n".join(line.rstrip() for line in waiting).strip()
        waiting.clear()
        yield Block(kind, text)


def _table(lines: list[str]) -> Blocks:
    has_header = len(lines) > 2 and bool(_TABLE_RULE.fullmatch(lines[1]))
    for number, line in enumerate(lines):
        yield Block(Kind.ROW, line.strip(), header=lines[0].strip()[:500] if has_header and number > 1 else "")


def _fence_end(lines: list[str], at: int, fence: str) -> int:
    for number in range(at + 1, len(lines)):
        if lines[number].strip().startswith(fence) and not lines[number].strip().strip(fence[0]):
            return number + 1
    return len(lines)


def _markdown_heading(lines: list[str], at: int) -> tuple[int, str, int] | None:
    if match := _ATX.match(lines[at]):
        return len(match[1]), lines[at].strip(), 1
    if at + 1 < len(lines) and (rule := re.fullmatch(r"\s{0,3}(=+|-{2,})\s*", lines[at + 1])):
        before_is_empty = at == 0 or not lines[at - 1].strip()
        if before_is_empty and lines[at].strip() and not _ITEM.match(lines[at]) and "|" not in lines[at]:
            return (1 if rule[1][0] == "=" else 2), lines[at].strip(), 2
    return None


def _org_heading(lines: list[str], at: int) -> tuple[int, str, int] | None:
    match = _ORG.match(lines[at])
    return (len(match[1]), match[2], 1) if match else None


class _Underlines:
    """reStructuredText headings: levels are in the order in which the underlining characters first appear."""

    def __init__(self) -> None:
        self._seen: list[str] = []

    def __call__(self, lines: list[str], at: int) -> tuple[int, str, int] | None:
        over = _UNDERLINE.match(lines[at])
        words_at = at + 1 if over else at
        if words_at + 1 >= len(lines):
            return None
        words, under = lines[words_at], _UNDERLINE.match(lines[words_at + 1])
        if not under or not words.strip() or _UNDERLINE.match(words) or len(under[0].strip()) < len(words.rstrip()):
            return None
        style = under[1] * (2 if over else 1)
        if style not in self._seen:
            self._seen.append(style)
        return self._seen.index(style) + 1, words.strip(), words_at + 2 - at
