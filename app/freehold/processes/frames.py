"""What travels on a pipe: one JSON object a line, length capped, never pickle.

Frames down: {"id", "op", "args"} asks, {"id", "stop": true} wishes an end.
Frames up:   {"hello", "version", "pid"} first; {"id", "part"} any number of times; then {"id", "done"} or
{"id", "error"}.
"""

from __future__ import annotations

import base64
import json
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

MOST_BYTES = 64 * 1024 * 1024


class JunkOnPipe(ValueError):
    """The other side sent something that is not a frame."""


def encode(frame: dict[str, Any]) -> bytes:
    """One line. Raises JunkOnPipe when the frame is too long or not made of JSON values."""
    try:
        line = json.dumps(frame, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(
            "utf-8", "surrogatepass"
        )
    except (TypeError, ValueError) as error:
        raise JunkOnPipe(f"not a frame: {error}") from error
    if len(line) >= MOST_BYTES:
        raise JunkOnPipe(f"a frame of {len(line)} bytes, {MOST_BYTES} allowed")
    return line + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The frame on one line. Raises JunkOnPipe."""
    try:
        frame = json.loads(line.decode("utf-8", "surrogatepass"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise JunkOnPipe(f"{len(line)} bytes that are not JSON") from error
    if not isinstance(frame, dict):
        raise JunkOnPipe("not a JSON object")
    return frame


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def read_frames(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Frames until the stream ends. Raises JunkOnPipe on the first line that is not one."""
    while line := stream.readline(MOST_BYTES + 1):
        if not line.endswith(b"\n"):
            if len(line) > MOST_BYTES:
                raise JunkOnPipe(f"a line longer than {MOST_BYTES} bytes")
            return  # the writer died mid-line: the same as silence
        yield decode(line)


def pack_floats(vector: Iterable[float]) -> str:
    """Little-endian float32 as base64: a quarter of the same numbers in JSON."""
    return _pack("f", vector)


def unpack_floats(text: str) -> array[float]:
    """The vector that `pack_floats` wrote, as a buffer that numpy can view. Raises JunkOnPipe."""
    return _unpack("f", text)


def pack_ids(ids: Iterable[int]) -> str:
    """Token ids as base64 of little-endian int32."""
    return _pack("i", ids)


def unpack_ids(text: str) -> list[int]:
    """The ids that `pack_ids` wrote. Raises JunkOnPipe."""
    return _unpack("i", text).tolist()


def _pack(kind: str, numbers: Iterable[Any]) -> str:
    # `array` and not numpy: this module is part of the app process, which numpy would make 20 MB larger.
    values = array(kind, numbers)
    if sys.byteorder == "big":
        values.byteswap()
    return base64.b64encode(values.tobytes()).decode("ascii")


def _unpack(kind: str, text: str) -> array[Any]:
    values: array[Any] = array(kind)
    try:
        values.frombytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise JunkOnPipe("not packed numbers") from error
    if sys.byteorder == "big":
        values.byteswap()
    return values
