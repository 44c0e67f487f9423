"""Background work reaches the window in its own thread, in batches, in order, and failures are never lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from freehold.desktop.bridge import Bridge
from freehold.foundation.errors import DiskFull, FreeholdError
from freehold.foundation.stop import Stop

pytest_plugins = ("support.qt",)


def counting(stop: Stop) -> Iterator[int]:
    for number in range(5000):
        if stop.is_set():
            return number
        yield number
    return 5000


def test_every_step_arrives_once_in_order_in_the_windows_thread(qt):
    bridge, batches, results, threads = Bridge(), [], [], set()

    def take(steps: list[int]) -> None:
        threads.add(threading.current_thread())
        batches.append(steps)

    bridge.run(counting, steps=take, done=results.append)
    qt.until(lambda: results)
    assert [number for batch in batches for number in batch] == list(range(5000))
    assert results == [5000]
    assert threads == {threading.main_thread()}
    assert len(batches) < 500


def test_a_plain_function_gives_its_result(qt):
    bridge, results = Bridge(), []
    bridge.call(lambda: 7, results.append)
    qt.until(lambda: results)
    assert results == [7]


def test_a_failure_that_nobody_handles_is_told(qt):
    bridge, told = Bridge(), []
    bridge.unhandled.connect(told.append)

    def fill_the_disk() -> None:
        raise DiskFull("vault.db")

    bridge.call(fill_the_disk)
    qt.until(lambda: told)
    assert [error.code for error in told] == ["disk-full"]


def test_a_handled_failure_is_told_once_and_only_there(qt):
    bridge, here, elsewhere = Bridge(), [], []
    bridge.unhandled.connect(elsewhere.append)

    def work(_stop: Stop) -> Iterator[str]:
        yield "one"
        raise DiskFull

    steps: list[str] = []
    bridge.run(work, steps=steps.extend, failed=here.append)
    qt.until(lambda: here)
    assert steps == ["one"]
    assert [error.code for error in here] == ["disk-full"]
    assert not elsewhere


def test_a_bug_in_a_flow_becomes_words_without_its_message(qt):
    bridge, told = Bridge(), []

    def broken() -> None:
        raise ValueError("what the user wrote")

    bridge.unhandled.connect(told.append)
    bridge.call(broken)
    qt.until(lambda: told)
    assert isinstance(told[0], FreeholdError)
    assert "ValueError" in told[0].detail
    assert "what the user wrote" not in str(told[0].to_wire())


def test_stop_reaches_the_flow(qt):
    bridge, results = Bridge(), []

    def waiting(stop: Stop) -> str:
        stop.wait(20)
        return "stopped" if stop.is_set() else "never"

    job = bridge.run(waiting, done=results.append)
    job.stop.set()
    qt.until(lambda: results)
    assert results == ["stopped"]


def test_jobs_of_one_lane_run_one_after_the_other_in_order(qt):
    bridge, log = Bridge(), []
    gate = threading.Event()

    def first() -> None:
        gate.wait(20)
        log.append("first")

    bridge.call(first, lane="draft")
    bridge.call(lambda: log.append("second"), lane="draft")
    other: list[int] = []
    bridge.call(lambda: 1, other.append)
    qt.until(lambda: other)  # another lane is not held up
    assert log == []
    gate.set()
    qt.until(lambda: len(log) == 2)
    assert log == ["first", "second"]


def test_a_failure_does_not_block_its_lane(qt):
    bridge, log = Bridge(), []

    def fail() -> None:
        raise DiskFull

    bridge.run(lambda _stop: fail(), failed=lambda _error: None, lane="draft")
    bridge.call(lambda: log.append("next"), lane="draft")
    qt.until(lambda: log)


def test_what_is_going_on_is_told_in_words(qt):
    bridge, told = Bridge(), []
    bridge.busy_changed.connect(lambda words: told.append(list(words)))
    gate = threading.Event()
    bridge.run(lambda _stop: gate.wait(20), words="Exporting chats")
    assert told == [["Exporting chats"]]
    assert bridge.is_busy
    gate.set()
    qt.until(lambda: len(told) == 2)
    assert told[-1] == []
    assert not bridge.is_busy


def test_closing_stops_what_runs_and_delivers_nothing_more(qt):
    bridge, results = Bridge(), []
    bridge.run(lambda stop: stop.wait(20), done=results.append)
    bridge.close()
    qt.spin(0.05)
    assert results == []


def test_twenty_thousand_signals_leave_python_alive(qt):
    """PySide6 6.12.0 gives back a reference to True with each emit; see references.py."""
    bridge = Bridge()
    for _ in range(20_000):
        bridge.busy_changed.emit([])
    assert True is not None
