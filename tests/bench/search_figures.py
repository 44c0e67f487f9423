"""Finding in a large library: how long a search takes, how long the vault warms up, and what Chroma brings."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
from figures import Figure, paired, percentile

from freehold.library.embed.client import Embedder, bundled
from freehold.library.nearest import Nearest
from freehold.processes.frames import pack_floats
from support.libraries import VaultInMemory, embedder_process

_SOUNDS = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "el", "in", "or", "us")]
_VOCABULARY, _EXPONENT = 60_000, 1.05  # as uneven as prose: the commonest word stands in most chunks
_TOPICS = 32  # directions in which vectors differ most, as those of texts do; wholly random ones have no neighbours
_QUESTIONS = 60


class Made:
    """Words and vectors that are spread as those of real texts are."""

    def __init__(self, seed: int) -> None:
        self._chance = numpy.random.default_rng(seed)
        weights = 1 / (numpy.arange(_VOCABULARY) + 2.7) ** _EXPONENT
        self._shares = weights / weights.sum()
        self._words = [_word(rank) for rank in range(_VOCABULARY)]
        self._topics = numpy.random.default_rng(0).normal(size=(_TOPICS, 384)).astype("<f4")

    def prose(self, words: int) -> str:
        return " ".join(self._words[place] for place in self._chance.choice(_VOCABULARY, words, p=self._shares))

    def vectors(self, many: int) -> Any:
        about = self._chance.normal(size=(many, _TOPICS)).astype("<f4") @ self._topics
        made = about + self._chance.normal(size=(many, 384)).astype("<f4")
        return made / numpy.linalg.norm(made, axis=1, keepdims=True)


def _word(rank: int) -> str:
    rank, word = rank + 7, ""
    while rank:
        rank, sound = divmod(rank, len(_SOUNDS))
        word += _SOUNDS[sound]
    return word


def searching(folder: Path, many: int) -> Iterator[Figure]:
    """Hybrid search, warm, the embedding of the query included; before that, how it came to be warm."""
    vault, made = filled(folder, many), Made(2)
    yield from _warming(vault, made, many)
    model = bundled()
    embedder = Embedder(embedder_process(folder), model) if model else None
    times, processor = [], []
    for vector in made.vectors(_QUESTIONS):
        query, start = made.prose(12), time.perf_counter()
        if embedder:
            embedder.embed([query])
        middle, used = time.perf_counter(), time.process_time()
        vault.call("library.search", query=query, vector=pack_floats(vector.tolist()), embedder="made")
        processor.append(1000 * (time.process_time() - used))
        times.append((1000 * (time.perf_counter() - start), 1000 * (middle - start)))
    if embedder:
        embedder.close()
    whole, embedding = (statistics.median(part) for part in zip(*times[10:], strict=True))
    note = f"median {whole:.0f} ms, of which {embedding:.0f} embedding the query; searching used the processor for "
    note += f"{statistics.median(processor[10:]):.0f} ms, p95 {percentile(processor[10:], 0.95):.0f}"
    slowest = percentile([whole for whole, _ in times[10:]], 0.95)
    goal = 60.0 if many == 100_000 else None
    yield Figure(f"hybrid search over {many:,} chunks, warm, p95", slowest, "ms", goal, note=note)


def _warming(vault: VaultInMemory, made: Made, many: int) -> Iterator[Figure]:
    question = {"query": made.prose(12), "vector": pack_floats(made.vectors(1)[0].tolist()), "embedder": "made"}
    start = time.perf_counter()
    meanwhile = vault.call("library.search", **question)
    first = time.perf_counter() - start
    steps = []
    while True:
        step = time.perf_counter()
        has_more = vault.call("library.warm", embedder="made")
        steps.append(time.perf_counter() - step)
        if not has_more:
            break
    note = f"the first search, by {meanwhile['mode']}, {first:.2f} s; the longest step {max(steps):.2f} s"
    yield Figure(f"{many:,} chunks taken into memory after unlocking", time.perf_counter() - start, "s", note=note)


def filled(folder: Path, many: int) -> VaultInMemory:
    """A vault with `many` chunks in documents of 100."""
    vault, made = VaultInMemory(folder), Made(3)
    source = vault.call("library.add_source", path="/made", collection="documents")["id"]
    for number in range(many // 100):
        vault.call("library.enqueue", source=source, files=[[f"/made/{number}.txt", 1, 1, 1, number]])
        chunks = [[made.prose(90), None, "", 100] for _ in range(100)]
        vault.call("library.write", document=number + 1, place=0, start=0, chunks=chunks)
        vault.call("library.finish", document=number + 1, state="words")
        rows = vault.call("library.unembedded", embedder="made", after=number * 100, limit=200)
        pairs = [[row[1], pack_floats(one.tolist())] for row, one in zip(rows, made.vectors(len(rows)), strict=True)]
        vault.call("library.put_vectors", embedder="made", vectors=pairs)
    vault.call("library.tidy")
    return vault


def chroma(many: int) -> Iterator[Figure]:
    """Chroma against the exact scan of the same vectors, in turn."""
    made = Made(4)
    vectors, questions = made.vectors(many), made.vectors(_QUESTIONS)
    nearest = Nearest(lambda chunks: (list(chunks), vectors[chunks]))
    start = time.perf_counter()
    nearest.put(list(range(many)))
    while not nearest.is_ready:
        time.sleep(0.05)
    yield Figure(f"{many:,} vectors taken into Chroma, in batches of 100 with rests", time.perf_counter() - start, "s")
    agreed, times = [], []
    for question in questions:
        start = time.perf_counter()
        found = nearest.ask(question, 80)
        middle = time.perf_counter()
        exact = numpy.argsort(-(vectors @ question))[:10]
        times.append((1000 * (middle - start), 1000 * (time.perf_counter() - middle)))
        agreed.append(len(set(found or ()) & set(exact.tolist())) / 10)
    nearest.end()
    value, baseline, ratio = paired(times)
    yield Figure(f"the ten nearest of {many:,}: recall of Chroma", statistics.fmean(agreed), "share", 0.99, "at least")
    yield Figure(
        f"the nearest of {many:,}: Chroma against an exact scan", value, "ms", None, "at most", baseline, ratio
    )
