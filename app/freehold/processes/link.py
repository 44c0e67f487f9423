"""The app's end of the pipe to a worker: start it, ask it, notice its silence and its death, replace it."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from typing import Any

from freehold import __version__
from freehold.foundation.errors import WorkerSilent, WorkerStopped, from_wire
from freehold.foundation.stop import Stop
from freehold.processes.child import Child, Frames
from freehold.processes.process import Adopted, Process, Running

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
    `silence` seconds: limits are on silence, not on duration. `died` is told of every death that `end` or `kill`
    did not ask for, on a thread of the link. Safe to use from several threads.
    """

    def __init__(
        self,
        name: str,
        start: Callable[[], Process],
        *,
        silence: float = 60.0,
        deaf: float = DEAF_SECONDS,
        starting: float = START_SECONDS,
        died: Callable[[WorkerStopped], None] = lambda _: None,
    ) -> None:
        self.name = name
        self._start = start
        self._silence, self._deaf, self._starting = silence, deaf, starting
        self._died = died
        self._start_lock = threading.Lock()  # one start at a time; held while a worker says hello
        self._lock = threading.Lock()  # guards the two below; never held while waiting
        self._child: Child | None = None
        self._crashes: deque[float] = deque(maxlen=CRASHES_ALLOWED)
        self._handed: Child | None = None

    @property
    def is_running(self) -> bool:
        child = self._child
        return child is not None and child.is_alive

    @property
    def pid(self) -> int | None:
        child = self._child
        return child.process.pid if child is not None and child.is_alive else None

    def call(self, op: str, *, stop: Stop | None = None, silence: float | None = None, **args: Any) -> Any:
        """The result of `op`; parts are dropped. See `stream` for `stop`."""
        parts = self.stream(op, stop=stop, silence=silence, **args)
        while True:
            try:
                next(parts)
            except StopIteration as end:
                return end.value

    def stream(self, op: str, *, stop: Stop | None = None, silence: float | None = None, **args: Any) -> Parts:
        """Ask `op`. When `stop` is set the worker is told at once, and ended if it stays deaf for two seconds.

        An op that was stopped before it began never begins: its result is None, without parts. Closing the
        generator early stops the op the same way.
        """
        if stop is not None and stop.is_set():
            return None
        child = self._ready_child()
        if stop is not None and stop.is_set():
            return None
        number, frames = child.ask(op, args)
        wish = _Wish(child, number)
        if stop is not None:
            stop.on_set(wish)
        try:
            return (yield from self._answers(child, frames, wish, silence or self._silence))
        finally:
            if stop is not None:
                stop.forget(wish)
            if child.is_alive and child.is_waiting(number):
                self._abandon(child, wish)

    def end(self, seconds: float = 2.0) -> None:
        """Close the worker's stdin, give it `seconds` to leave, then kill it. Does nothing when none runs."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None:
            child.end(seconds)

    def hand_over(self, seconds: float = 2.0) -> Running | None:
        """Let the worker outlive this program, which is about to be replaced; None where none runs or none can.

        It is not ended by this link any more, and dies of its closed pipe unless the next program adopts it.
        """
        with self._start_lock, self._lock:
            child, self._child = self._child, None
        if child is None or not child.is_alive:
            return None
        running = child.hand_over(seconds)
        if running is None:
            child.end(0.0)
        else:
            self._handed = child  # its pipes must not be closed before the exec
        return running

    def adopt(self, running: Running) -> bool:
        """Take over a worker of the program before this one. False, and it leaves, when it is of another build."""
        try:
            process = Adopted(running)
        except OSError:
            return False
        with self._start_lock:
            child = Child(self.name, process, dead=self._note_death, mourned=self._tell_death, has_greeted=True)
            if running.version != __version__ or process.poll() is not None:
                child.end(0.0)
                return False
            with self._lock:
                self._child = child
        return True

    def kill(self) -> None:
        """End the process at once: what its memory held is gone when this returns."""
        self.end(0.0)

    def _answers(self, child: Child, frames: Frames, wish: _Wish, silence: float) -> Parts:
        asked = time.monotonic()
        while True:
            # Any frame of the child counts: a request that waits its turn behind a talking one is not in silence.
            quiet_until = max(asked, child.heard) + silence
            self._end_the_unresponsive(child, wish, frames, quiet_until)
            try:
                # Woken at least twice a second, to see a wish that was made while we were waiting.
                frame = frames.get(timeout=min(max(quiet_until - time.monotonic(), 0.01), 0.5, self._deaf))
            except queue.Empty:
                continue
            if isinstance(frame, WorkerStopped):
                raise type(frame)(frame.detail)
            if "part" in frame:
                yield frame["part"]
            elif "error" in frame:
                raise _error(frame["error"])
            else:
                return frame["done"]

    def _end_the_unresponsive(self, child: Child, wish: _Wish, frames: Frames, quiet_until: float) -> None:
        """Kill a worker that is silent, or that talks on after it was asked to stop; the frames then tell of it."""
        now = time.monotonic()
        if wish.at is not None and now >= wish.at + self._deaf:
            why = "did not stop when asked"
        elif wish.at is None and now >= quiet_until and frames.empty():
            why = "said nothing for too long"
        else:
            return
        if child.is_alive and child.is_waiting(wish.number):
            child.condemn(WorkerSilent(f"{self.name} {why}"))

    def _abandon(self, child: Child, wish: _Wish) -> None:
        """Stop a request whose caller has gone, and watch that the worker heeds it."""

        def end_the_deaf() -> None:
            if child.is_alive and child.is_waiting(wish.number):
                child.condemn(WorkerSilent(f"{self.name} did not stop when asked"))

        wish()
        child.abandon(wish.number)
        watch = threading.Timer(self._deaf, end_the_deaf)
        watch.daemon = True
        watch.start()

    def _ready_child(self) -> Child:
        with self._start_lock:
            child = self._child
            if child is not None and child.is_alive:
                return child
            self._refuse_endless_crashes()
            child = Child(self.name, self._start(), dead=self._note_death, mourned=self._tell_death)
            with self._lock:
                self._child = child
            try:
                child.greet(self._starting)
            except BaseException:  # Ctrl-C too: what never said hello is not talked to later
                self._drop(child)
                child.end(0.0)
                raise
            return child

    def _refuse_endless_crashes(self) -> None:
        with self._lock:
            crashes = tuple(self._crashes)
        if len(crashes) == CRASHES_ALLOWED and time.monotonic() - crashes[0] < CRASH_WINDOW:
            wait = int(CRASH_WINDOW - (time.monotonic() - crashes[0])) + 1
            raise WorkerStopped(f"{self.name} stopped {CRASHES_ALLOWED} times in a minute", advice=f"Wait {wait} s.")

    def _note_death(self, child: Child, error: WorkerStopped) -> None:
        self._drop(child)
        if not child.is_ending and not isinstance(error, WorkerSilent):  # a person's stop is no crash
            with self._lock:
                self._crashes.append(time.monotonic())

    def _tell_death(self, child: Child, error: WorkerStopped) -> None:
        if not child.is_ending:
            _log.warning("%s stopped: %s", self.name, child.exit_words())
            self._died(error)

    def _drop(self, child: Child) -> None:
        with self._lock:
            if self._child is child:
                self._child = None


def _error(fields: Any) -> Exception:
    if isinstance(fields, dict) and fields.get("code") != "bug":
        return from_wire(fields)
    return WorkerBug(str(fields))


class _Wish:
    """A wish to stop one request, sent at most once."""

    def __init__(self, child: Child, number: int) -> None:
        self._child, self.number = child, number
        self.at: float | None = None

    def __call__(self) -> None:
        if self.at is None:
            self.at = time.monotonic()
            self._child.wish_end(self.number)
