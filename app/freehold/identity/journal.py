"""The journal of intentions: each job is written down, sealed and on disk before its signature leaves. Signer only.

A first line names the file; each further line is sealed to its place in it, so that none can be changed, moved or
left out before another. A last line without its end was cut, and nothing was signed for it. Nothing in it says
what was asked.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freehold.foundation.canonical import canonical
from freehold.foundation.paths import disk_error, write_atomically
from freehold.identity.tally import Closed, Entry, Intention, Moved, Tally

NAME = "journal"
MOST_LINES = 2000  # then it is written anew with what still counts; a line is some 400 bytes
_HEAD = re.compile(rb"freehold-journal 1 ([0-9a-f]{32})")
_KINDS: dict[str, type[Intention] | type[Moved] | type[Closed]] = {"job": Intention, "moved": Moved, "closed": Closed}

Write = Callable[[int, bytes], int]


class Journal:
    """The file `folder/journal`, sealed under `key`; `tally` is what it tells. It has at most `most`
    lines; `write` is the system's.

    Of no use before `begin` or `open`. Everything raises DiskFull and ProfileUnusable.
    """

    def __init__(self, folder: Path, key: bytes, *, write: Write = os.write, most: int = MOST_LINES) -> None:
        self._path, self._key, self._write, self._most = folder / NAME, key, write, most
        self._id, self._lines, self._length, self._handle = "", 0, 0, -1
        self.tally = Tally()

    @property
    def exists(self) -> bool:
        return self._path.exists()

    def begin(self) -> None:
        """A new file: nothing was ever signed."""
        with self._in_words():
            self._compact(Tally())

    def open(self, now: float) -> None:
        """Read what is there. A file that is missing or damaged closes the day: what it told of that is lost."""
        with self._in_words():
            self._read_all(now)

    def append(self, entry: Entry) -> None:
        """Write `entry` down; it is on disk when this returns, and else nothing has changed."""
        with self._in_words():
            if self._lines >= self._most:
                self._compact(self.tally)
            line = self._seal(_fields(entry), self._id, self._lines)
            self._put(line)
        self._lines, self._length = self._lines + 1, self._length + len(line)
        self.tally = self.tally.after(entry)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise disk_error(error, self._path) from error

    def _read_all(self, now: float) -> None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            content = b""
        lines = content.split(b"\n")[:-1]  # what follows the last end of a line was cut
        match = _HEAD.fullmatch(lines[0]) if lines else None
        entries = self._read(lines[1:], match[1].decode()) if match else iter(())
        for tally in entries:
            self.tally, self._lines = tally, self._lines + 1
        if match is None or self._lines < len(lines) - 1:
            if content:
                os.replace(self._path, self._path.with_name(f"{NAME}.damaged"))  # noqa: PTH105 - over an older one
            self._compact(self.tally.after(Closed(now)))
        else:
            self._id, self._length = match[1].decode(), sum(len(line) + 1 for line in lines)
            self._handle = os.open(self._path, os.O_RDWR)
        if self._lines >= self._most:
            self._compact(self.tally)

    def _read(self, lines: list[bytes], name: str) -> Iterator[Tally]:
        """The state after each line, up to the first that is not as it was written."""
        tally = Tally()
        for place, line in enumerate(lines):
            fields = self._unseal(line, name, place)
            if fields is None:
                return
            tally = _tally(fields["tally"]) if "tally" in fields else tally.after(_entry(fields))
            yield tally

    def _put(self, line: bytes) -> None:
        """After the last whole line, whatever an attempt that failed has left there."""
        os.ftruncate(self._handle, self._length)
        os.lseek(self._handle, self._length, os.SEEK_SET)
        rest = memoryview(line)
        while rest:
            rest = rest[self._write(self._handle, bytes(rest)) :]
        os.fsync(self._handle)

    def _compact(self, tally: Tally) -> None:
        """Begin a new file with what counts."""
        name = os.urandom(16).hex()
        first = self._seal({"tally": _tally_fields(tally)}, name, 0)
        content = f"freehold-journal 1 {name}\n".encode() + first
        write_atomically(self._path, content)
        self.close()
        self._handle = os.open(self._path, os.O_RDWR)
        self._id, self._lines, self._length, self.tally = name, 1, len(content), tally

    def _seal(self, fields: dict[str, Any], name: str, place: int) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(12)
        return (
            base64.b64encode(nonce + AESGCM(self._key).encrypt(nonce, canonical(fields), _bound(name, place))) + b"\n"
        )

    def _unseal(self, line: bytes, name: str, place: int) -> dict[str, Any] | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        try:
            sealed = base64.b64decode(line, validate=True)
            plain = AESGCM(self._key).decrypt(sealed[:12], sealed[12:], _bound(name, place))
        except (InvalidTag, ValueError):
            return None
        fields: dict[str, Any] = json.loads(plain)
        return fields


def _bound(name: str, place: int) -> bytes:
    return f"freehold identity 1 journal {name} {place}".encode()


def _fields(entry: Entry) -> dict[str, Any]:
    kind = next(name for name, one in _KINDS.items() if isinstance(entry, one))
    return {"kind": kind, **dataclasses.asdict(entry)}


def _entry(fields: dict[str, Any]) -> Entry:
    return _KINDS[fields["kind"]](**{name: value for name, value in fields.items() if name != "kind"})


def _tally_fields(tally: Tally) -> dict[str, Any]:
    jobs = {job: [day, dataclasses.asdict(one)] for job, (day, one) in tally.jobs.items()}
    return {
        "day": tally.day, "answers": dict(tally.answers), "first": dict(tally.first), "jobs": jobs,
        "is_closed": tally.is_closed,
    }  # fmt: skip


def _tally(fields: dict[str, Any]) -> Tally:
    jobs = {job: (day, Intention(**one)) for job, (day, one) in fields["jobs"].items()}
    return Tally(fields["day"], fields["answers"], fields["first"], jobs, fields["is_closed"])
