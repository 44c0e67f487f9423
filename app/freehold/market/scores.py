"""What this owner's own receipts and checks say of a device. Pure; nobody else's word counts."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.market.records import Job

RECENT = 21  # answers that a median is taken of
LEAST_TOKENS = 8  # of an answer that says something about speed
RESTS_AFTER, RESTS_FOR = 3, 600.0  # so many answers broken in a row, and for how many seconds it is then left alone


@dataclass(frozen=True, slots=True)
class Score:
    """`answers` it brought to their end of those that were `asked` and not stopped here; medians of the last, 0 where
    none was measured; checks passed and failed. A device that `rests` broke one answer after the other just now.
    """

    asked: int = 0
    answers: int = 0
    tokens_per_s: float = 0.0
    first_token_s: float = 0.0
    passed: int = 0
    failed: int = 0
    rests: bool = False

    @property
    def reliability(self) -> float:
        """Between 0 and 1: the share of answers that came whole, one good and one bad given to start with."""
        return (self.answers + 1) / (self.asked + 2) if not self.failed else 0.0


def score_of(jobs: Iterable[Job], checks: tuple[int, int], now: float) -> Score:
    """`jobs` are a device's, the newest first; `checks` how many passed and failed, `now` seconds since 1970."""
    closed = [job for job in jobs if job.state == "closed" and job.ending != "stopped"]
    whole = [job for job in closed if job.ending in ("complete", "length")]
    return Score(
        len(closed), len(whole),
        _median([job.tokens_per_s for job in whole if job.tokens_out >= LEAST_TOKENS]),
        _median([job.first_token_s for job in whole if job.tokens_out]), *checks, _rests(closed, now),
    )  # fmt: skip


def _rests(closed: Sequence[Job], now: float) -> bool:
    last = closed[:RESTS_AFTER]
    are_broken = len(last) == RESTS_AFTER and all(job.ending in ("broken", "starved") for job in last)
    return are_broken and 0 <= now - last[0].closed < RESTS_FOR


def _median(values: Sequence[float]) -> float:
    known = [value for value in values[:RECENT] if value > 0]
    return round(statistics.median(known), 3) if known else 0.0
