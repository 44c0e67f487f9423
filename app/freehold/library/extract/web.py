"""HTML and XML by lxml, and EPUB as the HTML in it. No entity is resolved, nothing is loaded."""

from __future__ import annotations

import posixpath
import urllib.parse
import zipfile
from typing import Any

from freehold.library.errors import DocumentUnreadable
from freehold.library.extract.archive import open_zip
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, heading, paragraph, rows, title
from freehold.library.extract.encoding import decode, read_text

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "section",
        "summary",
        "table",
        "ul",
        "pre",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "tr",
        "td",
        "th",
        "caption",
    ]
)
_SILENT = frozenset(["script", "style", "noscript", "template", "head", "svg", "math", "select", "iframe", "object"])
_DEEPEST = 100  # of nested elements; what lies deeper is read as plain text


def read_html(source: Source) -> Blocks:
    return html_blocks(read_text(source.path))


def html_blocks(text: str) -> Blocks:
    """The text of an HTML page in order: headings, paragraphs, items, tables."""
    from lxml import etree
    from lxml import html as parser

    try:
        root = parser.document_fromstring(_without_declaration(text), parser=parser.HTMLParser(no_network=True))
    except (etree.ParserError, etree.XMLSyntaxError, ValueError):
        return  # nothing but comments or white space
    yield from title(root.findtext(".//title"))
    body = root.find("body")
    yield from _Walk().blocks(body if body is not None else root)


def _without_declaration(text: str) -> str:
    """Lxml takes no text that names an encoding: it has been decoded already."""
    start = text.lstrip()
    return start.partition("?>")[2] if start.startswith("<?xml") else text


class _Walk:
    """Gathers running text until a block element begins or ends."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def blocks(self, element: Any, depth: int = 0) -> Blocks:
        yield from self._inside(element, depth)
        yield from self._flush(Kind.PARAGRAPH)

    def _inside(self, element: Any, depth: int, kind: Kind = Kind.PARAGRAPH) -> Blocks:
        self._say(element.text)
        for child in element:
            if isinstance(child.tag, str) and child.tag not in _SILENT:
                yield from self._child(child, depth, kind)
            self._say(child.tail)

    def _child(self, child: Any, depth: int, kind: Kind) -> Blocks:
        tag = child.tag
        if depth > _DEEPEST:
            self._say(" ".join(child.itertext()))
        elif tag == "br":
            self._waiting.append("\n")
        elif tag not in _BLOCKS:
            yield from self._inside(child, depth + 1, kind)
        else:
            yield from self._flush(kind)
            yield from self._block(child, tag, depth)

    def _block(self, child: Any, tag: str, depth: int) -> Blocks:
        if tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            yield from heading(_words(child), int(tag[1]))
        elif tag == "pre":
            text = "".join(child.itertext()).strip("\n")
            if text.strip():
                yield Block(Kind.CODE, text)
        elif tag == "table" and not _is_layout(child):
            yield from rows(_table(child))
        else:
            own = Kind.ITEM if tag in ("li", "dd", "dt") else Kind.PARAGRAPH
            if tag == "li":
                self._say(_number(child))
            yield from self._inside(child, depth + 1, own)
            yield from self._flush(own)

    def _say(self, text: str | None) -> None:
        if text:
            self._waiting.append(text)

    def _flush(self, kind: Kind) -> Blocks:
        if len(self._waiting) == 1 and self._waiting[0][:1].isdigit() and self._waiting[0].endswith(". "):
            return  # an item's number waits for the item's words
        text = "\n".join(" ".join(line.split()) for line in _lines(self._waiting)).strip()
        self._waiting.clear()
        if text:
            yield Block(kind, text)


def _lines(pieces: list[str]) -> list[str]:
    """Pieces as lines: only a <br> breaks one, newlines of the source do not."""
    lines = [""]
    for piece in pieces:
        if piece == "\n":
            lines.append("")
        else:
            lines[-1] += piece
    return lines


def _number(item: Any) -> str:
    """The number that a browser paints before an item of an ordered list."""
    parent = item.getparent()
    if parent is None or parent.tag != "ol":
        return ""
    start = parent.get("start", "1")
    before = sum(1 for _ in item.itersiblings("li", preceding=True))
    return f"{int(start) + before if start.lstrip('-').isdigit() else 1 + before}. "


def _words(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _is_layout(table: Any) -> bool:
    """A table that arranges a page: it has other tables, headings or long lists in it, or one cell."""
    cells = sum(1 for _ in table.iter("td", "th"))
    return cells < 2 or any(True for _ in table.iterdescendants("table", "h1", "h2"))


def _table(table: Any) -> list[list[str]]:
    return [[_cell(cell) for cell in row if cell.tag in ("td", "th")] for row in table.iter("tr")]


def _cell(cell: Any) -> str:
    words = [text for part in cell.iter() if part.tag not in _SILENT for text in _around(part, cell)]
    return " ".join("".join(words).split())


def _around(part: Any, cell: Any) -> list[str]:
    if not isinstance(part.tag, str):
        return [part.tail or ""]
    space = " " if part.tag in _BLOCKS or part.tag == "br" else ""
    return [space, part.text or "", space if part is cell else (part.tail or "") + space]


def read_xml(source: Source) -> Blocks:
    """The text of any XML, element by element."""
    from lxml import etree

    text = read_text(source.path)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, load_dtd=False)
    root = etree.fromstring(_without_declaration(text).encode(), parser)
    if root is None:
        raise DocumentUnreadable("it is not XML")
    for element in root.iter():
        if isinstance(element.tag, str):
            yield from paragraph(" ".join((element.text or "").split()))
        if element is not root:
            yield from paragraph(" ".join((element.tail or "").split()))


def read_epub(source: Source) -> Blocks:
    """The book's pages in the order of its spine."""
    with open_zip(source.path) as archive:
        name, pages = _spine(archive)
        yield from title(name)
        for page in pages:
            try:
                raw = archive.read(page)
            except (KeyError, zipfile.BadZipFile, OSError):
                continue  # a page that is named but missing does not cost the others
            for block in html_blocks(decode(raw)):
                if block.kind is not Kind.TITLE:
                    yield block


def _spine(archive: zipfile.ZipFile) -> tuple[str, list[str]]:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    try:
        container = etree.fromstring(archive.read("META-INF/container.xml"), parser)
        place = next(iter(container.iter("{*}rootfile"))).get("full-path", "")
        book = etree.fromstring(archive.read(place), parser)
        items = {item.get("id"): item.get("href", "") for item in book.iter("{*}item")}
        wanted = [items.get(entry.get("idref"), "") for entry in book.iter("{*}itemref")]
    except (KeyError, StopIteration, AttributeError, etree.XMLSyntaxError, zipfile.BadZipFile) as error:
        raise DocumentUnreadable("its table of contents is missing") from error
    folder = posixpath.dirname(place)
    pages = [posixpath.normpath(posixpath.join(folder, urllib.parse.unquote(page))) for page in wanted if page]
    name = next((element.text for element in book.iter("{*}title") if element.text), "")
    return name or "", pages
