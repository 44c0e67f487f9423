"""Text recognition: the lines of a picture, by an engine whose models lie on this machine. Nothing is ever downloaded.

RapidOCR brings its models in its package. Else Tesseract, where the system has it, through its library: no program is
started, so the process stays in a box that starts none.
"""

from __future__ import annotations

import csv
import ctypes
import functools
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from freehold.library.extract.blocks import Block, Blocks, Kind, Source
from freehold.library.extract.layout import Line, in_reading_order, steadied

MOST_PAGES = 300  # recognised in one document
MOST_SECONDS = 700.0  # less than the app allows a document: what was recognised is kept
LONGEST_SIDE = 2000  # pixels of a picture given to the engine; larger ones take longer and are read no better
_NICE = 5
_SEEN_AT = 1280  # pixels of the longer side where lines are looked for; a quarter faster, and as many are found
_AGAIN = "freehold library retry PATH."
_TESSERACT = {"darwin": "libtesseract.5.dylib", "win32": "libtesseract-5.dll"}
_TESSERACT_MODELS = (
    "/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata", "/usr/share/tesseract/tessdata",
    "/usr/local/share/tessdata", "/opt/homebrew/share/tessdata",
)  # fmt: skip
_LEAST_SURE = 30.0  # of 100: what Tesseract is less sure of is most often no text


class Engine(Protocol):
    def lines(self, picture: Any) -> list[Line]: ...


@functools.cache
def engine() -> Engine | None:
    """The engine of this machine, loaded at first use; None when there is none."""
    for kind in (_Rapid, _Tesseract):
        with suppress(ImportError, OSError, StopIteration):
            return kind()
    return None


def recognised(picture: Any) -> list[Line]:
    """The lines of a PIL picture in reading order, measured in its own pixels; none when there is no engine."""
    here = engine()
    if here is None:
        return []
    small = picture.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    scale = picture.width / max(small.width, 1)
    lines = in_reading_order(steadied(here.lines(small)))
    return [Line(line.text, *(value * scale for value in line[1:])) for line in lines]


def advice(source: Source) -> str:
    """What to do to have text recognised; empty when it is."""
    if not source.recognises:
        return f"Turn on text recognition in the settings, then: {_AGAIN}"
    if engine() is None:
        return f'Install text recognition, pip install "freehold[ocr]" or the system\'s Tesseract, then: {_AGAIN}'
    return ""


class Budget:
    """How much of one document is recognised. A page takes seconds: without an end one book would hold up the rest."""

    def __init__(self) -> None:
        self._pages, self._left = 0, 0
        self._until = time.monotonic() + MOST_SECONDS

    def lines(self, picture: Callable[[], Any]) -> list[Line]:
        """The lines of one more page, whose picture is made only when it is read."""
        if self._pages >= MOST_PAGES or time.monotonic() > self._until:
            self._left += 1
            return []
        self._pages += 1
        _give_way()
        return recognised(picture())

    def told(self) -> Blocks:
        if self._left:
            yield Block(Kind.NOTE, f"Text was recognised on {self._pages} pages; {self._left} more stayed pictures.")


@functools.cache
def _give_way() -> None:
    """From now on this process comes after the chat; a page that somebody waits for is recognised by another one."""
    with suppress(OSError, AttributeError):  # Windows has no nice
        os.nice(_NICE)


class _Rapid:
    """Raises ImportError where it is not installed, StopIteration where its models do not lie in it."""

    def __init__(self) -> None:
        import onnxruntime  # noqa: F401 - RapidOCR looks for it only when it reads
        import rapidocr

        folder = Path(rapidocr.__file__).parent / "models"
        # Named one by one: a model that is not named is looked for, and fetched when it is not found.
        models = {part: next(folder.glob(f"*_{part.lower()}_*.onnx")) for part in ("Det", "Cls", "Rec")}
        self._read: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.max_side_len": LONGEST_SIDE,
                "Det.limit_type": "max",
                "Det.limit_side_len": _SEEN_AT,
                **{f"{part}.model_path": str(path) for part, path in models.items()},
            }
        )

    def lines(self, picture: Any) -> list[Line]:
        found = self._read(picture)
        if found.txts is None or found.boxes is None:
            return []
        return [
            _line(text, (*corners.min(axis=0), *corners.max(axis=0)), picture.height)
            for text, corners in zip(found.txts, found.boxes, strict=True)
            if text.strip()
        ]


class _Tesseract:
    """Raises OSError where there is no such library, StopIteration where there are no models."""

    def __init__(self) -> None:
        self._library = _declared(ctypes.CDLL(_TESSERACT.get(sys.platform, "libtesseract.so.5")))
        folder = next(place for place in _TESSERACT_MODELS if any(Path(place).glob("*.traineddata")))
        languages = sorted(path.stem for path in Path(folder).glob("*.traineddata") if path.stem not in ("osd", "equ"))
        self._handle = self._library.TessBaseAPICreate()
        if self._library.TessBaseAPIInit3(self._handle, folder.encode(), "+".join(languages).encode()):
            raise OSError("its models cannot be loaded")

    def lines(self, picture: Any) -> list[Line]:
        library, handle = self._library, self._handle
        library.TessBaseAPISetImage(handle, picture.tobytes(), picture.width, picture.height, 3, 3 * picture.width)
        told = library.TessBaseAPIGetTsvText(handle, 0)
        if not told:
            return []
        try:
            return list(_tesseract_lines(ctypes.string_at(told).decode("utf-8", "replace"), picture.height))
        finally:
            library.TessDeleteText(told)


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    """What of Tesseract's C interface (tesseract/capi.h) is used here."""
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    library.TessBaseAPICreate.restype = handle
    library.TessBaseAPIInit3.argtypes = [handle, text, text]
    library.TessBaseAPISetImage.argtypes = [handle, text, number, number, number, number]
    library.TessBaseAPIGetTsvText.argtypes, library.TessBaseAPIGetTsvText.restype = [handle, number], handle
    library.TessDeleteText.argtypes = [handle]
    return library


def _tesseract_lines(table: str, height: int) -> Iterator[Line]:
    """Words of the table, told line by line: level, page, block, paragraph, line, word, left, top, width, height,
    confidence, text.
    """
    lines: dict[tuple[str, ...], list[list[str]]] = {}
    for row in csv.reader(table.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE):
        if len(row) == 12 and row[0] == "5" and row[11].strip() and float(row[10]) >= _LEAST_SURE:
            lines.setdefault(tuple(row[1:5]), []).append(row)
    for words in lines.values():
        sides = [[int(word[place]) for place in range(6, 10)] for word in words]
        corner = (min(left for left, _, _, _ in sides), min(top for _, top, _, _ in sides))
        opposite = (max(left + wide for left, _, wide, _ in sides), max(top + high for _, top, _, high in sides))
        yield _line(" ".join(word[11] for word in words), (*corner, *opposite), height)


def _line(text: str, box: Sequence[float], height: int) -> Line:
    """`box` is left, top, right, bottom from the upper left corner; a line is measured from the lower one."""
    left, top, right, bottom = map(float, box)
    return Line(text.strip(), height - top, height - bottom, left, right, bottom - top)
