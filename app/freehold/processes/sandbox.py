"""Boxing a worker in: which files it may read and write, no sockets, no other process's memory. Linux.

The kernel's own means, called through ctypes: Landlock for files, a seccomp filter for system calls. What is refused
shows as PermissionError. Elsewhere nothing is refused, and `confine` says so. docs/decisions/0006 has the reasons.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from freehold.foundation.paths import resources
from freehold.processes import landlock, seccomp
from freehold.processes.seccomp import Sockets

_PR_SET_DUMPABLE = 4  # linux/prctl.h
_PR_SET_NO_NEW_PRIVS = 38

# What a Python worker and its native libraries read of the system, none of it anybody's own.
_SYSTEM = (
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/local/lib", "/lib", "/lib64", "/nix/store",
    "/gnu/store", "/usr/share/zoneinfo", "/usr/share/locale",
    "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/sys/devices/system",
    "/sys/fs/cgroup",
)  # fmt: skip
_GRAPHICS = ("/dev/dri", "/dev/kfd", "/proc/driver/nvidia", "/sys/class/drm", "/sys/bus/pci", "/sys/devices")
# Starting a program also starts the system's loader.
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")


def confine(
    read: Sequence[Path], write: Sequence[Path], sockets: Sockets, programs: Sequence[Path] = ()
) -> tuple[str, ...]:
    """Give up, for good, all that this process does not need; returns the names of the layers that hold.

    Afterwards it reads what lies below `read`, `write` and the places its libraries are loaded from, changes only
    what lies below `write`, starts only `programs`, and opens only `sockets`. Call it before anything has
    started a thread: Landlock binds the calling thread and those it starts, so with others "files" is not claimed.

    privileges: no program it starts gains any. memory: no core dump, no debugger. files: the paths above.
    calls: no ptrace, other process's memory, namespaces, kernel keys, io_uring, new programs.
    internet: no socket that could leave this machine. sockets: no named one of another program here, as a bus has.
    """
    if not sys.platform.startswith("linux"):
        return ()
    alone = _threads() == 1
    run = [*programs, *map(Path, _LOADERS)] if programs else []
    places = {"read": [*library_paths(), *read], "write": [*write, Path("/dev/null")], "run": run}
    held = {"privileges": _no_new_privileges(), "memory": _no_dumps()}
    held["files"] = landlock.restrict(**places, sockets=sockets) and alone
    held["calls"] = seccomp.install(sockets=sockets, programs=bool(programs))
    held["internet"] = held["calls"] and sockets not in ("inbound", "internet")
    held["sockets"] = held["calls"] and sockets != "local"
    return tuple(name for name, holds in held.items() if holds)


def library_paths() -> tuple[Path, ...]:
    """Where this Python, what it imports and our bundled files lie, and what native libraries look up in the system."""
    searched = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    found = (place for place in (*sys.path, *searched) if place)
    own = (sys.prefix, sys.base_prefix, sys.exec_prefix, str(resources()), *found)
    return tuple(Path(place) for place in dict.fromkeys((*own, *_SYSTEM)) if place != "/")


def graphics_paths() -> tuple[Path, ...]:
    """What a graphics card's driver opens besides; to be given as `write` to a worker that computes there."""
    cards = sorted(Path("/dev").glob("nvidia*"))
    return (*cards, *(Path(place) for place in _GRAPHICS))


def _no_new_privileges() -> bool:
    return int(ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) == 0


def _no_dumps() -> bool:
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return int(ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)) == 0


def _threads() -> int:
    try:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - only their number matters
    except OSError:
        return 0  # unknown: nothing is claimed
