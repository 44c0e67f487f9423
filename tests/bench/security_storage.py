"""The vault's storage calls, each failing in turn, and kills at them: real libraries, a shim below them."""

from __future__ import annotations

import random
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
_QUICK_CALLS = [0, 3, 9, 24]
_KILLS, _QUICK_KILLS = 5000, 50
_MOST_CALLS = 400  # no operation has more; a kill beyond the last call of one does not count


def figures(*, quick: bool) -> Iterator[Figure]:
    if why := storage.why_not():
        yield Figure("storage calls failed", 0, "calls", goal=1, better="at least", note=why)
        return
    with tempfile.TemporaryDirectory() as folder, storage.failing_storage(Path(folder)) as failing:
        yield failures(failing, quick=quick)
        yield from kills(failing, quick=quick)


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
    while rounds < wanted and time.monotonic() - began < (15.0 if quick else 3600.0):
        operation = dice.choice(OPERATIONS)
        # Early calls more often: few operations have hundreds. The loop ends at the first call that is not reached.
        found = failing.rounds(operation, "kill", sorted({int(dice.expovariate(1 / 30)) for _ in range(8)}))
        rounds += found["rounds"]
        bad += found["bad"]
        starts += found["starts"]
    repairs = sum("does not open" in words or "check:" in words for words in bad)
    note = f"{rounds} kills at a storage call; " + "; ".join(bad[:5])
    yield Figure("acknowledged steps lost to kill -9", len(bad) - repairs, "steps", 0, "exactly", note=note.strip("; "))
    yield Figure("vaults that needed a repair after kill -9", repairs, "vaults", 0, "exactly")
    yield Figure("opening and checking the vault after a kill, p99", percentile(starts, 0.99), "s", 2.0)
