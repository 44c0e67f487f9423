"""OpenDocument text and slides, opened by odfdo; a slide is a page."""

from __future__ import annotations

import zipfile
from typing import Any

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.archive import open_zip
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, heading, paragraph, rows, title

_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
_PRESENTATION = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}"
_SKIPPED = {f"{_TEXT}tracked-changes", f"{_TEXT}sequence-decls", f"{_PRESENTATION}settings"}
_MOST_REPEATED = 100  # a cell may state that it repeats a million times


def read_opendocument(source: Source) -> Blocks:
    import odfdo
    from lxml.etree import XMLSyntaxError

    with open_zip(source.path) as archive:
        _refuse_encrypted(archive)
    try:
        document = odfdo.Document(str(source.path))
        name, body = document.meta.title, document.body._xml_element
    except (KeyError, ValueError, TypeError, OSError, AttributeError, XMLSyntaxError) as error:
        raise DocumentUnreadable("it is not a whole OpenDocument file") from error
    yield from title(name)
    pages = [child for child in body if child.tag == f"{_DRAW}page"]
    for number, page in enumerate(pages, 1):
        yield from _page(page, number)
    if not pages:
        yield from _container(body, None)


def _refuse_encrypted(archive: zipfile.ZipFile) -> None:
    try:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise DocumentUnreadable(
                "it is protected in OpenDocument's own way", advice="Save a copy without a password and add that."
            )
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise DocumentUnreadable("parts of it are missing") from error


def _page(page: Any, number: int) -> Blocks:
    for frame in page:
        if frame.get(f"{_PRESENTATION}class") == "title":
            yield from heading(" ".join(_own_text(line) for line in frame.iter(f"{_TEXT}p", f"{_TEXT}h")), 1, number)
        else:
            yield from _container([frame], number)


def _container(elements: Any, page: int | None) -> Blocks:
    for element in elements:
        if not isinstance(element.tag, str) or element.tag in _SKIPPED:
            continue
        if element.tag == f"{_TEXT}h":
            yield from heading(_own_text(element), int(element.get(f"{_TEXT}outline-level") or 1), page)
        elif element.tag == f"{_TEXT}p":
            yield from paragraph(_own_text(element), page)
            yield from _framed(element, page)
        elif element.tag == f"{_TEXT}list-item":
            yield from _item(element, page)
        elif element.tag == f"{_TABLE}table":
            yield from rows(([_cell(cell) for cell in _cells(row)] for row in element.iter(f"{_TABLE}table-row")), page)
        else:
            yield from _container(element, page)


def _item(element: Any, page: int | None) -> Blocks:
    for child in element:
        if child.tag in (f"{_TEXT}p", f"{_TEXT}h"):
            text = _own_text(child).strip()
            if text:
                yield Block(Kind.ITEM, text, page=page)
            yield from _framed(child, page)
        else:
            yield from _container([child], page)


def _own_text(element: Any) -> str:
    return "".join(_pieces(element))


def _pieces(element: Any) -> list[str]:
    found = [element.text or ""]
    for child in element:
        if child.tag == f"{_TEXT}s":
            count = child.get(f"{_TEXT}c") or "1"
            found.append(" " * min(int(count) if count.isdigit() else 1, _MOST_REPEATED))
        elif child.tag == f"{_TEXT}tab":
            found.append("\t")
        elif child.tag == f"{_TEXT}line-break":
            found.append("\n")
        elif child.tag in (f"{_TEXT}note", f"{_TEXT}note-body"):
            found.append(" (" + " ".join(_own_text(line) for line in child.iter(f"{_TEXT}p")) + ") ")
        elif isinstance(child.tag, str) and not child.tag.startswith(_DRAW):
            found.extend(_pieces(child))
        found.append(child.tail or "")
    return found


def _framed(element: Any, page: int | None) -> Blocks:
    """What stands in frames and text boxes anchored in a paragraph."""
    for child in element:
        if isinstance(child.tag, str) and child.tag.startswith(_DRAW):
            yield from _container(child, page)
        else:
            yield from _framed(child, page)


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in (f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell")]


def _cell(element: Any) -> str:
    return " ".join(_own_text(line) for line in element.iter(f"{_TEXT}p", f"{_TEXT}h"))
