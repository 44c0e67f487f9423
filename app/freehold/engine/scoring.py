"""How far another machine's answer is from what this model would have written: one reading, scores where asked.

After Token-DiFR (arXiv 2511.20621): with the seed agreed on, sampling leaves nothing to chance, so a token can only
differ from the one chosen here because the logits differ. By how much they would have to is the token's margin.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from freehold.engine.answer import Calculator, Pace, not_numbers
from freehold.engine.cache import PromptCache
from freehold.engine.sampling import PENALISED, NotNumbers, adjusted, choose, gumbel, survivors
from freehold.engine.values import Sampling, Scored
from freehold.foundation.errors import EngineStopped, PromptTooLong
from freehold.foundation.stop import Stop

MOST_SCORED = 64  # places in one native call: each keeps a float for every token of the vocabulary


def weighed(
    logits: NDArray[np.float32], sampling: Sampling, place: int, token: int, recent: Sequence[int] = ()
) -> tuple[int, float]:
    """The token that would be chosen at `place` here, and the margin of `token`, in units of logits, at least 0.

    The margin is the least d such that `token` could have been chosen had these logits been off against each other by
    d: 0 for the token chosen here, and at most 2e for one chosen from logits that each differ by at most e.

    Without a temperature it is the best logit less the token's own. With one it is the noisy score logit + T * Gumbel
    that counts, among the tokens that the mask leaves; then `token` must not be further outside the mask than d, and
    each token of the mask that beats it must do so by at most d or be at most d inside the mask.
    The paper counts what falls outside the mask at a fixed, large value. That would not do for single answers: with
    top-p a token can be on either side of the border by a hair, and one that drops out on one machine may have been the
    winner by far on the other. Raises NotNumbers.
    """
    chosen = choose(logits, sampling, place, recent)
    if chosen == token:
        return chosen, 0.0
    logits = adjusted(logits, sampling, recent)
    if sampling.temperature <= 0.0:
        return chosen, float(logits[chosen] - logits[token])
    ids = np.append(survivors(logits, sampling), token)
    noisy = logits[ids].astype(np.float64) + sampling.temperature * gumbel(sampling.seed, place, ids)
    mask = Mask(logits, sampling)
    leads = [
        min(lead, mask.depth(int(rival)))
        for rival, lead in zip(ids[:-1], noisy[:-1] - noisy[-1], strict=True)
        if lead > 0
    ]
    return chosen, float(max(0.0, -mask.depth(token), *leads))


class Mask:
    """The border that top-k, top-p and min-p draw through one place's tokens."""

    def __init__(self, logits: NDArray[np.float32], sampling: Sampling) -> None:
        self._logits, self._sampling = logits.astype(np.float64), sampling
        self._order = np.argsort(-logits, kind="stable")
        self._rank = np.empty(len(logits), np.int64)
        self._rank[self._order] = np.arange(len(logits))
        self._count = min(sampling.top_k, len(logits)) if sampling.top_k > 0 else len(logits)
        self._ladder = self._logits[self._order[: self._count]]
        self._weights = np.exp(self._ladder - self._ladder[0])

    def depth(self, token: int) -> float:
        """How deep `token` is inside the mask, in units of logits; 0 and below it is outside.

        It is the least d such that it could change sides if any two logits came nearer to each other by d, or parted.
        """
        own, rank, sampling = self._logits[token], int(self._rank[token]), self._sampling
        deep = np.inf
        if self._count < len(self._logits):
            deep = own - self._logits[self._order[self._count if rank < self._count else self._count - 1]]
        if sampling.top_p < 1.0:
            deep = min(deep, self._depth_in_share(own, min(rank, self._count)))
        if sampling.min_p > 0.0:
            deep = min(deep, own - self._ladder[0] - np.log(sampling.min_p))
        return float(deep)

    def _depth_in_share(self, own: float, rank: int) -> float:
        """A token is left while the share before it is below p. Within d it passes those that are no further from it,
        and all that then stand before it rise or fall by d against the rest.
        """
        ladder, border = self._ladder, np.log(self._sampling.top_p) - np.log1p(-self._sampling.top_p)
        upto, rest = np.cumsum(self._weights), np.cumsum(self._weights[::-1])[::-1]
        before = np.append(0.0, upto[:-1])
        with np.errstate(divide="ignore"):
            over = np.log(before / rest) - border  # of a token that stands at each rung
            if rank == self._count or over[rank] >= 0:
                climbed = slice(rank + 1)
                return -float(np.maximum(ladder[climbed] - own, over[climbed]).min())
            fallen, weight = slice(rank, None), self._weights[rank]
            others = np.maximum(upto[fallen] - weight, 0.0), np.append(rest[1:], 0.0)[fallen] + weight
            return float(np.maximum(own - ladder[fallen], border - np.log(others[0] / others[1])).min())


class Scorer:
    """Reads answers with one model. What was read stays in `cache`, as after an answer of its own."""

    def __init__(self, model: Calculator, cache: PromptCache, pace: Pace) -> None:
        self._model, self._cache, self._pace = model, cache, pace

    def scores(
        self, ids: Sequence[int], begun: int, positions: Sequence[int], sampling: Sampling, stop: Stop
    ) -> Generator[tuple[Scored, ...], None, None]:
        """What would be chosen at the `positions` (ascending) of the answer that begins at ids[begun]; whole calls at a
        time, fewer where `stop` came. Raises PromptTooLong and EngineStopped.
        """
        rows = [begun + position - 1 for position in positions]  # what each is chosen from comes of the token before
        if rows and rows[-1] >= self._model.limit:
            raise PromptTooLong(f"{rows[-1] + 1} tokens, {self._model.limit} fit")
        with self._listening(stop):
            if rows:
                self._cache.recall(ids[: rows[0] + 1])
            while rows and not stop.is_set():
                start = len(self._cache.ids)
                end = min(start + self._pace.next(rows[-1] + 1 - start), rows[:MOST_SCORED][-1] + 1)
                wanted = [row for row in rows[:MOST_SCORED] if row < end]
                if not self._read(ids[start:end], [row - start for row in wanted]):
                    return
                if wanted:
                    yield tuple(self._scored(ids, begun, row, row - start, sampling) for row in wanted)
                    rows = rows[len(wanted) :]

    @contextmanager
    def _listening(self, stop: Stop) -> Iterator[None]:
        self._model.flag.lower()
        stop.on_set(self._model.flag.raise_it)
        try:
            yield
        except EngineStopped:
            self._cache.forget()
            raise
        finally:
            stop.forget(self._model.flag.raise_it)

    def _read(self, step: Sequence[int], scored: Sequence[int]) -> bool:
        began = time.perf_counter()
        if self._model.decode(step, scored) == "done":
            self._cache.add(step)
            self._pace.learn(len(step), time.perf_counter() - began)
            return True
        self._cache.undo(whole=not self._model.can_undo)
        return False

    def _scored(self, ids: Sequence[int], begun: int, row: int, place: int, sampling: Sampling) -> Scored:
        recent = ids[max(0, row + 1 - PENALISED) : row + 1]
        try:
            chosen, margin = weighed(self._model.logits(place), sampling, row + 1, ids[row + 1], recent)
        except NotNumbers:
            raise not_numbers() from None
        return Scored(row + 1 - begun, chosen, margin)
