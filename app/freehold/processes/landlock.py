"""Landlock: Linux's way for a process to give up files. The kernel's interface, as linux/landlock.h states it.

https://docs.kernel.org/userspace-api/landlock.html
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from freehold.processes.seccomp import Sockets

# Numbers shared by all architectures since system calls were unified.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION = 1  # a flag of the first: tell the interface's version
_PATH_BENEATH = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_CHAR, _MAKE_DIR = 1 << 4, 1 << 5, 1 << 6, 1 << 7
_MAKE_REG, _MAKE_SOCK, _MAKE_FIFO, _MAKE_BLOCK, _MAKE_SYM = 1 << 8, 1 << 9, 1 << 10, 1 << 11, 1 << 12
_REFER, _TRUNCATE, _IOCTL_DEV = 1 << 13, 1 << 14, 1 << 15

_ALL_OF_FIRST_VERSION = (1 << 13) - 1
_FOR_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the rest is about folders
_READ = _READ_FILE | _READ_DIR
_CHANGE = (
    _READ
    | _WRITE_FILE
    | _REMOVE_DIR
    | _REMOVE_FILE
    | _MAKE_DIR
    | _MAKE_REG
    | _MAKE_SYM
    | _REFER
    | _TRUNCATE
    | _IOCTL_DEV
)
_RUN = _READ | _EXECUTE

_BIND_TCP, _CONNECT_TCP = 0b01, 0b10
_FORBIDDEN_TCP: dict[Sockets, int] = {
    "none": _BIND_TCP | _CONNECT_TCP, "local": _BIND_TCP | _CONNECT_TCP, "inbound": _CONNECT_TCP, "internet": 0,
}  # fmt: skip
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    """What is forbidden unless a rule allows it; bits a kernel does not know must be zero."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """The version of the kernel's interface; 0 where there is none or it is turned off."""
    found = int(_kernel().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION))
    return max(found, 0)


def restrict(read: Sequence[Path], write: Sequence[Path], run: Sequence[Path], *, sockets: Sockets) -> bool:
    """Bind this thread, and those it starts, to these paths; places that do not exist are passed over.

    From version 6 on it also reaches no process outside by signal, nor an abstract socket. False where the kernel has
    no Landlock. Needs "no new privileges".
    """
    known = version()
    if known == 0:
        return False
    handled = _handled(known)
    ruleset = _Ruleset(
        files=handled,
        network=_FORBIDDEN_TCP[sockets] if known >= 4 else 0,
        scoped=_ABSTRACT_SOCKETS_AND_SIGNALS if known >= 6 and sockets != "local" else 0,
    )
    rules = int(_kernel().syscall(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), 0))
    if rules < 0:
        return False
    try:
        for paths, rights in ((read, _READ), (write, _CHANGE), (run, _RUN)):
            for path in paths:
                _allow(rules, path, rights & handled)
        return int(_kernel().syscall(_RESTRICT_SELF, rules, 0)) == 0
    finally:
        os.close(rules)


def _handled(known: int) -> int:
    """All rights that a kernel of this version can forbid."""
    newer = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV))
    return _ALL_OF_FIRST_VERSION | sum(right for since, right in newer if known >= since)


def _allow(rules: int, path: Path, rights: int) -> None:
    with suppress(OSError):  # not there: nothing to allow
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not stat.S_ISDIR(os.fstat(handle).st_mode):
                rights &= _FOR_FILES
            rule = _PathBeneath(allowed=rights, parent=handle)
            _kernel().syscall(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(handle)


def _kernel() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
