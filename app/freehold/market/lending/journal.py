"""Who was answered, when and with how many tokens, for the owner alone: lines sealed to the owner's own HPKE key.

Lines are added while the vault is locked and taken in when it is open; none is lost in between and none counts twice.
The gateway adds to `journal`; to take in, that is renamed first, so that nobody writes to what is being read.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from freehold.foundation.canonical import canonical
from freehold.foundation.ids import new_id
from freehold.foundation.paths import sync_folder

INFO = b"freehold-lent/1"  # of the seal; the signer opens no other lines (identity/keys.py)
NAME = "journal"
MOST_BYTES = 16 * 1024 * 1024  # of lines that nobody takes in
_MOST_PENDING = 1000
_HEX = frozenset("0123456789abcdef")


class Journal:
    """The gateway's end. `seal` makes a line readable by the owner alone."""

    def __init__(self, folder: Path, seal: Callable[[bytes], bytes]) -> None:
        self._folder, self._path, self._seal = folder, folder / NAME, seal
        self._pending: deque[bytes] = deque(maxlen=_MOST_PENDING)

    @property
    def is_well(self) -> bool:
        """Whether everything is on disk, and there is room for more. Otherwise nothing new should be begun."""
        self._write()
        return not self._pending and self._size() < MOST_BYTES

    def add(self, line: Mapping[str, Any]) -> None:
        """Write a line. One that the disk does not take is kept and tried again."""
        self._pending.append(self._seal(canonical(dict(line))).hex().encode() + b"\n")
        self._write()

    def set_aside(self) -> None:
        """Begin a new journal: what was written so far is read by somebody else, and changes no more."""
        with suppress(FileNotFoundError):
            self._path.rename(self._path.with_name(f"{NAME}.{new_id()}"))

    def _write(self) -> None:
        if not self._pending:
            return
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                # A line that a full disk cut short must not swallow the next one: an empty line is passed over.
                left = memoryview(b"\n" + b"".join(self._pending))
                while left:
                    left = left[os.write(handle, left) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            sync_folder(self._folder)
        except OSError:
            return
        self._pending.clear()

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0


def waiting(folder: Path, *, all_of_it: bool) -> list[Path]:
    """The files to take in, oldest first; the one in use only with `all_of_it`, when no gateway writes to it."""
    aside = sorted(folder.glob(f"{NAME}.*"))
    current = folder / NAME
    return [*aside, current] if all_of_it and current.exists() else aside


def lines_of(path: Path) -> list[str]:
    """The sealed lines of a journal, in hex. One that a power cut left half written does not open later."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return [line for line in text.split("\n") if line and set(line) <= _HEX and len(line) % 2 == 0]
