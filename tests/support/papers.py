"""A library of documents made on the spot, for what shows them: pages are painted here, line by line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentNeedsPassword, DocumentUnsupported, LibraryNotFound
from freehold.library.library import Text
from freehold.library.values import Box, PagePicture
from support.fake_library import FakeLibrary

WIDE, HIGH = 595.0, 842.0
_TOP, _LEFT, _LINE = 96.0, 72.0, 20.0


@dataclass
class Papers:
    """Documents by path: a string is a text without pages, a list has one string a page."""

    documents: dict[str, str | list[str]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    broken: dict[str, FreeholdError] = field(default_factory=dict)
    recognised: tuple[Box, ...] | FreeholdError = ()  # what text recognition finds of a passage
    asked: list[tuple[str, int, int]] = field(default_factory=list)  # pages that were painted: path, number, width
    gate: Stop | None = None  # waited for before a page is painted

    def text(self, path: Path, collection: str | None = None) -> Text:
        found = self.documents.get(str(path))
        if found is None:
            raise LibraryNotFound(str(path))
        if isinstance(found, str):
            return Text(str(path), found, ())
        pages, at = [], 0
        for number, page in enumerate(found, 1):
            pages.append((number, at, at + len(page)))
            at += len(page)
        return Text(str(path), "".join(found), tuple(pages))

    def page_sizes(self, path: Path, password: str | None = None) -> tuple[tuple[float, float], ...]:
        return tuple((WIDE, HIGH) for _ in self._open(path, password))

    def page(self, path: Path, number: int, width: int, passage: str = "", password: str | None = None) -> PagePicture:
        pages = self._open(path, password)
        self.asked.append((str(path), number, width))
        if self.gate is not None:
            self.gate.wait(30.0)
        return painted(pages[number - 1], width, passage)

    def find_on_page(self, path: Path, number: int, passage: str, password: str | None = None) -> tuple[Box, ...]:
        if isinstance(self.recognised, FreeholdError):
            raise self.recognised
        return self.recognised

    def _open(self, path: Path, password: str | None) -> list[str]:
        if str(path) in self.broken:
            raise self.broken[str(path)]
        found = self.documents.get(str(path), "")
        if isinstance(found, str):
            raise DocumentUnsupported("it has no pages")
        if password != self.passwords.get(str(path)):
            raise DocumentNeedsPassword
        return found


def painted(text: str, width: int, passage: str = "") -> PagePicture:
    """A page with the lines of `text`, a first line that begins with # as its title."""
    scale = width / WIDE
    height = round(HIGH * scale)
    image = QImage(width, height, QImage.Format.Format_RGB888)
    image.fill(QColor("#FFFFFF"))
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    painter.scale(scale, scale)
    boxes = []
    for number, line in enumerate(text.splitlines()):
        font = QFont("DejaVu Serif")
        font.setPixelSize(19 if line.startswith("# ") else 12)
        painter.setFont(font)
        shown = line.removeprefix("# ")
        base = QPointF(_LEFT, _TOP + number * _LINE)
        painter.drawText(base, shown)
        if shown.strip() and shown.strip() in passage:
            metrics = painter.fontMetrics()
            boxes.append(
                Box(base.x() / WIDE, (base.y() - 12) / HIGH, (base.x() + metrics.horizontalAdvance(shown)) / WIDE,
                    (base.y() + 4) / HIGH)
            )  # fmt: skip
    painter.end()
    stride, rows = image.bytesPerLine(), bytes(image.constBits())
    packed = b"".join(rows[row * stride : row * stride + 3 * width] for row in range(height))
    return PagePicture(width, height, packed, tuple(boxes))


class Keeper(FakeLibrary):
    """A library whose documents can be shown."""

    def __init__(self, papers: Papers) -> None:
        super().__init__()
        lend(self, papers)


def lend(library: FakeLibrary, papers: Papers) -> None:
    """Let `library` show what is in `papers`."""
    library.papers = papers
    for name in ("text", "page_sizes", "page", "find_on_page"):
        setattr(library, name, getattr(papers, name))
