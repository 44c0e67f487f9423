"""What a benchmark reports: one figure, its baseline from the same run, and whether the goal is met."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` is None where it could not be measured here, and the note says why. `ratio` is value over baseline where
    there is one. `goal` bounds the ratio where there is one, else the value; with `absolute` it bounds the value all
    the same, and the baseline is there to read it by.
    """

    figure: str
    value: float | None
    unit: str
    goal: float | None = None
    better: Literal["at least", "at most", "exactly"] = "at most"
    baseline: float | None = None
    ratio: float | None = None
    note: str = ""
    absolute: bool = False

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        measured = self.value if self.ratio is None or self.absolute else self.ratio
        if measured is None:
            return False
        if self.better == "exactly":
            return measured == self.goal
        return measured >= self.goal if self.better == "at least" else measured <= self.goal

    def as_json(self, command: str) -> str:
        goal = None if self.goal is None else f"{self.better} {self.goal:g}"
        fields: dict[str, Any] = {
            "figure": self.figure, "value": _rounded(self.value), "unit": self.unit,
            "baseline": _rounded(self.baseline), "ratio": _rounded(self.ratio), "goal": goal, "met": self.met,
            "command": command, "machine": machine(),
        }  # fmt: skip
        return json.dumps(fields | ({"note": self.note} if self.note else {}))


def rounds_within(seconds: float, rounds: int) -> Iterator[int]:
    """0, 1, 2 and so on for `rounds` rounds; fewer, but one, where `seconds` pass before: a quick run must end on a
    busy machine too.
    """
    began = time.monotonic()
    for number in range(rounds):
        if number and time.monotonic() - began > seconds:
            return
        yield number


def paired(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Median value, median baseline and the median of the pairs' ratios: single runs on shared machines swing."""
    values, baselines = zip(*pairs, strict=True)
    ratio = statistics.median(value / baseline for value, baseline in pairs)
    return statistics.median(values), statistics.median(baselines), ratio


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def machine() -> str:
    """The machine in a few words: processor, cores, memory, system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the platform's own name will do
    return f"{name}, {cores} cores, {memory:.0f} GiB, {platform.system()}"


def _rounded(number: float | None) -> float | None:
    return None if number is None else float(f"{number:.4g}")
