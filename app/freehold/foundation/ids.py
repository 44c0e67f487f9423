"""Identifiers that sort by the time they were made (UUID version 7, RFC 9562)."""

from __future__ import annotations

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """32 hex digits: 48 bits of milliseconds, then randomness. Ids of one process never sort backwards."""
    global _last  # noqa: PLW0603 - the one counter of the process
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    with _lock:
        # 12 extra bits of sub-millisecond order (RFC 9562, method 3), never repeated within a process. A clock that
        # jumps back is not followed until it has caught up.
        stamp = max(milliseconds << 12 | rest * 4096 // 1_000_000, _last + 1)
        _last = stamp
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=value).hex
