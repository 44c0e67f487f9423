"""What Word, PowerPoint and Excel files have in common before their own libraries open them."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import Any, BinaryIO

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable
from freehold.library.extract.archive import open_zip
from freehold.library.extract.blocks import Source

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")


def package(source: Source) -> BinaryIO:
    """The file to give to python-docx or python-pptx, unlocked and checked for bombs.

    A "strict" file (ISO 29500) names other namespaces, which neither library knows: it is rewritten in memory.
    """
    file = unlocked(source) or source.path.open("rb")
    try:
        with open_zip(file) as archive:
            if _is_strict(archive):
                return _transitional(archive)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def unlocked(source: Source) -> BinaryIO | None:
    """The content of a protected Office file, old or new, in memory; None of one that is not protected.

    Raises DocumentNeedsPassword.
    """
    with source.path.open("rb") as file:
        if file.read(8) != _OLE:
            return None  # a protected file is packed in an OLE container, whatever it is otherwise
        import msoffcrypto
        from msoffcrypto.exceptions import DecryptionError, FileFormatError, InvalidKeyError, ParseError

        try:
            office = msoffcrypto.OfficeFile(file)
            if not office.is_encrypted():
                return None
        except (FileFormatError, ParseError, DecryptionError, OSError, ValueError, struct.error):
            return None  # its reader says what is wrong with it
        if not source.password:
            raise DocumentNeedsPassword
        content = io.BytesIO()
        try:
            office.load_key(password=source.password, verify_password=True)
            office.decrypt(content)
        except (InvalidKeyError, DecryptionError) as error:
            raise DocumentNeedsPassword("that password does not open it") from error
        except (FileFormatError, ParseError, OSError, ValueError, struct.error) as error:
            raise DocumentUnreadable("it is protected in a way not known here") from error
    content.seek(0)
    return content


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
