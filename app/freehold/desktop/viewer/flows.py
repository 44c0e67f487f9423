"""Finding what the viewer shows of a passage: its pages, or the text that was kept. No Qt here; runs on a thread."""

from __future__ import annotations

from pathlib import Path

from freehold.desktop.needs import Conversations, Papers
from freehold.desktop.viewer.values import Pages, Place, Words
from freehold.library.errors import (
    DocumentGone,
    DocumentTooLarge,
    DocumentUnreadable,
    DocumentUnsupported,
    LibraryNotFound,
)


def look_up(library: Papers, conversations: Conversations, place: Place, password: str | None = None) -> Pages | Words:
    """What to show of `place`: its pages while the file can be read, else the text that Freehold has kept.

    Raises LibraryNotFound when the document was forgotten or is not here, DocumentNeedsPassword.
    """
    if place.state in ("gone", "elsewhere"):
        raise LibraryNotFound(place.name)
    if place.document < 0:
        return _attached(conversations, place)
    if place.page is None:
        return stored(library, place)
    try:
        sizes = library.page_sizes(Path(place.path), password)
    except DocumentUnsupported:
        return stored(library, place)
    except (DocumentGone, DocumentUnreadable, DocumentTooLarge) as error:
        return stored(library, place, error.title)
    if not sizes:
        return stored(library, place)
    return Pages(sizes, min(max(place.page, 1), len(sizes)), _quoted(library, place))


def stored(library: Papers, place: Place, note: str = "") -> Words:
    """The text that was read when the document came into the library."""
    found = library.text(Path(place.path))
    return Words(found.text, found.pages, *_bounds(place, len(found.text)), note)


def _attached(conversations: Conversations, place: Place) -> Words:
    files = conversations.attached(place.turn) if place.turn else []
    number = -place.document
    if not 0 < number <= len(files):
        raise LibraryNotFound(place.name)
    pages: list[tuple[int, int, int]] = []
    at = 0
    for length, page in files[number - 1].pieces:
        if page is not None and pages and pages[-1][0] == page:
            pages[-1] = (page, pages[-1][1], at + length)
        elif page is not None:
            pages.append((page, at, at + length))
        at += length
    text = files[number - 1].text
    return Words(text, tuple(pages), *_bounds(place, len(text)))


def _bounds(place: Place, length: int) -> tuple[int, int]:
    """Where the passage stands; nothing to mark, only a place to go to, when the document says something else now."""
    start = min(max(place.start, 0), length)
    return start, start if place.state == "changed" else min(max(place.end, start), length)


def _quoted(library: Papers, place: Place) -> str:
    """The words to mark on the page."""
    if place.text or place.state == "changed" or place.end <= place.start:
        return place.text
    return library.text(Path(place.path)).text[place.start : place.end]
