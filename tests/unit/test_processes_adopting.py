"""A worker that outlives the program that started it: real processes, a real exec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.foundation.errors import WorkerStopped
from freehold.processes.link import Link
from freehold.processes.process import Running
from support.workers import is_alive, wait_until, worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="exec")

TESTS = Path(__file__).resolve().parents[1]

# Started twice: the second time in the place of the first.
PROGRAM = """
import json, os, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from freehold.processes.link import Link
from freehold.processes.replacing import Handed, take, _pipe_with
from support.workers import worker

link = Link("test", worker(Path({scratch!r})))
if len(sys.argv) == 1:
    assert link.call("add", left=1, right=2) == 3
    pid = link.pid
    handed = Handed(gateway=link.hand_over())
    assert not link.is_running
    os.execv(sys.executable, [sys.executable, __file__, str(_pipe_with(handed)), str(pid)])
handed = take(sys.argv[1])
assert link.adopt(handed.gateway)
print(json.dumps({{"pid": link.pid, "was": int(sys.argv[2]), "answer": link.call("add", left=3, right=4)}}), flush=True)
{then}
"""


def run(tmp_path: Path, then: str) -> subprocess.CompletedProcess[str]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.format(tests=str(TESTS), scratch=str(tmp_path), then=then))
    return subprocess.run([sys.executable, str(program)], check=True, capture_output=True, text=True, timeout=60)


def test_a_worker_goes_on_answering_the_program_that_took_its_starter_s_place(tmp_path):
    said = json.loads(run(tmp_path, "link.end()").stdout)
    assert said["answer"] == 7
    assert said["pid"] == said["was"]


def test_an_adopted_worker_leaves_with_the_program_that_adopted_it(tmp_path):
    said = json.loads(run(tmp_path, "os._exit(0)").stdout)
    wait_until(lambda: not is_alive(said["pid"]))


def test_an_adopted_worker_that_dies_tells_how(tmp_path):
    then = """
from freehold.foundation.errors import WorkerStopped
try:
    link.call("die_of", number=9)
except WorkerStopped as error:
    print(error.detail)
"""
    assert "ended by SIGKILL" in run(tmp_path, then).stdout


def test_a_worker_that_is_in_the_middle_of_something_is_ended_rather_than_handed_over(tmp_path):
    link = Link("test", worker(tmp_path))
    parts = link.stream("say_and_sleep", lines=["begun"], seconds=30.0)
    next(parts)
    pid = link.pid
    assert link.hand_over(seconds=0.1) is None
    assert pid is not None
    assert not is_alive(pid)
    with pytest.raises(WorkerStopped):
        list(parts)


def test_a_link_without_a_worker_hands_over_none(tmp_path):
    assert Link("test", worker(tmp_path)).hand_over() is None


def test_a_worker_of_another_build_is_not_adopted_and_leaves(tmp_path):
    first, second = Link("test", worker(tmp_path)), Link("test", worker(tmp_path))
    first.call("echo", value=1)
    running = first.hand_over()
    assert running is not None
    handles = [os.dup(one) for one in (running.stdin, running.stdout, running.stderr)]
    assert not second.adopt(Running(running.pid, *handles, version="0.0.0"))
    assert not second.is_running
    assert not is_alive(running.pid)


def test_handles_that_are_none_are_not_adopted(tmp_path):
    assert not Link("test", worker(tmp_path)).adopt(Running(os.getpid(), 990, 991, 992, "0.0.0"))
