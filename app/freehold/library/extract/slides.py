"""PowerPoint by python-pptx: each slide a page, its title a heading, then tables, charts, notes and comments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, heading, paragraph, rows, title
from freehold.library.extract.ooxml import package

_DEEPEST = 20  # groups within groups


def read_slides(source: Source) -> Blocks:
    import pptx
    from lxml.etree import XMLSyntaxError
    from pptx.exc import PackageNotFoundError

    with package(source) as file:
        try:
            presentation = pptx.Presentation(file)
        except (PackageNotFoundError, XMLSyntaxError, KeyError, ValueError, AttributeError) as error:
            raise DocumentUnreadable("it is not a whole presentation") from error
        yield from title(presentation.core_properties.title)
        for page, slide in enumerate(presentation.slides, 1):
            yield from _slide(slide, page)


def _slide(slide: Any, page: int) -> Blocks:
    first = slide.shapes.title
    if first is not None and first.has_text_frame:
        yield from heading(first.text_frame.text, 1, page)
    for shape in _in_reading_order(slide.shapes):
        if first is None or shape.shape_id != first.shape_id:
            yield from _shape(shape, page)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from paragraph(slide.notes_slide.notes_text_frame.text, page)
    yield from _comments(slide, page)


def _in_reading_order(shapes: Any, depth: int = 0) -> Iterator[Any]:
    placed = sorted(shapes, key=lambda shape: (_number(shape, "top") // 300_000, _number(shape, "left")))
    for shape in placed:
        if hasattr(shape, "shapes") and depth < _DEEPEST:
            yield from _in_reading_order(shape.shapes, depth + 1)
        else:
            yield shape


def _number(shape: Any, name: str) -> int:
    """A place in EMU; shapes that inherit theirs from the layout, or state nonsense, come first."""
    try:
        return int(getattr(shape, name) or 0)
    except (ValueError, TypeError, AttributeError, KeyError):
        return 0


def _shape(shape: Any, page: int) -> Blocks:
    if getattr(shape, "has_table", False):
        yield from rows(([cell.text for cell in row.cells] for row in shape.table.rows), page)
    elif getattr(shape, "has_chart", False):
        yield from _chart(shape, page)
    elif getattr(shape, "has_text_frame", False):
        for line in shape.text_frame.paragraphs:
            text = line.text.replace("\v", "\n").strip()
            if text:
                kind = Kind.ITEM if line.level or len(shape.text_frame.paragraphs) > 1 else Kind.PARAGRAPH
                yield Block(kind, text, page=page)


def _chart(shape: Any, page: int) -> Blocks:
    try:
        chart = shape.chart
        if chart.has_title and chart.chart_title.has_text_frame:
            yield from paragraph(chart.chart_title.text_frame.text, page)
        plots = list(chart.plots)
    except (KeyError, ValueError, AttributeError, NotImplementedError):
        return  # a kind of chart that the library does not know
    for plot in plots:
        series = list(plot.series)
        table = [["", *(str(one.name or "") for one in series)]]
        for number, category in enumerate(plot.categories):
            values = (one.values[number] if number < len(one.values) else None for one in series)
            table.append([str(category), *("" if value is None else f"{value:g}" for value in values)])
        yield from rows(table, page)


def _comments(slide: Any, page: int) -> Blocks:
    """Classic and modern comments: the library has no door to them, so their part is read as XML."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    for relation in slide.part.rels.values():
        if relation.is_external or not relation.reltype.endswith("/comments"):
            continue
        try:
            root = etree.fromstring(relation.target_part.blob, parser)
        except etree.XMLSyntaxError:
            continue
        for element in root.iter():
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if name in ("text", "t"):
                yield from paragraph(element.text or "", page)
