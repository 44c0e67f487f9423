"""The one helper for background work: runs a flow on a thread, hands its steps to the window's thread."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop

_log = logging.getLogger(__name__)

Work = Callable[[Stop], Any]  # returns a result, or a generator of steps whose return value is the result
BATCH_SECONDS = 1 / 30  # steps faster than this reach the window together


class _Runner:
    """The thread's side of a job: plain Python, so that no Qt object is ever touched, or let go, on the thread."""

    def __init__(self, work: Work, wake: Callable[[], None]) -> None:
        self.stop = Stop()
        self._work, self._wake = work, wake
        self._lock = threading.Lock()
        self._steps: list[Any] = []
        self._outcome: tuple[str, Any] | None = None
        self._is_waking = False

    def run(self) -> None:
        try:
            result = self._work(self.stop)
            if isinstance(result, Generator):
                result = self._drain(result)
            self._tell(("done", result))
        except FreeholdError as error:
            self._tell(("failed", error))
        except Exception as error:  # noqa: BLE001 - the drain: a bug in a flow must not take the window with it
            _log.exception("a flow failed")
            self._tell(("failed", _bug(error)))

    @property
    def has_ended(self) -> bool:
        return self._outcome is not None

    def take(self) -> tuple[list[Any], tuple[str, Any] | None]:
        """The steps since the last time, and the outcome once there is one."""
        with self._lock:
            steps, self._steps = self._steps, []
            self._is_waking = False
            return steps, self._outcome

    def _drain(self, steps: Generator[Any, None, Any]) -> Any:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            with self._lock:
                self._steps.append(step)
                must_wake, self._is_waking = not self._is_waking, True
            if must_wake:
                self._wake()

    def _tell(self, outcome: tuple[str, Any]) -> None:
        with self._lock:
            self._outcome = outcome
        self._wake()


class Job(QObject):
    """One piece of background work, as the window sees it. All signals come in the window's thread.

    `stepped` carries the list of steps since the last time, at most thirty times a second; `done` the result;
    `ended` comes after either outcome.
    """

    stepped = Signal(list)
    done = Signal(object)
    failed = Signal(object)
    ended = Signal()

    def __init__(self, work: Work, words: str, wake: Callable[[], None]) -> None:
        super().__init__()
        self.words = words
        self._runner = _Runner(work, wake)
        self._is_over = False
        self._delivered = 0.0
        self._thread = threading.Thread(target=self._runner.run, name=f"job: {words or 'work'}", daemon=True)

    @property
    def stop(self) -> Stop:
        return self._runner.stop

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait for the thread, `seconds` at most."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def wake(self) -> None:
        """There is news: deliver it now, or when the last delivery is long enough ago."""
        rest = BATCH_SECONDS - (time.monotonic() - self._delivered)
        if rest <= 0 or self._runner.has_ended:
            self._deliver()
        else:
            QTimer.singleShot(max(1, round(rest * 1000)), self, self._deliver)

    def abandon(self) -> None:
        """Stop, and deliver nothing more."""
        self._is_over = True
        self.stop.set()

    def _deliver(self) -> None:
        if self._is_over:
            return
        self._delivered = time.monotonic()
        steps, outcome = self._runner.take()
        if steps:
            self.stepped.emit(steps)
        if outcome is None or self._is_over:
            return
        self._is_over = True
        kind, value = outcome
        (self.done if kind == "done" else self.failed).emit(value)
        self.ended.emit()


class Bridge(QObject):
    """Starts jobs and keeps them until they end. A failure that nobody handles comes out of `unhandled`."""

    unhandled = Signal(object)
    busy_changed = Signal(list)
    _news = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._jobs: dict[int, Job] = {}
        self._abandoned: list[Job] = []
        self._numbers = itertools.count()
        self._lanes: dict[str, deque[Job]] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        # Queued: emitted on the jobs' threads, received on ours. The one object that threads know lives longest.
        self._news.connect(self._wake, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Work,
        *,
        steps: Callable[[list[Any]], None] | None = None,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[FreeholdError], None] | None = None,
        words: str = "",
        lane: str = "",
    ) -> Job:
        """Start `work`; jobs of one `lane` run one after the other. `words` tells the status line what is going on."""
        number = next(self._numbers)
        job = Job(work, words, partial(self._tell_news, number))
        if steps is not None:
            job.stepped.connect(steps)
        if done is not None:
            job.done.connect(done)
        job.failed.connect(failed if failed is not None else self.unhandled.emit)
        job.ended.connect(partial(self._forget, number, lane))
        self._jobs[number] = job
        if self._may_start(job, lane):
            job.start()
        self._tell_busy(job)
        return job

    def call(self, work: Callable[[], Any], done: Callable[[Any], None] | None = None, *, lane: str = "") -> Job:
        """Run a plain function; a failure goes the usual way."""
        return self.run(lambda _stop: work(), done=done, lane=lane)

    @property
    def is_busy(self) -> bool:
        """Whether work with words, which a person waits for, is going on."""
        return any(job.words for job in self._jobs.values())

    def close(self, seconds: float = 3.0) -> None:
        """Stop everything and wait `seconds` at most, all jobs together."""
        end = time.monotonic() + seconds
        with self._lock:
            self._is_closed = True
        self._abandoned, self._jobs = list(self._jobs.values()), {}
        self._lanes.clear()
        for job in self._abandoned:
            job.abandon()
        for job in self._abandoned:
            job.join(max(0.0, end - time.monotonic()))

    def _tell_news(self, number: int) -> None:
        """Runs on a job's thread."""
        with self._lock:
            if not self._is_closed:
                self._news.emit(number)

    def _wake(self, number: int) -> None:
        if number in self._jobs:
            self._jobs[number].wake()

    def _may_start(self, job: Job, lane: str) -> bool:
        if not lane:
            return True
        queue = self._lanes.setdefault(lane, deque())
        queue.append(job)
        return len(queue) == 1

    def _forget(self, number: int, lane: str) -> None:
        job = self._jobs.pop(number, None)
        if job is None:
            return
        self._tell_busy(job)
        queue = self._lanes.get(lane)
        if queue:
            queue.popleft()
            if queue:
                queue[0].start()
            else:
                del self._lanes[lane]
        job.deleteLater()

    def _tell_busy(self, job: Job) -> None:
        if job.words:
            self.busy_changed.emit([one.words for one in self._jobs.values() if one.words])


def _bug(error: Exception) -> FreeholdError:
    """A bug's type and place, without its message, which may quote user words."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else "?"
    return FreeholdError(
        f"{type(error).__name__} at {where}", advice="This is a bug in Freehold. What was saved is safe."
    )
