"""Server-sent events as they arrive, from a server that may send anything. No I/O.

Only what docs/peers.md needs of them: `data` lines of printable ASCII, and comments that say "still here".
https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

MOST_EVENT = 256 * 1024  # bytes
_PASSED_OVER = (b"id:", b"event:", b"retry:")


class Junk(ValueError):
    """It is no stream of events, or one that is longer than it may be."""


class Events:
    """Feed it bytes, however they were cut; it gives back the events that they complete."""

    def __init__(self, most: int = MOST_EVENT) -> None:
        self._most = most
        self._rest = bytearray()
        self._data: list[str] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[str]:
        """The data of each event that ends in `piece`. Raises Junk."""
        self._rest += piece
        lines: list[bytes] = []
        if b"\n" in piece:  # else nothing is copied: a long line may come byte by byte
            *lines, rest = bytes(self._rest).split(b"\n")
            self._rest = bytearray(rest)
        found = [event for line in lines if (event := self._line(line.removesuffix(b"\r"))) is not None]
        if len(self._rest) + self._size > self._most:
            raise Junk("an event that does not end")
        return found

    @property
    def is_between(self) -> bool:
        """Whether the stream may end here."""
        return not self._rest and not self._data

    def _line(self, line: bytes) -> str | None:
        """The event that `line` completes, if it does."""
        if not line:
            data, self._data, self._size = self._data, [], 0
            return "\n".join(data) if data else None
        if line.startswith(b"data:"):
            self._keep(line[5:].removeprefix(b" "))
        elif not line.startswith((b":", *_PASSED_OVER)):
            raise Junk("a line that is no event's")
        return None

    def _keep(self, data: bytes) -> None:
        self._size += len(data) + 1
        if self._size > self._most:
            raise Junk("an event that does not end")
        text = data.decode("latin-1")
        if not (text.isascii() and text.isprintable()):
            raise Junk("an event that is not plain text")
        self._data.append(text)
