"""What a gateway does for paired devices: offers, quotes, jobs and their streams. Lives in its event loop's thread."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from freehold.engine.values import Reading, Sampling, Written
from freehold.foundation.canonical import object_from
from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.identity.sealing import Envelopes, SealBroken, unseal
from freehold.market.lending.desk import Desk, Gone, Pace
from freehold.market.lending.engine import Ended
from freehold.market.lending.job import Facts, Job, Run
from freehold.market.lending.journal import Journal
from freehold.market.lending.news import News
from freehold.market.lending.own import Own
from freehold.market.lending.values import Limits, Refusal, Terms, is_job_id, terms_of, text, whole
from freehold.market.values import MOST_PROMPT, PROTOCOL, Manifest, Quote, Receipt

_LOOK_SECONDS = 0.25
_SILENCE_SECONDS = 1.0  # a stream says something at least this often
_MOST_TOKENS = 1_000_000


class Engine(Protocol):
    def generate(self, run: Run, sampling: Sampling, stop: Stop) -> Generator[Reading | Written, None, Ended]: ...

    @property
    def is_running(self) -> bool: ...


@dataclass(slots=True)
class Seat:
    """A job with what its stream needs: how it is sealed, and who is to be woken."""

    job: Job
    envelopes: Envelopes
    stirred: asyncio.Event = field(default_factory=asyncio.Event)


class Service:
    """Clients are named by their owner's address. `ids` is the number of tokens that the model knows."""

    def __init__(
        self, own: Own, manifest: Manifest, *, ids: int, limits: Limits, engine: Engine, journal: Journal, news: News
    ) -> None:
        self.own, self._manifest, self._ids, self._engine = own, manifest, ids, engine
        self._journal, self._news = journal, news
        self.desk = Desk(manifest, limits, sign=self._receipt, ended=self._note_end)
        self._seats: dict[str, Seat] = {}
        self._loop = asyncio.get_running_loop()
        self._steps: asyncio.Queue[Callable[[], None]] = asyncio.Queue()  # what the engine's thread has to tell
        self._stop = Stop()

    async def run(self) -> None:
        """Keep time and hear the engine, until cancelled."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self._keep_time())
            both.create_task(self._hear())

    def offers(self) -> dict[str, Any]:
        return {"offers": [self.desk.offer(self.own.certificate.hpke_key).to_wire()]}

    def quote(self, client: str, asked: Mapping[str, Any]) -> Quote:
        """Raises Refusal."""
        deadline = asked.get("deadline_s")
        if not isinstance(deadline, int | float) or isinstance(deadline, bool) or not 0 <= deadline < 2**53:
            raise Refusal("malformed")
        tokens_in, tokens_out = whole(asked, "tokens_in", MOST_PROMPT), whole(asked, "tokens_out", _MOST_TOKENS)
        quote = self.desk.quote(client, text(asked, "manifest"), tokens_in, tokens_out, time.monotonic())
        return replace(quote, expires=round(quote.expires + time.time() - time.monotonic(), 3))

    def open(self, client: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refusal."""
        job, quote, sealed = text(asked, "job"), text(asked, "quote"), _decoded(asked.get("sealed"))
        if not is_job_id(job):
            raise Refusal("malformed")
        fingerprint = hashlib.sha256(sealed).hexdigest()
        found = self.desk.known(client, job, fingerprint)
        if isinstance(found, Gone):
            return {"job": job, "opening": found.opening, "granted": 0}
        if found is None:
            if not self._journal.is_well:
                raise Refusal("busy")
            found = self.desk.open(self._unsealed(client, job, fingerprint, sealed), quote, time.monotonic())
            self._seats[job] = Seat(found, Envelopes(found.terms.key, job))
            self._go_on()
        return {"job": job, "opening": found.terms.opening, "granted": found.granted}

    def lease(self, client: str, job: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Raises Refusal."""
        found = self.desk.of(client, job)
        accepted, transcript = whole(asked, "accepted", _MOST_TOKENS), text(asked, "transcript")
        receipt = found.lease(accepted, transcript, time.monotonic())
        self._go_on()
        return {"granted": found.granted, "receipt": receipt.to_wire()}

    def close(self, client: str, job: str, asked: Mapping[str, Any]) -> Receipt:
        """Raises Refusal."""
        accepted, transcript = whole(asked, "accepted", _MOST_TOKENS), text(asked, "transcript")
        receipt = self.desk.close(client, job, accepted, transcript, time.monotonic())
        self._go_on()
        return receipt

    def stream(self, client: str, job: str, after: int) -> AsyncIterator[bytes]:
        """The sealed events after the one numbered `after`, as server-sent events. Raises Refusal, here and now."""
        seat = self._seats.get(job)
        if self.desk.of(client, job) is None or seat is None:
            raise Refusal("job-unknown")
        seat.job.after(after)
        return self._told(seat, after, seat.job.attach())

    def forget(self, client: str) -> None:
        """A device is trusted no longer; `client` in any letters."""
        for owner in {job.terms.client for job in self.desk.jobs.values()}:
            if owner.lower() == client.lower():
                self.desk.forget(owner, time.monotonic())
        self._go_on()

    def refuse(self, code: str) -> None:
        """End every job as broken and take no more: another machine goes on with them."""
        self.desk.refuse(code, time.monotonic())
        self._go_on()

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.desk.tick(time.monotonic())
            self._go_on()

    async def _hear(self) -> None:
        while True:
            (await self._steps.get())()

    async def _told(self, seat: Seat, after: int, reader: int) -> AsyncIterator[bytes]:
        job = seat.job
        try:
            while job.reader == reader:
                seat.stirred.clear()
                for event in job.after(after):
                    after = event.number
                    yield f"id: {after}\ndata: {seat.envelopes.seal(after, event.says)}\n\n".encode()
                if job.state == "ended" or job.reader != reader:
                    return
                try:
                    await asyncio.wait_for(seat.stirred.wait(), _SILENCE_SECONDS)
                except TimeoutError:
                    yield b":\n\n"
        except Refusal:
            return  # what it has not read was acknowledged elsewhere
        finally:
            job.detach(reader, time.monotonic())

    def _unsealed(self, client: str, job: str, fingerprint: str, sealed: bytes) -> Terms:
        try:
            plain = object_from(unseal(self.own.hpke, sealed, f"{PROTOCOL} {job}".encode()))
        except SealBroken as error:
            raise Refusal("sealed-wrong") from error
        except ValueError as error:
            raise Refusal("malformed") from error
        return terms_of(plain, self._manifest, job=job, client=client, fingerprint=fingerprint, vocabulary=self._ids)

    def _go_on(self) -> None:
        """Give the engine what is next, or stop it where nobody wants more; wake who reads."""
        running = self.desk.running
        if running is not None and running.state in ("starved", "ended"):
            self._stop.set()
        found = self.desk.next(time.monotonic())
        if found is not None:
            job, run = found
            self._stop = Stop()
            args = (run, job.terms.sampling, self._stop)
            threading.Thread(target=self._compute, args=args, name="answer", daemon=True).start()
        for seat in self._seats.values():
            seat.stirred.set()
        self._seats = {name: seat for name, seat in self._seats.items() if name in self.desk.jobs}

    def _compute(self, run: Run, sampling: Sampling, stop: Stop) -> None:
        """Runs on a thread of its own: the engine's steps come as fast as they come."""
        ending: Ended | None = None
        steps, timed = self._engine.generate(run, sampling, stop), Timed()
        try:
            while True:
                try:
                    step = next(steps)
                except StopIteration as end:
                    ending = end.value
                    break
                timed.note(step)
                self._tell(partial(self._take, step))
        except FreeholdError:
            pass  # of this answer nothing more comes
        self._tell(partial(self._rest, ending, timed))

    def _tell(self, what: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(self._steps.put_nowait, what)

    def _take(self, step: Reading | Written) -> None:
        job, now = self.desk.running, time.monotonic()
        if job is None:
            return
        if isinstance(step, Reading):
            job.read(step.done, step.total, now)
        else:
            job.write(step.ids, now)
        seat = self._seats.get(job.terms.job)
        if seat is not None:
            seat.stirred.set()
        if job.state in ("starved", "ended"):
            self._stop.set()

    def _rest(self, ending: Ended | None, timed: Timed) -> None:
        timed.tell(self.desk.pace)
        self.desk.rest(ending or "broken", time.monotonic())
        self._go_on()

    def _receipt(self, facts: Facts) -> Receipt:
        return self.own.receipt(facts)  # by the certificate of the moment: it is renewed meanwhile

    def _note_end(self, job: Job) -> None:
        receipt, client = job.receipt, job.terms.client.lower()
        assert receipt is not None
        line = {
            "job": receipt.job, "client": client, "model": self._manifest.model, "tokens_in": receipt.tokens_in,
            "tokens_out": receipt.tokens_out, "ending": receipt.ending, "opened": receipt.opened,
            "closed": receipt.closed,
        }  # fmt: skip
        self._journal.add(line)
        self._news.tell("job", **line)


class Timed:
    """How long one run took to read and to write."""

    def __init__(self) -> None:
        self._began = self._first = self._last = time.monotonic()
        self._from: int | None = None
        self._read = self._written = 0

    def note(self, step: Reading | Written) -> None:
        self._last = time.monotonic()
        if isinstance(step, Reading):
            if self._from is None:
                self._from, self._began = step.done, self._last
            self._read, self._first = step.done - self._from, self._last
        else:
            self._written += len(step.ids)

    def tell(self, pace: Pace) -> None:
        pace.note_read(self._read, self._first - self._began)
        pace.note_written(self._written, self._last - self._first)


def _decoded(sealed: object) -> bytes:
    if not isinstance(sealed, str):
        raise Refusal("malformed")
    try:
        return base64.b64decode(sealed, validate=True)
    except ValueError as error:
        raise Refusal("malformed") from error
