"""The write-ahead log after a crash: cut off is normal, changed in the middle is damage.

SQLite reads a log up to the first frame whose checksum is wrong and forgets the rest without a word. After a crash
that is right for the end of the log, which was never acknowledged; but a flipped bit in the middle would silently
lose what came after it. So we read the log first (format: sqlite.org/fileformat2.html, "The Write-Ahead Log").
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from freehold.foundation.errors import VaultDamaged
from freehold.foundation.paths import disk_error

_HEADER, _FRAME = 32, 24
_MAGIC = 0x377F0682  # the lowest bit says that checksums read words as big-endian

Pair = NDArray[np.uint32]


def check_log(path: Path) -> None:
    """Raises VaultDamaged when acknowledged changes in the log are unreadable. Touches nothing.

    A later transaction is only ever written after the earlier one was on disk, so a bad frame that is followed by
    another transaction of the same log is damage. A bad frame in the last transaction looks like an unfinished write.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise disk_error(error, path) from error
    head = content[:_HEADER]
    if len(head) < _HEADER or not any(head):
        return  # cut off before anything was written to it
    magic, _, page_size, _, salt_1, salt_2, sum_1, sum_2 = struct.unpack(">8I", head)
    words = np.frombuffer(head[:24], dtype=_words_type(magic)).astype(np.uint32)
    start = _fold(np.zeros(2, np.uint32), words)
    if magic & ~1 != _MAGIC or (int(start[0]), int(start[1])) != (sum_1, sum_2) or not 512 <= page_size <= 65536:
        raise VaultDamaged(f"{path.name}: its header is not as it was written")
    frames = _frames(content, page_size)
    is_ours = (frames[:, 2] == salt_1) & (frames[:, 3] == salt_2)
    valid = _valid_frames(content, page_size, magic, start, (salt_1, salt_2))
    commits = np.flatnonzero(is_ours & (frames[:, 1] != 0))
    later = commits[commits >= valid]
    last = np.flatnonzero(is_ours)
    if later.size and last.size and last[-1] > later[0]:
        raise VaultDamaged(f"{path.name}: a change in the middle of it is unreadable")


def _frames(content: bytes, page_size: int) -> Any:
    """The six numbers that head each whole frame: page, commit size, two salts, two checksums."""
    count = (len(content) - _HEADER) // (_FRAME + page_size)
    body = np.frombuffer(content, np.uint8, count * (_FRAME + page_size), _HEADER) if count else np.zeros(0, np.uint8)
    heads = np.ascontiguousarray(body.reshape(count, _FRAME + page_size)[:, :_FRAME])
    return heads.view(">u4").astype(np.uint32).reshape(count, 6)


def _valid_frames(content: bytes, page_size: int, magic: int, start: Pair, salts: tuple[int, int]) -> int:
    """How many frames SQLite will accept."""
    frames = _frames(content, page_size)
    count = len(frames)
    if not count:
        return 0
    whole = np.frombuffer(content, np.uint8, count * (_FRAME + page_size), _HEADER).reshape(count, -1)
    summed = np.ascontiguousarray(np.concatenate([whole[:, :8], whole[:, _FRAME:]], axis=1))
    words = summed.view(_words_type(magic)).astype(np.uint32)
    step, weights = _powers(words.shape[1] // 2)
    added = _weigh(words, weights)
    running = start
    for index in range(count):
        running = step @ running + added[index]
        if tuple(frames[index, 2:4]) != salts or (running != frames[index, 4:6]).any():
            return index
    return count


def _fold(start: Pair, words: Pair) -> Pair:
    """SQLite's checksum: for each pair (x, y): s1 += x + s2, s2 += y + s1, in 32 bits."""
    step, weights = _powers(len(words) // 2)
    result: Pair = step @ start + _weigh(words.reshape(1, -1), weights)[0]
    return result


def _powers(pairs: int) -> tuple[Pair, Pair]:
    """The checksum is linear: `pairs` steps are one matrix for what came before and one weight for each pair."""
    one = np.array([[1, 1], [1, 2]], dtype=np.uint32)  # what one step does to (s1, s2)
    enters = np.array([[1, 0], [1, 1]], dtype=np.uint32)  # how (x, y) enters in its own step
    weights = np.zeros((pairs, 2, 2), dtype=np.uint32)
    power = np.eye(2, dtype=np.uint32)
    for index in range(pairs - 1, -1, -1):
        weights[index] = power @ enters
        power = one @ power
    return power, weights


def _weigh(words: Any, weights: Pair) -> Any:
    pairs = words.reshape(len(words), -1, 2)
    return np.einsum("fpk,pjk->fj", pairs, weights)


def _words_type(magic: int) -> str:
    return ">u4" if magic & 1 else "<u4"
