"""The questions of `data/` with the documents that answer them, and those documents' files.

Each article of xquad, each corpus of spans and each company is a home: a collection of its own, so that a question can
be asked with its documents there and with them away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[3] / "shared" / "data"
LANGUAGES = ("en", "de", "es")
CORPORA = {"chatlogs.md": "one", "state_of_the_union.md": "one", "wikitexts.md": "two"}  # each with its half


@dataclass(frozen=True, slots=True)
class Question:
    """`documents` (names of files) answer it, and so do all in `right`: translations of a paragraph. `group` is the
    set, and the language where it has several.
    """

    question: str
    group: str
    home: str
    documents: tuple[str, ...]
    right: frozenset[str]

    @property
    def set(self) -> str:
        return self.group.partition(" ")[0]


def sources(folder: Path) -> dict[str, list[Path]]:
    """The files of each home. Paragraphs of xquad are written to `folder`, a file each."""
    found: dict[str, list[Path]] = {}
    for language, article, number, paragraph in _paragraphs():
        path = folder / _paragraph_name(language, article, number)
        path.write_text(paragraph["context"])
        found.setdefault(f"xquad {article}", []).append(path)
    for name in CORPORA:
        found[f"spans {name}"] = [DATA / "spans" / name]
    for path in sorted((DATA / "filings").glob("*.pdf")):
        found.setdefault(f"filings {company(path.name)}", []).append(path)
    return found


def all_questions() -> Iterator[Question]:
    for language, article, number, paragraph in _paragraphs():
        name = _paragraph_name(language, article, number)
        right = frozenset(_paragraph_name(other, article, number) for other in LANGUAGES)
        for one in paragraph["qas"]:
            yield Question(one["question"], f"xquad {language}", f"xquad {article}", (name,), right)
    for one in lines("spans"):
        corpus = one["corpus"]
        yield Question(one["question"], "spans", f"spans {corpus}", (corpus,), frozenset([corpus]))
    for one in lines("filings"):
        documents = tuple(one["documents"])
        home = f"filings {company(documents[0])}"
        yield Question(one["question"], "filings", home, documents, frozenset(documents))


def half_of(home: str) -> str:
    """Each set in two halves, "one" and "two", so that a question can be asked of the one that does not answer it."""
    name, _, rest = home.partition(" ")
    if name == "xquad":
        return "one" if _articles().index(rest) % 2 else "two"
    return CORPORA[rest] if name == "spans" else "one" if rest == "AAPL" else "two"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name / "questions.jsonl").read_text().splitlines()]


def company(filing: str) -> str:
    return filing.removesuffix(".pdf").rpartition(" ")[2]


@cache
def _articles() -> list[str]:
    return list(dict.fromkeys(article for _, article, _, _ in _paragraphs()))


def _paragraphs() -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    for language in LANGUAGES:
        for article in json.loads((DATA / "xquad" / f"xquad.{language}.dev.json").read_text())["data"]:
            for number, paragraph in enumerate(article["paragraphs"]):
                yield language, article["title"], number, paragraph


def _paragraph_name(language: str, article: str, number: int) -> str:
    return f"{language} {article} {number}.txt"
