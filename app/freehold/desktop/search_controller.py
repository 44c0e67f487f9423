"""Joins the search page and the library: searches while the owner types, and again once meaning is up."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.library_state import LibraryState, Standing
from freehold.desktop.library_words import files_words
from freehold.desktop.needs import Household
from freehold.desktop.search_page import SearchPage
from freehold.desktop.search_wish import KINDS, SearchWish, span_of
from freehold.desktop.while_open import WhileOpen
from freehold.foundation.errors import FreeholdError
from freehold.library.values import Found

MOST = 50  # passages shown


class SearchController(QObject):
    """One search at a time; what is typed meanwhile is searched after it. After `end` nothing is shown any more."""

    passage_asked = Signal(int, str, object, int, int)  # document, path, page or None, start, end
    open_asked = Signal(str)
    library_asked = Signal()

    def __init__(self, household: Household, bridge: Bridge, page: SearchPage, state: LibraryState) -> None:
        super().__init__()
        self._library, self._page, self._state = household.library, page, state
        self._asked: SearchWish | None = None  # what is searched now
        self._shown = Standing()
        self._waits_for_meaning = False
        self._work = WhileOpen(bridge, page.trouble.show_error)
        page.search_asked.connect(self.search)
        page.passage_asked.connect(self.passage_asked)
        page.open_asked.connect(self.open_asked)
        page.library_asked.connect(self.library_asked)
        state.changed.connect(self._library_changed)

    def end(self) -> None:
        """The vault is closed: what is still under way is not shown."""
        self._work.end()
        self._state.changed.disconnect(self._library_changed)

    def reload(self) -> None:
        """The page comes into view: what can be chosen may have changed."""
        self._state.look()
        self._work.run(
            self._library.collections,
            lambda found: self._page.show_collections([one.name for one in found]),
        )
        self.search()

    def take_keys(self) -> None:
        self._page.take_keys()

    def search(self) -> None:
        """Search for the page's wish, now or after the search that is under way."""
        wish = self._page.wish
        if not wish.query:
            self._show_start()
        elif self._asked is None:
            self._asked = wish
            if wish.mode == "meaning":
                self._page.show_searching()
            self._work.run(lambda: self._find(wish), lambda found: self._took(wish, found), self._failed)

    def _find(self, wish: SearchWish, *, wait: bool = False) -> Found:
        """Runs on a thread."""
        since, until = span_of(wish.times, datetime.now().astimezone())
        return self._library.search(
            wish.query, k=MOST, collections=None if wish.collection is None else [wish.collection], mode=wish.mode,
            wait=wait, kinds=KINDS[wish.kind], since=since, until=until,
        )  # fmt: skip

    def _took(self, wish: SearchWish, found: Found) -> None:
        self._asked = None
        if wish != self._page.wish:
            self.search()
            return
        is_meaning_missing = wish.mode == "hybrid" and found.mode == "words"
        self._page.show_found(found, wish.query, self._note(is_meaning_missing=is_meaning_missing))
        if is_meaning_missing and self._library.finds_meaning and not self._waits_for_meaning:
            self._waits_for_meaning = True
            self._work.run(
                lambda: self._find(wish, wait=True), lambda later: self._took_later(wish, later), self._no_meaning
            )

    def _took_later(self, wish: SearchWish, found: Found) -> None:
        """Meaning is up."""
        self._waits_for_meaning = False
        if wish == self._page.wish:
            self._page.show_found(found, wish.query, self._note(is_meaning_missing=found.mode == "words"))
        else:
            self.search()

    def _failed(self, error: FreeholdError) -> None:
        self._asked = None
        self._page.trouble.show_error(error)

    def _no_meaning(self, error: FreeholdError) -> None:
        self._waits_for_meaning = False
        self._page.trouble.show_error(error)

    def _note(self, *, is_meaning_missing: bool) -> str:
        notes = []
        if is_meaning_missing and self._library.finds_meaning:
            notes.append(self.tr("By words for now: what finds by meaning is being loaded."))
        elif is_meaning_missing:
            notes.append(self.tr("By words only: what finds by meaning is not installed."))
        waiting = self._state.standing.waiting
        if waiting:
            notes.append(self.tr("{0} still to be read.").format(files_words(waiting)))
        return " ".join(notes)

    def _show_start(self) -> None:
        standing = self._state.standing
        self._page.show_start(is_empty=standing.is_known and not standing.documents)

    def _library_changed(self, standing: Standing) -> None:
        """Files came or went, or all are read: what is shown is searched anew."""
        before, self._shown = self._shown, standing
        has_changed = standing.documents != before.documents or (before.is_busy and not standing.is_busy)
        if self._page.isVisible() and (has_changed or not self._page.wish.query):
            self.search()
