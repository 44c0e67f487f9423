"""Link and serve over real child processes: results, parts, stops, refusals."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from freehold.foundation.errors import BadRequest, DiskFull, WorkerStopped
from freehold.foundation.stop import Stop
from freehold.processes.frames import MOST_BYTES, JunkOnPipe
from freehold.processes.link import Link, WorkerBug
from support.workers import is_alive, wait_until, worker


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    link = Link("test", worker(tmp_path))
    yield link
    link.kill()


def drain(parts):
    """The parts and the result."""
    found = []
    while True:
        try:
            found.append(next(parts))
        except StopIteration as end:
            return found, end.value


def test_an_op_returns_its_result(link):
    assert link.call("add", left=2, right=3) == 5


def test_the_worker_starts_with_the_first_request_and_stays(link):
    assert not link.is_running
    assert link.pid is None
    link.call("echo", value=1)
    first = link.pid
    link.call("echo", value=2)
    assert link.is_running
    assert link.pid == first


def test_parts_come_one_by_one_and_the_result_last(link):
    assert drain(link.stream("count_to", last=3)) == ([0, 1, 2], "counted")


def test_a_call_drops_the_parts_and_returns_the_result(link):
    assert link.call("count_to", last=3) == "counted"


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        -1,
        2**63,
        1.5,
        "",
        "line\nbreak\r\n",
        "\x00\x1f",
        "\u2028\u2029",
        "a\ud800b",
        "🦊",
        [],
        {"a": [1, {}]},
    ],
)
def test_every_json_value_survives_the_pipe_both_ways(link, value):
    assert link.call("echo", value=value) == value


def test_a_megabyte_of_text_survives_the_pipe_both_ways(link):
    text = "Grüße 🦊 " * 100_000
    assert link.call("echo", value=text) == text


def test_a_stop_set_beforehand_starts_neither_op_nor_worker(link, tmp_path):
    stop = Stop()
    stop.set()
    assert link.call("leave_mark", path=str(tmp_path / "mark"), stop=stop) is None
    assert not link.is_running
    assert not (tmp_path / "mark").exists()


def test_a_stop_during_an_op_ends_it_and_its_own_result_comes(link):
    stop = Stop()
    parts = link.stream("count_for_ever", stop=stop)
    assert next(parts) == 0
    stop.set()
    assert drain(parts)[1] == "stopped"
    assert link.call("add", left=1, right=1) == 2


def test_an_op_stopped_while_it_waits_its_turn_never_starts(link, tmp_path):
    busy = link.stream("count_for_ever", stop=Stop())
    assert next(busy) == 0
    stop, results = Stop(), []
    waiting = threading.Thread(
        target=lambda: results.append(link.call("leave_mark", path=str(tmp_path / "mark"), stop=stop))
    )
    waiting.start()
    time.sleep(0.05)
    stop.set()
    waiting.join(10)
    assert results == [None]
    assert next(busy) > 0  # the first op still runs
    busy.close()
    assert link.call("add", left=1, right=1) == 2
    assert not (tmp_path / "mark").exists()


def test_closing_the_generator_early_stops_the_op(link):
    pid = link.call("echo", value=1) and link.pid
    parts = link.stream("count_for_ever")
    next(parts)
    parts.close()
    assert link.call("add", left=1, right=1) == 2
    assert link.pid == pid


def test_a_generator_that_takes_no_stop_is_closed_between_two_parts(link, tmp_path):
    mark = tmp_path / "mark"
    parts = link.stream("count_without_stop", mark=str(mark))
    next(parts)
    parts.close()
    assert link.call("add", left=1, right=1) == 2
    assert mark.read_text() == "closed"


def test_a_stop_ends_a_generator_that_takes_none_with_no_result(link, tmp_path):
    stop = Stop()
    parts = link.stream("count_without_stop", mark=str(tmp_path / "mark"), stop=stop)
    next(parts)
    stop.set()
    assert drain(parts)[1] is None


def test_a_stop_after_the_end_does_nothing(link):
    stop = Stop()
    assert link.call("add", left=1, right=2, stop=stop) == 3
    stop.set()
    assert link.call("add", left=2, right=2) == 4


def test_known_failures_cross_with_class_code_detail_and_advice(link):
    with pytest.raises(DiskFull) as caught:
        link.call("disk_full", detail="no room for the answer", advice="Free 12 MB.")
    assert caught.value.to_wire() == {
        "code": "disk-full",
        "title": "The disk is full",
        "advice": "Free 12 MB.",
        "detail": "no room for the answer",
    }


def test_a_bug_is_told_by_type_and_place_never_by_its_message(link):
    with pytest.raises(WorkerBug) as caught:
        link.call("bug", secret="my diary")
    assert "ValueError at workers.py:" in str(caught.value)
    assert "diary" not in str(caught.value)
    assert link.call("add", left=1, right=1) == 2


@pytest.mark.parametrize("op", ["not_json", "part_not_json"])
def test_a_result_that_is_no_json_is_a_bug_of_the_worker_which_lives_on(link, op):
    with pytest.raises(WorkerBug, match="JunkOnPipe"):
        link.call(op)
    assert link.call("add", left=1, right=1) == 2


@pytest.mark.parametrize(
    ("op", "args", "words"),
    [
        ("nonsense", {}, "unknown op 'nonsense'"),
        ("add", {"left": 1}, "right is missing"),
        ("add", {"left": 1, "right": 2, "more": 3}, "unknown field 'more'"),
        ("add", {"left": "1", "right": 2}, "left is not int"),
        ("add", {"left": True, "right": 2}, "left is not int"),
        ("add", {"left": 1.0, "right": 2}, "left is not int"),
        ("typed", {"share": "much"}, "share is not float"),
        ("typed", {"share": True}, "share is not float"),
        ("typed", {"words": None}, "words is not str"),
        ("typed", {"flag": 1}, "flag is not bool"),
        ("typed", {"names": ["a", 1]}, "names is not"),
        ("typed", {"names": "a"}, "names is not"),
        ("typed", {"kind": "c"}, "kind is not"),
    ],
)
def test_unknown_missing_and_mistyped_fields_are_refused_in_words(link, op, args, words):
    with pytest.raises(BadRequest, match=words):
        link.call(op, **args)


def test_well_typed_fields_are_taken(link):
    fields = {"count": 3, "share": 1, "words": "w", "flag": True, "names": ["a"], "kind": "b"}
    assert link.call("typed", **fields) == "fine"
    assert link.call("typed", names=None) == "fine"


def test_arguments_that_cannot_travel_are_refused_before_anything_is_sent(link):
    for value in (object(), float("nan"), "x" * MOST_BYTES):
        with pytest.raises(JunkOnPipe):
            link.call("echo", value=value)
    assert link.call("echo", value=1) == 1


def test_a_result_longer_than_a_frame_may_be_is_a_bug_and_the_worker_lives_on(link):
    pid = link.call("echo", value=1) and link.pid
    with pytest.raises(WorkerBug):
        link.call("too_long", length=MOST_BYTES)
    assert link.pid == pid


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(link):
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda n: link.call("add", left=n, right=n), range(300)))
    assert results == [2 * n for n in range(300)]


def test_many_threads_start_the_worker_once(tmp_path):
    starts, start = [], worker(tmp_path)

    def counted():
        starts.append(1)
        return start()

    link = Link("test", counted)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: link.call("echo", value=7), range(8))) == {7}
    link.kill()
    assert len(starts) == 1


def test_parts_of_one_caller_never_reach_another(link):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: drain(link.stream("count_to", last=n)), range(40)))
    assert results == [(list(range(n)), "counted") for n in range(40)]


def test_what_anybody_prints_in_the_worker_stays_off_the_pipe(link):
    assert link.call("print_everywhere") == ""  # and a library that reads stdin reads nothing


def test_end_lets_the_worker_leave_by_itself(link, tmp_path):
    link.call("echo", value=1)
    pid = link.pid
    link.end(10)
    assert not is_alive(pid)
    assert (tmp_path / "left").exists()
    assert not link.is_running


def test_kill_ends_it_at_once_and_the_next_request_starts_another(link, tmp_path):
    link.call("echo", value=1)
    pid = link.pid
    link.kill()
    assert not is_alive(pid)
    assert not (tmp_path / "left").exists()
    assert link.call("echo", value=2) == 2
    assert link.pid != pid


def test_an_end_that_was_asked_for_is_no_death_to_tell_of(tmp_path):
    told = []
    link = Link("test", worker(tmp_path), died=told.append)
    for _ in range(5):
        link.call("echo", value=1)
        link.kill()
    time.sleep(0.1)
    assert told == []


def test_whoever_waits_while_the_worker_is_ended_is_told(link):
    errors = []

    def ask():
        try:
            link.call("sleep", seconds=60.0)
        except WorkerStopped as error:
            errors.append(error)

    link.call("echo", value=1)
    asker = threading.Thread(target=ask)
    asker.start()
    time.sleep(0.1)
    link.kill()
    asker.join(10)
    assert len(errors) == 1


def test_the_worker_knows_nothing_of_home_session_secrets_or_proxies(tmp_path, monkeypatch):
    for name in ("HOME", "USER", "HTTPS_PROXY", "http_proxy", "HF_TOKEN", "FREEHOLD_PASSPHRASE", "SSH_AUTH_SOCK"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("LD_PRELOAD", "")
    link = Link("test", worker(tmp_path))
    known = link.call("environment")
    link.kill()
    assert "secret" not in known.values()
    assert not known.keys() & {"HOME", "PYTHONPATH", "LD_PRELOAD", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY"}
    assert known["TMPDIR"] == str(tmp_path)
    assert known["HF_HUB_OFFLINE"] == "1"


def test_the_worker_dumps_no_core_and_leaves_ctrl_c_to_the_app(link, tmp_path):
    about = link.call("about")
    assert about == {
        "cwd": os.path.realpath(tmp_path),
        "core": [0, 0],
        "dumpable": 0,
        "session": True,
        "interrupt": True,
    }


def test_a_program_that_is_not_there_is_told_in_words(tmp_path):
    from freehold.processes.spawn import spawn

    link = Link("test", lambda: spawn([str(tmp_path / "gone")], tmp_path))
    with pytest.raises(WorkerStopped, match="gone could not be started: No such file"):
        link.call("echo", value=1)


def test_a_bug_in_a_worker_s_thread_is_in_the_last_words_without_its_message(tmp_path):
    told: list[WorkerStopped] = []
    link = Link("test", worker(tmp_path), died=told.append)
    assert link.call("bug_in_a_thread", secret="my diary") == "survived"
    with pytest.raises(WorkerStopped) as caught:
        link.call("exit_with", code=3, words="bye")
    assert "ValueError at workers.py" in caught.value.detail
    assert "diary" not in caught.value.detail
    wait_until(lambda: told)


# Ops that may run side by side


def test_ops_that_may_run_together_do(link):
    streams = [link.stream("count_beside", stop=Stop()) for _ in range(3)]
    for stream in streams:
        assert next(stream) == 0
    assert link.call("add_beside", left=2, right=3) == 5
    assert link.call("add", left=2, right=3) == 5
    for stream in streams:
        assert next(stream) == 1
        stream.close()
    assert link.call("add", left=1, right=1) == 2


def test_one_that_may_does_not_wait_for_one_that_may_not(link):
    busy = link.stream("count_for_ever", stop=Stop())
    assert next(busy) == 0
    assert link.call("add_beside", left=1, right=1) == 2
    busy.close()


def test_a_stop_reaches_the_one_it_is_meant_for(link):
    stop = Stop()
    stopped, other = link.stream("count_beside", stop=stop), link.stream("count_beside", stop=Stop())
    assert (next(stopped), next(other)) == (0, 0)
    stop.set()
    assert drain(stopped)[1] == "stopped"
    assert next(other) == 1
    other.close()


def test_a_bug_in_one_leaves_the_others_alone(link):
    stream = link.stream("count_beside", stop=Stop())
    assert next(stream) == 0
    with pytest.raises(WorkerBug, match="ValueError"):
        link.call("bug_beside", secret="what the user wrote")
    assert next(stream) == 1
    stream.close()


def test_a_worker_leaves_by_itself_when_those_that_ran_together_have_ended(link, tmp_path):
    stream = link.stream("count_beside", stop=Stop())
    assert next(stream) == 0
    link.end()
    assert (tmp_path / "left").exists()


def test_one_that_does_not_hear_its_stop_keeps_no_worker_alive(link, tmp_path):
    with ThreadPoolExecutor(1) as threads:
        sleeper = threads.submit(link.call, "sleep_beside", seconds=60.0)
        wait_until(lambda: link.pid)
        link.call("add", left=1, right=1)
        pid = link.pid
        link.end(10.0)
        assert isinstance(sleeper.exception(), WorkerStopped)
    assert not is_alive(pid)
    assert not (tmp_path / "left").exists()
