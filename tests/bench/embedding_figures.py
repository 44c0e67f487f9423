"""How fast text becomes vectors, and whether they are the ones that plain sentence-transformers gives."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from figures import Figure, paired

from freehold.library.embed.client import Embedder, bundled
from freehold.processes.frames import unpack_floats
from support.libraries import embedder_process

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "xquad" / "xquad.en.dev.json"


def embedding(folder: Path, texts: Sequence[str], pairs: int) -> Iterator[Figure]:
    """Our embedder against plain `encode(batch_size=32)` in float32, the same chunks, in many short interleaved pairs;
    and what that does to the vectors and to their ranking.
    """
    from transformers import AutoTokenizer

    model = bundled()
    assert model is not None
    tokenizer = AutoTokenizer.from_pretrained(str(model.folder))
    low = ProcessPoolExecutor(1, get_context("spawn"), os.nice, (10,))  # a process of the priority that ours has

    def plain(some: Sequence[str]) -> Any:
        return low.submit(_plain, str(model.folder), some).result()

    plain(texts[:1])
    ours = Embedder(embedder_process(folder), model)
    ours.warm()
    measured, cosines = [], []
    for number in range(pairs):
        some = texts[number % 4 :: 4]
        start = time.perf_counter()
        theirs = plain(some)
        middle = time.perf_counter()
        vectors = ours.embed(some)
        measured.append((len(some) / (time.perf_counter() - middle), len(some) / (middle - start)))
        whole = [len(ids) <= 256 for ids in tokenizer(some, verbose=False)["input_ids"]]
        cosines += list((_matrix(vectors) * theirs).sum(axis=1)[whole])
    value, baseline, ratio = paired(measured)
    yield Figure("chunks embedded, against plain encode", value, "chunks/s", 2.5, "at least", baseline, ratio)
    yield Figure("cosine of their vectors to plain float32, mean", float(fmean(cosines)), "cosine", 0.999, "at least",
                 note=f"lowest {min(cosines):.5f}; texts that plain encode would cut left out")  # fmt: skip
    if XQUAD.is_file():
        yield _ranking(plain, ours)
    ours.close()
    low.shutdown()


_models: dict[str, Any] = {}


def _plain(folder: str, texts: Sequence[str]) -> Any:
    """In a process of its own."""
    if folder not in _models:
        from sentence_transformers import SentenceTransformer

        _models[folder] = SentenceTransformer(folder, device="cpu", local_files_only=True)
    return _models[folder].encode(texts, batch_size=32, normalize_embeddings=True)


def _ranking(plain: Callable[[Sequence[str]], Any], ours: Embedder) -> Figure:
    """nDCG@10 of the paragraph that a question was asked of, by cosine alone."""
    paragraphs = [one for article in json.loads(XQUAD.read_text())["data"] for one in article["paragraphs"]]
    texts = [one["context"] for one in paragraphs]
    asked = [(one["qas"][0]["question"], number) for number, one in enumerate(paragraphs)]
    questions = [question for question, _ in asked]
    theirs = _gain(plain(texts), plain(questions), asked)
    value = _gain(_matrix(ours.embed(texts)), _matrix([ours.embed_question(one) for one in questions]), asked)
    return Figure("nDCG@10 of questions over paragraphs, to plain float32", value - theirs, "nDCG", -0.005, "at least",
                  note=f"{value:.4f} against {theirs:.4f}, xquad English, cosine alone")  # fmt: skip


def _gain(texts: Any, questions: Any, asked: Sequence[tuple[str, int]]) -> float:
    scores = texts @ questions.T
    ranks = [int((scores[:, number] > scores[gold, number]).sum()) for number, (_, gold) in enumerate(asked)]
    return fmean(1 / math.log2(2 + rank) if rank < 10 else 0.0 for rank in ranks)


def _matrix(vectors: Sequence[str]) -> Any:
    import numpy

    return numpy.asarray([unpack_floats(one) for one in vectors], dtype=numpy.float32)
