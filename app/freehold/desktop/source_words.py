"""What is said of documents and passages, in words. Pure but for Qt's translation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from freehold.chats.values import Provenance, Scope, Use
from freehold.desktop.library_words import collection_words, name_of
from freehold.desktop.words import count_words
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.assistant.values import Reference

_LETTERS_A_WORD = 6  # with the space behind it, in most languages of the alphabet


def _tr(text: str) -> str:
    return QCoreApplication.translate("sources", text)


def name_words(one: Reference) -> str:
    """What a document is called where there is little room."""
    if one.state == "gone":
        return _tr("A document that was forgotten")
    if one.state == "elsewhere":
        return _tr("A document that is not here")
    return name_of(one.path) or one_line(one.title) or _tr("A document")


def place_words(page: int | None) -> str:
    return _tr("page {0}").format(page) if page is not None else ""


def note_words(one: Reference) -> str:
    """What became of a passage since it was read."""
    return {
        "here": "", "changed": _tr("has changed since"), "gone": _tr("no longer in the library"),
        "elsewhere": _tr("it stayed in another vault"),
    }[one.state]  # fmt: skip


def length_words(characters: int) -> str:
    """How long a text is: "about 540 words"."""
    words = characters // _LETTERS_A_WORD
    if words < 10:
        return _tr("a few words")
    if words >= 100:
        step = 10 ** (len(str(words)) - 2)
        words = words // step * step
    return _tr("about {0} words").format(count_words(words))


def scope_words(scope: Scope) -> str:
    """Which documents answers are made from."""
    if not scope.reads:
        return _tr("No documents")
    return ", ".join(map(collection_words, scope.collections)) or _tr("All documents")


def found_words(passages: int, documents: int) -> str:
    """What was found: "5 passages in 2 documents"."""
    found = _tr("1 passage") if passages == 1 else _tr("{0} passages").format(count_words(passages))
    return (_tr("{0} in 1 document") if documents == 1 else _tr("{0} in {1} documents")).format(
        found, count_words(documents)
    )


def used_words(made: Provenance) -> str:
    """What became of the passages that were found: "2 cited, 3 more read, 4 left out"."""
    words = {
        Use.CITED: _tr("{0} cited"), Use.USED: _tr("{0} more read"), Use.LEFT_OUT: _tr("{0} left out"),
        Use.NEAR: _tr("{0} near"),
    }  # fmt: skip
    counts = {use: sum(source.use is use for source in made.sources) for use in words}
    return ", ".join(words[use].format(count_words(count)) for use, count in counts.items() if count)
