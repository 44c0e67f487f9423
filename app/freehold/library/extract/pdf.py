"""PDF by PDFium: text in reading order by page, and for the viewer a page's picture with the boxes of a passage."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable
from freehold.library.extract.blocks import Block, Blocks, Kind, Source, title
from freehold.library.extract.layout import Line, structured
from freehold.library.extract.passages import Box, boxes_on, spans_of
from freehold.library.extract.recognise import LONGEST_SIDE, Budget, advice, recognised
from freehold.library.extract.viewer import MOST_PAGES, MOST_PIXELS, Picture

_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD, fpdfview.h


def read_pdf(source: Source) -> Blocks:
    """Pages without text are recognised where that is to be had, and told all the same where not: they count."""
    with closing(_open(source)) as document:
        yield from title(document.get_metadata_value("Title"))
        budget, pictures, words = Budget(), 0, ""
        for number in range(len(document)):
            lines, is_picture = _page_lines(document, number)
            if is_picture:
                pictures, words = pictures + 1, advice(source)
                lines = [] if words else budget.lines(partial(_scan, document, number))
            yield from structured(lines, number + 1) if lines else [Block(Kind.PARAGRAPH, "", page=number + 1)]
        yield from budget.told()
        if words:
            pages = "1 page" if pictures == 1 else f"{pictures} pages"
            yield Block(Kind.NOTE, f"There is no text on {pages}, which may be pictures of text. {words}")


@contextmanager
def pdf_pages(source: Source) -> Iterator[PdfPages]:
    """The document as the viewer turns its pages. Raises DocumentUnreadable, DocumentNeedsPassword."""
    with closing(_open(source)) as document:
        yield PdfPages(document, source.recognises)


class PdfPages:
    """Pages count from 1."""

    def __init__(self, document: Any, recognises: bool) -> None:
        self._document, self._recognises = document, recognises

    def sizes(self) -> list[tuple[float, float]]:
        """Width and height of each page, in points; nothing is painted."""
        return [self._document.get_page_size(number) for number in range(min(len(self._document), MOST_PAGES))]

    def picture(self, number: int, width: int) -> Picture:
        with self._sheet(number) as sheet:
            across, down = sheet.get_size()
            scale = min(width / max(across, 1.0), (MOST_PIXELS / max(across * down, 1.0)) ** 0.5)
            bitmap = sheet.render(scale=scale, rev_byteorder=True, prefer_bgrx=True, may_draw_forms=False)
            return Picture(bitmap.width, bitmap.height, _rgb(bitmap))

    def boxes(self, number: int, passage: str) -> list[Box]:
        with self._sheet(number) as sheet:
            return list(_boxes(sheet, passage))

    def recognised_boxes(self, number: int, passage: str) -> list[Box]:
        lines, is_picture = _page_lines(self._document, number - 1)
        if lines or not is_picture or not self._recognises:
            return []
        scan = _scan(self._document, number - 1)
        return boxes_on(recognised(scan), scan.width, scan.height, passage)

    @contextmanager
    def _sheet(self, number: int) -> Iterator[Any]:
        import pypdfium2

        if not 1 <= number <= len(self._document):
            raise DocumentUnreadable(f"it has no page {number}")
        try:
            with closing(self._document[number - 1]) as sheet:
                yield sheet
        except pypdfium2.PdfiumError as error:
            raise DocumentUnreadable(f"page {number} is damaged") from error


def _open(source: Source) -> Any:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(source.path, password=source.password)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", 0) == _WRONG_PASSWORD:
            raise DocumentNeedsPassword("that password does not open it" if source.password else "") from error
        raise DocumentUnreadable("it is not a whole PDF") from error


def _page_lines(document: Any, number: int) -> tuple[list[Line], bool]:
    """The page's lines; and whether it holds something that may be a picture of text, since it has none."""
    import pypdfium2

    try:
        with closing(document[number]) as sheet, closing(sheet.get_textpage()) as text_page:
            lines = list(_lines(text_page))
            return lines, not lines and any(True for _ in sheet.get_objects(max_depth=2))
    except pypdfium2.PdfiumError:
        return [], False  # one damaged page does not cost the others


def _scan(document: Any, number: int) -> Any:
    """The page as a picture that is large enough for text to be recognised."""
    with closing(document[number]) as sheet:
        return sheet.render(scale=LONGEST_SIDE / max(*sheet.get_size(), 1.0), may_draw_forms=False).to_pil()


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


def _boxes(sheet: Any, passage: str) -> Iterator[Box]:
    from pypdfium2 import raw

    with closing(sheet.get_textpage()) as text_page:
        across, down = sheet.get_size()
        for start, end in spans_of(passage, text_page.get_text_range()):
            first = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, start)
            last = raw.FPDFText_GetCharIndexFromTextIndex(text_page.raw, end - 1)
            for number in range(text_page.count_rects(first, last - first + 1)):
                left, bottom, right, top = text_page.get_rect(number)
                yield left / across, 1 - top / down, right / across, 1 - bottom / down


def _rgb(bitmap: Any) -> bytes:
    """Rows of RGB without padding, from PDFium's RGBX."""
    view, stride = bytes(bitmap.buffer), bitmap.stride
    rows = []
    for row in range(bitmap.height):
        line = bytearray(view[row * stride : row * stride + bitmap.width * 4])
        del line[3::4]
        rows.append(bytes(line))
    return b"".join(rows)
