"""Holding an answer against the weights on this machine, and finding out beforehand what honest ones look like."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from random import Random, SystemRandom
from typing import Protocol

from freehold.engine.values import Finished, Message, Prompt, Reading, Sampling, Scored, Written, sampling_from_wire
from freehold.foundation.stop import Stop
from freehold.market.checking import Calibration, Verdict, calibrated, judged
from freehold.market.receipts import Bundle

MOST_PLACES = 256  # of one bundle; beyond that more tokens tell nothing new
_SUBJECTS = ("a river", "a letter", "the first winter", "an old clock", "bees", "a bridge", "bread", "the sea")
_TOKENS = 64


class Engine(Protocol):
    """An engine with the weights of the manifest loaded."""

    def read(self, messages: Sequence[Message]) -> Prompt: ...
    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop
    ) -> Generator[Reading | Written, None, Finished]: ...
    def score(
        self, prompt: Sequence[int], answer: Sequence[int], positions: Sequence[int], sampling: Sampling, stop: Stop
    ) -> tuple[Scored, ...]: ...


def check_bundle(
    engine: Engine,
    bundle: Bundle,
    calibration: Calibration | None = None,
    *,
    stop: Stop | None = None,
    chance: Random | None = None,
) -> Verdict:
    """Whether the answer of a receipt's bundle is what the engine's model writes.

    For the caller to see to: that the engine has the manifest's file loaded, and that hashes and signature are right.
    Of a long answer MOST_PLACES are looked at, by `chance`. Raises EngineStopped, PromptTooLong.
    """
    places: Sequence[int] = range(len(bundle.answer))
    if len(places) > MOST_PLACES:
        places = sorted((chance or SystemRandom()).sample(places, MOST_PLACES))
    sampling = sampling_from_wire(bundle.sampling)
    scored = engine.score(bundle.prompt, bundle.answer, places, sampling, stop or Stop())
    return judged([one.margin for one in scored], calibration)


def own_runs(engine: Engine, stop: Stop, answers: int = len(_SUBJECTS)) -> Calibration | None:
    """A calibration from answers of the engine's own, as it is set up now; None when `stop` came first.

    What differs between writing and checking on one machine, one token at a time against many together, is most of
    what differs between honest machines. Costs about one and a half times the time of `answers` times 64 tokens.
    """
    margins: list[float] = []
    for number, subject in enumerate(_SUBJECTS[:answers]):
        prompt = engine.read([Message("user", f"Tell me a long story about {subject}.")]).ids
        sampling = Sampling(seed=number, max_tokens=_TOKENS, temperature=0.7 if number % 2 else 0.0)
        ids: list[int] = []
        for step in engine.generate(prompt, sampling, stop):
            if isinstance(step, Written):
                ids.extend(step.ids)
        margins += [one.margin for one in engine.score(prompt, ids, range(len(ids)), sampling, stop)]
        if stop.is_set():
            return None
    return calibrated({"as it is": margins})
