"""How many threads to compute with: all cores while they are ours, fewer while other programs use them.

llama.cpp's threads wait for one another several hundred times a token, spinning. When another program takes one of two
cores, two threads were measured at 1 token a second where one wrote 20 (docs/benchmarks.md): the one that has its core
burns it waiting for the one that has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

LOOK_SECONDS = 0.25
# A browser tab or our own app takes a little of a core now and then: that much is no reason to give one up.
UNHEEDED_CORES = 0.35


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of processor time spent so far: by everybody at ordinary priority, and by this process."""

    everybody: float
    own: float
    at: float


def fair_threads(most: int, before: Usage, now: Usage) -> int:
    """Threads for the cores that others left free between two looks; at least 1, at most `most`. Pure."""
    seconds = max(now.at - before.at, 1e-6)
    others = ((now.everybody - before.everybody) - (now.own - before.own)) / seconds
    return max(1, min(most, int(most - max(others, 0.0) + UNHEEDED_CORES)))


def look() -> Usage:
    """What the system says now. Time at lowered priority is left out: it gives way by itself."""
    import psutil

    times = psutil.cpu_times()
    everybody = sum(getattr(times, name, 0.0) for name in ("user", "system", "irq", "softirq", "steal"))
    return Usage(everybody, time.process_time(), time.monotonic())


class Crew:
    """Adapts the number of threads between steps of computing; looks at the system at most four times a second."""

    def __init__(
        self,
        most: int,
        use: Callable[[int], None],
        look: Callable[[], Usage] = look,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most, self._use, self._look, self._clock = most, use, look, clock
        self._threads = most
        self._seen = look()
        self._rested = clock()

    def adapt(self) -> None:
        """To be called before a step; `use` is told when the number changes."""
        now = self._clock()
        if self._most == 1:
            return
        if now - self._rested > LOOK_SECONDS:
            self._seen = self._look()  # what others did while we were idle says nothing about now
        elif now - self._seen.at >= LOOK_SECONDS:
            before, self._seen = self._seen, self._look()
            wanted = fair_threads(self._most, before, self._seen)
            if wanted != self._threads:
                self._threads = wanted
                self._use(wanted)

    def rest(self) -> None:
        """To be called after a step."""
        self._rested = self._clock()
