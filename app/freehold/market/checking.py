"""Whether an answer came from the model that was promised, judged by the margins of its tokens. Pure.

A margin says by how much the logits must have differed for a token to be the chosen one (`engine.scoring`). Honest
machines differ a little: other batches, other ways to keep keys and values, other kernels. How much is measured on our
own honest runs, once for each manifest (`Calibration`). The verdict is a sequential test on the sum of margins: no
number of tokens has to be fixed beforehand, and an honest machine fails once in `ALARM` checks at most, however long
one goes on looking (Ville's inequality), as far as its margins are like those that were calibrated with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from random import Random
from typing import Any, Literal

from freehold.market.values import Malformed

TILTS = (1.0, 2.0, 4.0)  # per logit: how strongly large margins count; the mean of the three tests is a test again
CAP = 0.75  # logits: a larger margin counts as this one, so that a single token is never proof
ALARM = 1e5
SAFETY = 2.0  # honest margins may speak this many times as loud as the calibration's did
LEAST = 32  # tokens: with fewer an answer may fail, but not pass
ENOUGH = 64  # tokens that are checked of an answer that is not checked fully
FULLY = 3  # answers of a new peer that are checked at every token
RATE = 0.02  # of the later ones


@dataclass(frozen=True, slots=True)
class Calibration:
    """What honest margins look like for one manifest.

    `moments` has for each of TILTS the logarithm of the mean of exp(tilt * margin), of the setting where it is largest.
    `tokens` were measured in all, in `settings` different ways; `largest` is their largest margin, `exact_share` how
    many had none. `is_assumed` says that they are not this manifest's: then nothing passes.
    """

    moments: tuple[float, ...]
    tokens: int
    settings: int
    largest: float
    exact_share: float
    is_assumed: bool = False

    def to_wire(self) -> dict[str, Any]:
        return asdict(self) | {"moments": list(self.moments)}

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Calibration:
        """What `to_wire` gave. Raises Malformed."""
        try:
            made = cls(
                tuple(float(one) for one in fields["moments"]), int(fields["tokens"]), int(fields["settings"]),
                float(fields["largest"]), float(fields["exact_share"]), bool(fields["is_assumed"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed("a calibration") from error
        numbers = (*made.moments, made.largest, made.exact_share)
        if len(made.moments) != len(TILTS) or not all(math.isfinite(one) and one >= 0 for one in numbers):
            raise Malformed("a calibration's numbers")
        return made


# For a manifest that was never calibrated: the starter's own moments (docs/benchmarks.md), doubled.
ASSUMED = Calibration((0.018, 0.045, 0.18), 0, 0, 1.0, 0.9, is_assumed=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says. `largest_margin` is in logits; `exact_share` is of the tokens checked, 0 to 1.

    `unverified`: nothing speaks against the answer, but too little was checked, or by numbers that are another model's.
    """

    checked_tokens: int
    largest_margin: float
    exact_share: float
    state: Literal["passed", "failed", "unverified"]
    words: str

    @property
    def passed(self) -> bool:
        return self.state == "passed"


def calibrated(runs: Mapping[str, Sequence[float]]) -> Calibration:
    """From the margins of honest answers, by the setting they were written in. Raises ValueError where there are none.

    In each setting one token more is counted, as bad as any can be: none seen does not mean that there is none.
    """
    margins = [[min(one, CAP) for one in run] for run in runs.values() if len(run)]
    if not margins:
        raise ValueError("no honest answer to calibrate with")

    def moment(tilt: float) -> float:
        return max(math.log((sum(math.exp(tilt * x) for x in run) + math.exp(tilt * CAP)) / (len(run) + 1))
                   for run in margins)  # fmt: skip

    seen = [one for run in runs.values() for one in run]
    exact = sum(one == 0.0 for one in seen) / len(seen)
    return Calibration(tuple(map(moment, TILTS)), len(seen), len(margins), max(seen), exact)


def evidence(total: float, count: int, calibration: Calibration) -> float:
    """The logarithm of the odds that `count` margins, each cut at CAP, with this `total` speak against honesty."""
    logs = [tilt * total - count * SAFETY * moment
            for tilt, moment in zip(TILTS, calibration.moments, strict=True)]  # fmt: skip
    most = max(logs)
    return most + math.log(sum(math.exp(one - most) for one in logs) / len(logs))


def failed_after(margins: Sequence[float], calibration: Calibration) -> int | None:
    """How many tokens it took until the evidence was `ALARM` to one; None when it never was."""
    total = 0.0
    for count, margin in enumerate(margins, 1):
        total += min(margin, CAP)
        if evidence(total, count, calibration) >= math.log(ALARM):
            return count
    return None


def judged(margins: Sequence[float], calibration: Calibration | None = None) -> Verdict:
    """The verdict on tokens with these margins; those of several answers of one peer may be put together.

    Without a calibration the assumed one is used, which fails what is grossly another model and lets nothing pass.
    """
    used = calibration or ASSUMED
    failed = failed_after(margins, used)
    count, exact = len(margins), sum(one == 0.0 for one in margins)
    seen = (
        f"{exact} of {count} tokens are the ones this model chooses, the furthest is {max(margins, default=0):.2f} off"
    )
    state: Literal["passed", "failed", "unverified"]
    if failed is not None:
        state, words = "failed", f"Another model or file wrote this: {seen}."
    elif count < LEAST:
        state, words = "unverified", f"Too short to tell: {seen}; {LEAST} tokens are needed."
    elif used.is_assumed:
        state, words = "unverified", f"Nothing speaks against it, but this model was never calibrated here: {seen}."
    else:
        state, words = "passed", f"As this model writes: {seen}."
    return Verdict(count, max(margins, default=0.0), exact / count if count else 0.0, state, words)


def to_check(length: int, before: int, chance: Random) -> tuple[int, ...]:
    """Which places of an answer of `length` tokens are checked, `before` answers of this peer having been seen.

    Every place of the first FULLY answers; of the later ones, some of one in fifty. Empty: it is not checked. `chance`
    must be one that the peer cannot foresee (SystemRandom).
    """
    if before < FULLY:
        return tuple(range(length))
    if chance.random() >= RATE:
        return ()
    return tuple(sorted(chance.sample(range(length), min(length, ENOUGH))))
