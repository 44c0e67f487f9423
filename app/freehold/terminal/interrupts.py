"""Ctrl-C: as a wish to stop, and heard at a prompt."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from freehold.foundation.stop import Stop

_ALARM_SECONDS = 0.3


@contextmanager
def stops_on_interrupt(stop: Stop) -> Iterator[None]:
    """While inside, Ctrl-C sets `stop`, and a second one breaks off at once. Elsewhere than on the main thread, where
    a caller's own wish sets `stop`, nothing changes.

    The wish is passed to a thread of its own: `stop` takes locks, and a signal may arrive while this thread holds
    them. SimpleQueue.put is made for signal handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wishes: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def pass_on() -> None:
        while wishes.get():
            stop.set()

    pressed = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        wishes.put(True)

    listener = threading.Thread(target=pass_on, name="ctrl-c", daemon=True)
    listener.start()
    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        wishes.put(False)
        listener.join()


@contextmanager
def heard_at_a_prompt() -> Iterator[None]:
    """While inside, a Ctrl-C breaks off what is being typed even if it comes before anybody listens.

    A prompt is shown, and then readline waits in select(), getpass in read(). A signal between the two is noted and
    wakes nobody; an alarm does, a moment later, and then Python looks at what was noted.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _ALARM_SECONDS, _ALARM_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
