"""What a peer says of a job, as it comes: envelopes, ids, counts and hashes, each checked before it counts.

Runs in the courier. Whatever is not as docs/peers.md says ends the hearing with `Malformed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from freehold.market.values import ENDINGS, Malformed, Manifest, granted, opening_hash, rolled
from freehold.processes.frames import JunkOnPipe, pack_ids, unpack_ids

LONGEST = 1 << 20  # characters of an event; one of two leases has under 4,000
MOST_WAITING = 1_000_000

Open = Callable[[int, str], Any]
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked of a peer, as far as its answers are held against it. `vocabulary` counts the model's tokens."""

    job: str
    manifest: Manifest
    prompt: tuple[int, ...]
    sampling: Mapping[str, Any]
    most: int  # answer tokens
    vocabulary: int

    @property
    def opening(self) -> str:
        return opening_hash(self.manifest, self.prompt, self.sampling)


class Hearing:
    """One job's stream. `open` gives the value of the envelope with a number, or raises ValueError.

    `count` answer tokens were heard, `transcript` is their hash; `number` is the last event's, -1 before the first.
    """

    def __init__(self, asked: Asked, open: Open) -> None:
        self._asked, self._open = asked, open
        self.transcript = asked.opening
        self.answer: list[int] = []
        self.number = -1
        self.ended: Event | None = None

    @property
    def count(self) -> int:
        return len(self.answer)

    def take(self, sealed: str, accepted: int) -> Event:
        """The next event of the stream, opened. Raises Malformed.

        `accepted` tokens were acknowledged: two leases beyond them no more may come.
        """
        if self.ended is not None:
            raise Malformed("an event after the last one")
        if len(sealed) > LONGEST:
            raise Malformed("an event that is too long")
        try:
            said = self._open(self.number + 1, sealed)
        except ValueError as error:
            raise Malformed("an envelope that does not open") from error
        if not isinstance(said, dict):
            raise Malformed("an event that is no object")
        kinds = {"waiting": self._waiting, "reading": self._reading, "tokens": self._tokens,
                 "starved": self._starved, "end": self._end}  # fmt: skip
        kind = said.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            raise Malformed("an event of no known kind")
        event = kinds[kind](said, accepted)
        self.number += 1
        return {"kind": kind, **event}

    def _waiting(self, said: Event, _: int) -> Event:
        return {"ahead": _whole(said, "ahead", MOST_WAITING)}

    def _reading(self, said: Event, _: int) -> Event:
        total = _whole(said, "total", len(self._asked.prompt) + self.count)  # after a starvation it reads both again
        return {"done": _whole(said, "done", total), "total": total}

    def _tokens(self, said: Event, accepted: int) -> Event:
        ids = _ids(said.get("ids"))
        if said.get("first") != self.count or type(said.get("first")) is not int:
            raise Malformed("tokens that leave some out, or come twice")
        if not ids or self.count + len(ids) > min(self._asked.most, granted(accepted, self._asked.manifest.lease)):
            raise Malformed("more tokens than were asked for")
        if not all(0 <= one < self._asked.vocabulary for one in ids):
            raise Malformed("a token that the model does not have")
        transcript = rolled(self.transcript, ids)
        if said.get("transcript") != transcript:
            raise Malformed("a hash of other tokens")
        self.answer.extend(ids)
        self.transcript = transcript
        return {"ids": pack_ids(ids), "count": self.count, "transcript": transcript}

    def _starved(self, said: Event, _: int) -> Event:
        return {"granted": _whole(said, "granted", 2 * MOST_WAITING)}

    def _end(self, said: Event, _: int) -> Event:
        if said.get("ending") not in ENDINGS:
            raise Malformed("an end of no known kind")
        self.ended = {"ending": said["ending"], "receipt": said.get("receipt")}
        return {"ending": said["ending"], "count": self.count}


def _whole(said: Mapping[str, Any], name: str, most: int) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed(f"an event whose {name} is not a number that it can be")
    return value


def _ids(packed: object) -> list[int]:
    if not isinstance(packed, str) or len(packed) > LONGEST:
        raise Malformed("tokens that are not packed")
    try:
        return unpack_ids(packed)
    except JunkOnPipe as error:
        raise Malformed("tokens that are not packed") from error
