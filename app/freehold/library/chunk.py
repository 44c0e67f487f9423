"""Cutting a document into chunks along its structure. Pure.

Chunks tile the text: put one after the other they are the document, so that a span of one is a span of the other and
the text is kept once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from freehold.library.extract.blocks import Block, Kind

TARGET_TOKENS = 160  # tuned on the sets in data/, see docs/library.md
MOST_TOKENS = 220  # leaves room for title and heading path in the embedder's window of 256
SMALL_TOKENS = 48  # a section shorter than this shares a chunk with what follows
MOST_CONTEXT = 240  # characters of heading path and table header

_PIECES = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]"  # scripts without spaces: about a token a character
    r"|[a-zA-Z]{1,7}|[^\W\d_a-zA-Z]{1,2}|\d{1,3}|[^\w\s]|_"
)
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])[\"'”’)\]]*\s+|(?<=[。！？])|\n+")
_WORD_END = re.compile(r"\s+")
_NO_TEXT = (Kind.TITLE, Kind.NOTE)
_AFTER = {Kind.ROW: "\n", Kind.ITEM: "\n"}


class Chunk(NamedTuple):
    """A slice of the document. `context` is the heading path and a table's header: searched with the text, not part
    of it. `tokens` is an estimate.
    """

    text: str
    page: int | None
    context: str
    tokens: int


def estimate_tokens(text: str) -> int:
    """About how many word pieces `text` makes; rather too many than too few."""
    return sum(1 for _ in _PIECES.finditer(text))


def chunks(blocks: Iterable[Block]) -> Iterator[Chunk]:
    """Chunks of at most MOST_TOKENS, none across a page, few across a section, none through a sentence that fits."""
    cutter = Cutter()
    for block in blocks:
        yield from cutter.take(block)
    yield from cutter.flush()


class Cutter:
    """Takes block after block and gives each chunk as soon as it is whole; `flush` gives the last."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._tokens = 0
        self._page: int | None = None
        self._context = ""
        self._path: list[tuple[int, str]] = []
        self._only_headings = True

    def take(self, block: Block) -> Iterator[Chunk]:
        if block.kind in _NO_TEXT or not block.text:
            return
        if block.page != self._page:
            yield from self.flush()
        if block.kind is Kind.HEADING:
            yield from self._begin_section(block)
        elif self._tokens >= SMALL_TOKENS and self._table_turns(block):
            yield from self.flush()
        for piece in _within(block.text + _AFTER.get(block.kind, "\n\n"), MOST_TOKENS):
            yield from self._add(piece, block)

    def _table_turns(self, block: Block) -> bool:
        """Whether a table begins or ends here."""
        return not self._only_headings and bool(block.header) != self._context.endswith("\n")

    def _begin_section(self, block: Block) -> Iterator[Chunk]:
        if self._tokens >= SMALL_TOKENS and not self._only_headings:
            yield from self.flush()
        self._path = [(level, words) for level, words in self._path if level < block.level]
        self._path.append((block.level, block.text.lstrip("#= ").strip()[:120]))

    def _add(self, piece: str, block: Block) -> Iterator[Chunk]:
        tokens = estimate_tokens(piece)
        full = self._tokens + tokens > (MOST_TOKENS if block.kind is Kind.HEADING else TARGET_TOKENS)
        if self._pieces and full and not (self._only_headings and self._tokens + tokens <= MOST_TOKENS):
            yield from self.flush()
        if not self._pieces:
            self._page, self._context = block.page, _context(self._path, block)
            self._only_headings = True
        self._pieces.append(piece)
        self._tokens += tokens
        self._only_headings = self._only_headings and block.kind is Kind.HEADING

    def flush(self) -> Iterator[Chunk]:
        if self._pieces:
            yield Chunk("".join(self._pieces), self._page, self._context, self._tokens)
        self._pieces, self._tokens, self._only_headings = [], 0, True


def _context(path: list[tuple[int, str]], block: Block) -> str:
    """The headings above, nearest last; a heading that begins the chunk stands in its text already."""
    above = path[:-1] if block.kind is Kind.HEADING else path
    words = " › ".join(words for _, words in above)[-MOST_CONTEXT:]
    return f"{words}\n{block.header[:MOST_CONTEXT]}\n" if block.header else words


def _within(text: str, most: int) -> Iterator[str]:
    """`text` in pieces of at most `most` tokens: whole, else by sentences, else by words, else anywhere."""
    if len(text) <= most or estimate_tokens(text) <= most:
        yield text
        return
    waiting, tokens = "", 0
    for part in _parts(text, most):
        count = estimate_tokens(part)
        if waiting and tokens + count > TARGET_TOKENS:
            yield waiting
            waiting, tokens = "", 0
        waiting, tokens = waiting + part, tokens + count
    if waiting:
        yield waiting


def _parts(text: str, most: int) -> Iterator[str]:
    for sentence in _cut(text, _SENTENCE_END):
        if len(sentence) <= most or estimate_tokens(sentence) <= most:
            yield sentence
            continue
        for word in _cut(sentence, _WORD_END):
            yield from (word[start : start + most] for start in range(0, len(word), most))


def _cut(text: str, ends: re.Pattern[str]) -> Iterator[str]:
    """`text` cut after each match, nothing lost."""
    start = 0
    for match in ends.finditer(text):
        if match.end() > start:
            yield text[start : match.end()]
            start = match.end()
    if start < len(text):
        yield text[start:]
