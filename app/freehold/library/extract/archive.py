"""Looking at a zip file's table of contents before anything in it is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from freehold.library.errors import DocumentTooLarge, DocumentUnreadable

MOST_MEMBERS = 20_000
MOST_UNPACKED = 600_000_000
MOST_MEMBER = 200_000_000
SUSPECT = 20_000_000  # a member above this size must not be packed more tightly than `MOST_RATIO`
MOST_RATIO = 150


def open_zip(file: Path | BinaryIO) -> zipfile.ZipFile:
    """A zip file that is no bomb by its own account; zipfile holds every member to the size that it states.

    Raises DocumentUnreadable, DocumentTooLarge.
    """
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DocumentUnreadable("not a whole zip container") from error
    try:
        _check(archive.infolist())
    except BaseException:
        archive.close()
        raise
    return archive


def _check(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_MEMBERS:
        raise DocumentTooLarge(f"{len(members):,} files packed in one")
    if sum(member.file_size for member in members) > MOST_UNPACKED:
        raise DocumentTooLarge("it unpacks to more than is safe")
    for member in members:
        if member.flag_bits & 0x1:
            raise DocumentUnreadable("its parts are encrypted", advice="Save a copy without a password and add that.")
        ratio = member.file_size / max(member.compress_size, 1)
        if member.file_size > MOST_MEMBER or (member.file_size > SUSPECT and ratio > MOST_RATIO):
            raise DocumentTooLarge("a part of it unpacks to more than is safe")
