"""PDF by PDFium: text in reading order by page, and for the viewer a page's picture with the boxes of a passage."""

from __future__ import annotations

import ctypes
import re
import statistics
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, heading, paragraph, title

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h
_SOFT_HYPHENS = "\ufffe\u0002\u00ad"  # how PDFium marks a word that the line's end divides
_ITEM = re.compile(r"(?:[•▪◦‣●○■□–—*·-]|\(?\d{1,3}[.)]|\(?[a-z][.)])\s+\S")
_SPACES = re.compile(r"[\s\-" + _SOFT_HYPHENS + "]+")
MOST_PIXELS = 8_000_000  # of one page's picture


class Line(NamedTuple):
    """A line of a page. `top` and `bottom` are in points from the page's lower edge, `size` is the font's."""

    text: str
    top: float
    bottom: float
    left: float
    right: float
    size: float


class Quad(NamedTuple):
    """A box around characters, as shares (0 to 1) of the page's width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class PagePicture(NamedTuple):
    """A page as packed RGB rows, with the boxes of the passage that was looked for."""

    width: int
    height: int
    rgb: bytes
    boxes: tuple[Quad, ...]


def read_pdf(source: Source) -> Blocks:
    with closing(_open(source)) as document:
        yield from title(document.get_metadata_value("Title"))
        for number in range(len(document)):
            found = list(_page_blocks(document, number))
            # A page without text is told too: it counts, and OCR may look at it later.
            yield from found or [Block(Kind.PARAGRAPH, "", page=number + 1)]


def page_picture(source: Source, page: int, passage: str, width: int) -> PagePicture:
    """Page `page` (from 1) painted `width` pixels wide. Raises DocumentUnreadable when there is no such page."""
    import pypdfium2

    with closing(_open(source)) as document:
        if not 1 <= page <= len(document):
            raise DocumentUnreadable(f"it has no page {page}")
        try:
            with closing(document[page - 1]) as sheet:
                across, down = sheet.get_size()
                scale = min(width / max(across, 1.0), (MOST_PIXELS / max(across * down, 1.0)) ** 0.5)
                bitmap = sheet.render(scale=scale, rev_byteorder=True, prefer_bgrx=True, may_draw_forms=False)
                boxes = tuple(_boxes(sheet, passage)) if passage else ()
                return PagePicture(bitmap.width, bitmap.height, _rgb(bitmap), boxes)
        except pypdfium2.PdfiumError as error:
            raise DocumentUnreadable(f"page {page} is damaged") from error


def _open(source: Source) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(source.path, password=source.password)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", 0) == _WRONG_PASSWORD:
            raise DocumentNeedsPassword("that password does not open it" if source.password else "") from error
        raise DocumentUnreadable("it is not a whole PDF") from error


def _page_blocks(document: Any, number: int) -> Blocks:
    import pypdfium2

    try:
        with closing(document[number]) as sheet, closing(sheet.get_textpage()) as text_page:
            lines = list(_lines(text_page))
    except pypdfium2.PdfiumError:
        return  # one damaged page does not cost the others
    if lines:
        yield from _structured(lines, number + 1)


def _lines(text_page: Any) -> Iterator[Line]:
    from pypdfium2 import raw

    box = [ctypes.c_double() for _ in range(4)]
    at = 0
    for line in text_page.get_text_range().split("\n"):
        words = line.strip("\r ")
        if words:
            start = at + len(line) - len(line.lstrip())
            first = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, start)
            last = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, start + len(words) - 1)
            left, top, bottom, right = 0.0, 0.0, 0.0, 0.0
            if raw.FPDFText_GetCharBox(text_page.raw, max(first, 0), *box):
                left, right, bottom, top = (value.value for value in box)
            if raw.FPDFText_GetCharBox(text_page.raw, max(last, 0), *box):
                right, bottom, top = box[1].value, min(bottom, box[2].value), max(top, box[3].value)
            size = raw.FPDFText_GetFontSize(text_page.raw, max(first, 0)) if first >= 0 else 0.0
            # Many files set a font of size 1 and scale it: then the box tells more than the number does.
            yield Line(words, top, bottom, left, right, size if size > 2 else abs(top - bottom))
        at += len(line) + 1


def _structured(lines: list[Line], page: int) -> Blocks:
    """Headings are larger than what most of the page is set in; a paragraph ends at a gap, an indent or a bullet."""
    body = statistics.median_high(line.size for line in lines for _ in range(max(len(line.text) // 20, 1)))
    widest = max(line.right for line in lines)
    waiting: list[Line] = []
    for line in lines:
        if waiting and _divides(waiting[-1], line, widest):
            yield from _block(waiting, body, page)
            waiting = []
        waiting.append(line)
    yield from _block(waiting, body, page)


def _divides(above: Line, below: Line, widest: float) -> bool:
    height = max(above.top - above.bottom, above.size * 0.6, 1.0)
    gap = above.bottom - below.top
    if abs(above.size - below.size) > 0.1 * max(above.size, below.size):
        return True
    if gap > 0.9 * height or gap < -3 * height:  # white space, or the next column
        return True
    if _ITEM.match(below.text):
        return True
    ends_early = above.right < 0.8 * widest and above.text[-1:] in ".!?:;"
    return ends_early or (above.text[-1:] in ".:" and below.left > above.left + above.size)


def _block(lines: list[Line], body: float, page: int) -> Blocks:
    text = _joined(lines)
    large = lines[0].size / max(body, 0.1)
    if large >= 1.15 and len(text) < 160 and any(character.isalpha() for character in text):
        yield from heading(text, 1 if large >= 1.7 else 2 if large >= 1.35 else 3, page)
    elif _ITEM.match(text):
        yield Block(Kind.ITEM, text, page=page)
    else:
        yield from paragraph(text, page)


def _joined(lines: list[Line]) -> str:
    """Lines as running text, words that were divided at a line's end made whole."""
    text = lines[0].text
    for line in lines[1:]:
        if text[-1:] in _SOFT_HYPHENS:
            text = text[:-1] + line.text
        elif text[-1:] == "-" and text[-2:-1].isalpha():
            text = (text[:-1] if line.text[:1].islower() else text) + line.text
        else:
            text = f"{text} {line.text}"
    return re.sub(f"[{_SOFT_HYPHENS}]", "", text)


def _boxes(sheet: Any, passage: str) -> Iterator[Quad]:
    """Where the passage stands: letters are compared without spaces and hyphens, which reading may have changed."""
    from pypdfium2 import raw

    with closing(sheet.get_textpage()) as text_page:
        text = text_page.get_text_range()
        letters, places = _letters(text)
        wanted = _SPACES.sub("", passage)
        at = letters.find(wanted)
        if at < 0 or not wanted:
            return
        first = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, places[at])
        last = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, places[at + len(wanted) - 1])
        across, down = sheet.get_size()
        for number in range(text_page.count_rects(first, last - first + 1)):
            left, bottom, right, top = text_page.get_rect(number)
            yield Quad(left / across, 1 - top / down, right / across, 1 - bottom / down)


def _letters(text: str) -> tuple[str, list[int]]:
    kept, places, unit = [], [], 0
    for character in text:
        if not _SPACES.fullmatch(character):
            kept.append(character)
            places.append(unit)
        unit += 2 if ord(character) > 0xFFFF else 1  # PDFium counts in UTF-16
    return "".join(kept), places


def _rgb(bitmap: Any) -> bytes:
    """Rows of RGB without padding, from PDFium's RGBX."""
    view, stride = bytes(bitmap.buffer), bitmap.stride
    rows = []
    for row in range(bitmap.height):
        line = bytearray(view[row * stride : row * stride + bitmap.width * 4])
        del line[3::4]
        rows.append(bytes(line))
    return b"".join(rows)
