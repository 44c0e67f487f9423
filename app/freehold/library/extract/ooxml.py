"""What Word, PowerPoint and Excel files have in common before their own libraries open them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable
from freehold.library.extract.archive import open_zip

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")


def package(path: Path) -> BinaryIO:
    """The file to give to python-docx or python-pptx, checked for bombs.

    A "strict" file (ISO 29500) names other namespaces, which neither library knows: it is rewritten in memory.
    """
    with path.open("rb") as file:
        if file.read(8) == _OLE:
            raise DocumentNeedsPassword()  # an encrypted Office file is packed in an OLE container
    with open_zip(path) as archive:
        if not _is_strict(archive):
            return path.open("rb")
        return _transitional(archive)


def _is_strict(archive: zipfile.ZipFile) -> bool:
    try:
        return b"purl.oclc.org/ooxml" in archive.read("_rels/.rels")
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise DocumentUnreadable("parts of it are missing") from error


def _transitional(archive: zipfile.ZipFile) -> BinaryIO:
    rewritten = io.BytesIO()
    with zipfile.ZipFile(rewritten, "w") as target:
        for member in archive.infolist():
            content = archive.read(member)
            if member.filename.endswith((".xml", ".rels")):
                content = _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", content)
            target.writestr(member.filename, content)
    rewritten.seek(0)
    return rewritten


def chart_table(xml: bytes) -> list[list[str]]:
    """A chart's title and the numbers that it was drawn from, as rows; none when it is not a chart."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        return []
    table = [["".join(words.itertext()).strip()] for words in root.iterfind("{*}chart/{*}title/{*}tx")]
    series = [(_cached(one, "tx"), _cached(one, "cat", "xVal"), _cached(one, "val", "yVal")) for one in _series(root)]
    if series:
        categories = series[0][1]
        table.append(["", *(" ".join(name) for name, _, _ in series)])
        for number in range(max(len(values) for _, _, values in series)):
            values = (values[number] if number < len(values) else "" for _, _, values in series)
            table.append([categories[number] if number < len(categories) else "", *values])
    return table


def _series(root: Any) -> Iterator[Any]:
    return root.iter("{http://schemas.openxmlformats.org/drawingml/2006/chart}ser")  # type: ignore[no-any-return]


def _cached(series: Any, *names: str) -> list[str]:
    return [
        value.text or "" for name in names for part in series.iterfind(f"{{*}}{name}") for value in part.iter("{*}v")
    ]
