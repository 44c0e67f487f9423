"""Keeps Python alive under PySide 6.12.0, which gives back references that it never took."""

from __future__ import annotations

import ctypes
import sys

_ENOUGH = 1 << 40


def hold_constants() -> None:
    """Take more references to None, True and False than can ever be given back.

    PySide6 6.12.0 loses one to True with each `Signal.emit` and one to None with each slot that C++ calls, then Python
    aborts ("deallocating None"): measured, after some thousand signals. From Python 3.12 on these three are immortal
    and nothing happens; 6.11.3 is right everywhere. May go when 6.12.0 is excluded and no such release is left.
    """
    if sys.version_info >= (3, 12) or sys.implementation.name != "cpython":
        return
    for one in (None, True, False):
        # A reference count is the first word of an object. Python itself adds under the same lock that we hold.
        ctypes.c_ssize_t.from_address(id(one)).value += _ENOUGH
