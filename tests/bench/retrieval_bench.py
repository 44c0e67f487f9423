"""How good the ranking is, set by set, against either ranker alone: the real chunker, embedder, store and search."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from figures import Figure

from freehold.foundation.stop import Stop
from freehold.library.embed.client import Embedder, bundled
from freehold.library.grounding import holds_answer
from freehold.library.library import Library
from freehold.library.values import Found, Mode, Passage
from support.libraries import NoViewer, VaultInMemory, embedder_process, extractor

DATA = Path(__file__).parents[3] / "shared" / "data"
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
        embedder = Embedder(embedder_process(folder), model)
        library = Library(VaultInMemory(folder), extractor(folder), embedder, NoViewer())
        yield from _spans(library, quick)
        if not quick:
            yield from _paragraphs(library, folder)
            yield from _filings(library)
        library.close()


def _spans(library: Library, quick: bool) -> Iterator[Figure]:
    """The share of the gold characters that the first 4,000 characters of results hold."""
    _bring(
        library, [DATA / "spans" / name for name in ("chatlogs.md", "state_of_the_union.md", "wikitexts.md")], "spans"
    )
    scores: Scores = defaultdict(list)
    for question in _questions("spans")[:: 6 if quick else 1]:
        for mode in _MODES:
            found = _ask(library, question["question"], mode, "spans", 40).passages
            scores[question["corpus"], mode].append(_held(found, question))
    yield from _compared(scores, "spans, recall at 4,000 characters")
    whole = [value for (_, mode), values in scores.items() if mode == "hybrid" for value in values]
    yield Figure("spans, recall at 4,000 characters: overall", fmean(whole), "share", 0.9, "at least")


def _held(found: Sequence[Passage], question: dict[str, Any]) -> float:
    room, held = _CHARACTERS, 0
    for passage in found:
        if room <= 0:
            break
        room -= len(passage.text)
        if Path(passage.path).name == question["corpus"]:
            held += sum(max(0, min(b, passage.end + 2) - max(a, passage.start)) for a, b in question["spans"])
    return held / sum(b - a for a, b in question["spans"])


def _paragraphs(library: Library, folder: Path) -> Iterator[Figure]:
    """Three languages pooled in one collection: the rank of the paragraph that a question was asked of. Then the same
    questions with their article taken away: are they refused?"""
    asked: list[tuple[str, str, Path]] = []
    (folder / "xquad").mkdir()
    for language in ("en", "de", "es"):
        for article in json.loads((DATA / "xquad" / f"xquad.{language}.dev.json").read_text())["data"]:
            for number, paragraph in enumerate(article["paragraphs"]):
                path = folder / "xquad" / f"{language} {article['title']} {number}.txt"
                path.write_text(paragraph["context"])
                asked += [(language, one["question"], path) for one in paragraph["qas"]]
    _bring(library, [folder / "xquad"], "xquad")
    scores: Scores = defaultdict(list)
    answered: list[float] = []
    for language, question, gold in asked:
        for mode in _MODES:
            found = _ask(library, question, mode, "xquad", 10)
            if mode == "hybrid":
                answered.append(float(holds_answer(found.signal)))
            paths = list(dict.fromkeys(passage.path for passage in found.passages))
            scores[language, mode].append(1 / (1 + paths.index(str(gold))) if str(gold) in paths else 0.0)
    yield from _compared(scores, "xquad, MRR@10")
    yield Figure("questions whose document is here: wrongly refused", 1 - fmean(answered), "share", 0.1)
    yield from _refusals(library, asked[::8])


def _refusals(library: Library, asked: Sequence[tuple[str, str, Path]]) -> Iterator[Figure]:
    """Asked of the filings and chats only, which hold none of the answers."""
    _bring(library, sorted((DATA / "filings").glob("*.pdf")), "filings")
    refused = [
        not holds_answer(library.search(question, collections=["filings", "spans"], wait=True).signal)
        for language, question, _ in asked
    ]
    yield Figure("questions whose document is not here: refused", fmean(refused), "share", 0.9, "at least")


def _filings(library: Library) -> Iterator[Figure]:
    """Whether a document that answers is among the first five passages."""
    scores: Scores = defaultdict(list)
    for question in _questions("filings"):
        for mode in _MODES:
            found = _ask(library, question["question"], mode, "filings", 5).passages
            scores["all", mode].append(float(any(Path(one.path).name in question["documents"] for one in found)))
    yield from _compared(scores, "filings, a gold document among the first five")


def _compared(scores: Scores, figure: str) -> Iterator[Figure]:
    for group in dict.fromkeys(name for name, _ in scores):
        hybrid, words, meaning = (fmean(scores[group, mode]) for mode in _MODES)
        best = max(words, meaning)
        yield Figure(f"{figure}: {group}", hybrid, "share", 1.0, "at least", best, hybrid / best,
                     note=f"words {words:.3f}, meaning {meaning:.3f}")  # fmt: skip


def _bring(library: Library, paths: Sequence[Path], collection: str) -> None:
    library.add(paths, collection=collection)
    for _ in library.work(Stop()):
        pass


def _ask(library: Library, question: str, mode: Mode, collection: str, k: int) -> Found:
    return library.search(question, k=k, collections=[collection], mode=mode, wait=True)


def _questions(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name / "questions.jsonl").read_text().splitlines()]
