"""What two machines refuse each other: the closed list of codes on the wire, and the words that are shown for them.

A peer's own words are never shown. What it says beside a code (`detail`) is a number or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from freehold.foundation.errors import FreeholdError


class PeerRefused(FreeholdError):
    """The other machine answered, and said no. `reason` is the code on the wire, one of `REASONS`."""

    code = "peer-refused"
    title = "The other machine refused"
    advice = "Ask it again later, use another one, or let this machine answer."
    reason = "failed"

    @classmethod
    def because(cls, reason: str) -> PeerRefused:
        """The refusal for a code from the wire; one that nobody here knows counts as `failed`."""
        known = reason if reason in REASONS else "failed"
        error = cls(REASONS[known].words)
        error.reason = known
        return error


class LendingOff(FreeholdError):
    code = "lending-off"
    title = "Nothing is shared"
    advice = "Start it with `freehold share start`."


class LendingFailed(FreeholdError):
    code = "lending-failed"
    title = "This machine cannot be shared right now"
    advice = "See the detail, and start sharing again."


@dataclass(frozen=True, slots=True)
class Reason:
    """One code on the wire: the HTTP status it travels with, what it means to the asking side's person, and whether
    the same request may be worth sending again to the same machine, later.
    """

    status: int
    words: str
    passes: bool = False


REASONS: Mapping[str, Reason] = MappingProxyType({
    # who asks
    "unsigned": Reason(401, "the request came without a signature"),
    "signature-invalid": Reason(401, "the signature was not taken"),
    "expired": Reason(401, "the request came too late"),
    "replayed": Reason(401, "the request came twice"),
    "clock-skew": Reason(401, "the clocks of the two machines are more than five minutes apart"),  # detail: its time
    "certificate-wrong": Reason(401, "this device's certificate was not taken"),
    "not-paired": Reason(403, "that machine does not know this device, or has forgotten it"),
    "pairing-off": Reason(403, "that machine shows no code"),
    "pairing-wrong": Reason(403, "the code is wrong, used up or too old"),
    # how it is asked
    "malformed": Reason(400, "that machine did not understand the request"),
    "not-found": Reason(404, "that machine does not know what was asked for"),
    "wrong-host": Reason(421, "that machine is not reached by this name"),
    "too-large": Reason(413, "the request was too large for that machine"),
    "too-slow": Reason(408, "the request came too slowly", passes=True),
    "too-many-requests": Reason(429, "too much was asked at once", passes=True),
    # what is asked
    "manifest-unknown": Reason(409, "that machine answers with another model now"),
    "quote-unknown": Reason(409, "what that machine promised is no longer valid", passes=True),
    "sealed-wrong": Reason(422, "that machine could not open the job"),
    "prompt-invalid": Reason(422, "the prompt does not fit the model"),
    "prompt-too-long": Reason(422, "the prompt is longer than that machine's context"),  # detail: tokens that fit
    "too-many-jobs": Reason(429, "this device has as many answers open there as that machine allows", passes=True),
    "day-spent": Reason(429, "this device has had what that machine gives in a day"),
    "busy": Reason(503, "that machine has too many answers waiting", passes=True),
    # a job that exists
    "job-different": Reason(409, "another job has this name there"),
    "job-unknown": Reason(404, "that machine knows nothing of this answer any more"),
    "transcript-wrong": Reason(409, "the two machines do not agree on what was written"),
    # that machine itself
    "engine-broken": Reason(503, "its model stopped working"),
    "stopping": Reason(503, "that machine stops sharing"),
    "failed": Reason(500, "something went wrong there"),
})  # fmt: skip
