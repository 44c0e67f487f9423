"""One end of the pipe to a child process: start it, ask it, notice its silence and its death, replace it."""

from __future__ import annotations

import itertools
import logging
import queue
import signal
import subprocess
import threading
import time
import typing
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from freehold import __version__
from freehold.foundation.errors import FreeholdError, WorkerSilent, WorkerStopped, from_wire
from freehold.foundation.stop import Stop
from freehold.processes.frames import JunkOnPipe, encode, read_frames

_log = logging.getLogger(__name__)

START_SECONDS = 60.0  # a cold disk and a busy machine; native imports happen later, inside an op
DEAF_SECONDS = 2.0  # how long a worker may ignore a stop before it is ended
CRASHES_ALLOWED = 3  # within CRASH_WINDOW, after which a start is refused for the rest of it
CRASH_WINDOW = 60.0

Parts = Generator[Any, None, Any]


class WorkerBug(RuntimeError):
    """A bug inside a worker: its type and place, never its message."""


class Link:
    """A child process that is started on the first request and replaced after a death.

    `call` returns an op's result, `stream` yields its parts and returns its result. Both raise the worker's own
    FreeholdError, WorkerStopped when it died (with its last words) and WorkerSilent when nothing came for
    `silence` seconds: limits are on silence, not on duration. Safe to use from several threads.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], subprocess.Popen[bytes]],
        *,
        silence: float = 60.0,
        died: Callable[[WorkerStopped], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._start = start
        self._silence = silence
        self._died = died
        self._lock = threading.RLock()
        self._child: _Child | None = None
        self._crashes: deque[float] = deque(maxlen=CRASHES_ALLOWED)

    @property
    def is_running(self) -> bool:
        child = self._child
        return child is not None and child.is_alive

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.process.pid if child is not None and child.is_alive else None

    def call(self, op: str, *, silence: float | None = None, **args: Any) -> Any:
        parts = self.stream(op, silence=silence, **args)
        while True:
            try:
                next(parts)
            except StopIteration as end:
                return end.value

    def stream(self, op: str, *, stop: Stop | None = None, silence: float | None = None, **args: Any) -> Parts:
        """Ask `op`. When `stop` is set the worker is told at once, and ended if it stays deaf for two seconds.

        Closing the generator early stops the op the same way.
        """
        child = self._ready_child()
        number, frames = child.ask(op, args)
        wish = _Wish(child, number)
        if stop is not None:
            stop.on_set(wish)
        try:
            return (yield from self._answers(child, frames, wish, silence or self._silence))
        finally:
            if stop is not None:
                stop.forget(wish)
            if child.is_waiting(number):
                wish()
                child.forget(number)

    def end(self, seconds: float = 2.0) -> None:
        """Close the worker's stdin, give it `seconds` to leave, then kill it. Does nothing when none runs."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end(seconds)

    def kill(self) -> None:
        """End the process at once: what its memory held is gone when this returns."""
        self.end(0.0)

    def _answers(self, child: _Child, frames: queue.SimpleQueue[Any], wish: _Wish, silence: float) -> Parts:
        asked = time.monotonic()
        while True:
            # Any frame of the child counts: a request that waits its turn behind a talking one is not in silence.
            heard = max(asked, child.heard)
            try:
                frame = frames.get(timeout=_patience(heard, silence, wish))
            except queue.Empty:
                if time.monotonic() < _deadline(max(asked, child.heard), silence, wish):
                    continue
                self._drop(child)
                child.end(0.0)
                why = "did not stop when asked" if wish.at is not None else f"said nothing for {silence:g} s"
                raise WorkerSilent(f"{self.name} {why}") from None
            if isinstance(frame, WorkerStopped):
                self._drop(child)
                raise WorkerStopped(frame.detail)
            if "part" in frame:
                yield frame["part"]
            elif "error" in frame:
                raise _error(frame["error"])
            else:
                return frame.get("done")

    def _ready_child(self) -> _Child:
        with self._lock:
            if self._child is not None and self._child.is_alive:
                return self._child
            self._refuse_endless_crashes()
            self._child = _Child(self.name, self._start(), self._note_death)
            try:
                self._child.greet()
            except FreeholdError:
                self._child.end(0.0)
                self._child = None
                raise
            return self._child

    def _refuse_endless_crashes(self) -> None:
        crashes = self._crashes
        if len(crashes) == CRASHES_ALLOWED and time.monotonic() - crashes[0] < CRASH_WINDOW:
            wait = int(CRASH_WINDOW - (time.monotonic() - crashes[0])) + 1
            raise WorkerStopped(f"{self.name} stopped {CRASHES_ALLOWED} times in a minute", advice=f"Wait {wait} s.")

    def _note_death(self, child: _Child, error: WorkerStopped) -> None:
        expected = child.is_ending
        if not expected:
            self._crashes.append(time.monotonic())
            _log.warning("%s stopped: %s", self.name, child.exit_words())
        self._drop(child)
        if not expected:
            self._died(error)

    def _drop(self, child: _Child) -> None:
        with self._lock:
            if self._child is child:
                self._child = None


def _deadline(heard: float, silence: float, wish: _Wish) -> float:
    return heard + silence if wish.at is None else wish.at + DEAF_SECONDS


def _patience(heard: float, silence: float, wish: _Wish) -> float:
    # Woken at least twice a second, to see a wish that was made while we were waiting.
    return max(0.0, min(0.5, _deadline(heard, silence, wish) - time.monotonic()))


def _error(fields: Any) -> Exception:
    if isinstance(fields, dict) and fields.get("code") != "bug":
        return from_wire(fields)
    return WorkerBug(str(fields))


class _Wish:
    """A stop frame for one request, sent at most once."""

    def __init__(self, child: _Child, number: int) -> None:
        self._child, self._number = child, number
        self.at: float | None = None

    def __call__(self) -> None:
        if self.at is None:
            self.at = time.monotonic()
            self._child.send({"id": self._number, "stop": True})


class _Child:
    """A running process, the threads that listen to it and the requests that wait for it."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        died: Callable[[_Child, WorkerStopped], None],
    ) -> None:
        self.name, self.process, self._died = name, process, died
        self.is_ending = False
        self.heard = time.monotonic()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[Any]] = {}
        self._hello: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._last_words: deque[bytes] = deque(maxlen=80)
        self._gone: WorkerStopped | None = None
        self._stderr = threading.Thread(target=self._keep_last_words, name=f"{name} last words", daemon=True)
        self._stderr.start()
        threading.Thread(target=self._listen, name=f"{name} frames", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._gone is None and not self.is_ending

    def greet(self) -> None:
        """Wait for the worker's first frame and check that both halves are the same build."""
        try:
            hello = self._hello.get(timeout=START_SECONDS)
        except queue.Empty:
            raise WorkerSilent(f"{self.name} did not start within {START_SECONDS:g} s") from None
        if isinstance(hello, WorkerStopped):
            raise hello
        if hello.get("hello") != self.name or hello.get("version") != __version__:
            raise WorkerStopped(f"{self.name} is of another version", advice="Close Freehold and start it again.")

    def ask(self, op: str, args: dict[str, Any]) -> tuple[int, queue.SimpleQueue[Any]]:
        frames: queue.SimpleQueue[Any] = queue.SimpleQueue()
        with self._lock:
            number = next(self._numbers)
            if self._gone is not None:
                frames.put(self._gone)
            else:
                self._waiting[number] = frames
        try:
            self.send({"id": number, "op": op, "args": args})
        except JunkOnPipe:
            self.forget(number)
            raise
        return number, frames

    def send(self, frame: dict[str, Any]) -> None:
        line = encode(frame)
        assert self.process.stdin is not None
        try:
            with self._write_lock:
                self.process.stdin.write(line)
                self.process.stdin.flush()
        except (OSError, ValueError):
            pass  # it has died: the listener tells everybody who waits, with its last words

    def is_waiting(self, number: int) -> bool:
        return number in self._waiting

    def forget(self, number: int) -> None:
        with self._lock:
            self._waiting.pop(number, None)

    def end(self, seconds: float) -> None:
        self.is_ending = True
        try:
            assert self.process.stdin is not None
            if seconds > 0:
                with self._write_lock:
                    self.process.stdin.close()
                self.process.wait(seconds)
        except (OSError, subprocess.TimeoutExpired):
            pass  # then the hard way, below
        if self.process.poll() is None:
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

    def _listen(self) -> None:
        assert self.process.stdout is not None
        junk = ""
        try:
            for frame in read_frames(typing.cast(typing.BinaryIO, self.process.stdout)):
                self._deliver(frame)
        except (JunkOnPipe, OSError, ValueError) as error:
            junk = f"; junk on its pipe ({error})"
            self.process.kill()
        self._bury(junk)

    def _deliver(self, frame: dict[str, Any]) -> None:
        self.heard = time.monotonic()
        if "hello" in frame:
            self._hello.put(frame)
            return
        number = frame.get("id")
        with self._lock:
            last = "part" not in frame
            frames = self._waiting.pop(number, None) if last else self._waiting.get(number)  # type: ignore[arg-type]
        if frames is not None:
            frames.put(frame)

    def _bury(self, junk: str) -> None:
        how = self.exit_words()
        self._stderr.join(1.0)
        words = b"".join(self._last_words).decode("utf-8", "replace").strip()
        error = WorkerStopped(f"{self.name}: {how}{junk}" + (f"\n{words[-2000:]}" if words else ""))
        with self._lock:
            self._gone = error
            waiting, self._waiting = list(self._waiting.values()), {}
        self._hello.put(error)
        for frames in waiting:
            frames.put(error)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                assert pipe is not None
                pipe.close()
            except OSError:
                pass  # a last unsent byte for a process that is gone
        self._died(self, error)

    def _keep_last_words(self) -> None:
        assert self.process.stderr is not None
        try:
            while line := self.process.stderr.readline(4096):
                self._last_words.append(line)
        except (OSError, ValueError):
            return  # closed under us at the end
