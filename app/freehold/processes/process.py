"""A child process as the link sees it: one that was started here, or one that the program before this one started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import IO, Protocol

_LOOK_SECONDS = 0.02  # the system tells nobody of a death but who asks


class Process(Protocol):
    """What is asked of a child; `subprocess.Popen` has it all."""

    @property
    def pid(self) -> int: ...
    @property
    def stdin(self) -> IO[bytes] | None: ...
    @property
    def stdout(self) -> IO[bytes] | None: ...
    @property
    def stderr(self) -> IO[bytes] | None: ...

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Running:
    """A child that goes on while the program that started it is replaced: its number and our ends of its pipes.

    `version` is of the program that started it.
    """

    pid: int
    stdin: int
    stdout: int
    stderr: int
    version: str

    def keep_open(self) -> None:
        """Let the pipes outlive this program."""
        for handle in (self.stdin, self.stdout, self.stderr):
            os.set_inheritable(handle, True)


class Adopted:
    """A running child of this process that another program started in it (POSIX). Raises OSError where it is not."""

    def __init__(self, running: Running) -> None:
        self.pid = running.pid
        for handle in (running.stdin, running.stdout, running.stderr):
            os.set_inheritable(handle, False)
        self.stdin: IO[bytes] | None = open(running.stdin, "wb")  # noqa: PTH123, SIM115 - a number
        self.stdout: IO[bytes] | None = open(running.stdout, "rb")  # noqa: PTH123, SIM115 - a number
        self.stderr: IO[bytes] | None = open(running.stderr, "rb")  # noqa: PTH123, SIM115 - a number
        self._lock = threading.Lock()
        self._code: int | None = None

    def poll(self) -> int | None:
        with self._lock:
            if self._code is None:
                try:
                    found, status = os.waitpid(self.pid, os.WNOHANG)
                except ChildProcessError:
                    self._code = 0  # somebody else heard how it ended
                else:
                    self._code = os.waitstatus_to_exitcode(status) if found else None
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired, as Popen does."""
        until = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if until is not None and time.monotonic() >= until:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            time.sleep(_LOOK_SECONDS)
        return code

    def kill(self) -> None:
        if self.poll() is None:  # a number is not given to another process before its death was asked for
            os.kill(self.pid, signal.SIGKILL)
