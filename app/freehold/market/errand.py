"""One job with one device, from the wish that is written down to the receipt that is kept."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from freehold.engine.values import Finished, Notice, Reading, Sampling, Written, to_wire
from freehold.foundation.errors import FreeholdError, Interrupted, PeerUnreachable, PeerUntrusted
from freehold.foundation.ids import new_id
from freehold.foundation.stop import Stop
from freehold.market.books import Books
from freehold.market.client import Client
from freehold.market.courier import Courier
from freehold.market.errors import PeerRefused
from freehold.market.records import Job, Kept
from freehold.market.values import Manifest, Offer, Quote, Receipt
from freehold.market.vocabularies import Words
from freehold.network.values import DataClass
from freehold.processes.frames import pack_ids, unpack_ids

RESUMES = 3  # tries to take a broken stream up again, without anything new in between
CLOSE_SECONDS = 1.5  # for saying that no more is wanted: a person who stops waits for nobody
DEADLINE_SECONDS = 600

Steps = Generator[Reading | Written | Notice, None, Finished]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `silence` is the least that a device may say nothing at all, `stalled` how long it may only say that it
    is alive, `queued` the same while other answers come first.
    """

    silence: float = 2.0
    stalled: float = 120.0
    queued: float = 600.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a job is asked with: by whom (`client`, an owner's address), for which chat, of which class."""

    client: str
    data_class: DataClass = "words"
    confirmed: bool = False
    chat: str = ""


class Pulse:
    """Whether a stream gets anywhere: what a device says again and again is no progress. The time is told."""

    def __init__(self, patience: Patience, now: float) -> None:
        self._patience, self._moved, self._most = patience, now, patience.stalled
        self._ahead, self._read = -1, -1
        self._gaps: list[float] = []

    @property
    def silence(self) -> float:
        """How long nothing may come: eight times the median gap between tokens, or the least."""
        return max(self._patience.silence, 8 * statistics.median(self._gaps)) if self._gaps else self._patience.silence

    def note(self, event: dict[str, Any], now: float) -> None:
        """Raises PeerUnreachable when nothing has moved for too long."""
        kind, moves = event["kind"], event["kind"] in ("tokens", "end")
        if kind == "waiting" and not 0 <= self._ahead <= event["ahead"]:
            self._ahead, moves = event["ahead"], True
        if kind == "reading" and event["done"] > self._read:
            self._read, moves = event["done"], True
        if kind == "tokens":
            self._gaps = [*self._gaps[-20:], now - self._moved]
            self._read = -1  # after a starvation it reads again
        if moves:
            self._moved = now
            self._most = self._patience.queued if kind == "waiting" else self._patience.stalled
        elif now - self._moved > self._most:
            raise PeerUnreachable("it said that it is there, and did nothing")


class Errand:
    """`run` asks once. Afterwards `job` names what was asked; `clock` is seconds that only move forward."""

    def __init__(
        self, client: Client, courier: Courier, books: Books, *, words: Words, offer: Offer, terms: Terms,
        patience: Patience | None = None, clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self._client, self._courier, self._books, self._words = client, courier, books, words
        self._offer, self._terms, self._clock, self._now = offer, terms, clock, now
        self._patience = patience or Patience()
        self.job = new_id()
        self._number, self._count, self._acknowledged, self._said = -1, 0, 0, 0
        self._transcript = ""
        self._ids: list[int] = []
        self._asked = self._first = self._last = 0.0
        self._reused: int | None = None
        self._has_waited = self._is_taken = False

    @property
    def count(self) -> int:
        """How many tokens were taken over."""
        return self._count

    def run(self, prompt: Sequence[int], sampling: Sampling, stop: Stop, *, replayed: int = 0) -> Steps:
        """The answer as it comes. Raises what kept it from going on; the ids that were yielded stay good."""
        text = self._words.tokenizer
        text.begin()
        if replayed:
            text.text(prompt[len(prompt) - replayed :])  # said already, by whoever wrote it
        self._asked = self._clock()
        try:
            with self._booked(prompt, sampling):
                self._open(prompt, sampling, stop, replayed)
                ending = yield from self._follow(stop)
                self._conclude(ending, prompt, sampling)
        except Interrupted:
            if not stop.is_set():
                raise
            ending = ""
        if ending == "complete":
            return Finished("complete", text.rest("complete"), self._reused or 0)
        if ending == "length":
            return Finished("length", text.rest("length"), self._reused or 0)
        if ending:
            raise PeerUnreachable(f"{self._client.device.name} did not bring the answer to its end")
        return Finished("stopped", text.rest("stopped"), self._reused or 0)

    @contextmanager
    def _booked(self, prompt: Sequence[int], sampling: Sampling) -> Iterator[None]:
        """Whatever happens, the job ends here, and in the books: as stopped where its asker went away."""
        try:
            yield
        except GeneratorExit:
            with suppress(FreeholdError):
                self._stopped(prompt, sampling)
            raise
        except FreeholdError as error:
            with suppress(FreeholdError):  # what cannot be written now, the next start mends
                if isinstance(error, Interrupted):
                    self._stopped(prompt, sampling)
                else:
                    self._write_end("broken", None, prompt, sampling)
            raise
        finally:
            with suppress(FreeholdError):
                self._courier.drop(self.job)

    def _open(self, prompt: Sequence[int], sampling: Sampling, stop: Stop, replayed: int) -> None:
        manifest, most = self._offer.manifest, sampling.max_tokens
        quote = self._client.quote(
            manifest, tokens_in=len(prompt), tokens_out=most, deadline_s=DEADLINE_SECONDS, stop=stop
        )
        sealed, opening = self._courier.seal(
            self.job, self._offer.hpke_key, manifest, prompt, to_wire(sampling), replay=replayed, most=most,
            vocabulary=self._words.vocabulary.size,
        )  # fmt: skip
        self._transcript = opening
        self._books.wish(self._wished(manifest, len(prompt)))
        try:
            taken = self._send(quote, sealed, most, stop)
        except PeerUnreachable:  # it may have arrived when its answer did not; twice it is the same job
            if stop.wait(0.2):
                raise
            taken = self._send(quote, sealed, most, stop)
        if taken != opening:
            raise PeerUntrusted(f"{self._client.device.name} took another question than it was asked")
        self._books.begin(self.job)
        self._is_taken = True

    def _wished(self, manifest: Manifest, tokens_in: int) -> Job:
        return Job(
            self.job, self._client.device.id, manifest.digest, manifest.model, manifest.sha256,
            self._terms.data_class, tokens_in, self._now(),
        )  # fmt: skip

    def _send(self, quote: Quote, sealed: str, tokens: int, stop: Stop) -> str:
        terms = self._terms
        return self._client.open(
            self.job, quote, sealed, data_class=terms.data_class, tokens=tokens, confirmed=terms.confirmed, stop=stop
        )

    def _follow(self, stop: Stop) -> Generator[Reading | Written | Notice, None, str]:
        """The stream to its end, taken up again where the connection breaks; how it ended, empty when we stopped it."""
        pulse, tries = Pulse(self._patience, self._clock()), 0
        while not stop.is_set():
            before = self._number
            try:
                return (yield from self._listen(pulse, stop))
            except PeerUnreachable:
                tries = tries + 1 if self._number == before else 1
                if tries > RESUMES:
                    raise
                stop.wait(0.1 * tries)
        return ""

    def _listen(self, pulse: Pulse, stop: Stop) -> Generator[Reading | Written | Notice, None, str]:
        """One connection."""
        events = self._client.stream(self.job, self._number, silence=pulse.silence, stop=stop)
        with closing(events):
            self._acknowledge(stop)  # what a broken connection may have kept from arriving
            for sealed in events:
                event = self._courier.hear(self.job, sealed, self._said)
                self._number = int(event["number"])
                pulse.note(event, self._clock())
                if event["kind"] == "end":
                    return str(event["ending"])
                yield from self._told(event)
                if event["kind"] in ("tokens", "starved"):
                    self._acknowledge(stop)
                if stop.is_set():
                    return ""
        raise PeerUnreachable(f"{self._client.device.name} ended the connection")

    def _told(self, event: dict[str, Any]) -> Iterator[Reading | Written | Notice]:
        kind = event["kind"]
        if kind == "waiting" and event["ahead"] and not self._has_waited:
            self._has_waited = True
            yield Notice(f"{self._client.device.name} finishes another answer first.")
        if kind == "reading":
            self._reused = event["done"] if self._reused is None else self._reused
            yield Reading(event["done"], event["total"])
        if kind == "tokens":
            ids = tuple(unpack_ids(event["ids"]))
            self._last = self._clock()
            self._first = self._first or self._last
            self._count, self._transcript = int(event["count"]), str(event["transcript"])
            self._ids.extend(ids)
            yield Written(ids, self._words.tokenizer.text(ids))

    def _acknowledge(self, stop: Stop) -> None:
        """Stay one lease ahead, so that nothing stalls."""
        lease = self._offer.manifest.lease
        if self._count // lease > self._acknowledged // lease:
            self._said = self._count
            self._client.lease(self.job, self._count, self._transcript, stop)
            self._acknowledged = self._count
            self._books.note(self.job, self._count)

    def _conclude(self, ending: str, prompt: Sequence[int], sampling: Sampling) -> None:
        """The answer has ended: hold its receipt against what was heard, and let the device's copy be dropped."""
        if not ending:
            self._stopped(prompt, sampling)
            return
        receipt = self._settle(ending)
        self._write_end(ending, receipt, prompt, sampling)
        with suppress(PeerUnreachable, PeerUntrusted, PeerRefused, Interrupted), _soon() as soon:
            self._client.close(self.job, self._count, self._transcript, soon)

    def _stopped(self, prompt: Sequence[int], sampling: Sampling) -> None:
        """Say that no more is wanted. Who does not answer at once has signed nothing."""
        receipt = None
        with suppress(PeerUnreachable, PeerUntrusted, PeerRefused, Interrupted), _soon() as soon:
            if self._is_taken:
                receipt = self._settle("stopped", self._client.close(self.job, self._count, self._transcript, soon))
        self._write_end("stopped", receipt, prompt, sampling)

    def _settle(self, ending: str, told: Any = None) -> Receipt:
        device = self._client.device
        return self._courier.settle(
            self.job, device=device.id, node_key=device.node_key, client=self._terms.client, ending=ending,
            receipt=told,
        )  # fmt: skip

    def _write_end(self, ending: str, receipt: Receipt | None, prompt: Sequence[int], sampling: Sampling) -> None:
        kept = None
        if receipt is not None:
            chat = self._terms.chat
            content = (pack_ids(prompt), pack_ids(self._ids), to_wire(sampling)) if chat else ("", "", {})
            kept = Kept(receipt, chat, *content)
        seconds = self._last - self._first
        self._books.close(
            self.job, ending, self._count, kept=kept,
            first_token_s=round(self._first - self._asked, 4) if self._first else 0.0,
            tokens_per_s=round((self._count - 1) / seconds, 2) if seconds > 0 else 0.0,
        )  # fmt: skip


@contextmanager
def _soon() -> Iterator[Stop]:
    """A wish to stop that comes by itself before long."""
    soon = Stop()
    timer = threading.Timer(CLOSE_SECONDS, soon.set)
    timer.daemon = True
    timer.start()
    try:
        yield soon
    finally:
        timer.cancel()
