"""What unlocking by passphrase costs here: Argon2id as it is tuned on this machine."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

from figures import Figure

from freehold.vault import keys


def figures(*, quick: bool) -> Iterator[Figure]:
    cost = keys.tuned_cost()
    data_key, seconds = keys.new_data_key(), []
    slot = keys.wrap(data_key, "v" * 32, "passphrase", b"correct horse", cost=cost)
    for _ in range(3 if quick else 15):
        began = time.perf_counter()
        assert keys.unwrap(slot, "v" * 32, b"correct horse") == data_key
        seconds.append(time.perf_counter() - began)
    note = f"Argon2id, {cost.memory // 1024} MiB, {cost.iterations} passes, {cost.lanes} lanes"
    yield Figure("unlock by passphrase, median", statistics.median(seconds), "s", goal=1.5, note=note)
    yield Figure("unlock by passphrase, fastest", min(seconds), "s", goal=0.5, better="at least", note=note)
    yield Figure("memory that one guess takes", cost.memory / 1024, "MiB", goal=256, better="at least")
