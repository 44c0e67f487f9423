"""What a worker can do wrong, and what its asker is told: death, silence, deafness, junk, floods."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from freehold import __version__
from freehold.foundation.errors import WorkerSilent, WorkerStopped
from freehold.foundation.stop import Stop
from freehold.processes import child as child_module
from freehold.processes.link import CRASHES_ALLOWED, Link
from support.workers import is_alive, program, wait_until, worker

# A worker written by hand: says hello, reads one request, then does what each test appends.
HELLO = f"""
import json, os, sys, time
def say(text):
    data = text.encode()
    while data:
        data = data[os.write(1, data):]
say(json.dumps({{"hello": "test", "version": "{__version__}", "pid": os.getpid()}}) + "\\n")
asked = json.loads(sys.stdin.readline())
"""


@pytest.fixture
def link(tmp_path: Path) -> Iterator[Link]:
    link = Link("test", worker(tmp_path), deaf=0.8)
    yield link
    link.kill()


@pytest.fixture
def misbehaving(tmp_path: Path) -> Iterator:
    links = []

    def start(source: str, **limits: float) -> Link:
        links.append(Link("test", program(source, tmp_path), **limits))
        return links[-1]

    yield start
    for link in links:
        link.kill()


def test_a_death_is_told_with_exit_code_and_last_words(link):
    with pytest.raises(WorkerStopped, match=r"test: exit code 7\nthe tokenizer is missing"):
        link.call("exit_with", code=7, words="the tokenizer is missing\n")


def test_a_signal_is_told_by_its_name(link):
    with pytest.raises(WorkerStopped, match="ended by SIGTERM"):
        link.call("die_of", number=int(signal.SIGTERM))


def test_a_signal_without_a_name_is_told_by_its_number(link):
    number = signal.SIGRTMIN + 5
    with pytest.raises(WorkerStopped, match=f"ended by signal {number}"):
        link.call("die_of", number=int(number))


def test_a_crash_in_native_code_is_told_with_the_python_line_it_came_from(link):
    with pytest.raises(WorkerStopped, match="SIGSEGV") as caught:
        link.call("crash_natively")
    assert "in crash_natively" in caught.value.detail


def test_only_the_end_of_very_many_last_words_is_kept(link):
    with pytest.raises(WorkerStopped) as caught:
        link.call("exit_with", code=1, words="chatter\n" * 30_000 + "the reason\n")
    assert caught.value.detail.endswith("the reason")
    assert len(caught.value.detail) < 2_100


def test_the_next_request_after_a_death_starts_another_worker(link):
    with pytest.raises(WorkerStopped):
        link.call("exit_with", code=1, words="")
    assert link.call("add", left=1, right=1) == 2


def test_all_who_wait_are_told_of_a_death(link):
    link.call("echo", value=1)
    errors = []

    def ask():
        try:
            link.call("sleep", seconds=60.0)
        except WorkerStopped as error:
            errors.append(error)

    askers = [threading.Thread(target=ask) for _ in range(5)]
    for asker in askers:
        asker.start()
    time.sleep(0.1)
    os.kill(link.pid, signal.SIGKILL)
    for asker in askers:
        asker.join(10)
    assert len(errors) == 5
    assert len({id(error) for error in errors}) == 5  # one exception must not be raised in five threads


def test_the_owner_is_told_of_a_death_once_and_may_use_the_link_in_return(tmp_path):
    told, again = [], []

    def died(error):
        told.append(str(error))
        again.append(link.call("add", left=1, right=1))

    link = Link("test", worker(tmp_path), died=died)
    with pytest.raises(WorkerStopped):
        link.call("exit_with", code=1, words="")
    wait_until(lambda: again)
    assert again == [2]
    assert told == ["test: exit code 1"]
    link.kill()


def test_the_owner_may_hold_its_own_lock_while_it_waits_for_an_answer(tmp_path):
    lock = threading.Lock()

    def died(_error):
        with lock:
            pass

    link = Link("test", worker(tmp_path), died=died)
    with lock, pytest.raises(WorkerStopped):
        link.call("exit_with", code=1, words="")


def test_after_three_crashes_a_start_is_refused_with_the_seconds_to_wait(link):
    for _ in range(CRASHES_ALLOWED):
        with pytest.raises(WorkerStopped, match="exit code 1"):
            link.call("exit_with", code=1, words="")
    with pytest.raises(WorkerStopped, match="stopped 3 times in a minute") as caught:
        link.call("add", left=1, right=1)
    assert caught.value.next_step.startswith("Wait ")
    assert not link.is_running


def test_a_death_at_start_is_told_and_counts_as_a_crash(misbehaving):
    link = misbehaving("import sys; sys.exit('no library')")
    for _ in range(CRASHES_ALLOWED):
        with pytest.raises(WorkerStopped, match=r"exit code 1\nno library"):
            link.call("echo", value=1)
    with pytest.raises(WorkerStopped, match="3 times"):
        link.call("echo", value=1)


def test_a_worker_that_never_says_hello_is_given_up(misbehaving):
    link = misbehaving("import time; time.sleep(600)", starting=0.3)
    with pytest.raises(WorkerSilent, match="did not start within"):
        link.call("echo", value=1)
    assert not link.is_running


def test_a_start_can_be_ended_from_another_thread(misbehaving):
    link = misbehaving("import time; time.sleep(600)")
    threading.Timer(0.3, link.kill).start()
    with pytest.raises(WorkerStopped):
        link.call("echo", value=1)


def test_a_start_that_ctrl_c_broke_off_leaves_no_half_started_worker(misbehaving):
    link = misbehaving("import time; time.sleep(600)")
    ctrl_c = threading.Timer(0.5, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    ctrl_c.start()
    with pytest.raises(KeyboardInterrupt):
        link.call("echo", value=1)
    assert not link.is_running


@pytest.mark.parametrize(
    "hello", ['{"hello": "test", "version": "0.0.0"}', '{"hello": "other", "version": "' + __version__ + '"}', "{}"]
)
def test_a_worker_of_another_version_or_name_is_not_talked_to(misbehaving, hello):
    link = misbehaving(f"import time; print('''{hello}''', flush=True); time.sleep(600)")
    with pytest.raises(WorkerStopped, match="another version"):
        link.call("echo", value=1)
    assert not link.is_running


def test_silence_beyond_the_limit_ends_the_worker(tmp_path):
    link = Link("test", worker(tmp_path), silence=0.4)
    link.call("echo", value=1, silence=30.0)
    pid = link.pid
    with pytest.raises(WorkerSilent, match="said nothing"):
        link.call("sleep", seconds=60.0)
    assert not is_alive(pid)


def test_one_request_may_have_more_patience_than_the_link(tmp_path):
    link = Link("test", worker(tmp_path), silence=0.2)
    assert link.call("sleep", seconds=0.6, silence=30.0) == "slept"
    link.kill()


def test_a_request_that_waits_behind_a_talking_one_is_not_in_silence(tmp_path):
    link = Link("test", worker(tmp_path), silence=1.0)
    stop = Stop()
    busy = link.stream("count_for_ever", stop=stop)
    next(busy)
    threading.Timer(2.0, stop.set).start()
    assert link.call("add", left=1, right=1) == 2
    busy.close()
    link.kill()


def test_a_slow_reader_of_parts_is_not_mistaken_for_a_silent_worker(tmp_path):
    link = Link("test", worker(tmp_path), silence=1.0)
    parts = link.stream("count_to", last=5)
    assert next(parts) == 0
    time.sleep(1.5)
    assert list(parts) == [1, 2, 3, 4]
    link.kill()


def test_silent_deaths_are_told_to_the_owner_but_do_not_count_as_crashes(tmp_path):
    told = []
    link = Link("test", worker(tmp_path), silence=0.2, died=told.append)
    for _ in range(CRASHES_ALLOWED + 1):
        with pytest.raises(WorkerSilent):
            link.call("sleep", seconds=60.0)
    wait_until(lambda: len(told) == CRASHES_ALLOWED + 1)
    link.kill()


@pytest.mark.parametrize("op", ["sleep", "chatter_deaf", "sleep_in_native_code"])
def test_a_worker_that_ignores_a_stop_is_ended_even_when_it_talks_on(link, op):
    link.call("echo", value=1)
    pid, stop = link.pid, Stop()
    threading.Timer(0.2, stop.set).start()
    args = {} if op == "chatter_deaf" else {"seconds": 60}
    with pytest.raises(WorkerSilent, match="did not stop when asked"):
        link.call(op, stop=stop, **args)
    wait_until(lambda: not is_alive(pid))
    assert link.call("add", left=1, right=1) == 2


def test_an_answer_that_ended_in_time_is_kept_however_late_it_is_read(link):
    stop = Stop()
    parts = link.stream("count_for_ever", stop=stop)
    next(parts)
    stop.set()
    time.sleep(1.2)  # longer than a deaf worker is given
    assert all(isinstance(part, int) for part in parts)
    assert link.call("add", left=1, right=1) == 2


def test_an_abandoned_request_that_ignores_its_stop_is_ended_too(link):
    parts = link.stream("chatter_deaf")
    next(parts)
    pid = link.pid
    parts.close()
    wait_until(lambda: not is_alive(pid))
    assert link.call("add", left=1, right=1) == 2


def test_a_worker_that_reads_nothing_blocks_neither_askers_nor_stops(misbehaving):
    link = misbehaving(HELLO + "time.sleep(600)", deaf=0.3)
    stop = Stop()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(WorkerSilent):
        link.call("echo", value="x" * 5_000_000, stop=stop)  # more than any pipe holds


def test_ending_a_worker_that_reads_nothing_does_not_hang(misbehaving):
    link = misbehaving(HELLO + "time.sleep(600)", silence=600.0)

    def ask():
        with pytest.raises(WorkerStopped):
            link.call("echo", value="x" * 5_000_000)

    asker = threading.Thread(target=ask)
    asker.start()
    wait_until(lambda: link.is_running)
    time.sleep(0.2)
    link.end(0.2)
    asker.join(10)
    assert not asker.is_alive()


@pytest.mark.parametrize(
    "junk",
    [
        "say('Traceback: oops\\n')",
        "say('\\x00\\xff' * 5000 + '\\n')",
        "say('[1, 2]\\n')",
        "say('\"text\"\\n')",
        "say('[' * 100000 + '\\n')",
        "say('{\"id\": 1}\\n')",
        'say(\'{"id": [1], "done": 1}\\n\')',
        'say(\'{"id": "1", "done": 1}\\n\')',
        "say('{\"done\": 1}\\n')",
        'say(\'{"id": 1, "done": NaN}\\n\')',
        "say('{\"id\": 1, \"done\": ' + '9' * 6000 + '}\\n')",
        'os.write(1, b\'{"id": 1, "done": "\\xc3\\x28"}\\n\')',
        "say('\\n')",
    ],
)
def test_junk_on_the_pipe_ends_the_worker_in_words(misbehaving, junk):
    link = misbehaving(HELLO + junk + "\ntime.sleep(600)")
    with pytest.raises(WorkerStopped, match="junk on its pipe"):
        link.call("echo", value=1)


def test_answers_to_nobody_are_dropped(misbehaving):
    link = misbehaving(HELLO + 'say(\'{"id": 999, "done": 1}\\n{"id": 1, "done": 2}\\n\'); time.sleep(600)')
    assert link.call("echo", value=1) == 2


def test_half_a_line_and_then_death_is_a_death(misbehaving):
    link = misbehaving(HELLO + 'say(\'{"id": 1, "do\'); os._exit(9)')
    with pytest.raises(WorkerStopped, match="exit code 9"):
        link.call("echo", value=1)


def test_a_line_longer_than_a_frame_may_be_ends_the_worker(misbehaving):
    link = misbehaving(HELLO + "say('x' * (65 * 1024 * 1024)); time.sleep(600)")
    with pytest.raises(WorkerStopped, match="longer than"):
        link.call("echo", value=1)


def test_a_flood_of_parts_that_nobody_reads_ends_the_worker(misbehaving):
    flood = 'while True: say(\'{"id": 1, "part": 0}\\n\' * 1000)'
    link = misbehaving(HELLO + flood)
    parts = link.stream("echo", value=1)
    next(parts)
    wait_until(lambda: not link.is_running, 60)
    taken = 0
    with pytest.raises(WorkerStopped, match="nobody takes"):
        for _ in parts:
            taken += 1
    assert taken <= child_module.MOST_PENDING


def test_a_worker_that_closes_its_pipe_and_stays_is_helped_out(misbehaving):
    link = misbehaving(HELLO + "os.close(1); time.sleep(600)")
    with pytest.raises(WorkerStopped, match="SIGKILL"):
        link.call("echo", value=1)


def test_a_grandchild_that_keeps_the_error_pipe_open_delays_nobody(misbehaving, tmp_path):
    link = misbehaving(
        HELLO
        + """
import subprocess
grandchild = subprocess.Popen(["sleep", "60"], stdout=2, stdin=0)
with open("grandchild", "w") as file: file.write(str(grandchild.pid))
os._exit(4)
"""
    )
    with pytest.raises(WorkerStopped, match="exit code 4"):
        link.call("echo", value=1)
    grandchild = int((tmp_path / "grandchild").read_text())
    assert is_alive(grandchild)  # it was not waited for
    os.kill(grandchild, signal.SIGKILL)


PARENT = """
import sys, time
from pathlib import Path
from freehold.processes.link import Link
from support.workers import worker
link = Link("test", worker(Path(sys.argv[1])))
link.call("echo", value=1)
print(link.pid, flush=True)
{then}
time.sleep(600)
"""


@pytest.mark.parametrize(
    "then",
    [
        "",
        "link.call('sleep', seconds=60.0)",
        "link.call('sleep_in_native_code', seconds=60)",
        "link.call('chatter_deaf')",
    ],
    ids=["idle", "in an op", "in native code", "while talking"],
)
def test_no_worker_outlives_an_app_that_was_killed(tmp_path, then):
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(then=then), str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": tests},
    ) as parent:
        pid = int(parent.stdout.readline())
        time.sleep(0.2)
        assert is_alive(pid)
        parent.kill()
    wait_until(lambda: not is_alive(pid))


def test_work_that_was_asked_for_before_the_app_left_is_still_done_and_answered(tmp_path):
    link = Link("test", worker(tmp_path))
    busy = link.stream("say_and_sleep", lines=["busy"], seconds=0.2)
    assert next(busy) == "busy"
    results = []
    asker = threading.Thread(target=lambda: results.append(link.call("leave_mark", path=str(tmp_path / "mark"))))
    asker.start()
    wait_until(lambda: len(link._child._waiting) == 2)  # asked, and waiting its turn
    link.end(10)
    asker.join(10)
    assert results == ["ran"]
    assert (tmp_path / "mark").read_text() == "I ran"
    busy.close()
