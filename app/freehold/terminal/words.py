"""Numbers, times and answers in words. Pure, but for the reader's own time zone."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime

from freehold.chats.values import Context, Provenance
from freehold.foundation.errors import UsageError

_SPAN = re.compile(r"(\d+)([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
_LEAST_ID = 8
_MOST_HELD_BACK = 16


def size(number: int) -> str:
    """Bytes as people count them: `98.4 MB`."""
    amount = float(number)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def count(number: int, one: str, many: str = "") -> str:
    """`1 turn`, `3 turns`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def moment(seconds: float) -> str:
    """A time since 1970 in the reader's zone, to the minute."""
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def since(text: str, now: float) -> float:
    """The time that `2h`, `7d`, a date, a date with a time, or seconds since 1970 stand for. Raises UsageError."""
    if span := _SPAN.fullmatch(text):
        return now - int(span[1]) * _SECONDS[span[2]]
    try:
        if re.fullmatch(r"\d{1,12}(\.\d+)?", text):
            return float(text)
        return datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"{text} is not a time; write 2h, 7d, 2026-11-23 or 2026-11-23T09:30") from error


def timestamp(seconds: float) -> str:
    """A time since 1970 as programs write it: ISO 8601 in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def short_ids(ids: Sequence[str]) -> dict[str, str]:
    """For each id its shortest beginning, of 8 characters at least, that no other of them has."""
    ordered = sorted(ids)
    short = {}
    for place, id in enumerate(ordered):
        neighbours = ordered[max(0, place - 1) : place] + ordered[place + 1 : place + 2]
        length = max([_LEAST_ID, *(_shared(id, other) + 1 for other in neighbours)])
        short[id] = id[:length]
    return short


def _shared(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def provenance_line(made: Provenance) -> str:
    """Where an answer was made, by what, how fast and from what, in one line."""
    if not made.model and made.grounded is False:
        return "decided here from what was found, no model was asked"
    place = "made here" if made.where == ("here",) else "made by " + ", ".join(made.where)
    parts = [f"{place} by {made.model} ({made.model_sha256[:12]})" if made.model else place]
    if made.tokens_per_s:
        parts.append(f"{made.tokens_per_s:.0f} tok/s")
    if made.tokens:  # unknown of an answer that was broken off
        parts.append(count(made.tokens, "token"))
    if made.context.passages:
        parts.append(f"{count(made.context.passages, 'passage')} read")
    left_out = made.context.dropped_turns
    parts.append(f"{count(left_out, 'turn')} left out" if left_out else "saw everything")
    return ", ".join(parts)


def context_line(context: Context) -> str:
    """How full the context is."""
    share = round(100 * context.tokens / context.limit) if context.limit else 0
    return f"context {share} % full ({context.tokens:,} of {context.limit:,} tokens)"


class Trickle:
    """Streamed text with its last character held back while what follows may change how it is shown.

    An emoji made of several, or a joiner inside a word, arrives in pieces; judged alone each piece looks hidden.
    """

    def __init__(self) -> None:
        self._held = ""

    def push(self, text: str) -> str:
        """What may be shown now."""
        text = self._held + text
        cut = len(text)
        if text and not text[-1].isascii():
            cut -= 1
            while cut > 0 and len(text) - cut < _MOST_HELD_BACK and (_joins(text[cut]) or _joins(text[cut - 1])):
                cut -= 1
        self._held = text[cut:]
        return text[:cut]

    def rest(self) -> str:
        rest, self._held = self._held, ""
        return rest


def _joins(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Mn", "Me", "So", "Sk")
