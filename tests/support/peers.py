"""Values about other devices for tests, made of a few numbers."""

from __future__ import annotations

from typing import Any

from freehold.market.records import Job, Kept, Paired
from freehold.market.values import Manifest, Offer, Receipt, opening_hash, rolled
from freehold.processes.frames import pack_ids

STUDIO = "0x" + "ab" * 20
HERE = "0x" + "11" * 20
MANIFEST = Manifest("Tiny", "aa" * 32, "bb" * 32, "Q4_0", 512, "llama.cpp 1")


def device(id: str = STUDIO, **fields: Any) -> Paired:
    told = {
        "name": "Studio", "node_key": "0a" * 32, "hpke_key": "0b" * 32, "certificate": {"name": "Studio"},
        "tls": "a certificate", "host": "192.168.1.20", "port": 4711, "paired": 1000.0,
        "offers": (Offer(MANIFEST, "0b" * 32),),
    }  # fmt: skip
    return Paired(id, **{**told, **fields})


def job(id: str, device: str = STUDIO, **fields: Any) -> Job:
    told = {"data_class": "words", "tokens_in": 3, "opened": 1000.0}
    return Job(id, device, MANIFEST.digest, MANIFEST.model, MANIFEST.sha256, **{**told, **fields})


def receipt(id: str, prompt: tuple[int, ...] = (1, 2, 3), answer: tuple[int, ...] = (4, 5), **fields: Any) -> Receipt:
    opening = opening_hash(MANIFEST, prompt, {})
    told = {"ending": "complete", "opened": 1000.0, "closed": 1002.0, "provider_certificate": {"name": "Studio"}}
    return Receipt(
        id, STUDIO, HERE, MANIFEST, opening, len(prompt), len(answer), rolled(opening, answer), **{**told, **fields}
    )


def kept(id: str, chat: str = "", prompt: tuple[int, ...] = (1, 2, 3), answer: tuple[int, ...] = (4, 5)) -> Kept:
    content = {"prompt": pack_ids(prompt), "answer": pack_ids(answer), "sampling": {"seed": 7}} if chat else {}
    return Kept(receipt(id, prompt, answer), chat, **content)
