"""What was intended so far, as the journal tells it: the counts of the day, who was ever asked, which jobs are known.

Pure. The day only ever moves forward by itself: a clock that goes back stays on the day that was counted last, so that
no count begins anew. Only its owner's word (`Moved`) brings the day back to the clock's, and the counts come along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from freehold.foundation.errors import MandateRefused
from freehold.identity.values import Counts

DAY = 86_400  # seconds; days are those of UTC, which no journey and no summer changes
REMEMBERED_DAYS = 2  # a job may go on over midnight


@dataclass(frozen=True, slots=True)
class Intention:
    """A job that was about to be signed: no word of it, `body` is the SHA-256 of what is sealed to the other device."""

    job: str
    peer: str
    data_class: str
    tokens: int
    body: str
    time: float


@dataclass(frozen=True, slots=True)
class Moved:
    """The owner had a say at `time`: the day becomes that of the clock, and a day that was closed is open again."""

    time: float


@dataclass(frozen=True, slots=True)
class Closed:
    """What was counted before `time` is lost: no job is signed on that day."""

    time: float


Entry = Intention | Moved | Closed


@dataclass(frozen=True, slots=True)
class Tally:
    """The state after some entries. `day` counts days since 1970; `answers` are those of that day by device.

    `first` is the day on which each device was asked first, `jobs` those of the last days with the day they count on.
    """

    day: int = 0
    answers: Mapping[str, int] = field(default_factory=dict)
    first: Mapping[str, int] = field(default_factory=dict)
    jobs: Mapping[str, tuple[int, Intention]] = field(default_factory=dict)
    is_closed: bool = False

    def on(self, now: float) -> Tally:
        """The same at `now`: on a later day the counts begin anew."""
        day = int(now // DAY)
        if day <= self.day:
            return self
        kept = {job: one for job, one in self.jobs.items() if one[0] > day - REMEMBERED_DAYS}
        return replace(self, day=day, answers={}, jobs=kept, is_closed=False)

    def after(self, entry: Entry) -> Tally:
        """The state once `entry` is written."""
        if isinstance(entry, Moved):
            return self._moved(int(entry.time // DAY))
        at = self.on(entry.time)
        if isinstance(entry, Closed):
            return replace(at, is_closed=True)
        answers = {**at.answers, entry.peer: at.answers.get(entry.peer, 0) + 1}
        first = at.first if entry.peer in at.first else {**at.first, entry.peer: at.day}
        return replace(at, answers=answers, first=first, jobs={**at.jobs, entry.job: (at.day, entry)})

    def counts(self, peer: str) -> Counts:
        """Of the day. Raises MandateRefused when what was counted is lost."""
        if self.is_closed:
            raise MandateRefused(
                "what was signed today could not be read",
                advice="It goes on tomorrow, or at once after `freehold key mandate set`, which begins the count anew.",
            )
        is_first = self.first.get(peer, self.day) >= self.day
        return Counts(sum(self.answers.values()), self.answers.get(peer, 0), is_first)

    def job(self, job: str, peer: str) -> Intention | None:
        """What was intended with `peer` under this id in the last days."""
        _, found = self.jobs.get(job, (0, None))
        return found if found is not None and found.peer == peer else None

    def _moved(self, day: int) -> Tally:
        """The day is the clock's again. When that lies before the day of the counts, they come along."""
        at = self if day <= self.day else self.on(day * DAY)
        jobs = {job: (min(counted, day), one) for job, (counted, one) in at.jobs.items()}
        first = {peer: min(since, day) for peer, since in at.first.items()}
        return replace(at, day=day, first=first, jobs=jobs, is_closed=False)
