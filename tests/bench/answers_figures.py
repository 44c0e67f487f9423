"""Answers and refusals, the whole way: 120 questions whose document is there and 120 whose document is not, of the real
program with the starter model. Each set is halved into two collections; a question is asked of its own half, and,
as one whose document is missing, of the other.
"""

from __future__ import annotations

import json
import random
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from figures import Figure
from refusals import DATA, questions

from freehold import app
from freehold.assistant.household import Household
from freehold.assistant.reply import Wish
from freehold.assistant.values import Answered, Reference
from freehold.chats.values import Scope, Turn, Use
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop

_LONGEST = 96  # tokens of an answer: long enough for its first sentences
_MANY = {"xquad": 60, "spans": 36, "filings": 24}  # questions of each set, 120 altogether
_OTHER = {"one": "two", "two": "one"}


@dataclass(frozen=True, slots=True)
class Case:
    """A question of a set, the half its documents are in, and their file names."""

    set: str
    question: str
    half: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a case: `is_there` says whether its own half was asked."""

    case: Case
    is_there: bool
    turn: Turn
    references: tuple[Reference, ...]

    @property
    def is_refused(self) -> bool:
        return self.turn.provenance is not None and self.turn.provenance.grounded is False

    @property
    def cited(self) -> list[str]:
        """Names of the cited documents, the best passage's first."""
        return [Path(one.path).name for one in self.references if one.use is Use.CITED]

    @property
    def cites_right(self) -> bool:
        """Cited, and first of all a document that answers."""
        return bool(self.cited) and self.cited[0] in self.case.gold

    @property
    def cites_only_right(self) -> bool:
        return bool(self.cited) and set(self.cited) <= self.case.gold


def answer_figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        household = app.build(Profile(home / "profile"))
        household.holder.claim()
        household.vault.create(raw=secrets.token_bytes(32))
        try:
            cases = _bring(household, home / "papers")
            asked = [_ask(household, case, is_there) for case in cases for is_there in (True, False)]
        finally:
            household.close()
    yield from _told(asked)


def _told(asked: Sequence[Asked]) -> Iterator[Figure]:
    there = [one for one in asked if one.is_there]
    missing = [one for one in asked if not one.is_there]
    answered = [one for one in there if not one.is_refused]
    by_set = "; ".join(
        f"{name}: right {_share(one.cites_right for one in there if one.case.set == name):.2f}, "
        f"refused {_share(one.is_refused for one in missing if one.case.set == name):.2f}, "
        f"falsely {_share(one.is_refused for one in there if one.case.set == name):.2f}"
        for name in _MANY
    )
    yield Figure(
        f"answers, {len(there)} questions with their document: cited, the right document first",
        _share(one.cites_right for one in there), "share", 0.8, "at least", note=by_set,
    )  # fmt: skip
    yield Figure(
        "the same, and no other document cited beside it", _share(one.cites_only_right for one in there), "share"
    )
    yield Figure(
        f"refusals, {len(missing)} questions without their document: refused",
        _share(one.is_refused for one in missing), "share", 0.9, "at least",
    )  # fmt: skip
    yield Figure("refusals of questions with their document", _share(one.is_refused for one in there), "share", 0.1)
    pages = [ref for one in answered for ref in one.references if ref.use is Use.CITED]
    yield Figure("citations that point at the text they cite", _share(ref.state == "here" and bool(ref.text)
                 for ref in pages), "share", 1.0, "exactly", note=f"{len(pages)} citations")  # fmt: skip
    own = [one for one in answered if one.turn.provenance and not any(_is_quote(n) for n in one.turn.provenance.notes)]
    yield Figure(
        "answers of which a sentence of the model's own could be traced; the others quote the closest one",
        len(own) / max(len(answered), 1), "share",
    )  # fmt: skip


def _is_quote(note: str) -> bool:
    return "could be traced" in note


def _share(claims: Iterator[bool]) -> float:
    values = [float(claim) for claim in claims]
    return fmean(values) if values else 0.0


def _ask(household: Household, case: Case, is_there: bool) -> Asked:
    wish = Wish(
        sampling={"max_tokens": _LONGEST, "temperature": 0.0, "seed": 1},
        scope=Scope(True, (case.half if is_there else _OTHER[case.half],)),
    )
    steps = household.assistant.reply(household.conversations.create().id, case.question, Stop(), wish)
    turn = next(step.turn for step in steps if isinstance(step, Answered))
    return Asked(case, is_there, turn, household.assistant.quoted(turn))


def _bring(household: Household, papers: Path) -> list[Case]:
    """All documents into their halves; the cases, the same ones each time."""
    for half in _OTHER:
        (papers / half).mkdir(parents=True)
    cases = [*_paragraphs(papers), *_spans(papers), *_filings(papers)]
    for half in _OTHER:
        household.library.add([papers / half], collection=half)
    for _ in household.library.work(Stop()):
        pass
    chance = random.Random(7)
    return [case for name, many in _MANY.items() for case in chance.sample([c for c in cases if c.set == name], many)]


def _paragraphs(papers: Path) -> Iterator[Case]:
    """The same articles in three languages go into the same half; a language's answer may stand in another's."""
    for language in ("en", "de", "es"):
        articles = json.loads((DATA / "xquad" / f"xquad.{language}.dev.json").read_text())["data"]
        for number, article in enumerate(articles):
            half = "one" if number % 2 else "two"
            for place, paragraph in enumerate(article["paragraphs"]):
                name = f"{article['title']} {place} {language}.txt"
                (papers / half / name).write_text(paragraph["context"])
                gold = frozenset(f"{article['title']} {place} {other}.txt" for other in ("en", "de", "es"))
                yield from (Case("xquad", one["question"], half, gold) for one in paragraph["qas"])


def _spans(papers: Path) -> Iterator[Case]:
    halves = {"chatlogs.md": "one", "state_of_the_union.md": "one", "wikitexts.md": "two"}
    for name, half in halves.items():
        (papers / half / name).write_bytes((DATA / "spans" / name).read_bytes())
    for one in questions("spans"):
        yield Case("spans", one["question"], halves[one["corpus"]], frozenset([one["corpus"]]))


def _filings(papers: Path) -> Iterator[Case]:
    for path in (DATA / "filings").glob("*.pdf"):
        (papers / _half_of(path.name) / path.name).write_bytes(path.read_bytes())
    for one in questions("filings"):
        yield Case("filings", one["question"], _half_of(one["documents"][0]), frozenset(one["documents"]))


def _half_of(filing: str) -> str:
    return "one" if "AAPL" in filing else "two"
