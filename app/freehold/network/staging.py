"""A download on its way: the bytes that are here and, beside them, what they are the beginning of."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from freehold.foundation.errors import DiskFull, DownloadFailed
from freehold.foundation.paths import disk_error, write_atomically
from freehold.network.values import Partial, staging_name

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Notes:
    """What is known of a staged file. `etag` is the validator its bytes came with, quoted as the server sent it."""

    source: str
    size: int = 0
    sha256: str = ""
    etag: str = ""


class Staging:
    """One download's place in `folder`. No remote name becomes part of a path."""

    def __init__(self, folder: Path, source: str) -> None:
        self.source = source
        self.part = folder / f"{staging_name(source)}.part"
        self._notes = folder / f"{staging_name(source)}.json"

    @property
    def length(self) -> int:
        try:
            return self.part.lstat().st_size
        except OSError:
            return 0

    def read(self) -> Notes | None:
        return _read_notes(self._notes)

    def write(self, notes: Notes) -> None:
        """Raises DiskFull or ProfileUnusable."""
        self._notes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._notes, json.dumps(asdict(notes)).encode("utf-8", "surrogatepass"))

    def begin(self, size: int, sha256: str) -> None:
        """Keep what is here if it is the beginning of this very file; drop it if not."""
        known = self.read()
        same = known is not None and (known.size, known.sha256) == (size, sha256)
        if not same or (known is not None and not known.etag and not sha256):
            self.drop()
            self.write(Notes(self.source, size, sha256))

    def drop(self) -> None:
        """Delete the bytes first: without its notes a part is never resumed."""
        for path in (self._notes, self.part):
            with suppress(FileNotFoundError):
                path.unlink()


def partials(folder: Path) -> list[Partial]:
    """Every download in `folder` that has begun. Notes that cannot be read are passed over."""
    found = []
    for path in sorted(folder.glob("*.json")):
        notes = _read_notes(path)
        if notes is not None:
            done = Staging(folder, notes.source).length
            found.append(Partial(notes.source, done, notes.size))
    return found


def _read_notes(path: Path) -> Notes | None:
    try:
        known = json.loads(path.read_bytes())
        notes = Notes(**{field.name: known[field.name] for field in fields(Notes)})
    except (OSError, ValueError, TypeError, KeyError):
        return None
    typed = all(isinstance(getattr(notes, field.name), type(field.default)) for field in fields(Notes)[1:])
    return notes if typed and isinstance(notes.source, str) and notes.size >= 0 else None


class PartFile:
    """The staged bytes, held open and locked by one process, with their running SHA-256.

    Every byte that `append` accepted is in the file before it returns, so a kill loses none of them.
    """

    def __init__(
        self, path: Path, write: Callable[[int, memoryview], int] = os.write, *, patience: float = 5.0
    ) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT
        for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_BINARY"):
            flags |= getattr(os, name, 0)
        self._path, self._write = path, write
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            raise disk_error(error, path) from error
        if not stat.S_ISREG(os.fstat(self._file).st_mode):
            os.close(self._file)
            raise DownloadFailed("the staging file is not a file")
        _lock(self._file, patience)
        self.length = os.fstat(self._file).st_size
        self._hash, self._hashed = hashlib.sha256(), 0

    @property
    def unread(self) -> int:
        """How many bytes of the file the running digest has not seen."""
        return self.length - self._hashed

    def catch_up(self) -> int:
        """Hash the next piece of what was here before; returns `unread`."""
        os.lseek(self._file, self._hashed, os.SEEK_SET)
        piece = os.read(self._file, min(_PIECE, self.unread))
        if not piece and self.unread:
            raise DownloadFailed("the staging file shrank")
        self._hash.update(piece)
        self._hashed += len(piece)
        return self.unread

    def append(self, piece: bytes) -> None:
        """Raises DiskFull with everything before kept."""
        os.lseek(self._file, self.length, os.SEEK_SET)
        left = memoryview(piece)
        while left:
            try:
                written = self._write(self._file, left)
            except OSError as error:
                raise _full(error, self._path) from error
            self._hash.update(left[:written])
            self.length += written
            self._hashed += written
            left = left[written:]

    def empty(self) -> None:
        os.ftruncate(self._file, 0)
        self.length, self._hash, self._hashed = 0, hashlib.sha256(), 0

    def seal(self) -> str:
        """Put everything on disk; returns the SHA-256 in hex."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise _full(error, self._path) from error
        return self._hash.hexdigest()

    def close(self) -> None:
        os.close(self._file)


def _full(error: OSError, path: Path) -> Exception:
    if error.errno == 27:  # EFBIG: a FAT file system, or a limit on file sizes
        return DiskFull(f"{path.parent} cannot hold a file this large")
    return disk_error(error, path.parent)


def _lock(file: int, seconds: float) -> None:
    """One writer: a process left over from a killed app may need a moment to leave. POSIX; elsewhere an open file
    cannot be replaced under its writer, and the app holds its profile alone.
    """
    if sys.platform == "win32":
        return
    import fcntl

    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                os.close(file)
                raise DownloadFailed("this file is being downloaded already") from None
            time.sleep(0.05)
        else:
            return
