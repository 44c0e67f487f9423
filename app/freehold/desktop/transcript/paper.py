"""Writes rendered blocks into a QTextDocument, and rewrites only what changed.

The document is built by cursor, never from HTML: there is nothing in it that could be read as markup, and no object
that could be loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QBrush,
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextLength,
    QTextListFormat,
    QTextTableFormat,
)

from freehold.desktop.transcript.looks import Looks, code_font
from freehold.desktop.transcript.number import NUMBER, OBJECT, SIGN, SourceNumber
from freehold.rendering.html import HEADING_SCALES
from freehold.rendering.values import (
    Alignment,
    Block,
    Code,
    Heading,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Span,
    Spans,
    Table,
)

# What ProseView paints beside or instead of a block's text.
QUOTE_DEPTH = QTextFormat.Property.UserProperty.value + 1
IS_RULE = QTextFormat.Property.UserProperty.value + 2
SOURCE = "source"  # the scheme of an address that is a source's number; no link of a text can have it
INDENT = 22  # pixels of one list level
_QUOTE_INDENT = 16
_SPECIFIED = QTextCharFormat.FontPropertiesInheritanceBehavior.FontPropertiesSpecifiedOnly
_SIDES = {
    "": Qt.AlignmentFlag.AlignLeft, "left": Qt.AlignmentFlag.AlignLeft, "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block is written: how many lists and quotes around it, and the space before it."""

    lists: int = 0
    quotes: int = 0
    space: int = 8

    @property
    def left(self) -> int:
        return self.quotes * _QUOTE_INDENT


@dataclass(frozen=True, slots=True)
class _Mark:
    """The document as it was before a top-level block was written: enough to go back to."""

    position: int
    is_fresh: bool
    block_format: QTextBlockFormat


class Paper:
    """One document of prose. `write` shows `blocks`, keeping the text of those that have not changed."""

    def __init__(self, document: QTextDocument) -> None:
        self._document = document
        self._cursor = QTextCursor(document)
        self._written: list[Block] = []
        self._marks: list[_Mark] = []
        self._is_fresh = True  # the last block of the document is empty and may be used
        self._looks = Looks()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        document.setIndentWidth(INDENT)
        self._numbers = SourceNumber(document)
        document.documentLayout().registerHandler(OBJECT, self._numbers)

    def wear(self, looks: Looks, *, muted: bool = False) -> None:
        """Use these looks from now on; everything is written again."""
        self._looks = looks
        self._numbers.wear(looks)
        self._document.setDefaultFont(looks.note if muted else looks.body)
        self._size = looks.sizes.note if muted else looks.size
        blocks, self._written = self._written, []
        self._erase_all()
        self.write(blocks)

    def write(self, blocks: Sequence[Block]) -> bool:
        """Show `blocks`; whether anything had to change."""
        kept = 0
        for old, new in zip(self._written, blocks, strict=False):
            if old is not new and old != new:
                break
            kept += 1
        if kept == len(self._written) == len(blocks):
            return False
        self._cursor.beginEditBlock()
        self._go_back_to(kept)
        for block in blocks[kept:]:
            self._marks.append(self._mark())
            self._block(block, _Place(space=0 if not self._written else self._space_before(block)))
            self._written.append(block)
        self._cursor.endEditBlock()
        return True

    def _erase_all(self) -> None:
        self._document.clear()
        self._cursor = QTextCursor(self._document)
        self._marks, self._is_fresh = [], True

    def _mark(self) -> _Mark:
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        return _Mark(self._cursor.position(), self._is_fresh, self._cursor.blockFormat())

    def _go_back_to(self, kept: int) -> None:
        if kept == len(self._written):
            return
        if kept == 0:
            self._erase_all()
        else:
            mark = self._marks[kept]
            self._cursor.setPosition(mark.position)
            self._cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
            self._cursor.removeSelectedText()
            self._cursor.setBlockFormat(mark.block_format)
            self._is_fresh = mark.is_fresh
        del self._written[kept:]
        del self._marks[kept:]

    def _space_before(self, block: Block) -> int:
        match block:
            case Heading():
                return 16
            case Rule() | Table():
                return 12
            case _:
                return 8

    def _block(self, block: Block, place: _Place) -> None:
        match block:
            case Paragraph():
                self._start(place)
                self._spans(block.spans)
            case Heading():
                self._heading(block, place)
            case Rule():
                block_format = self._start(place)
                block_format.setProperty(IS_RULE, True)
                self._cursor.setBlockFormat(block_format)
            case Quote():
                self._blocks(block.blocks, _Place(place.lists, place.quotes + 1, place.space))
            case Listing():
                self._listing(block, place)
            case Table():
                self._table(block, place)
            case Code():  # pieces.py gives code a box of its own; this is for whoever did not ask it
                self._start(place)
                self._spans((Span(block.text, code=True),))

    def _blocks(self, blocks: Sequence[Block], place: _Place) -> None:
        for number, block in enumerate(blocks):
            space = place.space if number == 0 else self._space_before(block)
            self._block(block, _Place(place.lists, place.quotes, space))

    def _start(self, place: _Place) -> QTextBlockFormat:
        """Begin a paragraph at the end of the document."""
        block_format = QTextBlockFormat()
        block_format.setTopMargin(place.space)
        block_format.setLeftMargin(place.left)
        block_format.setIndent(place.lists)
        height = round(self._size * 1.5)
        block_format.setLineHeight(height, QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        if place.quotes:
            block_format.setProperty(QUOTE_DEPTH, place.quotes)
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        if self._is_fresh:
            self._cursor.setBlockFormat(block_format)
            self._cursor.setBlockCharFormat(QTextCharFormat())
        else:
            self._cursor.insertBlock(block_format, QTextCharFormat())
        self._is_fresh = False
        return block_format

    def _heading(self, heading: Heading, place: _Place) -> None:
        block_format = self._start(place)
        size = round(self._size * HEADING_SCALES[heading.level - 1])
        block_format.setHeadingLevel(heading.level)
        block_format.setLineHeight(round(size * 1.35), QTextBlockFormat.LineHeightTypes.MinimumHeight.value)
        self._cursor.setBlockFormat(block_format)
        base = QTextCharFormat()
        base.setProperty(QTextFormat.Property.FontPixelSize, size)
        base.setFontWeight(QFont.Weight.DemiBold)
        self._spans(heading.spans, base)

    def _listing(self, listing: Listing, place: _Place) -> None:
        list_format = QTextListFormat()
        list_format.setIndent(place.lists + 1)
        bullets = (QTextListFormat.Style.ListDisc, QTextListFormat.Style.ListCircle, QTextListFormat.Style.ListSquare)
        is_ordered = listing.start is not None
        list_format.setStyle(
            QTextListFormat.Style.ListDecimal if is_ordered else bullets[min(place.lists, len(bullets) - 1)]
        )
        if listing.start is not None:
            list_format.setStart(listing.start)
        inner, made, space = _Place(place.lists + 1, place.quotes), None, place.space
        for item in listing.items:
            first, rest = item.blocks[:1], item.blocks[1:]
            lead = first[0] if first and isinstance(first[0], Paragraph) else None
            if not item.continues or lead is not None:
                self._start(_Place(0 if not item.continues else inner.lists, place.quotes, space))
            if not item.continues:
                if made is None:
                    made = self._cursor.createList(list_format)
                else:
                    made.add(self._cursor.block())
            if lead is not None:
                self._spans(lead.spans)
            else:
                rest = item.blocks
            self._blocks(rest, _Place(inner.lists, inner.quotes, 4 if listing.tight else 8))
            space = 4 if listing.tight else 8

    def _table(self, table: Table, place: _Place) -> None:
        self._start(place)  # Qt hides the empty block before a table
        looks = self._looks
        shape = QTextTableFormat()
        shape.setBorder(1)
        shape.setBorderCollapse(True)
        shape.setBorderBrush(QBrush(looks.colour("line")))
        shape.setBorderStyle(QTextTableFormat.BorderStyle.BorderStyle_Solid)
        shape.setCellPadding(6)
        shape.setCellSpacing(0)
        shape.setTopMargin(place.space)
        shape.setBottomMargin(8)
        shape.setLeftMargin(place.left + place.lists * INDENT)
        shape.setHeaderRowCount(1)
        shape.setColumnWidthConstraints([QTextLength()] * len(table.alignments))
        grid = self._cursor.insertTable(1 + len(table.rows), len(table.alignments), shape)
        for row, cells in enumerate((table.header, *table.rows)):
            for column, cell in enumerate(cells):
                inside = grid.cellAt(row, column).firstCursorPosition()
                self._cell(inside, cell, table.alignments[column], is_header=row == 0)
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._is_fresh = True  # a table is always followed by an empty block

    def _cell(self, cursor: QTextCursor, spans: Spans, alignment: Alignment, *, is_header: bool) -> None:
        block_format = QTextBlockFormat()
        block_format.setAlignment(_SIDES[alignment])
        cursor.setBlockFormat(block_format)
        base = QTextCharFormat()
        if is_header:
            base.setFontWeight(QFont.Weight.DemiBold)
        self._spans(spans, base, cursor)

    def _spans(self, spans: Spans, base: QTextCharFormat | None = None, cursor: QTextCursor | None = None) -> None:
        for span in spans:
            style = self._style(span, base or QTextCharFormat())
            (cursor or self._cursor).insertText(SIGN if span.source else _one_line(span.text), style)

    def _style(self, span: Span, base: QTextCharFormat) -> QTextCharFormat:
        style = QTextCharFormat(base)
        looks = self._looks
        if span.source:
            style.setObjectType(OBJECT)
            style.setProperty(NUMBER, span.source)
            style.setAnchor(True)
            style.setAnchorHref(f"{SOURCE}:{span.source}")
            style.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBaseline)
            return style
        if span.strong:
            style.setFontWeight(QFont.Weight.DemiBold)
        if span.emphasis:
            style.setFontItalic(True)
        if span.strike:
            style.setFontStrikeOut(True)
        if span.code:
            size = style.intProperty(QTextFormat.Property.FontPixelSize) or self._size
            style.setFont(code_font(round(size * 13 / 14)), _SPECIFIED)
            style.setBackground(looks.colour("panel"))
        if span.note or span.chip:
            style.setForeground(looks.colour("muted"))
        if span.link is not None:  # underlined, not coloured: colour says where words are
            style.setAnchor(True)
            style.setAnchorHref(span.link.url)
            style.setFontUnderline(True)
            style.setUnderlineColor(looks.colour("muted"))
        return style


def _one_line(text: str) -> str:
    """Line ends as Qt's line separator: a newline would begin a new paragraph."""
    return text.replace("\n", "\u2028")
