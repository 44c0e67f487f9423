"""Real child processes for tests: workers that answer, talk, hang, die and misbehave on purpose.

link = Link("test", worker(tmp_path))      # a worker with the ops below
link = Link("test", program(SOURCE, tmp_path))    # any program at all at the other end of the pipe
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal

from freehold.foundation.errors import DiskFull
from freehold.foundation.stop import Stop
from freehold.processes.spawn import spawn
from freehold.processes.worker import serve

Start = Callable[[], "subprocess.Popen[bytes]"]


def worker(scratch: Path, *, name: str = "test") -> Start:
    """What a Link wants: starts this file as the worker `name`."""
    return lambda: spawn([sys.executable, "-X", "faulthandler", __file__, name], scratch)


def program(source: str, scratch: Path) -> Start:
    """What a Link wants: starts Python on `source`."""
    return lambda: spawn([sys.executable, "-c", source], scratch)


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Whether the process runs (a zombie that nobody collected does not)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] not in ("Z", "X")


def echo(value: Any) -> Any:
    return value


def add(left: int, right: int) -> int:
    return left + right


def typed(
    count: int = 0,
    share: float = 0.0,
    words: str = "",
    flag: bool = False,
    names: list[str] | None = None,
    kind: Literal["a", "b"] = "a",
) -> str:
    return "fine"


def count_to(last: int) -> Generator[int, None, str]:
    yield from range(last)
    return "counted"


def count_for_ever(stop: Stop) -> Generator[int, None, str]:
    number = 0
    while not stop.wait(0.001):
        yield number
        number += 1
    return "stopped"


def count_without_stop(mark: str) -> Generator[int, None, None]:
    """Takes no stop; writes `mark` when it is closed early."""
    try:
        for number in range(1_000_000_000):
            yield number
            time.sleep(0.001)
    finally:
        Path(mark).write_text("closed")


def chatter_deaf(stop: Stop) -> Generator[str, None, None]:
    """Talks for ever and hears nothing."""
    while True:
        yield "still talking"
        time.sleep(0.01)


def count_beside(stop: Stop) -> Generator[int, None, str]:
    """As `count_for_ever`, and others may run meanwhile."""
    return (yield from count_for_ever(stop))


def add_beside(left: int, right: int) -> int:
    return left + right


def sleep_beside(seconds: float) -> str:
    return sleep(seconds)


def bug_beside(secret: str) -> None:
    raise ValueError(secret)


def sleep(seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def sleep_in_native_code(seconds: int) -> int:
    """As a long native call does: without the interpreter's lock, and deaf to everything."""
    return int(ctypes.CDLL(None).sleep(seconds))


def leave_mark(path: str, stop: Stop) -> str:
    Path(path).write_text("I ran")
    return "ran"


def say_and_sleep(lines: list[str], seconds: float) -> Generator[str, None, None]:
    yield from lines
    time.sleep(seconds)


def exit_with(code: int, words: str) -> None:
    os.write(2, words.encode())
    os._exit(code)


def die_of(number: int) -> None:
    os.kill(os.getpid(), number)


def crash_natively() -> None:
    ctypes.string_at(0)


def disk_full(detail: str, advice: str) -> None:
    raise DiskFull(detail, advice=advice)


def bug(secret: str) -> None:
    raise ValueError(secret)


def bug_in_a_thread(secret: str) -> str:
    import threading

    def fail() -> None:
        raise ValueError(secret)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    return "survived"


def not_json() -> object:
    return object()


def part_not_json() -> Generator[object, None, None]:
    yield object()


def too_long(length: int) -> str:
    return "x" * length


def print_everywhere() -> str:
    print("printed by Python", flush=True)
    os.write(1, b"written by a library\n")
    os.system("echo written by a program")
    return sys.stdin.read()


def environment() -> dict[str, str]:
    return dict(os.environ)


def about() -> dict[str, Any]:
    import resource

    return {
        "cwd": str(Path.cwd()),
        "core": list(resource.getrlimit(resource.RLIMIT_CORE)),
        "dumpable": ctypes.CDLL(None).prctl(3, 0, 0, 0, 0),
        "session": os.getsid(0) == os.getpid(),
        "interrupt": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
    }


OPS: dict[str, Callable[..., Any]] = {
    op.__name__: op
    for op in (
        echo, add, typed, count_to, count_for_ever, count_without_stop, chatter_deaf, sleep, sleep_in_native_code,
        leave_mark, say_and_sleep, exit_with, die_of, crash_natively, disk_full, bug, bug_in_a_thread, not_json,
        part_not_json, too_long, print_everywhere, environment, about, count_beside, add_beside, sleep_beside,
        bug_beside,
    )
}  # fmt: skip


if __name__ == "__main__":
    # The leaving mark lets a test see that a worker left by the front door.
    serve(
        sys.argv[1], OPS, together={name for name in OPS if name.endswith("_beside")},
        leaving=lambda: Path("left").touch(),
    )  # fmt: skip
