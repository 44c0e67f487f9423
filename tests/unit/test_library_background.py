"""What a process that holds a profile does for the library by itself, and what happens where a part is missing."""

from __future__ import annotations

import sys
import threading

import pytest

from freehold.foundation.errors import VaultLocked
from freehold.foundation.stop import Stop
from freehold.library.background import Background
from freehold.library.errors import LibraryUnavailable
from freehold.library.extract.worker import read
from freehold.library.library import Library
from freehold.library.values import Progress, State
from support.libraries import LetterEmbedder, NoViewer, PlainExtractor, VaultInMemory, a_pdf

PATIENCE = 30.0


class Flows:
    """Counts what is asked of it; `watch` lasts until its stop is set."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.steps: list[Progress] = []
        self.recovered = self.worked = 0
        self.watching = threading.Semaphore(0)
        self.watch_ended = threading.Semaphore(0)

    def warm(self, stop) -> None: ...

    def recover(self) -> int:
        self.recovered += 1
        return 0

    def work(self, stop: Stop):
        self.worked += 1
        if self.failures:
            raise self.failures.pop()
        return iter(self.steps)

    def watch(self, stop: Stop):
        self.watching.release()
        stop.wait(PATIENCE)
        self.watch_ended.release()
        return iter(())


@pytest.fixture
def run():
    begun = []

    def make(*failures: Exception) -> tuple[Background, Flows]:
        flows = Flows(*failures)
        background = Background(flows)
        begun.append(background)
        return background, flows

    yield make
    for background in begun:
        background.end()


def until(claim) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if claim():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


def test_what_waits_is_worked_on_before_folders_are_watched(run):
    background, flows = run()
    assert not background.is_busy
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    assert (flows.recovered, flows.worked) == (1, 1)
    until(lambda: not background.is_busy)


def test_waking_it_again_ends_the_watch_and_works_anew(run):
    background, flows = run()
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    assert (flows.recovered, flows.worked) == (1, 2)


def test_a_failure_is_kept_for_who_asks_and_gone_with_the_next_wish(run):
    background, flows = run(VaultLocked())
    background.wake()
    until(lambda: background.failure is not None)
    until(lambda: not background.is_busy)
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    assert background.failure is None


def test_how_far_it_is_can_be_asked_at_any_time(run):
    background, flows = run()
    step = Progress(1, 2, "/a.txt", State.WORDS, 3.0)
    flows.steps = [step]
    assert background.progress is None
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    assert background.progress == step
    flows.steps = []
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    assert background.progress is None


def test_ending_it_ends_the_watch_and_it_can_begin_again(run):
    background, flows = run()
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)
    background.end()
    assert flows.watch_ended.acquire(timeout=PATIENCE)
    assert not background.is_busy
    background.wake()
    assert flows.watching.acquire(timeout=PATIENCE)


def test_a_reader_sees_what_was_added_and_not_the_folder_around_it(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "note.txt").write_text("x")
    vault = VaultInMemory(tmp_path / "home")
    library = Library(vault, PlainExtractor(), LetterEmbedder(), NoViewer())
    library.add([tmp_path / "papers" / "note.txt", tmp_path / "home"])
    assert library.places() == [str(tmp_path / "home"), str(tmp_path / "papers" / "note.txt")]
    vault.database.close()


def test_a_missing_library_is_told_with_the_way_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    with pytest.raises(LibraryUnavailable, match="pypdfium2") as told:
        list(read(str(a_pdf(tmp_path / "one.pdf", "Words"))))
    assert "pip install" in told.value.next_step
