"""Word documents by python-docx: the body in order with text boxes and tables, then notes and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, heading, paragraph, rows, title
from freehold.library.extract.numbering import Numbering
from freehold.library.extract.ooxml import chart_table, package

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_LEVEL = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop)\s*(\d)", re.IGNORECASE)
_TEXT = {f"{_W}t", f"{_M}t", f"{_W}delText"}
# How a formula's parts are written on one line: a fraction as a/b, what stands higher or lower as a^b and a_b.
_FORMULA = {f"{_M}num": "", f"{_M}den": "/", f"{_M}sup": "^", f"{_M}sub": "_", f"{_M}rad": "√"}


def read_word(source: Source) -> Blocks:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    with package(source) as file:
        try:
            document = docx.Document(file)
        except (PackageNotFoundError, XMLSyntaxError, KeyError, ValueError, AttributeError) as error:
            raise DocumentUnreadable("it is not a whole Word document") from error
        yield from title(document.core_properties.title)
        yield from _headers(document)
        yield from _Body(_heading_levels(document), Numbering(document)).container(document.element.body)
        yield from _charts(document)
        yield from _comments(document)


def _heading_levels(document: Any) -> dict[str, int]:
    """Heading depth by style id: by its outline level, else by its name."""
    levels: dict[str, int] = {}
    for style in document.styles.element.iter(f"{_W}style"):
        name = style.find(f"{_W}name")
        outline = style.find(f"{_W}pPr/{_W}outlineLvl")
        words = name.get(f"{_W}val", "") if name is not None else ""
        if match := _LEVEL.match(words):
            levels[style.get(f"{_W}styleId", "")] = int(match[1])
        elif words.lower() == "title":
            levels[style.get(f"{_W}styleId", "")] = 1
        elif outline is not None and outline.get(f"{_W}val", "9").isdigit() and int(outline.get(f"{_W}val")) < 9:
            levels[style.get(f"{_W}styleId", "")] = int(outline.get(f"{_W}val")) + 1
    return levels


class _Body:
    """The document's text in order, list numbers counted as they come."""

    def __init__(self, levels: dict[str, int], numbering: Numbering) -> None:
        self._levels, self._numbering = levels, numbering

    def container(self, element: Any) -> Blocks:
        for child in element:
            if child.tag == f"{_W}p":
                yield from self._paragraph(child)
            elif child.tag == f"{_W}tbl":
                yield from self._table(child)
            elif child.tag in (f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}smartTag", f"{_W}customXml"):
                yield from self.container(child)

    def _paragraph(self, element: Any) -> Blocks:
        text = _own_text(element)
        style = element.find(f"{_W}pPr/{_W}pStyle")
        level = self._levels.get(style.get(f"{_W}val", ""), 0) if style is not None else 0
        number = self._numbering.next(element) if text.strip() else None
        if number:
            text = f"{number} {text.strip()}"
        if level:
            yield from heading(text, level)
        elif number is not None and text.strip():
            yield Block(Kind.ITEM, text.strip())
        else:
            yield from paragraph(text)
        for box in _boxes(element):
            yield from self.container(box)

    def _table(self, element: Any) -> Blocks:
        table = [[_cell(cell) for cell in _cells(row)] for row in element.iter(f"{_W}tr") if _of(row, element)]
        if len(table) == 1 and len(table[0]) == 1:  # a frame, not a table
            yield from self.container(next(element.iter(f"{_W}tc")))
        else:
            yield from rows(table)


def _own_text(element: Any) -> str:
    """The paragraph's text without that of the text boxes anchored in it."""
    return "".join(_pieces(element))


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag in _TEXT:
            yield child.text or ""
        elif child.tag == f"{_W}tab":
            yield "\t"
        elif child.tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif child.tag == f"{_W}noBreakHyphen":
            yield "-"
        elif child.tag == f"{_W}sym":
            yield _symbol(child)
        elif child.tag in _FORMULA:
            yield f"{_FORMULA[child.tag]}{_in_brackets(''.join(_pieces(child)))}"
        elif child.tag not in (f"{_W}txbxContent", _FALLBACK, f"{_W}pPr", f"{_W}rPr", f"{_W}instrText"):
            yield from _pieces(child)


def _in_brackets(part: str) -> str:
    """A part of a formula, held together where it is more than one letter or number."""
    return part if part.isalnum() else f"({part})"


def _symbol(element: Any) -> str:
    try:
        code = int(element.get(f"{_W}char", ""), 16)
    except ValueError:
        return ""
    return "" if 0xE000 <= code <= 0xF8FF else chr(code)


def _boxes(element: Any) -> Iterator[Any]:
    """Text boxes below `element`, each once: a drawing is written twice, the second time for old programs."""
    for child in element:
        if child.tag == f"{_W}txbxContent":
            yield child
        elif child.tag != _FALLBACK:
            yield from _boxes(child)


def _of(row: Any, table: Any) -> bool:
    parent = row.getparent()
    while parent is not None and parent.tag != f"{_W}tbl":
        parent = parent.getparent()
    return parent is table


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        if child.tag == f"{_W}tc":
            yield child
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent"):
            yield from _cells(child)


def _cell(element: Any) -> str:
    """All text of a cell, nested tables and boxes included."""
    lines = []
    for child in element:
        if child.tag == f"{_W}p":
            lines.append(_own_text(child))
            lines.extend(_cell(box) for box in _boxes(child))
        elif child.tag == f"{_W}tbl":
            lines.extend(_cell(cell) for row in child.iter(f"{_W}tr") if _of(row, child) for cell in _cells(row))
        elif child.tag in (f"{_W}sdt", f"{_W}sdtContent"):
            lines.append(_cell(child))
    return " ".join(line for line in lines if line.strip())


def _headers(document: Any) -> Blocks:
    """Headers and footers once each, however many sections repeat them."""
    seen: set[str] = set()
    for section in document.sections:
        for part in (section.first_page_header, section.header, section.footer, section.first_page_footer):
            for line in () if part.is_linked_to_previous else part.paragraphs:
                if line.text.strip() and line.text not in seen:
                    seen.add(line.text)
                    yield from paragraph(line.text)


def _charts(document: Any) -> Blocks:
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith("/chart"):
            yield from rows(chart_table(relation.target_part.blob))


def _comments(document: Any) -> Blocks:
    for comment in getattr(document, "comments", ()):
        yield from paragraph(f"{comment.author or 'Comment'}: {comment.text}")
    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(("/footnotes", "/endnotes")):
            yield from _notes(relation.target_part.blob)


def _notes(xml: bytes) -> Blocks:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        return
    for note in root:
        if note.get(f"{_W}type") is None:
            yield from paragraph(" ".join(_own_text(line) for line in note.iter(f"{_W}p")))
