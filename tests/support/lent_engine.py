"""An engine process for tests of lending: it computes nothing, and does what the prompt's last id says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

from freehold.foundation.stop import Stop
from freehold.processes import worker
from freehold.processes.frames import pack_ids, unpack_ids

SLOW, DIES, DEAF, READS_LONG = 1, 2, 3, 4


def serve() -> None:
    """Writes the ids 1, 2, 3 ... by their place in the answer: slowly, until it dies at the tenth, deaf to a stop
    after the third, after reading for three seconds; anything else than those ids as fast as a fast machine.
    """
    ops = {"engine.facts": facts, "engine.load": load, "engine.generate": generate}
    worker.serve("engine", ops)


def token(place: int) -> int:
    return place % 1000 + 1


def facts() -> dict[str, Any]:
    return {"gpu": False, "build": "fake"}


def load(path: str, context: int, gpu_layers: int, threads: int) -> dict[str, Any]:
    return {"limit": context, "gpu_layers": 0, "threads": 1, "template": "model", "notes": []}


def generate(prompt: str, replayed: int, sampling: dict[str, Any], stop: Stop) -> Iterator[dict[str, Any]]:
    ids = unpack_ids(prompt)
    begun = len(ids) - replayed
    way = ids[begun - 1]
    yield {"done": 0, "total": len(ids)}
    for done in range(30 if way == READS_LONG else 0):
        if stop.wait(0.1):
            return _ended("stopped")
        yield {"done": min(done, len(ids)), "total": len(ids)}
    yield {"done": len(ids), "total": len(ids)}
    for place in range(replayed, replayed + sampling["max_tokens"]):
        if way == DIES and place == 10:
            os._exit(7)
        if way == DEAF and place == 3:
            time.sleep(60)
        if stop.wait({SLOW: 0.05, DIES: 0.1}.get(way, 0.001)):
            return _ended("stopped")
        yield {"ids": pack_ids([token(place)]), "text": "x"}
    return _ended("length")


def _ended(ending: str) -> dict[str, Any]:
    return {"ending": ending, "tail": "", "reused": 0}
