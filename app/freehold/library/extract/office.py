"""Word and PowerPoint files of before 2007, by the LibreOffice of this machine, where it has one.

Through LibreOfficeKit, its own interface for programs that embed it: no program is started and no socket opened, so
the process stays in a box that allows neither.
"""

from __future__ import annotations

import ctypes
import functools
import os
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

from freehold.library.errors import DocumentNeedsPassword, DocumentUnreadable, DocumentUnsupported
from freehold.library.extract.blocks import Blocks, Source
from freehold.library.extract.ooxml import unlocked
from freehold.library.extract.slides import read_slides
from freehold.library.extract.word import read_word

_TODAYS = {"docx": (read_word, ".doc .dot"), "pptx": (read_slides, ".ppt .pps .pot")}
LEGACY = {suffix: (kind, reader) for kind, (reader, suffixes) in _TODAYS.items() for suffix in suffixes.split()}
_PROGRAMS = (
    "/usr/lib/libreoffice/program", "/usr/lib64/libreoffice/program", "/opt/libreoffice*/program",
    "/usr/local/lib/libreoffice/program", "/snap/libreoffice/current/lib/libreoffice/program",
)  # fmt: skip
_LIBRARIES = ("libmergedlo.so", "libsofficeapp.so")  # the first in builds that are merged into one


def read_legacy(source: Source) -> Blocks:
    """The file, brought to today's format and read as that. Raises DocumentUnsupported without a LibreOffice."""
    kind, reader = LEGACY[source.suffix]
    with tempfile.TemporaryDirectory(prefix="office-", ignore_cleanup_errors=True) as folder:
        converted = Path(folder) / f"converted.{kind}"
        _convert(_unlocked(source, Path(folder)), converted, kind)
        yield from reader(source._replace(path=converted, suffix=f".{kind}", password=None))


def _unlocked(source: Source, folder: Path) -> Path:
    content = unlocked(source)
    if content is None:
        return source.path
    opened = folder / f"unlocked{source.suffix}"
    opened.write_bytes(content.read())
    return opened


def _convert(path: Path, converted: Path, kind: str) -> None:
    office = _office()
    if office is None:
        raise DocumentUnsupported(
            "it is of the Office of before 2007",
            advice="Install LibreOffice, then: freehold library retry PATH. Or save it in today's format.",
        )
    office.convert(path, converted, kind)


@functools.cache
def _office() -> _Office | None:
    for pattern in _PROGRAMS:
        for folder in sorted(Path("/").glob(pattern.lstrip("/"))):
            for name in _LIBRARIES:
                try:
                    return _Office(folder, ctypes.CDLL(str(folder / name)))
                except (OSError, AttributeError):
                    continue  # not this build
    return None


# The beginnings of the structures in LibreOfficeKit/LibreOfficeKit.h, which later versions only add to.
_POINTER, _TEXT = ctypes.c_void_p, ctypes.c_char_p


class _OfficeCalls(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_size_t),
        ("destroy", ctypes.CFUNCTYPE(None, _POINTER)),
        ("load", ctypes.CFUNCTYPE(_POINTER, _POINTER, _TEXT)),
        ("error", ctypes.CFUNCTYPE(_TEXT, _POINTER)),
    )


class _DocumentCalls(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_size_t),
        ("destroy", ctypes.CFUNCTYPE(None, _POINTER)),
        ("save", ctypes.CFUNCTYPE(ctypes.c_int, _POINTER, _TEXT, _TEXT, _TEXT)),
    )


class _Office:
    """LibreOffice inside this process, with a profile of its own in the working folder."""

    def __init__(self, folder: Path, library: ctypes.CDLL) -> None:
        start = library.libreofficekit_hook_2
        start.restype, start.argtypes = _POINTER, [_TEXT, _TEXT]
        profile = Path(tempfile.gettempdir()) / "office-profile"
        os.environ["HOME"] = os.environ["XDG_RUNTIME_DIR"] = tempfile.gettempdir()
        self._office = start(str(folder).encode(), _url(profile))
        if not self._office:
            raise OSError("LibreOffice does not start")

    def convert(self, path: Path, converted: Path, kind: str) -> None:
        """Raises DocumentUnreadable, DocumentNeedsPassword."""
        calls = _calls(self._office, _OfficeCalls)
        document = calls.load(self._office, _url(path))
        if not document:
            said = (calls.error(self._office) or b"").decode("utf-8", "replace")
            if "password" in said.lower():
                raise DocumentNeedsPassword()
            raise DocumentUnreadable("LibreOffice cannot open it")
        try:
            saved = _calls(document, _DocumentCalls).save(document, _url(converted), kind.encode(), b"")
        finally:
            _calls(document, _DocumentCalls).destroy(document)
        if not saved or not converted.exists():
            raise DocumentUnreadable("LibreOffice cannot bring it to today's format")


def _calls(instance: int, kind: Any) -> Any:
    """The table of functions that an instance begins with a pointer to."""
    return ctypes.cast(ctypes.cast(instance, ctypes.POINTER(_POINTER))[0], ctypes.POINTER(kind))[0]


def _url(path: Path) -> bytes:
    return b"file://" + quote(bytes(path)).encode()
