"""What the viewer asks of a document that has pages to show; PDF and pictures answer it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from freehold.library.extract.passages import Box

MOST_PIXELS = 8_000_000  # of one page's picture
MOST_PAGES = 50_000  # whose sizes are told


class Picture(NamedTuple):
    """A page as packed RGB rows."""

    width: int
    height: int
    rgb: bytes


class Pages(Protocol):
    """A document that is open. Pages count from 1; one that is not there raises DocumentUnreadable."""

    def sizes(self) -> list[tuple[float, float]]: ...
    def picture(self, number: int, width: int) -> Picture: ...

    def boxes(self, number: int, passage: str) -> list[Box]:
        """Where the passage stands in the page's own text."""
        ...

    def recognised_boxes(self, number: int, passage: str) -> list[Box]:
        """Where it stands in what text recognition reads; takes seconds."""
        ...
