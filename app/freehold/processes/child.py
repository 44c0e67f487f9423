"""A running child process: the threads that talk with it, and the requests that wait for it."""

from __future__ import annotations

import itertools
import queue
import signal
import subprocess
import threading
import time
import typing
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO

from freehold import __version__
from freehold.foundation.errors import WorkerSilent, WorkerStopped
from freehold.processes.frames import JunkOnPipe, encode, read_frames
from freehold.processes.process import Process, Running

LEAVING_SECONDS = 1.0  # between closing its pipe and being gone; then it is helped
MOST_PENDING = 100_000  # parts of one request that nobody has taken yet; more is a flood

Frames = queue.SimpleQueue[Any]  # frames of one request, ended by its last or by a WorkerStopped


class Child:
    """One process from its start to its death.

    `dead` is called once, before those who wait are told; `mourned` once after them, so that it may take any lock.
    One that `has_greeted` said its hello to the program before this one.
    """

    def __init__(
        self,
        name: str,
        process: Process,
        *,
        dead: Callable[[Child, WorkerStopped], None],
        mourned: Callable[[Child, WorkerStopped], None],
        has_greeted: bool = False,
    ) -> None:
        self.name, self.process, self._dead, self._mourned = name, process, dead, mourned
        self.is_ending, self._has_greeted = False, has_greeted
        self.heard = time.monotonic()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Frames | None] = {}  # None: its asker has gone away
        self._hello: Frames = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._last_words: deque[bytes] = deque(maxlen=80)
        self._gone: WorkerStopped | None = None
        self._verdict: WorkerStopped | None = None
        self._stderr = self._thread("last words", self._keep_last_words)
        self._thread("requests", self._write)
        self._thread("frames", self._listen)

    @property
    def is_alive(self) -> bool:
        return self._gone is None and self._verdict is None and not self.is_ending

    def greet(self, seconds: float) -> None:
        """Wait for the worker's first frame and check that both halves are the same build."""
        try:
            hello = self._hello.get(timeout=seconds)
        except queue.Empty:
            raise WorkerSilent(f"{self.name} did not start within {seconds:g} s") from None
        if isinstance(hello, WorkerStopped):
            raise type(hello)(hello.detail)
        if hello.get("hello") != self.name or hello.get("version") != __version__:
            raise WorkerStopped(f"{self.name} is of another version", advice="Close Freehold and start it again.")

    def ask(self, op: str, args: dict[str, Any]) -> tuple[int, Frames]:
        """Send a request. Raises JunkOnPipe when `args` cannot travel; then nothing was sent."""
        number, frames = next(self._numbers), Frames()
        line = encode({"id": number, "op": op, "args": args})
        with self._lock:
            if self._gone is not None:
                frames.put(self._gone)
            else:
                self._waiting[number] = frames
        self._outbox.put(line)
        return number, frames

    def wish_end(self, number: int) -> None:
        """Tell the worker that request `number` is to stop. Never blocks, whatever the worker does."""
        self._outbox.put(encode({"id": number, "stop": True}))

    def is_waiting(self, number: int) -> bool:
        """Whether the last frame of request `number` has not come yet."""
        return number in self._waiting

    def hand_over(self, seconds: float) -> Running | None:
        """Let it go on without us, once all that it was asked is answered: nothing of its words may be lost between.

        None when it has more to say after `seconds`. To be followed by the end of this program, or of it.
        """
        until = time.monotonic() + seconds
        while self._waiting or not self._outbox.empty():
            if time.monotonic() >= until or self._gone is not None:
                return None
            time.sleep(0.01)
        stdin, stdout, stderr = (_pipe(one).fileno() for one in (
            self.process.stdin, self.process.stdout, self.process.stderr))  # fmt: skip
        running = Running(self.process.pid, stdin, stdout, stderr, __version__)
        running.keep_open()
        return running

    def abandon(self, number: int) -> None:
        """Drop what still comes for request `number`: nobody reads it any more."""
        with self._lock:
            if number in self._waiting:
                self._waiting[number] = None

    def end(self, seconds: float) -> None:
        """Close its stdin, give it `seconds` to leave, then kill it. It is gone when this returns."""
        self.is_ending = True
        if seconds > 0:
            self._outbox.put(None)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def condemn(self, error: WorkerStopped) -> None:
        """Kill it for `error`, which everybody who waits for it is told."""
        self._verdict = error
        self.process.kill()
        self.process.wait()

    def exit_words(self) -> str:
        """How the process ended, in words."""
        code = self.process.wait()
        if code >= 0:
            return f"exit code {code}"
        try:
            return f"ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"ended by signal {-code}"

    def _thread(self, does: str, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name=f"{self.name} {does}", daemon=True)
        thread.start()
        return thread

    def _write(self) -> None:
        """A thread of its own: a worker that reads nothing must not block whoever asks, or wishes a stop."""
        stdin = _pipe(self.process.stdin)
        while (line := self._outbox.get()) is not None:
            # When it has died the listener tells everybody who waits, with its last words.
            with suppress(OSError):
                stdin.write(line)
                stdin.flush()
        with suppress(OSError):
            stdin.close()

    def _listen(self) -> None:
        junk = ""
        with _pipe(self.process.stdout) as stdout:
            try:
                frames = read_frames(stdout)
                if not self._has_greeted and (hello := next(frames, None)) is not None:
                    self._hello.put(hello)
                for frame in frames:
                    self._deliver(frame)
            except (JunkOnPipe, OSError) as error:
                junk = f"; junk on its pipe ({error})"
                self.process.kill()
        self._bury(junk)

    def _deliver(self, frame: dict[str, Any]) -> None:
        number = frame.get("id")
        if not isinstance(number, int) or not frame.keys() & {"part", "done", "error"}:
            raise JunkOnPipe("an answer to nothing")
        self.heard = time.monotonic()
        with self._lock:
            frames = self._waiting.get(number) if "part" in frame else self._waiting.pop(number, None)
        if frames is not None:
            if frames.qsize() >= MOST_PENDING:
                raise JunkOnPipe(f"more than {MOST_PENDING} parts that nobody takes")
            frames.put(frame)

    def _bury(self, junk: str) -> None:
        try:
            self.process.wait(LEAVING_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()  # it closed its pipe and stayed
        how = self.exit_words()
        self._stderr.join(1.0)  # a grandchild may hold that pipe open for longer
        words = b"".join(tuple(self._last_words)).decode("utf-8", "replace").strip()
        died = WorkerStopped(f"{self.name}: {how}{junk}" + (f"\n{words[-2000:]}" if words else ""))
        error = self._verdict or died
        with self._lock:
            self._gone = error
            waiting, self._waiting = list(self._waiting.values()), {}
        self._outbox.put(None)
        self._dead(self, error)
        self._hello.put(error)
        for frames in waiting:
            if frames is not None:
                frames.put(error)
        self._mourned(self, error)

    def _keep_last_words(self) -> None:
        with _pipe(self.process.stderr) as stderr:
            while line := stderr.readline(4096):
                self._last_words.append(line)


def _pipe(stream: typing.IO[bytes] | None) -> BinaryIO:
    assert stream is not None, "spawn() gives a child three pipes"
    return typing.cast(BinaryIO, stream)
