"""Rendered text as Rich renderables. The text is safe already: no control character reaches the terminal."""

from __future__ import annotations

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.rule import Rule as RichRule
from rich.segment import Segment
from rich.style import Style
from rich.table import Table as RichTable
from rich.text import Text

from freehold.rendering.highlight import Tone, tones
from freehold.rendering.plain import numbered
from freehold.rendering.values import (
    Block,
    Code,
    Document,
    Heading,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Span,
    Spans,
    Table,
)

# The terminal's own colours, so that they suit its background.
_CODE_STYLES = {
    Tone.KEYWORD: "magenta", Tone.NAME: "blue", Tone.TEXT: "green", Tone.NUMBER: "yellow",
    Tone.COMMENT: "bright_black", Tone.ADDED: "green", Tone.REMOVED: "red",
}  # fmt: skip


def rich_document(document: Document) -> RenderableType:
    """The whole document; a last line says so when some of it was left out."""
    parts = _blocks(document.blocks)
    if document.cut:
        parts.append(Text("The rest is too long to be shown here. Export the chat to read it.", style="dim"))
    return Group(*parts)


def rich_blocks(blocks: tuple[Block, ...]) -> RenderableType:
    """Some blocks, for printing an answer while it streams: the settled ones of each update, once."""
    return Group(*_blocks(blocks))


def rich_spans(spans: Spans) -> Text:
    """Inline content; links are printed as their words and host, never as terminal hyperlinks."""
    return Text.assemble(*((span.text, _style(span)) for span in spans))


def _blocks(blocks: tuple[Block, ...]) -> list[RenderableType]:
    return [Padding(_block(block), (0, 0, 1, 0)) for block in blocks]


def _block(block: Block) -> RenderableType:
    match block:
        case Paragraph():
            return rich_spans(block.spans)
        case Heading():
            text = rich_spans(block.spans)
            text.stylize("bold underline" if block.level == 1 else "bold")
            return text
        case Code():
            return Padding(_code(block), (0, 2))
        case Rule():
            return RichRule(style="dim")
        case Quote():
            return _Beside("│", Group(*_tightly(block.blocks)), repeats=True, style="dim")
        case Listing():
            return _listing(block)
        case Table():
            return _table(block)


def _tightly(blocks: tuple[Block, ...]) -> list[RenderableType]:
    """Blocks with space between them but not after the last."""
    return [*_blocks(blocks[:-1]), *(_block(block) for block in blocks[-1:])]


def _listing(listing: Listing) -> RenderableType:
    items = [("•" if mark == "-" else mark, item) for mark, item in numbered(listing)]
    width = max((cell_len(mark) for mark, _ in items), default=0)
    below = 0 if listing.tight else 1
    drawn: list[RenderableType] = []
    for mark, item in items:
        inside = [_block(block) for block in item.blocks] if listing.tight else _tightly(item.blocks)
        drawn.append(Padding(_Beside(mark.rjust(width), Group(*inside)), (0, 0, below, 0)))
    return Group(*drawn)


class _Beside:
    """`content` beside a mark, which stands on its first line or `repeats` on each.

    No grid of Rich's: those measure what is inside again at each level, so that quotes in quotes in quotes cost twice
    as much with each.
    """

    def __init__(self, mark: str, content: RenderableType, *, repeats: bool = False, style: str = "") -> None:
        self._mark, self._content, self._repeats, self._style = mark, content, repeats, style

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, style = cell_len(self._mark) + 1, console.get_style(self._style)
        inside = options.update(width=max(1, options.max_width - width), height=None)
        for number, line in enumerate(console.render_lines(self._content, inside, pad=False)):
            is_marked = number == 0 or self._repeats
            yield Segment(f"{self._mark} " if is_marked else " " * width, style)
            yield from line
            yield Segment.line()

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, options.max_width)


def _table(table: Table) -> RenderableType:
    drawn = RichTable(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for alignment, cell in zip(table.alignments, table.header, strict=True):
        drawn.add_column(rich_spans(cell), justify=alignment or "left")
    for row in table.rows:
        drawn.add_row(*(rich_spans(cell) for cell in row))
    return drawn


def _code(code: Code) -> Text:
    return Text.assemble(*((text, _CODE_STYLES.get(tone, "")) for tone, text in tones(code.text, code.language)))


def _style(span: Span) -> Style:
    return Style(
        bold=span.strong or None,
        italic=span.emphasis or None,
        strike=span.strike or None,
        dim=span.note or span.chip or None,
        underline=span.link is not None or None,
        reverse=None,
        color="cyan" if span.code else None,
    )
