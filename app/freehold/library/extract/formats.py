"""Which reader reads what, decided by a file's first bytes and its name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from freehold.library.errors import DocumentUnsupported
from freehold.library.extract.blocks import Blocks, Source
from freehold.library.extract.mail import read_mailbox, read_message, read_outlook
from freehold.library.extract.office import LEGACY, read_legacy
from freehold.library.extract.opendocument import read_opendocument
from freehold.library.extract.pdf import pdf_pages, read_pdf
from freehold.library.extract.pictures import picture_pages, read_picture
from freehold.library.extract.records import read_calendar, read_json, read_notebook
from freehold.library.extract.sheets import read_csv, read_sheets
from freehold.library.extract.slides import read_slides
from freehold.library.extract.text import (
    read_code,
    read_markdown,
    read_org,
    read_plain,
    read_restructured,
    read_rtf,
)
from freehold.library.extract.viewer import Pages
from freehold.library.extract.web import read_epub, read_html, read_xml
from freehold.library.extract.word import read_word
from freehold.library.values import PICTURES

Reader = Callable[[Source], Blocks]
View = Callable[[Source], AbstractContextManager[Pages]]

_READERS: dict[Reader, str] = {
    read_pdf: ".pdf",
    read_picture: " ".join(PICTURES),
    read_legacy: " ".join(LEGACY),
    read_word: ".docx .docm .dotx",
    read_slides: ".pptx .pptm .ppsx",
    read_sheets: ".xlsx .xlsm .xlsb .xls .ods",
    read_opendocument: ".odt .odp .ott .fodt",
    read_epub: ".epub",
    read_html: ".html .htm .xhtml",
    read_xml: ".xml .xsl .xslt .rss .atom .opml",
    read_markdown: ".md .markdown .mdx .qmd",
    read_restructured: ".rst",
    read_org: ".org",
    read_plain: ".txt .text .log .srt .vtt .tex .adoc .p7s",
    read_rtf: ".rtf",
    read_csv: ".csv .tsv .tab",
    read_json: ".json .jsonl .ndjson",
    read_notebook: ".ipynb",
    read_calendar: ".ics .vcf .vcard",
    read_message: ".eml",
    read_mailbox: ".mbox",
    read_outlook: ".msg",
    read_code: (
        ".py .pyi .js .mjs .ts .tsx .jsx .go .rs .c .h .cc .cpp .hpp .cs .java .kt .swift .rb .php .pl .lua .r .jl "
        ".scala .sh .bash .zsh .fish .ps1 .bat .sql .css .scss .yaml .yml .toml .ini .cfg .conf .properties .make "
        ".cmake .dockerfile .gradle .vue .svelte .hs .ml .ex .exs .erl .clj .el .vim .diff .patch .proto .graphql"
    ),
}
BY_SUFFIX: dict[str, Reader] = {suffix: reader for reader, suffixes in _READERS.items() for suffix in suffixes.split()}
# How a viewer turns the pages of what has any; of the rest it shows the text.
VIEWS: dict[str, View] = {".pdf": pdf_pages, **dict.fromkeys(PICTURES, picture_pages)}

# Containers that say what they are by a member's name.
_PACKED = (
    ("word/", ".docx"), ("ppt/", ".pptx"), ("xl/", ".xlsx"), ("META-INF/container.xml", ".epub"),
)  # fmt: skip
_OTHER_PICTURES = frozenset([".heic", ".heif", ".avif", ".jxl", ".svg", ".psd", ".raw"])
_OPEN_DOCUMENT = {"text": ".odt", "spreadsheet": ".ods", "presentation": ".odp"}


def suffix_of(path: Path) -> str:
    """The file's real kind, as a suffix. Raises DocumentUnsupported, saying what it is."""
    named = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(b"%PDF-") or (named == ".pdf" and b"%PDF-" in start):
        return ".pdf"
    if start.startswith(b"PK\x03\x04"):
        return _packed(path, named)
    if start.startswith(b"{\\rtf"):
        return ".rtf"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return _compound(named)
    if named in BY_SUFFIX:
        return named
    if named in _OTHER_PICTURES:
        raise DocumentUnsupported("it is a picture of a kind not read here", advice="Save it as JPEG or PNG.")
    if _is_html(start):
        return ".html"
    if not named or named.lstrip(".").isdigit() or path.name.startswith("."):
        return ".txt"  # README, LICENSE, notes.1: text if it decodes as such
    raise DocumentUnsupported(f"{named} files are not known here")


def _packed(path: Path, named: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            if "mimetype" in archive.namelist():
                kind = archive.open("mimetype").read(200).decode("ascii", "replace")
                for word, suffix in _OPEN_DOCUMENT.items():
                    if f"opendocument.{word}" in kind:
                        return suffix
            for name in archive.namelist()[:2000]:
                for member, suffix in _PACKED:
                    if name.startswith(member):
                        return named if BY_SUFFIX.get(named) is BY_SUFFIX[suffix] else suffix
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        if named in BY_SUFFIX:
            return named  # its reader says what is wrong with it
    raise DocumentUnsupported("it is an archive", advice="Unpack it and add the folder.")


def _compound(named: str) -> str:
    """An OLE container: Outlook, old Office, or a new Office file that is encrypted."""
    if named in BY_SUFFIX:
        return named
    raise DocumentUnsupported("it is a container of a kind not known here")


def _is_html(start: bytes) -> bool:
    return start.lstrip()[:200].lower().startswith((b"<!doctype html", b"<html"))
