"""Identifiers, stops, errors and logs."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from freehold.foundation import ids
from freehold.foundation.errors import DiskFull, FreeholdError, VaultLocked, all_errors, from_wire
from freehold.foundation.ids import new_id
from freehold.foundation.stop import Stop


def test_ids_sort_by_when_they_were_made_and_never_repeat():
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_ids_made_in_many_threads_never_repeat_and_sort_within_each():
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(1000)], range(8)))
    assert all(batch == sorted(batch) for batch in batches)
    assert len({one for batch in batches for one in batch}) == 8000


def test_an_id_is_a_uuid_of_version_7_that_carries_its_time():
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(new_id())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before - 1 <= made.int >> 80 <= time.time_ns() // 1_000_000 + 1


@given(st.lists(st.integers(0, 2**60), min_size=2, max_size=20))
def test_ids_sort_however_the_clock_jumps(moments):
    clock = iter(moments)
    kept, ids.time.time_ns = ids.time.time_ns, lambda: next(clock)
    try:
        made = [new_id() for _ in moments]
    finally:
        ids.time.time_ns = kept
        ids._last = 0
    assert made == sorted(made)


def test_a_stop_tells_its_hooks_once_and_late_ones_at_once():
    stop, told = Stop(), []
    stop.on_set(lambda: told.append("early"))
    stop.set()
    stop.set()
    stop.on_set(lambda: told.append("late"))
    assert told == ["early", "late"]
    assert stop.is_set()
    assert stop.wait(0)


def test_a_forgotten_hook_is_not_told():
    stop, told = Stop(), []

    def hook():
        told.append(1)

    stop.on_set(hook)
    stop.forget(hook)
    stop.forget(hook)
    stop.set()
    assert told == []


def test_every_hook_is_told_in_order_even_when_one_fails():
    stop, told = Stop(), []

    def fail():
        raise ValueError("hook")

    stop.on_set(lambda: told.append("first"))
    stop.on_set(fail)
    stop.on_set(lambda: told.append("last"))
    with pytest.raises(ValueError, match="hook"):
        stop.set()
    assert told == ["first", "last"]


def test_a_hook_may_use_the_stop_it_hangs_on():
    stop, told = Stop(), []
    stop.on_set(lambda: (told.append(stop.is_set()), stop.set(), stop.on_set(lambda: told.append("inner"))))
    stop.set()
    assert told == [True, "inner"]


def test_who_waits_for_a_stop_wakes_when_it_is_set():
    stop = Stop()
    threading.Timer(0.05, stop.set).start()
    assert stop.wait(10)
    assert not Stop().wait(0.01)


def test_every_error_has_a_code_of_its_own_and_words_for_a_person():
    kinds = all_errors()
    assert len({kind.code for kind in kinds}) == len(kinds)
    for kind in kinds:
        assert kind.code == kind.code.lower().replace(" ", "-").replace("_", "-")
        assert kind.title[0].isupper()
        assert kind.title[-1] not in ".!"
        assert kind.advice[-1] == "."
        assert "!" not in kind.advice


@given(st.sampled_from(all_errors()), st.text(), st.text())
def test_every_error_crosses_a_pipe_as_itself(kind, detail, advice):
    error = kind(detail, advice=advice)
    again = from_wire(error.to_wire())
    assert type(again) is kind
    assert again.to_wire() == error.to_wire()


def test_an_error_says_its_detail_or_else_its_title():
    assert str(DiskFull()) == "The disk is full"
    assert str(DiskFull("3 MB missing")) == "3 MB missing"
    assert VaultLocked().next_step == VaultLocked.advice


@pytest.mark.parametrize("fields", [{}, {"code": "unheard-of"}, {"code": None, "detail": 3, "advice": None}])
def test_a_wire_error_nobody_knows_is_still_an_error_with_words(fields):
    error = from_wire(fields)
    assert type(error) is FreeholdError
    assert error.title
    assert error.next_step


def test_a_wire_error_nobody_knows_keeps_what_it_said():
    fields = {"code": "from-tomorrow", "title": "It rains", "advice": "Take an umbrella.", "detail": "3 mm"}
    assert from_wire(fields).to_wire() == fields
    assert FreeholdError().code == "failed"


LOG = """
import logging, os, sys
from pathlib import Path
from freehold.foundation.logs import start_logging
os.umask(0)
folder = Path(sys.argv[1])
start_logging(folder)
start_logging(folder)
log = logging.getLogger("freehold.test")
"""


def logged(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    script = LOG + textwrap.dedent(source)
    return subprocess.run([sys.executable, "-c", script, str(folder)], capture_output=True, text=True, check=True)


def test_a_log_tells_an_error_s_type_and_place_and_never_its_message(tmp_path):
    logged(
        tmp_path,
        """
        other = logging.StreamHandler(open(os.devnull, "w"))
        logging.getLogger("freehold.test").addHandler(other)  # caches its own text of the exception
        try:
            try:
                {}["my diary"]
            except KeyError as error:
                raise ValueError("my letters") from error
        except ValueError:
            log.exception("a bug")
        log.info("started")
        """,
    )
    text = (tmp_path / "freehold.log").read_text()
    assert "a bug" in text
    assert "ValueError" in text
    assert "in <module>" in text
    assert text.count("started") == 1
    assert "diary" not in text
    assert "letters" not in text


def test_logs_are_the_owner_s_alone_and_stay_small_through_rotation(tmp_path):
    logged(tmp_path, "for number in range(30_000): log.info('line %d of something that takes some space', number)")
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["freehold.log", "freehold.log.1"]
    for file in files:
        assert file.stat().st_mode & 0o777 == 0o600
        assert file.stat().st_size <= 1_000_000


def test_a_log_that_cannot_be_written_disturbs_nobody(tmp_path):
    said = logged(tmp_path / "gone", "log.error('lost'); print('fine')")
    assert said.stdout == "fine\n"
    assert said.stderr == ""


def test_a_lone_surrogate_in_a_file_name_is_logged_all_the_same(tmp_path):
    logged(tmp_path, "log.warning('no file %s', 'a\\udce9b')")
    assert "no file a\\udce9b" in (tmp_path / "freehold.log").read_text()
