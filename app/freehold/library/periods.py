"""The times that a question names and that a document is of, so that a report of the wrong quarter gives way to that of
the right one: reports of two quarters differ in little else. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

_MONTHS = (
    "jan(?:uar[yi]?|vier)?|ener[o]?",
    "feb(?:ruar[yi]?|rero)?|f[ée]vr(?:ier)?",
    "mar(?:ch|zo|s)?|m[aä]rz",
    "apr(?:il)?|abr(?:il)?|avr(?:il)?",
    "ma[yi]|mayo",
    "jun[ei]?|junio|juin",
    "jul[yi]?|julio|juil(?:let)?",
    "aug(?:ust)?|ago(?:sto)?|ao[uû]t",
    "sept?(?:ember|iembre|embre)?",
    "o[ck]t(?:ober|ubre|obre)?",
    "nov(?:ember|iembre|embre)?",
    "de[cz](?:ember|embre)?|dic(?:iembre)?|d[ée]c(?:embre)?",
)
_QUARTERS = (
    "first|1st|erste[ns]?|primer[oa]?|premier",
    "second|2nd|zweite[ns]?|segund[oa]|deuxi[èe]me",
    "third|3rd|dritte[ns]?|tercer[oa]?|troisi[èe]me",
    "fourth|4th|vierte[ns]?|cuart[oa]|quatri[èe]me",
)
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_DAY = r"(?P<day>0?[1-9]|[12]\d|3[01])"
_MONTH = "(?:" + "|".join(f"(?P<m{number}>{names})" for number, names in enumerate(_MONTHS, 1)) + r")\.?"
_OF = r"[\s,._-]*(?:(?:of|de|del|des|the|fiscal|year|fy|ejercicio)[\s._-]*){0,3}"
_ORDINAL = "(?:" + "|".join(f"(?P<q{number}>{names})" for number, names in enumerate(_QUARTERS, 1)) + ")"
_FORMS = tuple(
    re.compile(rf"(?<![^\W_]){form}(?![^\W_])", re.IGNORECASE)
    for form in (
        rf"{_YEAR}[-._]?(?P<month>0[1-9]|1[0-2])[-._]?(?P<day>0[1-9]|[12]\d|3[01])",
        rf"{_DAY}\.\s?(?P<month>0?[1-9]|1[0-2])\.\s?{_YEAR}",
        rf"{_MONTH}\s+{_DAY}(?:st|nd|rd|th)?,?\s+{_YEAR}",
        rf"{_DAY}(?:st|nd|rd|th|\.)?{_OF}{_MONTH}{_OF}{_YEAR}",
        rf"(?:Q(?P<quarter>[1-4])|(?P<count>[1-4])Q){_OF}{_YEAR}",
        rf"{_YEAR}[\s,._-]*Q(?P<quarter>[1-4])",
        rf"(?:{_ORDINAL}|(?P<quarter>[1-4])\.)\s+(?:fiscal\s+)?(?:quarter|quartal|trimestre){_OF}{_YEAR}",
        rf"{_MONTH}{_OF}{_YEAR}",
        rf"{_YEAR}[-._](?P<month>0[1-9]|1[0-2])",
        rf"(?:FY\s?)?{_YEAR}",
    )
)
_SOME_YEAR = re.compile(r"(?:19|20)\d\d")
_NEAR = 48  # characters around a year that may say more of the time
_UNTOLD = re.compile(r"[\W\d_]+")
_NEWEST = re.compile(
    r"\b(?:latest|newest|most recent|(?:neu|jüng|aktuell)e?ste[nmrs]?|m[áa]s recientes?|plus récente?s?)\b",
    re.IGNORECASE,
)


class Period(NamedTuple):
    """A year, or a quarter, month or day of it; 0 for what is not said."""

    year: int
    quarter: int = 0
    month: int = 0
    day: int = 0

    def ends(self) -> tuple[int, int, int]:
        """By which periods are put in order."""
        return self.year, self.month or 3 * self.quarter or 12, self.day or 31


def periods_in(text: str) -> tuple[Period, ...]:
    """The periods that `text` names, in its order, each once; no part of one counts again."""
    found: list[tuple[int, Period]] = []
    for start, left in _about_years(text):
        for form in _FORMS:
            found += [(start + match.start(), _period(match)) for match in form.finditer(left)]
            left = form.sub(_blank, left)  # noqa: PLW2901 - what is left of it
    return tuple(dict.fromkeys(period for _, period in sorted(found)))


def _about_years(text: str) -> Iterator[tuple[int, str]]:
    """The parts of `text` in which a year stands, with where they begin: all else needs no second look."""
    start = end = 0
    for year in _SOME_YEAR.finditer(text):
        if end and year.start() - _NEAR > end:
            yield start, text[start:end]
            start, end = year.start() - _NEAR, 0
        elif not end:
            start = max(year.start() - _NEAR, 0)
        end = year.end() + _NEAR
    if end:
        yield start, text[start:end]


def _blank(match: re.Match[str]) -> str:
    return " " * len(match.group())


def _without_periods(text: str) -> str:
    for form in _FORMS:
        text = form.sub(_blank, text)
    return text


def _period(match: re.Match[str]) -> Period:
    said = {name: value for name, value in match.groupdict().items() if value}
    numbered = {name[0]: int(name[1:]) for name in said if name[1:].isdigit()}
    return Period(
        int(said["year"]),
        int(said.get("quarter") or said.get("count") or numbered.get("q", 0)),
        int(said.get("month") or numbered.get("m", 0)),
        int(said.get("day", 0)),
    )


class Dated(NamedTuple):
    """What a document is of: `named` in its name, `begins` with the first quarter, month or day at its beginning."""

    named: tuple[Period, ...]
    begins: tuple[Period, ...]

    def is_of(self, asked: Iterable[Period]) -> bool:
        """Whether the document is of one of these. A year alone counts in its name only: texts begin with many. Months
        tell the quarter only where no quarter is named: a company's third one may end in June.
        """
        own = (*self.named, *self.begins)
        names_quarter = any(period.quarter for period in own)
        return any(
            _covers(period, wanted, names_quarter)
            for wanted in asked
            for period in (own if wanted.quarter or wanted.month else self.named)
        )

    def ends(self) -> tuple[int, int, int]:
        """By which documents are put in order; of one without a period, before all."""
        return max((period.ends() for period in self.named or self.begins), default=(0, 0, 0))


def dated(name: str, beginning: str) -> Dated:
    begins = (period for period in periods_in(beginning) if period.quarter or period.month)
    return Dated(periods_in(name), tuple(begins)[:1])


def names_time(question: str) -> bool:
    """Whether the question asks for documents of some time, or for the newest."""
    return bool(periods_in(question)) or _NEWEST.search(question) is not None


def of_the_time(question: str, documents: Mapping[int, tuple[str, str]]) -> frozenset[int]:
    """Which of `documents`, (name, beginning) by number, are of a time that the question names; where it names none
    but asks for the newest: of those whose names differ in their periods only, the newest.
    """
    known = {number: dated(*told) for number, told in documents.items()}
    asked = periods_in(question)
    if asked or not _NEWEST.search(question):
        return frozenset(number for number, one in known.items() if one.is_of(asked))
    series: dict[str, list[int]] = {}
    for number, one in known.items():
        if one.named or one.begins:
            series.setdefault(series_of(documents[number][0]), []).append(number)
    return frozenset(max(some, key=lambda number: known[number].ends()) for some in series.values() if len(some) > 1)


def series_of(name: str) -> str:
    """A name without its periods and numbers: alike for documents that differ in nothing else."""
    return _UNTOLD.sub("", _without_periods(name)).casefold()


def _covers(own: Period, wanted: Period, names_quarter: bool) -> bool:
    quarter = own.quarter if names_quarter else -(-own.month // 3)
    return (
        own.year == wanted.year
        and wanted.quarter in (0, quarter)
        and wanted.month in (0, own.month)
        and wanted.day in (0, own.day)
    )
