"""What the library page says, in words. Pure but for Qt's translation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication

from freehold.desktop.search_wish import KINDS
from freehold.desktop.words import count_words, size_words, time_left_words
from freehold.library.errors import DocumentNeedsPassword
from freehold.library.values import GENERAL, Document, State
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.desktop.library_state import Standing
    from freehold.library.library import Checked


def _tr(text: str) -> str:
    return QCoreApplication.translate("library_words", text)


def state_words(document: Document) -> str:
    """A document's state as a person would say it."""
    return {
        State.WAITING: _tr("waiting"), State.WORDS: _tr("found by words"), State.INDEXED: _tr("ready"),
        State.EMPTY: _tr("no text"), State.FAILED: _tr("not read"), State.UNSUPPORTED: _tr("cannot be read"),
    }[document.state]  # fmt: skip


def state_advice(document: Document) -> str:
    """What the state means, or why it came to it and what to do."""
    if document.reason:
        return document.reason
    return {
        State.WAITING: _tr("It waits to be read."),
        State.WORDS: _tr("Its words can be found. Its meaning follows."),
        State.INDEXED: _tr("It can be found by its words and by its meaning."),
    }.get(document.state, "")


def needs_password(document: Document) -> bool:
    return document.state is State.FAILED and document.reason.startswith(DocumentNeedsPassword.title)


def may_be_picture(document: Document) -> bool:
    """Whether there may be text in it that only text recognition reads."""
    is_unread = document.state in (State.EMPTY, State.UNSUPPORTED)
    return is_unread and (document.pages > 0 or PurePath(document.path).suffix.lower() in KINDS["pictures"])


def name_of(path: str) -> str:
    """A file's name on one line, with nothing hidden in it."""
    return one_line(PurePath(path).name or path)


def folder_of(path: str) -> str:
    return one_line(str(PurePath(path).parent))


def collection_words(name: str) -> str:
    """A collection's name; the one for what was added without naming one has no name of its own."""
    return _tr("Documents") if name == GENERAL else one_line(name)


def facts_words(document: Document) -> str:
    """Pages, size and collection, as far as they are known."""
    pages = _tr("1 page") if document.pages == 1 else _tr("{0} pages").format(count_words(document.pages))
    facts = [pages if document.pages else "", size_words(document.bytes), collection_words(document.collection)]
    return "  ·  ".join(fact for fact in facts if fact)


def documents_words(count: int) -> str:
    return _tr("1 document") if count == 1 else _tr("{0} documents").format(count_words(count))


def files_words(count: int) -> str:
    return _tr("1 file") if count == 1 else _tr("{0} files").format(count_words(count))


def side_words(standing: Standing) -> tuple[str, str]:
    """The line beside "Library" in the side bar, and its tone."""
    if standing.failure is not None and not standing.is_busy:
        return _tr("stopped"), "failed"
    if not standing.is_known:
        return "", "none"
    if not standing.documents:
        return _tr("empty"), "off"
    if standing.is_paused and standing.left:
        return _tr("paused"), "here"
    if standing.is_busy and standing.left:
        return _tr("reading {0} of {1}").format(count_words(standing.read), count_words(standing.documents)), "here"
    return documents_words(standing.documents), "here"


def bottom_words(standing: Standing) -> str:
    """The same for the bottom line, while there is something left to read."""
    if not standing.left:
        return ""
    left = _tr("{0} left").format(files_words(standing.left))
    if standing.is_paused:
        return _tr("Reading paused: {0}").format(left)
    return _tr("Reading documents: {0}").format(left) if standing.is_busy else ""


def work_words(standing: Standing) -> tuple[str, str]:
    """What goes on now: a heading and a line below it; two empty ones when nothing does."""
    if standing.is_paused and standing.left:
        waiting = _tr("{0} still to be read. What was read before can be found.").format(files_words(standing.left))
        return _tr("Paused"), waiting
    if not standing.is_busy or not standing.left:
        return "", ""
    count, total = count_words(standing.read), count_words(standing.documents)
    if standing.waiting or not standing.finds_meaning:
        title = _tr("Reading, {0} of {1} done").format(count, total)
    else:
        title = _tr("Learning what the texts mean, {0} of {1} done").format(count, total)
    progress = standing.progress
    if progress is None:
        return title, _tr("Starting")
    parts = [time_left_words(progress.seconds_left) if progress.seconds_left else "", name_of(progress.path)]
    return title, "  ·  ".join(part for part in parts if part)


def page_words(page: int | None) -> str:
    return _tr("page {0}").format(count_words(page)) if page else ""


def found_words(count: int) -> str:
    return _tr("1 passage") if count == 1 else _tr("{0} passages").format(count_words(count))


def added_words(queued: int) -> str:
    if not queued:
        return _tr("Nothing new is to be read there.")
    return _tr("1 file is being read.") if queued == 1 else _tr("{0} files are being read.").format(count_words(queued))


def chosen_words(paths: Sequence[str], folders: int) -> str:
    """What is about to be added: "1 folder and 3 files"."""
    folder_part = _tr("1 folder") if folders == 1 else _tr("{0} folders").format(count_words(folders))
    files = len(paths) - folders
    if not folders:
        return files_words(files)
    return _tr("{0} and {1}").format(folder_part, files_words(files)) if files else folder_part


def checked_words(checked: Checked) -> str:
    """How well searching finds the owner's own passages, and what to do."""
    if not checked.questions:
        return checked.advice
    shares = [_tr("by words {0}").format(_share(checked.words))]
    if checked.meaning is not None:
        shares.append(_tr("by meaning {0}").format(_share(checked.meaning)))
        shares.append(_tr("together {0}").format(_share(checked.hybrid)))
    words = _tr("{0} questions were made of your own passages. The passage was among the first five: {1}.")
    return f"{words.format(count_words(checked.questions), ', '.join(shares))} {checked.advice}"


def _share(share: float) -> str:
    return f"{round(share * 100)} %"
