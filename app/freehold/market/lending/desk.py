"""All the jobs of a gateway: who may open one, which comes next, what a device may still have. No clock, no threads."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from freehold.foundation.ids import new_id
from freehold.market.lending.job import Facts, Job, Run
from freehold.market.lending.values import Limits, Refusal, Terms
from freehold.market.values import Ending, Manifest, Offer, Quote, Receipt

QUOTE_SECONDS = 120.0
_DAY = 86_400.0
_SAMPLES = 21  # speeds that a median is taken of
_MOST_GONE = 1000  # closed jobs whose names are remembered


@dataclass(frozen=True, slots=True)
class Gone:
    """What is left of a job that is over: enough to answer its client once more, nothing of what was said."""

    client: str
    fingerprint: str
    opening: str
    receipt: Receipt
    closed: float


class Pace:
    """How fast this machine reads and writes: medians of the last answers, in tokens a second; 0 is unknown."""

    def __init__(self) -> None:
        self._read: deque[float] = deque(maxlen=_SAMPLES)
        self._written: deque[float] = deque(maxlen=_SAMPLES)

    def note_read(self, tokens: int, seconds: float) -> None:
        if tokens >= 32 and seconds > 0:
            self._read.append(tokens / seconds)

    def note_written(self, tokens: int, seconds: float) -> None:
        if tokens >= 8 and seconds > 0:
            self._written.append(tokens / seconds)

    @property
    def read_per_s(self) -> float:
        return round(statistics.median(self._read), 1) if self._read else 0.0

    @property
    def tokens_per_s(self) -> float:
        return round(statistics.median(self._written), 1) if self._written else 0.0

    def seconds(self, tokens_in: int, tokens_out: int) -> float:
        """What an answer would take; 0 where nothing is known."""
        read, written = self.read_per_s, self.tokens_per_s
        return (tokens_in / read if read else 0.0) + (tokens_out / written if written else 0.0)


class Desk:
    """`sign` makes receipts; `ended` is told of each job's end, once. Devices are named by their owner's address."""

    def __init__(
        self,
        manifest: Manifest,
        limits: Limits,
        *,
        sign: Callable[[Facts], Receipt],
        ended: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self.manifest, self.limits, self._sign, self._ended = manifest, limits, sign, ended
        self.pace = Pace()
        self.jobs: dict[str, Job] = {}
        self.running: Job | None = None  # whose the engine is, until it has come to rest
        self.answered = 0
        self.refuses = ""  # a code for every new job, once this is set
        self._gone: dict[str, Gone] = {}
        self._quotes: dict[str, tuple[str, Quote]] = {}
        self._days: dict[str, tuple[float, int]] = {}

    def offer(self, hpke_key: str) -> Offer:
        waiting = len(self.queue())
        free = 1 if self.running is None and not waiting else 0
        return Offer(self.manifest, hpke_key, 1, free, waiting, self.pace.tokens_per_s, self.pace.read_per_s)

    def queue(self) -> list[Job]:
        """Jobs that wait for the engine, as they came: one that was starved comes before all that have not begun."""
        return [job for job in self.jobs.values() if job.state == "waiting" and job is not self.running]

    def ahead(self, job: Job) -> int:
        """How many answers come before this one."""
        queue = self.queue()
        return (self.running is not None) + (queue.index(job) if job in queue else 0)

    def quote(self, client: str, manifest: str, tokens_in: int, tokens_out: int, now: float) -> Quote:
        """Raises Refusal."""
        if manifest != self.manifest.digest:
            raise Refusal("manifest-unknown")
        if tokens_in >= self.manifest.context:
            raise Refusal("prompt-too-long", str(self.manifest.context - 1))
        self._refuse_more(client, now)
        self._quotes = {id: one for id, one in self._quotes.items() if one[1].expires > now}
        if sum(whose == client for whose, _ in self._quotes.values()) >= self.limits.quotes:
            raise Refusal("too-many-requests")
        wait = sum(self._left(job) for job in self.jobs.values() if job.state in ("waiting", "running"))
        quote = Quote(new_id(), manifest, tokens_in, tokens_out, round(wait, 1), now + QUOTE_SECONDS)
        self._quotes[quote.id] = (client, quote)
        return quote

    def known(self, client: str, job: str, fingerprint: str) -> Job | Gone | None:
        """The job of this name when it was opened with the same bytes. Raises Refusal when with others."""
        found = self.jobs.get(job)
        theirs = (found.terms.client, found.terms.fingerprint) if found is not None else None
        over = self._gone.get(job)
        if over is not None:
            theirs = (over.client, over.fingerprint)
        if theirs is not None and theirs != (client, fingerprint):
            raise Refusal("job-different")
        return found or over

    def open(self, terms: Terms, quote: str, now: float) -> Job:
        """A new job, within what its quote promised. Raises Refusal; the quote then stays good."""
        whose, promised = self._quotes.get(quote, ("", None))
        if promised is None or whose != terms.client or promised.expires <= now:
            raise Refusal("quote-unknown")
        if len(terms.prompt) > promised.tokens_in or terms.sampling.max_tokens > promised.tokens_out:
            raise Refusal("quote-unknown")
        self._refuse_more(terms.client, now)
        del self._quotes[quote]
        job = Job(terms, self.manifest, self.limits, opened=now, sign=self._sign, ended=self._note_end)
        self.jobs[terms.job] = job
        self._spend(terms.client, len(terms.prompt), now)
        return job

    def of(self, client: str, job: str) -> Job:
        """A job of this device. Raises Refusal."""
        found = self.jobs.get(job)
        if found is None or found.terms.client != client:
            raise Refusal("job-unknown")
        return found

    def close(self, client: str, job: str, accepted: int, transcript: str, now: float) -> Receipt:
        """End a job, and drop what is here of it. Once more gives the same receipt. Raises Refusal."""
        over = self._gone.get(job)
        if over is not None and over.client == client:
            return over.receipt
        found = self.of(client, job)
        receipt = found.close(accepted, transcript, now)
        self._drop(found)
        return receipt

    def next(self, now: float) -> tuple[Job, Run] | None:
        """The job that the engine is to do, and what; None while it is busy or nobody waits."""
        while self.running is None and (queue := self.queue()):
            run = queue[0].begin(now)
            if run is not None:
                self.running = queue[0]
                return queue[0], run
        return None

    def rest(self, ending: Ending, now: float) -> None:
        """The engine has come to rest."""
        job, self.running = self.running, None
        if job is None:
            return
        if ending == "broken":
            job.end(ending, now)
        else:
            job.finish(ending, now)

    def forget(self, client: str, now: float) -> None:
        """A device is trusted no longer: its jobs end, and nothing of it stays."""
        for job in [one for one in self.jobs.values() if one.terms.client == client]:
            job.end("broken", now)
            self._drop(job)
        self._quotes = {id: one for id, one in self._quotes.items() if one[0] != client}

    def refuse(self, code: str, now: float) -> None:
        """Take no more jobs, and end those that there are: another machine goes on with them."""
        self.refuses = code
        for job in list(self.jobs.values()):
            job.end("broken", now)

    def tick(self, now: float) -> None:
        """Time passes. To be called a few times a second."""
        for job in list(self.jobs.values()):
            job.tick(self.ahead(job), now)
            if job.state == "ended" and now - job.closed >= self.limits.kept:
                self._drop(job)

    def _note_end(self, job: Job) -> None:
        self.answered += 1
        self._spend(job.terms.client, job.told, job.closed)
        self._ended(job)

    def _drop(self, job: Job) -> None:
        assert job.receipt is not None
        terms = job.terms
        del self.jobs[terms.job]
        self._gone[terms.job] = Gone(terms.client, terms.fingerprint, terms.opening, job.receipt, job.closed)
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]

    def _refuse_more(self, client: str, now: float) -> None:
        if self.refuses:
            raise Refusal(self.refuses)
        theirs = [job for job in self.jobs.values() if job.terms.client == client and job.state != "ended"]
        if len(theirs) >= self.limits.jobs:
            raise Refusal("too-many-jobs")
        if len(self.queue()) >= self.limits.queue:
            raise Refusal("busy")
        if self.limits.tokens_per_day and self._spent(client, now) >= self.limits.tokens_per_day:
            raise Refusal("day-spent")

    def _left(self, job: Job) -> float:
        """Seconds that a job may still take: reading only where it has written nothing yet."""
        unread = 0 if job.answer else len(job.terms.prompt)
        return self.pace.seconds(unread, job.terms.sampling.max_tokens - len(job.answer))

    def _spent(self, client: str, now: float) -> int:
        since, tokens = self._days.get(client, (now, 0))
        return tokens if now - since < _DAY else 0

    def _spend(self, client: str, tokens: int, now: float) -> None:
        since, _ = self._days.get(client, (now, 0))
        spent = self._spent(client, now)
        self._days[client] = (since if now - since < _DAY else now, spent + tokens)
