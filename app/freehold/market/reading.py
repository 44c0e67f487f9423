"""What a peer answers, read: one function for each thing that it may say (docs/peers.md). Runs in the courier.

Each raises `Malformed` for anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from freehold.foundation.canonical import object_from
from freehold.market.errors import REASONS
from freehold.market.values import MOST_PROMPT, Malformed, Manifest, Offer, Quote

MOST_OFFERS = 64
_MOST_LEASE = 4096
_LONGEST_NAME, _LONGEST_BUILD = 120, 1000  # characters; llama.cpp lists what a processor can
_DIGEST = re.compile(r"[0-9a-f]{64}")

Value = dict[str, Any]


def read_answer(kind: str, body: bytes) -> Value:
    """The value of a good answer of this kind."""
    return READERS[kind](_object(body))


def read_refusal(body: bytes) -> str:
    """The code of a refusal, one of market.errors; what is none of them is `failed`."""
    try:
        error = _object(body).get("error")
    except Malformed:
        return "failed"
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and code in REASONS else "failed"


def checked_manifest(manifest: Manifest) -> Manifest:
    """A manifest whose fields can be what they say they are."""
    if not _DIGEST.fullmatch(manifest.sha256) or not _DIGEST.fullmatch(manifest.vocabulary_sha256):
        raise Malformed("a manifest without digests")
    if not 2 <= manifest.context <= MOST_PROMPT or not 1 <= manifest.lease <= _MOST_LEASE:
        raise Malformed("a manifest with a context or a lease that cannot be")
    for name in ("model", "quantisation", "engine", "kv_type", "sampler"):
        if not _is_name(getattr(manifest, name), _LONGEST_BUILD if name == "engine" else _LONGEST_NAME):
            raise Malformed(f"a manifest whose {name} cannot be shown")
    return manifest


def _offers(said: Value) -> Value:
    offers = said.get("offers")
    if not isinstance(offers, list) or len(offers) > MOST_OFFERS:
        raise Malformed("no list of offers")
    return {"offers": [_offer(one) for one in offers]}


def _offer(said: Any) -> Value:
    offer = Offer.from_wire(said)
    checked_manifest(offer.manifest)
    if not _DIGEST.fullmatch(offer.hpke_key):
        raise Malformed("an offer without a key to seal to")
    return offer.to_wire()


def _quote(said: Value) -> Value:
    quote = Quote.from_wire(said)
    if not _is_name(quote.id):
        raise Malformed("a quote without a name")
    return quote.to_wire()


def _opened(said: Value) -> Value:
    if not isinstance(said.get("job"), str) or not _DIGEST.fullmatch(str(said.get("opening"))):
        raise Malformed("a job that was not opened")
    return {"job": said["job"], "opening": said["opening"], **_granted(said)}


def _granted(said: Value) -> Value:
    if type(said.get("granted")) is not int or said["granted"] < 0:
        raise Malformed("nothing was granted")
    return {"granted": said["granted"]}


def _receipt(said: Value) -> Value:
    return {"receipt": said.get("receipt")}  # held against the job by whoever knows that


def _nothing(_: Value) -> Value:
    return {}


READERS: Mapping[str, Callable[[Value], Value]] = {
    "offers": _offers, "quote": _quote, "opened": _opened, "granted": _granted, "receipt": _receipt,
    "nothing": _nothing, "pairing": dict,
}  # fmt: skip


def _object(body: bytes) -> Value:
    try:
        return object_from(body)
    except ValueError as error:
        raise Malformed("an answer that does not read") from error


def _is_name(text: str, longest: int = _LONGEST_NAME) -> bool:
    return bool(text.strip()) and len(text) <= longest and text.isprintable()
