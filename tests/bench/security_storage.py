"""The vault's storage calls, each failing in turn, and kills at them: real libraries, a shim below them."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from figures import Figure, percentile

from support import storage

FAILURES = ("ENOSPC", "ENOSPC from there on", "EIO", "EMFILE")
OPERATIONS = (
    "ask", "tidy", "erase_chat", "empty_trash", "read_document", "forget_document", "connect", "set_setting",
    "change_keys", "back_up", "merge", "restore", "create", "check",
)  # fmt: skip
_QUICK_CALLS = [0, 5, 24]
_KILLS, _QUICK_KILLS = 5000, 50
_ROOM = 256 * 1024 * 1024


def figures(*, quick: bool) -> Iterator[Figure]:
    if why := storage.why_not():
        yield Figure("storage calls failed", 0, "calls", goal=1, better="at least", note=why)
        return
    with tempfile.TemporaryDirectory(dir=in_memory()) as folder, storage.failing_storage(Path(folder)) as failing:
        yield failures(failing, quick=quick)
        yield from kills(failing, quick=quick)


def in_memory() -> str | None:
    """A folder in memory where there is one. A killed process leaves there what it leaves on a disk: all that the
    system was given. Neither shows what a power cut would; both see every call.
    """
    memory = Path("/dev/shm")
    has_room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if has_room else None


def failures(failing: storage.FailingStorage, *, quick: bool) -> Figure:
    """Every operation, every error, every call until the operation succeeds; quick: a few calls of each."""
    rounds, bad = 0, []
    for operation in OPERATIONS:
        for mode in FAILURES:
            found = failing.rounds(operation, mode, list(_QUICK_CALLS) if quick else None)
            rounds += found["rounds"]
            bad += found["bad"]
    return Figure(
        "operations that a failing storage call left neither done nor cleanly not done", len(bad),
        f"of {rounds} failures", 0, "exactly", note="; ".join(bad[:5]),
    )  # fmt: skip


def kills(failing: storage.FailingStorage, *, quick: bool) -> Iterator[Figure]:
    """`kill -9` at a random storage call of a random operation."""
    dice, wanted = random.Random(4), _QUICK_KILLS if quick else _KILLS
    rounds, bad, starts, began = 0, [], [], time.monotonic()
    while rounds < wanted and time.monotonic() - began < (30.0 if quick else 3600.0):
        operation = dice.choice(OPERATIONS)
        # Early calls more often: few operations have hundreds. The loop ends at the first call that is not reached.
        found = failing.rounds(operation, "kill", sorted({int(dice.expovariate(1 / 30)) for _ in range(8)}))
        rounds += found["rounds"]
        bad += found["bad"]
        starts += found["starts"]
    repairs = sum("does not open" in words or "check:" in words for words in bad)
    yield Figure("kill -9 at a storage call", rounds, "rounds", wanted, "at least",
                 note=f"{rounds / (time.monotonic() - began):.1f} a second")  # fmt: skip
    yield Figure("acknowledged steps lost to kill -9", len(bad) - repairs, "steps", 0, "exactly",
                 note="; ".join(bad[:5]))  # fmt: skip
    yield Figure("vaults that needed a repair after kill -9", repairs, "vaults", 0, "exactly")
    yield Figure("opening and checking the vault after a kill, p99", percentile(starts, 0.99), "s", 2.0)
