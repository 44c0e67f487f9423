"""Receipts that anybody can hold against what they are about: a bundle of both, written and read. Pure.

Whether signature and certificate hold, the courier says (courier_worker.py); whether the ids could have come of the
weights, `market/checking.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from freehold.foundation.canonical import canonical, object_from
from freehold.market.records import Kept
from freehold.market.values import PROTOCOL, Malformed, Receipt, opening_hash, rolled
from freehold.processes.frames import JunkOnPipe, unpack_ids

MOST_BYTES = 16 * 1024 * 1024  # of a bundle's file


@dataclass(frozen=True, slots=True)
class Bundle:
    """A receipt with the very ids and sampling that its hashes were made of."""

    receipt: Receipt
    prompt: tuple[int, ...]
    answer: tuple[int, ...]
    sampling: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `receipts verify` says. `checked_tokens` were computed again from the weights; `reason` is for people."""

    valid: bool
    checked_tokens: int = 0
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return {"valid": self.valid, "checked_tokens": self.checked_tokens, "reason": self.reason}


def write_bundle(kept: Kept) -> bytes:
    """The bundle of a receipt that is kept with its content, as canonical JSON and a line end."""
    told = {"receipt": kept.receipt.to_wire(), "prompt": kept.prompt, "answer": kept.answer, "sampling": kept.sampling}
    return canonical(told) + b"\n"


def read_bundle(content: bytes) -> Bundle:
    """Raises Malformed: anybody may have written this."""
    if len(content) > MOST_BYTES:
        raise Malformed("a bundle that is too long")
    try:
        told = object_from(content)
        if not isinstance(told.get("sampling"), dict):
            raise Malformed("a bundle without its sampling")
        canonical(told["sampling"])
        prompt, answer = (tuple(unpack_ids(told[name])) for name in ("prompt", "answer"))
    except (ValueError, KeyError, TypeError, RecursionError, JunkOnPipe) as error:
        raise Malformed("a bundle that does not read") from error
    return Bundle(Receipt.from_wire(told.get("receipt", {})), prompt, answer, told["sampling"])


def mismatch(receipt: Receipt, prompt: Sequence[int], answer: Sequence[int], sampling: Mapping[str, Any]) -> str:
    """What of a receipt is not true of these ids, in words; empty when all is."""
    if receipt.protocol != PROTOCOL:
        return "it is of another protocol"
    if not receipt.ending:
        return "the answer had not ended"
    if (receipt.tokens_in, receipt.tokens_out) != (len(prompt), len(answer)):
        return "it counts other numbers of tokens"
    if not 0 <= receipt.opened <= receipt.closed:
        return "it ended before it began"
    if receipt.opening != opening_hash(receipt.manifest, prompt, sampling):
        return "it is of another question, model or sampling"
    if receipt.transcript != rolled(receipt.opening, answer):
        return "it is of another answer"
    return ""
