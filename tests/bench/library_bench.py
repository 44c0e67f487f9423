"""Reading and finding: how fast files become words and vectors, how fast a search is, how the vault grows."""

from __future__ import annotations

import html
import os
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from beside_figures import beside_indexing
from embedding_figures import embedding
from figures import Figure
from search_figures import chroma, searching

from freehold.foundation.stop import Stop
from freehold.library.embed.client import bundled
from freehold.library.extract.client import Extractor
from freehold.library.library import Library
from support.indexing_kills import kill_while_indexing
from support.libraries import LetterEmbedder, NoViewer, PlainExtractor, VaultInMemory, extractor

DOCUMENTS = Path(__file__).parents[3] / "shared" / "data" / "documents"
_NOTATION = re.compile(r"<!--.*?-->|</?\w[^<>]*>|\]\([^()]*(\([^()]*\)[^()]*)*\)", re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_WORDS = [a + b for a in "kastelumirodanve" for b in ("ba", "ce", "di", "fo", "gu", "lat", "mer", "nis", "por", "tul")]


def figures(*, quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if DOCUMENTS.is_dir():
            yield from _reading(_made(folder / "reading"), 100 if quick else 510)
            yield from _recall(_made(folder / "recall"))
        yield _rescan(_made(folder / "rescan"))
        yield _cycles(_made(folder / "cycles"))
        yield from searching(_made(folder / "search"), 10_000 if quick else 100_000)
        if find_spec("chromadb"):
            yield from chroma(3_000 if quick else 20_000)
        yield from _killed(_made(folder / "kills"), 5 if quick else 100)
        if bundled() is not None:
            place = _made(folder / "embed")
            yield from embedding(place, _texts(place, 256), pairs=3 if quick else 12)
            yield from beside_indexing(quick=quick)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _reading(folder: Path, most: int) -> Iterator[Figure]:
    """Mixed files of data/documents: from a cold start until the last is found by its words."""
    files = [path for path in sorted(DOCUMENTS.rglob("*")) if path.is_file()]
    chosen = files[:: max(len(files) // most, 1)][:most]
    library = Library(VaultInMemory(folder), extractor(folder), LetterEmbedder(""), NoViewer())
    start = time.perf_counter()
    library.add(chosen)
    states = [step.state.value for step in library.work(Stop())]
    seconds = time.perf_counter() - start
    library.close()
    goal = 20.0 if len(chosen) == 100 else None
    yield Figure(f"{len(chosen)} mixed files to keyword-searchable, cold start", seconds, "s", goal)
    stated = sum(bool(one.state) and (one.state.value == "words" or bool(one.reason)) for one in library.status())
    yield Figure(
        "files in a stated state, with words where one is needed", stated / len(states), "share", 1.0, "exactly"
    )


def _recall(folder: Path) -> Iterator[Figure]:
    """The share of the gold texts' words that is read, word by word as often as they stand there; mean over the files.

    The gold texts are Markdown: what is notation in them (link targets, tags, escapes) is no word.
    """
    shares: dict[str, list[float]] = {}
    reader = extractor(folder)
    for gold in sorted(DOCUMENTS.glob("docling/*/groundtruth/*.md")):
        group, name = gold.parents[1], gold.name.removesuffix(".md")
        source = next((one for one in (group / "sources").iterdir() if name in (one.name, one.stem)), None)
        if source is not None:
            read = _counted("".join(chunk.text for part in reader.read(source) for chunk in part))
            wanted = _counted(_NOTATION.sub(" ", html.unescape(gold.read_text()).replace("\\", "")))
            shares.setdefault(group.name, []).append((wanted & read).total() / max(wanted.total(), 1))
    reader.close()
    every = [share for some in shares.values() for share in some]
    yield Figure("word recall of the gold texts, mean", statistics.mean(every), "share", 0.95, "at least",
                 note=f"{len(every)} files, the least {min(every):.2f}")  # fmt: skip
    for name, some in shares.items():
        yield Figure(
            f"word recall of the gold texts, {name}", statistics.mean(some), "share", note=f"{len(some)} files"
        )


def _counted(text: str) -> Counter[str]:
    return Counter(word.casefold() for word in _WORD.findall(text))


def _rescan(folder: Path) -> Figure:
    papers = _made(folder / "papers")
    for number in range(1000):
        (papers / f"{number}.txt").write_text(f"words {number}\n")
    reader = PlainExtractor()
    library = Library(VaultInMemory(folder), reader, LetterEmbedder(""), NoViewer())
    library.add([papers])
    list(library.work(Stop()))
    reader.read_paths.clear()
    start = time.perf_counter()
    library.rescan()
    list(library.work(Stop()))
    seconds = time.perf_counter() - start
    return Figure("unchanged folder of 1,000 files, second scan", seconds, "s", 2.0,
                  note=f"{len(reader.read_paths)} files opened")  # fmt: skip


def _cycles(folder: Path) -> Figure:
    papers = _made(folder / "papers")
    chance = random.Random(1)
    for number in range(40):
        (papers / f"{number}.txt").write_text("\n".join(_prose(chance, 100) for _ in range(30)))
    vault = VaultInMemory(folder)
    library = Library(vault, PlainExtractor(), LetterEmbedder(), NoViewer())
    sizes = []
    for cycle in range(21):
        for path in papers.iterdir():
            os.utime(path, (cycle, cycle))
            path.write_text(path.read_text() + ("." if cycle else ""))
        library.add([papers])
        list(library.work(Stop()))
        vault.database.fold_log()
        sizes.append(vault.path.stat().st_size)
    return Figure(
        "vault after 20 re-index cycles", sizes[-1], "bytes", 1.2, baseline=sizes[0], ratio=sizes[-1] / sizes[0]
    )


def _killed(folder: Path, rounds: int) -> Iterator[Figure]:
    """`kill -9` while files are read and embedded and change meanwhile; then one run to the end."""
    after = kill_while_indexing(folder, rounds)
    yield Figure(
        "faults of the library after kills while it was indexing", len(after.wrong), f"after {after.kills} kills", 0,
        "exactly", note="; ".join(after.wrong[:3]),
    )  # fmt: skip
    yield Figure("files read again although their text was in and unchanged", len(after.read_twice), "files", 0,
                 "exactly")  # fmt: skip


def _prose(chance: random.Random, words: int) -> str:
    """Words as unevenly common as in prose."""
    drawn = (min(int(chance.paretovariate(0.6)), len(_WORDS)) - 1 for _ in range(words))
    return " ".join(f"{_WORDS[place]}{int(chance.paretovariate(0.4)) % 997}" for place in drawn)


def _texts(folder: Path, many: int) -> list[str]:
    if not DOCUMENTS.is_dir():
        chance = random.Random(4)
        return [_prose(chance, chance.randrange(20, 130)) for _ in range(many)]
    reader: Extractor = extractor(folder)
    found: list[str] = []
    for path in sorted(DOCUMENTS.rglob("*.pdf")):
        if len(found) < many and "password" not in str(path) and path.stat().st_size < 400_000:
            found += [chunk.text.strip() for part in reader.read(path) for chunk in part]
    reader.close()
    return found[:many]
