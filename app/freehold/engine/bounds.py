"""Running a stranger's template within limits of processor time and memory."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from freehold.foundation.errors import TemplateFailed

T = TypeVar("T")


class _OutOfTime(BaseException):
    """Not an Exception, so that no `except Exception` between here and the template swallows it."""


def within(seconds: float, memory: int, work: Callable[[], T]) -> T:
    """`work()`, given `seconds` of processor time and `memory` more bytes. Raises TemplateFailed beyond either.

    Processor time, not wall time: a busy machine is not the template's fault. Where there is no such timer (Windows,
    or outside the main thread) the link's limit on silence ends the process instead; where the system does not bound
    address space (macOS) only the sandbox's own size checks hold.
    """
    try:
        with _memory_limit(memory), _time_limit(seconds):
            return work()
    except _OutOfTime:
        raise TemplateFailed(f"it ran longer than {seconds:g} s") from None
    except (MemoryError, RecursionError) as error:
        raise TemplateFailed("it needs more memory than a template may use") from error


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def ring(*_: object) -> None:
        if armed:
            raise _OutOfTime

    old = signal.signal(signal.SIGPROF, ring)
    # Again every 50 ms, in case the first was raised where exceptions are ignored (a destructor).
    signal.setitimer(signal.ITIMER_PROF, seconds, 0.05)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, old)


@contextlib.contextmanager
def _memory_limit(more: int) -> Iterator[None]:
    if sys.platform != "linux":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    wanted = pages * os.sysconf("SC_PAGE_SIZE") + more
    if soft != resource.RLIM_INFINITY:
        wanted = min(wanted, soft)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
