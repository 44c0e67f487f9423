"""One job for another machine, from its opening to its end. No clock, no disk, no engine: it is told what happens."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from freehold.market.lending.values import Limits, Refusal, Terms
from freehold.market.values import Ending, Manifest, Receipt, granted, rolled
from freehold.processes.frames import pack_ids

State = Literal["waiting", "running", "starved", "ended"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a receipt of this job says at some moment; whoever has the node key makes the receipt of it."""

    terms: Terms
    manifest: Manifest
    tokens_out: int
    transcript: str
    ending: str
    opened: float
    closed: float


@dataclass(frozen=True, slots=True)
class Event:
    """One numbered thing that the stream says. `upto` answer tokens have been told when it has been read."""

    number: int
    says: dict[str, Any]
    upto: int


@dataclass(frozen=True, slots=True)
class Run:
    """What the engine is asked: `prompt` ends with `replayed` ids of the answer, read one by one."""

    prompt: tuple[int, ...]
    replayed: int
    max_tokens: int


class Job:
    """`sign` makes receipts, one for each lease and one for the end, of which `ended` is told. Times are seconds.

    Tokens are told as far as they are granted; what the engine wrote beyond waits in `answer`.
    """

    def __init__(
        self,
        terms: Terms,
        manifest: Manifest,
        limits: Limits,
        *,
        opened: float,
        sign: Callable[[Facts], Receipt],
        ended: Callable[[Job], None] = lambda _: None,
    ) -> None:
        self.terms, self.manifest, self._limits, self.opened = terms, manifest, limits, opened
        self._sign, self._ended = sign, ended
        self.state: State = "waiting"
        self.answer: list[int] = []
        self.told = self.accepted = 0
        self.receipt: Receipt | None = None  # the last one, set for good at the end
        self.events: deque[Event] = deque()
        self.reader = 0  # counts the streams; the last one alone is served
        self.closed = 0.0
        self._numbers = 0
        self._chain = [terms.opening]  # the transcript after `accepted` tokens, and after each one told since
        self._due: Ending | None = None  # how the engine ended it, while tokens still wait to be told
        self._alone: float | None = opened  # since when nobody reads
        self._starved = 0.0
        self._spoke = opened

    @property
    def granted(self) -> int:
        """How many tokens may have been told in all."""
        return granted(self.accepted, self.manifest.lease)

    @property
    def transcript(self) -> str:
        """The hash over every token told."""
        return self._chain[-1]

    @property
    def ending(self) -> str:
        return "" if self.receipt is None or self.state != "ended" else self.receipt.ending

    @property
    def is_read(self) -> bool:
        return self._alone is None

    def begin(self, now: float) -> Run | None:
        """The engine is free for it. None when there is nothing left to write: then it has ended."""
        assert self.state == "waiting"
        left = self.terms.sampling.max_tokens - len(self.answer)
        if left <= 0 or len(self.terms.prompt) + len(self.answer) >= self.manifest.context:
            self.finish("length", now)
            return None
        self.state = "running"
        return Run((*self.terms.prompt, *self.answer), self.terms.replay + len(self.answer), left)

    def read(self, done: int, total: int, now: float) -> None:
        """The engine has read `done` of `total` tokens."""
        if self.state == "running":
            self._say({"kind": "reading", "done": done, "total": total}, now)

    def write(self, ids: Sequence[int], now: float) -> None:
        """The engine wrote `ids`. Afterwards `state` may be starved: then the engine is to stop."""
        if self.state == "ended" or not ids:
            return
        self.answer.extend(ids)
        self._tell(now)
        if self.state != "starved" and self.told == self.granted:
            self._starve(now)

    def finish(self, ending: Ending, now: float) -> None:
        """The engine is done with it, for good unless it was stopped for want of a lease."""
        if ending == "stopped":
            if self.state == "running":
                self.state = "waiting"
            return
        self._due = ending
        if self.told == len(self.answer):
            self.end(ending, now)

    def lease(self, accepted: int, transcript: str, now: float) -> Receipt:
        """The client has taken over `accepted` tokens. Raises Refusal where it holds others than were told.

        A late or repeated lease changes nothing.
        """
        self._accept(accepted, transcript)
        if self.state != "ended":
            self.receipt = self._sign(self._facts("", now, self.accepted, self._chain[0]))
            self._feed(now)
        assert self.receipt is not None
        return self.receipt

    def close(self, accepted: int, transcript: str, now: float) -> Receipt:
        """The client wants no more. Before its end this ends it, with what the client took over."""
        self._accept(accepted, transcript)
        if self.state != "ended":
            self._finalise("stopped", now, self.accepted, self._chain[0])
        assert self.receipt is not None
        return self.receipt

    def end(self, ending: Ending, now: float) -> None:
        """It ends now, with what was told. Ending twice does nothing."""
        if self.state != "ended":
            self._finalise(ending, now, self.told, self.transcript)

    def attach(self) -> int:
        """Somebody reads the stream; whoever read it before is served no longer."""
        self.reader += 1
        self._alone = None
        return self.reader

    def detach(self, reader: int, now: float) -> None:
        """That reader has gone."""
        if reader == self.reader and self._alone is None:
            self._alone = now

    def after(self, number: int) -> list[Event]:
        """The events after `number` (-1: all). Raises Refusal for those that were acknowledged, or never were."""
        first = self._numbers - len(self.events)
        if not first - 1 <= number < self._numbers:
            raise Refusal("malformed")
        return [event for event in self.events if event.number > number]

    def tick(self, ahead: int, now: float) -> None:
        """Time passes: what is waited for too long ends it, and who waits is told each second how it stands."""
        if self.state == "ended":
            return
        if self._alone is not None and now - self._alone >= self._limits.alone:
            self.end("stopped", now)
        elif self.state == "starved" and now - self._starved >= self._limits.starving:
            self.end("starved", now)
        elif now - self._spoke >= 1.0 and self.is_read:
            self._repeat(ahead, now)

    def _repeat(self, ahead: int, now: float) -> None:
        if self.state == "waiting" and ahead:
            self._say({"kind": "waiting", "ahead": ahead}, now)
        elif self.state == "running" and self.events and self.events[-1].says["kind"] == "reading":
            self._say(dict(self.events[-1].says), now)

    def _accept(self, accepted: int, transcript: str) -> None:
        if accepted > self.told:
            raise Refusal("transcript-wrong")
        if accepted < self.accepted:
            return  # said before it said more
        if self._chain[accepted - self.accepted] != transcript:
            raise Refusal("transcript-wrong")
        del self._chain[: accepted - self.accepted]
        self.accepted = accepted
        while any(event.says["kind"] == "tokens" and event.upto <= accepted for event in self.events):
            self.events.popleft()  # whoever has an event's tokens has read all that came before it

    def _feed(self, now: float) -> None:
        """A lease has come: tell what waited for it, and compute again if there is more to write."""
        self._tell(now)
        if self.state == "starved" and self.told < self.granted:
            self.state = "waiting"
        if self._due is not None and self.told == len(self.answer):
            self.end(self._due, now)

    def _starve(self, now: float) -> None:
        self.state, self._starved = "starved", now
        self._say({"kind": "starved", "granted": self.granted}, now)

    def _tell(self, now: float) -> None:
        ids = self.answer[self.told : self.granted]
        if not ids:
            return
        for one in ids:
            self._chain.append(rolled(self._chain[-1], (one,)))
        first, self.told = self.told, self.told + len(ids)
        self._say({"kind": "tokens", "first": first, "ids": pack_ids(ids), "transcript": self.transcript}, now)

    def _finalise(self, ending: Ending, now: float, tokens: int, transcript: str) -> None:
        self.state, self.closed = "ended", now
        self.receipt = self._sign(self._facts(ending, now, tokens, transcript))
        self._say({"kind": "end", "ending": ending, "receipt": self.receipt.to_wire()}, now)
        self._ended(self)

    def _facts(self, ending: str, now: float, tokens: int, transcript: str) -> Facts:
        return Facts(self.terms, self.manifest, tokens, transcript, ending, self.opened, now)

    def _say(self, says: dict[str, Any], now: float) -> None:
        self.events.append(Event(self._numbers, says, self.told))
        self._numbers += 1
        self._spoke = now
