"""Spreadsheets by calamine (xlsx, xlsm, xlsb, xls, ods): each sheet a heading, each row a line; and CSV."""

from __future__ import annotations

import csv
import datetime
import io
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable
from freehold.library.extract.archive import open_zip
from freehold.library.extract.blocks import Blocks, Source, heading, paragraph, rows
from freehold.library.extract.encoding import read_text
from freehold.library.extract.ooxml import chart_table, unlocked

_ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")
_DELIMITERS = ",;\t|"


def read_sheets(source: Source) -> Blocks:
    import python_calamine

    with unlocked(source) or source.path.open("rb") as file:
        if source.suffix in _ZIPPED:
            open_zip(file).close()
            file.seek(0)
        try:
            book = python_calamine.CalamineWorkbook.from_filelike(file)
        except python_calamine.PasswordError as error:
            raise DocumentNeedsPassword from error
        except python_calamine.CalamineError as error:
            raise DocumentUnreadable("it is not a whole spreadsheet") from error
        with book:
            for name in book.sheet_names:
                yield from _sheet(book, name)
        if source.suffix in (".xlsx", ".xlsm"):
            yield from _drawn(file)


def _sheet(book: Any, name: str) -> Blocks:
    import python_calamine

    yield from heading(name, 1)
    try:
        sheet = book.get_sheet_by_name(name)
    except python_calamine.CalamineError:
        return  # a chart sheet, or a damaged one: the others are still read
    for table in _tables([_cell(cell) for cell in row] for row in sheet.iter_rows()):
        yield from rows(table)


def _tables(lines: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Tables on one sheet, divided by empty rows."""
    table: list[list[str]] = []
    for line in lines:
        first = next((place for place, cell in enumerate(line) if cell), None)
        if first is not None:
            table.append(line)
        elif table:
            yield _without_margin(table)
            table = []
    if table:
        yield _without_margin(table)


def _without_margin(table: list[list[str]]) -> list[list[str]]:
    margin = min(next(place for place, cell in enumerate(line) if cell) for line in table)
    return [line[margin:] for line in table]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _drawn(file: BinaryIO) -> Blocks:
    """Charts, and remarks on cells; calamine leaves both out."""
    with open_zip(file) as archive:
        for name in archive.namelist():
            try:
                if name.startswith("xl/charts/chart"):
                    yield from rows(chart_table(archive.read(name)))
                elif "comment" in name.lower() and name.endswith(".xml"):
                    yield from _comments(archive.read(name))
            except (OSError, zipfile.BadZipFile):
                continue


def _comments(xml: bytes) -> Blocks:
    from lxml import etree

    try:
        root = etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return
    authors = [author.text or "" for author in root.iter("{*}author")]
    for comment in root.iter("{*}comment", "{*}threadedComment"):
        number = comment.get("authorId", "")
        author = authors[int(number)] if number.isdigit() and int(number) < len(authors) else ""
        words = "".join(comment.itertext())
        yield from paragraph(f"{author}: {words}" if author and not author.startswith("tc=") else words)


def read_csv(source: Source) -> Blocks:
    """Rows of a file whose columns are divided by comma, semicolon, tab or bar."""
    text = read_text(source.path)
    csv.field_size_limit(1_000_000)
    try:
        yield from rows(csv.reader(io.StringIO(text), delimiter=_delimiter(text, source.suffix)))
    except csv.Error as error:
        raise DocumentUnreadable("its columns cannot be told apart") from error


def _delimiter(text: str, suffix: str) -> str:
    """The one that stands equally often in the first lines; a comma when nothing tells."""
    if suffix in (".tsv", ".tab"):
        return "\t"
    lines = [line for line in text[:20_000].split("\n")[:20] if line.strip()]
    best, score = ",", 0.0
    for delimiter in _DELIMITERS:
        counts = [line.count(delimiter) for line in lines]
        least = min(counts, default=0)
        regular = sum(count == counts[0] for count in counts) / max(len(counts), 1)
        if least and least + regular > score:
            best, score = delimiter, least + regular
    return best
