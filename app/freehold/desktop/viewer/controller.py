"""Joins the viewer and the library: looks a passage up, fetches pages as they are wanted, asks for passwords."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.needs import Household
from freehold.desktop.viewer.flows import look_up, stored
from freehold.desktop.viewer.page_view import Wanted
from freehold.desktop.viewer.values import Pages, Place, Words
from freehold.desktop.viewer.viewer import Viewer
from freehold.foundation.errors import FreeholdError
from freehold.library.errors import DocumentNeedsPassword, LibraryNotFound
from freehold.library.values import Box, PagePicture


class ViewerController(QObject):
    """One document at a time. `opened` comes when there is something to show, at once; `file_asked` names a file."""

    opened = Signal()
    closed = Signal()
    file_asked = Signal(str)

    def __init__(self, household: Household, bridge: Bridge, viewer: Viewer) -> None:
        super().__init__()
        self._household, self._bridge, self._viewer = household, bridge, viewer
        self._place: Place | None = None
        self._passage = ""  # to be marked on its page
        self._passwords: dict[str, str] = {}
        self._fetching: Job | None = None
        viewer.closed.connect(self.close)
        viewer.own_program_asked.connect(self._ask_file)
        viewer.password_given.connect(self._take_password)
        viewer.text_asked.connect(self._show_stored)
        viewer.again_asked.connect(self._look_up)
        viewer.pages.missing.connect(self._fetch)

    def open(self, place: Place) -> None:
        """Show the document of `place` at its passage."""
        self._place, self._passage = place, ""
        self._viewer.begin(place)
        self.opened.emit()
        self._look_up()

    def close(self) -> None:
        """The owner has read enough."""
        self._place = None
        self._viewer.forget()
        self.closed.emit()

    def forget(self) -> None:
        """The vault is locked: show nothing, keep nothing."""
        self._passwords.clear()
        self.close()

    @property
    def place(self) -> Place | None:
        return self._place

    def _look_up(self) -> None:
        place = self._place
        if place is None:
            return
        library, conversations = self._household.library, self._household.conversations
        password = self._passwords.get(place.path)
        self._bridge.run(
            lambda _stop: look_up(library, conversations, place, password),
            done=partial(self._show, place), failed=partial(self._say_why, place),
        )  # fmt: skip

    def _show(self, place: Place, found: Pages | Words) -> None:
        if place is not self._place:
            return  # the owner has moved on meanwhile
        if isinstance(found, Words):
            self._viewer.show_words(found)
        else:
            self._passage = found.passage
            self._viewer.show_pages(found)
        self._viewer.setFocus()

    def _say_why(self, place: Place, error: FreeholdError) -> None:
        if place is not self._place:
            return
        if isinstance(error, DocumentNeedsPassword):
            self._viewer.ask_password(is_wrong=self._passwords.pop(place.path, None) is not None)
        elif isinstance(error, LibraryNotFound):
            (self._viewer.show_elsewhere if place.state == "elsewhere" else self._viewer.show_gone)()
        else:
            self._viewer.show_trouble(error.title, error.next_step)

    def _take_password(self, password: str) -> None:
        if self._place is not None:
            self._passwords[self._place.path] = password
            self._look_up()

    def _show_stored(self) -> None:
        place = self._place
        if place is not None:
            self._bridge.run(
                lambda _stop: stored(self._household.library, place),
                done=partial(self._show, place), failed=partial(self._say_why, place),
            )  # fmt: skip

    def _ask_file(self) -> None:
        if self._place is not None:
            self.file_asked.emit(self._place.path)

    def _fetch(self) -> None:
        """Have the picture painted that is wanted most; one at a time, so that quick turning leaves none waiting."""
        place, wanted = self._place, self._viewer.pages.wanted()
        if self._fetching is not None or place is None or wanted is None:
            return
        passage = self._passage if self._viewer.pages.is_marked(wanted.page) else ""
        password = self._passwords.get(place.path)
        self._fetching = self._bridge.run(
            lambda _stop: self._household.library.page(
                Path(place.path), wanted.page, wanted.width, passage, password
            ),
            done=partial(self._put, place, wanted), failed=partial(self._miss, place, wanted),
        )  # fmt: skip
        self._fetching.ended.connect(self._go_on)

    def _put(self, place: Place, wanted: Wanted, picture: PagePicture) -> None:
        if place is self._place:
            self._viewer.pages.put(wanted, picture)
            if self._passage and self._viewer.pages.is_marked(wanted.page) and not picture.boxes:
                self._recognise(place, wanted.page)

    def _recognise(self, place: Place, page: int) -> None:
        """The page's own text does not have the passage: it may be a picture of text. Looked for once."""
        passage, self._passage = self._passage, ""
        password = self._passwords.get(place.path)
        self._bridge.run(
            lambda _stop: self._household.library.find_on_page(Path(place.path), page, passage, password),
            done=partial(self._mark, place), failed=lambda _error: self._mark(place, ()),
        )  # fmt: skip

    def _mark(self, place: Place, boxes: Sequence[Box]) -> None:
        if place is self._place and boxes:
            self._viewer.pages.mark(boxes)
        elif place is self._place:
            self._viewer.say_not_found()

    def _miss(self, place: Place, wanted: Wanted, error: FreeholdError) -> None:
        if place is self._place:
            self._viewer.pages.fail(wanted.page, error.title)

    def _go_on(self) -> None:
        self._fetching = None
        self._fetch()
