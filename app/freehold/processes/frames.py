"""What travels on a pipe: one JSON object a line, length capped, never pickle.

Frames down: {"id", "op", "args"} asks, {"id", "stop": true} wishes an end.
Frames up:   {"hello", "version", "pid"} first; {"id", "part"} any number of times; then {"id", "done"} or
{"id", "error"}.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

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
        frame = json.loads(line.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise JunkOnPipe(f"{len(line)} bytes that are not JSON") from error
    if not isinstance(frame, dict):
        raise JunkOnPipe("not a JSON object")
    return frame


def read_frames(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Frames until the stream ends. Raises JunkOnPipe on the first line that is not one."""
    while line := stream.readline(MOST_BYTES + 1):
        if not line.endswith(b"\n"):
            if len(line) > MOST_BYTES:
                raise JunkOnPipe(f"a line longer than {MOST_BYTES} bytes")
            return  # the writer died mid-line: the same as silence
        yield decode(line)


def pack_floats(vector: NDArray[np.float32]) -> str:
    """Little-endian float32 as base64: a quarter of the same numbers in JSON."""
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode("ascii")


def unpack_floats(text: str) -> NDArray[np.float32]:
    """The vector that `pack_floats` wrote. Raises JunkOnPipe."""
    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")
    except ValueError as error:
        raise JunkOnPipe("not a packed vector") from error


def pack_ids(ids: list[int] | tuple[int, ...]) -> str:
    """Token ids as base64 of little-endian int32."""
    return base64.b64encode(np.asarray(ids, dtype="<i4").tobytes()).decode("ascii")


def unpack_ids(text: str) -> list[int]:
    """The ids that `pack_ids` wrote. Raises JunkOnPipe."""
    try:
        ids: list[int] = np.frombuffer(base64.b64decode(text, validate=True), dtype="<i4").tolist()
    except ValueError as error:
        raise JunkOnPipe("not packed token ids") from error
    return ids
