"""Pictures by Pillow: their text as text recognition reads it, and the picture itself for the viewer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from freehold.library.errors import DocumentTooLarge, DocumentUnreadable, DocumentUnsupported
from freehold.library.extract.blocks import Block, Blocks, Kind, Source
from freehold.library.extract.layout import structured
from freehold.library.extract.passages import Box, boxes_on
from freehold.library.extract.recognise import Budget, advice, recognised
from freehold.library.extract.viewer import MOST_PIXELS, Picture

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
_MOST_PIXELS = 120_000_000  # once unpacked, at three bytes each
_MOST_FRAMES = 1_000  # of a scan that holds many pages


def read_picture(source: Source) -> Blocks:
    """Raises DocumentUnsupported where nothing recognises text."""
    if words := advice(source):
        raise DocumentUnsupported("it is a picture", advice=words)
    budget = Budget()
    with opened(source) as picture:
        for number in range(1, frames(picture) + 1):
            lines = budget.lines(partial(frame, picture, number))
            yield from structured(lines, number) if lines else [Block(Kind.PARAGRAPH, "", page=number)]
        yield from budget.told()


@contextmanager
def picture_pages(source: Source) -> Iterator[PicturePages]:
    """The picture as the viewer turns its pages."""
    with opened(source) as picture:
        yield PicturePages(picture, source.recognises)


class PicturePages:
    """A picture's frames as pages, which count from 1."""

    def __init__(self, picture: Any, recognises: bool) -> None:
        self._picture, self._recognises = picture, recognises

    def sizes(self) -> list[tuple[float, float]]:
        """Of the first page, taken for all: the others are told by unpacking them."""
        return [(float(self._picture.width), float(self._picture.height))] * frames(self._picture)

    def picture(self, number: int, width: int) -> Picture:
        shown = self._frame(number)
        height = max(round(shown.height * width / shown.width), 1)
        shrunk = min((MOST_PIXELS / (width * height)) ** 0.5, 1.0)
        shown = shown.resize((max(int(width * shrunk), 1), max(int(height * shrunk), 1)))
        return Picture(shown.width, shown.height, shown.tobytes())

    def boxes(self, number: int, passage: str) -> list[Box]:  # noqa: ARG002 - as the viewer asks
        """A picture has no text of its own."""
        return []

    def recognised_boxes(self, number: int, passage: str) -> list[Box]:
        shown = self._frame(number)
        return boxes_on(recognised(shown), shown.width, shown.height, passage) if self._recognises else []

    def _frame(self, number: int) -> Any:
        if not 1 <= number <= frames(self._picture):
            raise DocumentUnreadable(f"it has no page {number}")
        return frame(self._picture, number)


@contextmanager
def opened(source: Source) -> Iterator[Any]:
    """The picture, nothing of it unpacked yet. Raises DocumentUnreadable, DocumentTooLarge."""
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # looked at here, in words
    try:
        picture = Image.open(source.path, formats=_FORMATS)
    except (UnidentifiedImageError, ValueError, SyntaxError, EOFError) as error:
        raise DocumentUnreadable("it is not a whole picture") from error
    with picture:
        yield picture


def frames(picture: Any) -> int:
    """The pages of a scan; a picture that moves is one."""
    return min(int(getattr(picture, "n_frames", 1)), _MOST_FRAMES) if picture.format == "TIFF" else 1


def frame(picture: Any, number: int) -> Any:
    """Page `number` (from 1), turned as the camera was held. Raises DocumentUnreadable, DocumentTooLarge."""
    from PIL import ImageOps

    try:
        picture.seek(number - 1)
        if picture.width * picture.height > _MOST_PIXELS:
            raise DocumentTooLarge(f"a picture of {picture.width:,} by {picture.height:,}")
        return _on_white(ImageOps.exif_transpose(picture))
    except (OSError, ValueError, SyntaxError, EOFError, TypeError, IndexError) as error:
        raise DocumentUnreadable("it is not a whole picture") from error


def _on_white(picture: Any) -> Any:
    """What is transparent is shown on paper, as every program does."""
    from PIL import Image

    if "A" not in picture.mode and "transparency" not in picture.info:
        return picture.convert("RGB")
    layers = picture.convert("RGBA")
    paper = Image.new("RGBA", layers.size, "white")
    paper.alpha_composite(layers)
    return paper.convert("RGB")
