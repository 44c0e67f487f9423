"""A whole export as a folder: files, and a manifest with the SHA-256 of each. Not encrypted. Needs no key.

docs/vault-format.md says what is in it. It appears whole or not at all; what is read back is compared first.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freehold.foundation.errors import DiskFull, ImportFailed, PlaceUnusable
from freehold.foundation.paths import disk_error, sync_folder

FORMAT, VERSION = "freehold-export", 1
MANIFEST = "manifest.json"
_MOST_MANIFEST = 256 * 1024 * 1024
MOST_LINE = 64 * 1024 * 1024
_NAME = re.compile(r"[^\x00-\x1f\\:*?\"<>|/]+")  # of a part of a path, on every system
_UNNAMABLE = re.compile(r"[^\w \-.]+")
_MOST_NAME = 60  # characters, of up to four bytes each, of the 255 that systems take
_ENDING = re.compile(r"\.\w{1,8}$")
_DEVICES = re.compile(r"(con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?=\.|$)", re.IGNORECASE)  # on Windows, whatever follows


class Writer:
    """Writes the files of one export and keeps their digests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] = set()
        self.files: list[dict[str, Any]] = []

    @property
    def size(self) -> int:
        return sum(int(file["bytes"]) for file in self.files)

    def name(self, folder: str, title: str, ending: str) -> str:
        """A path in `folder` of the export that is taken by no other, recognisable by its `title`: a name, or words."""
        stem, number = safe_name(title), 1
        name = f"{folder}/{stem}{ending}"
        while name.casefold() in self._names:
            number += 1
            name = f"{folder}/{stem} {number}{ending}"
        self._names.add(name.casefold())
        return name

    def file(self, name: str, parts: Iterable[bytes]) -> None:
        path, digest, size = self._folder / name, hashlib.sha256(), 0
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            for part in parts:
                out.write(part)
                digest.update(part)
                size += len(part)
            out.flush()
            os.fsync(out.fileno())
        self.files.append({"path": name, "bytes": size, "sha256": digest.hexdigest()})

    def lines(self, name: str, items: Iterable[Any]) -> None:
        """JSON lines in ASCII: names of files need not be text, and escapes can hold them."""
        self.file(name, (json.dumps(item, separators=(",", ":")).encode() + b"\n" for item in items))


def safe_name(title: str) -> str:
    """A title as the name of a file on every system, its own ending kept."""
    words = " ".join(_UNNAMABLE.sub(" ", unicodedata.normalize("NFC", title)).split()).strip(". ")
    found = _ENDING.search(words)
    ending = found.group() if found else ""
    name = words.removesuffix(ending)[: _MOST_NAME - len(ending)].rstrip(". ") + ending or "unnamed"
    return f"{device.group()}_{name[device.end() :]}" if (device := _DEVICES.match(name)) else name


@contextmanager
def writing(folder: Path, made: float) -> Iterator[Writer]:
    """A new folder `folder` with what is written inside. Raises PlaceUnusable when it is there, DiskFull."""
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    try:
        if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
            raise PlaceUnusable(f"{folder} is there already", advice="Choose a folder that is new or empty.")
        unfinished.mkdir(mode=0o700)
        writer = Writer(unfinished)
        yield writer
        manifest = {"format": FORMAT, "version": VERSION, "made": made, "files": sorted(writer.files, key=_path_of)}
        writer.file(MANIFEST, [json.dumps(manifest, indent=1).encode() + b"\n"])
        sync_folder(unfinished)
        os.replace(unfinished, folder)  # noqa: PTH105 - over an empty folder too
        sync_folder(folder.parent)
    except OSError as error:
        if isinstance(known := disk_error(error, folder), DiskFull):
            raise known from error
        raise PlaceUnusable(f"{folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


class Reader:
    """An export whose every file was found to be as the manifest says."""

    def __init__(self, folder: Path) -> None:
        """Raises ImportFailed in words: not an export, a newer one, a file that is missing, altered or elsewhere."""
        self._folder = folder
        self.names = frozenset(_verified(folder, entry) for entry in _entries(folder))

    def lines(self, name: str) -> Iterator[Any]:
        """The values of a file of JSON lines; none when the export has no such file."""
        if name not in self.names:
            return
        with (self._folder / name).open("rb") as file:
            number = 0
            while line := file.readline(MOST_LINE + 1):
                number += 1
                yield _value(line, f"{name}, line {number}")


def _entries(folder: Path) -> list[Any]:
    path = folder / MANIFEST
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_MANIFEST:
            raise ImportFailed(f"{folder.name} has no {MANIFEST}", advice=_ADVICE)
        said = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ImportFailed(f"{MANIFEST} cannot be read", advice=_ADVICE) from error
    except OSError as error:
        raise ImportFailed(f"{path}: {error.strerror or error}", advice=_ADVICE) from error
    if not isinstance(said, dict) or said.get("format") != FORMAT or type(said.get("version")) is not int:
        raise ImportFailed(f"{MANIFEST} is not one of a Freehold export", advice=_ADVICE)
    if said["version"] > VERSION:
        raise ImportFailed("it was written by a newer Freehold", advice="Install the newer version.")
    files = said.get("files")
    if not isinstance(files, list):
        raise ImportFailed(f"{MANIFEST} names no files", advice=_ADVICE)
    return files


def _verified(folder: Path, entry: Any) -> str:
    name = entry.get("path") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not _stays_inside(name):
        raise ImportFailed(f"{MANIFEST} names a file outside the export: {str(name)[:80]!r}", advice=_ADVICE)
    path = folder
    for part in name.split("/"):
        path = path / part
        if path.is_symlink():
            raise ImportFailed(f"{name} leads elsewhere", advice=_ADVICE)
    digest = hashlib.sha256()
    try:
        if not path.is_file():
            raise ImportFailed(f"{name} is missing", advice=_ADVICE)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise ImportFailed(f"{name}: {error.strerror or error}", advice=_ADVICE) from error
    if digest.hexdigest() != entry.get("sha256"):
        raise ImportFailed(f"{name} is not as it was written", advice=_ADVICE)
    return name


def _stays_inside(name: str) -> bool:
    parts = name.split("/")
    return all(_NAME.fullmatch(part) and part.strip(". ") for part in parts)


def _value(line: bytes, where: str) -> Any:
    if len(line) > MOST_LINE:
        raise ImportFailed(f"{where}: longer than {MOST_LINE >> 20} MiB", advice=_ADVICE)
    try:
        return json.loads(line)
    except (ValueError, RecursionError, MemoryError) as error:
        raise ImportFailed(f"{where}: not JSON that can be read", advice=_ADVICE) from error


def _path_of(file: dict[str, Any]) -> str:
    return str(file["path"])


_ADVICE = "Check that it is a folder that `freehold vault export` wrote, and that it is all there."
