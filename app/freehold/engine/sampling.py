"""Which token comes next: a pure function of the logits, the settings, the seed and the place in the sequence.

Token i is argmax(logit/T + Gumbel(seed, i)) over the tokens that repeat penalty, top-k, top-p and min-p leave, in the
order and with the meaning of llama.cpp's own sampler chain. Adding Gumbel noise and taking the largest draws from the
softmax (the Gumbel-max trick). The noise hangs on the seed, the place and the token only, so an answer that was cut
anywhere goes on as the same answer, and another machine can check it.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from freehold.engine.values import Sampling

PENALISED = 64  # the last tokens that the repeat penalty looks at


class NotNumbers(ValueError):
    """The model gave something other than finite scores."""


def choose(logits: NDArray[np.float32], sampling: Sampling, place: int, recent: Sequence[int] = ()) -> int:
    """The id of the token at `place` (counted from the start of the prompt), given all tokens' logits.

    `recent` are the tokens before it, for the repeat penalty. Ties go to the smallest id. Raises NotNumbers.
    """
    best = logits.max()  # not a number if any is not: one pass finds it
    if not np.isfinite(best):
        raise NotNumbers
    logits = adjusted(logits, sampling, recent)
    if sampling.temperature <= 0.0:
        return int(logits.argmax())
    ids = survivors(logits, sampling)
    scores = logits[ids].astype(np.float64) / sampling.temperature + gumbel(sampling.seed, place, ids)
    return int(ids[scores.argmax()])


def adjusted(logits: NDArray[np.float32], sampling: Sampling, recent: Sequence[int]) -> NDArray[np.float32]:
    """The logits after the repeat penalty; `recent` are the tokens before."""
    if sampling.repeat_penalty == 1.0 or not recent:
        return logits
    return _penalised(logits, sampling.repeat_penalty, recent[-PENALISED:])


def survivors(logits: NDArray[np.float32], sampling: Sampling) -> NDArray[np.int64]:
    """The ids, ascending, that top-k, then top-p, then min-p leave. At least one; of equals the smaller ids."""
    if sampling.top_k <= 0 and sampling.top_p >= 1.0 and sampling.min_p <= 0.0:
        return np.arange(len(logits))
    best = logits.max()
    # Almost always a few hundred logits are near the best, and sorting those is far cheaper than all 50,000.
    for width in (8.0, 20.0):
        near = np.flatnonzero(logits >= best - np.float32(width))
        kept, is_certain = _kept(logits, near, sampling)
        if is_certain:
            return kept
    return _kept(logits, np.arange(len(logits)), sampling)[0]


def _kept(logits: NDArray[np.float32], near: NDArray[np.int64], sampling: Sampling) -> tuple[NDArray[np.int64], bool]:
    """What is left of `near` (all ids whose logit reaches some bound), and whether no other id could belong to it."""
    count = sampling.top_k if sampling.top_k > 0 else len(logits)
    order = near[np.argsort(-logits[near], kind="stable")][:count]
    best = np.float64(logits[order[0]])
    weights = np.exp(logits[order] - best)
    total = weights.sum() if sampling.top_k > 0 else np.exp(logits - best).sum()
    keep, is_certain = len(order), len(order) == count
    if sampling.top_p < 1.0:
        # Up to and including the token with which the share is reached.
        reached = int(np.searchsorted(np.cumsum(weights), sampling.top_p * total)) + 1
        keep, is_certain = min(keep, reached), is_certain or reached <= len(order)
    if sampling.min_p > 0.0:
        likely = int(np.count_nonzero(weights >= sampling.min_p))
        keep, is_certain = min(keep, likely), is_certain or likely < len(order)
    return np.sort(order[: max(keep, 1)]), is_certain


def gumbel(seed: int, place: int, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standard Gumbel noise for each of `ids`: -log(-log(u)).

    u comes from 53 bits of SplitMix64's output function over a key (8 bytes of BLAKE2b over the seed and the place,
    both little-endian 64 bits) plus (id + 1) times its odd constant, so that any machine computes the same.
    """
    digest = hashlib.blake2b(struct.pack("<QQ", seed & 0xFFFF_FFFF_FFFF_FFFF, place), digest_size=8, person=b"freehold")
    key = np.uint64(int.from_bytes(digest.digest(), "little"))
    with np.errstate(over="ignore"):
        bits = key + (ids.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E37_79B9_7F4A_7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58_476D_1CE4_E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D0_49BB_1331_11EB)
        bits ^= bits >> np.uint64(31)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return -np.log(-np.log(uniform))


def _penalised(logits: NDArray[np.float32], penalty: float, recent: Sequence[int]) -> NDArray[np.float32]:
    ids = np.unique(np.asarray(recent, dtype=np.int64))
    changed = logits.copy()
    changed[ids] = np.where(changed[ids] > 0, changed[ids] / penalty, changed[ids] * penalty)
    return changed
