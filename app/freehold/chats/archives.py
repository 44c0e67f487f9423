"""Opening an export that someone hands us: JSON, a zip or a folder of it, within limits that a bomb cannot pass."""

from __future__ import annotations

import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from freehold.foundation.errors import ImportFailed

MOST_BYTES = 256 * 1024 * 1024  # of one JSON document; the large services split theirs long before
MOST_VALUES = 10_000_000  # in one document: small values take far more memory than their text
MOST_TOGETHER = 1024 * 1024 * 1024  # of all documents of one archive
MOST_MEMBERS = 200_000  # an export with pictures has many files, of which we read a few

_CONVERSATIONS = re.compile(r"conversations([-_ ]?\d+)?\.json", re.IGNORECASE)


def documents(path: Path) -> Iterator[tuple[str, Any]]:
    """(name, content) of each JSON document in a file, zip or folder. Raises ImportFailed."""
    try:
        if path.is_dir():
            yield from _in_folder(path)
        elif not stat.S_ISREG(path.stat().st_mode):
            raise ImportFailed(f"{path.name} is not a file")
        elif _is_zip(path):
            yield from _in_zip(path)
        else:
            with path.open("rb") as file:
                yield path.name, parse(_read(file, path.name), path.name)
    except OSError as error:
        raise ImportFailed(f"{path.name}: {error.strerror or type(error).__name__}") from error


def parse(content: bytes, name: str) -> Any:
    """JSON of a bounded number of values. Raises ImportFailed."""
    if content.count(b",") + content.count(b"[") + content.count(b"{") > MOST_VALUES:
        raise ImportFailed(f"{name} holds more than {MOST_VALUES:,} values")
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ImportFailed(f"{name} is nested too deeply") from error
    except (ValueError, MemoryError) as error:
        raise ImportFailed(f"{name} is not JSON that can be read") from error


def _in_folder(folder: Path) -> Iterator[tuple[str, Any]]:
    names = sorted(path for path in folder.iterdir() if _CONVERSATIONS.fullmatch(path.name))
    files = [path for path in names if path.is_file() and not path.is_symlink()]
    if not files:
        raise ImportFailed(f"{folder.name} holds no conversations.json")
    for path in files:
        with path.open("rb") as file:
            yield path.name, parse(_read(file, path.name), path.name)


def _in_zip(path: Path) -> Iterator[tuple[str, Any]]:
    left = MOST_TOGETHER
    try:
        with zipfile.ZipFile(path) as archive:
            for member in _wanted(archive):
                with archive.open(member) as file:
                    content = _read(file, member.filename)
                left -= len(content)
                if left < 0:
                    raise ImportFailed(f"{path.name} unpacks to more than {MOST_TOGETHER >> 20} MiB")
                yield member.filename, parse(content, member.filename)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise ImportFailed(f"{path.name} is a damaged archive") from error
    except RuntimeError as error:  # zipfile's word for "encrypted"
        raise ImportFailed(f"{path.name} is protected by a password") from error


def _wanted(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The conversations, by name; in an archive without such names every JSON document."""
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise ImportFailed(f"an archive of {len(members):,} files")
    named = [member for member in members if _CONVERSATIONS.fullmatch(member.filename.rpartition("/")[2])]
    any_json = [member for member in members if member.filename.lower().endswith(".json")]
    if not any_json:
        raise ImportFailed("the archive holds no JSON document")
    return sorted(named or any_json[:1000], key=lambda member: member.filename)


def _read(file: IO[bytes], name: str) -> bytes:
    """At most MOST_BYTES, whatever the archive says of its size."""
    content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ImportFailed(f"{name} is larger than {MOST_BYTES >> 20} MiB")
    return content


def _is_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"PK"
