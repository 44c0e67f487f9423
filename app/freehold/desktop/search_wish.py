"""What a search of the documents is narrowed by: kinds of files and times, as a person chooses them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from freehold.library.values import Mode

Times = Literal["any", "week", "month", "year", "before"]

# Suffixes by what a person calls the kind; the page gives each its words.
KINDS: dict[str, tuple[str, ...]] = {
    "any": (),
    "pdf": (".pdf",),
    "letters": (".docx", ".docm", ".dotx", ".doc", ".odt", ".ott", ".fodt", ".rtf"),
    "sheets": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods", ".csv", ".tsv", ".tab"),
    "slides": (".pptx", ".pptm", ".ppsx", ".ppt", ".odp"),
    "mail": (".eml", ".mbox", ".msg"),
    "books": (".epub",),
    "web": (".html", ".htm", ".xhtml", ".xml"),
    "notes": (".md", ".markdown", ".mdx", ".qmd", ".txt", ".text", ".log", ".rst", ".org", ".adoc", ".tex"),
    "dates": (".ics", ".vcf", ".vcard"),
    "pictures": (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".heic"),
}


@dataclass(frozen=True, slots=True)
class SearchWish:
    """What is looked for, and where."""

    query: str = ""
    mode: Mode = "hybrid"
    collection: str | None = None
    kind: str = "any"
    times: Times = "any"

    @property
    def is_narrowed(self) -> bool:
        return (self.collection, self.kind, self.times) != (None, "any", "any")


def span_of(times: Times, now: datetime) -> tuple[float | None, float | None]:
    """When files must have changed last, from and before, in seconds since 1970."""
    year = datetime(now.year, 1, 1, tzinfo=now.tzinfo).timestamp()
    if times == "before":
        return None, year
    since = {"any": None, "week": (now - timedelta(days=7)).timestamp(),
             "month": (now - timedelta(days=30)).timestamp(), "year": year}[times]  # fmt: skip
    return since, None
