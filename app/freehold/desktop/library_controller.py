"""Joins the library page and the household: adds, lists, pauses, reads again, forgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from freehold.desktop.add_panel import AddPanel
from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.library_page import LibraryPage, Wish
from freehold.desktop.library_state import LibraryState, Standing
from freehold.desktop.library_words import added_words, checked_words, name_of
from freehold.desktop.needs import Household
from freehold.desktop.pieces import announce
from freehold.desktop.toasts import Toast
from freehold.desktop.while_open import WhileOpen
from freehold.foundation.errors import FreeholdError
from freehold.library.values import GENERAL, Collection, Document

PART = 200  # documents listed at once; more come as the list is scrolled
_MOST_AGAIN = 2000  # documents listed anew after a change, however far it was scrolled
_ALL = 100_000
_LAST = "draft"  # the lane that locking waits for: what was forgotten is erased before the vault closes


class LibraryController(QObject):
    """After `end` nothing of the household is shown any more."""

    open_asked = Signal(object)  # a Document, to be shown here
    own_program_asked = Signal(str)

    def __init__(
        self, household: Household, bridge: Bridge, page: LibraryPage, state: LibraryState, toast: Toast
    ) -> None:
        super().__init__()
        self._library, self._settings = household.library, household.settings
        self._page, self._state, self._toast = page, state, toast
        self._panel: AddPanel | None = None
        self._dialog: QFileDialog | None = None
        self._collections: Sequence[Collection] = ()
        self._leaving: list[str] = []
        self._shown = Standing()
        self._listings = self._listed = 0  # how many times the list was asked for, and which of them is shown
        self._check: Job | None = None
        self._work = WhileOpen(bridge, self._failed)
        self._connect()

    def _connect(self) -> None:
        page = self._page
        page.files_asked.connect(self.choose_files)
        page.folder_asked.connect(self.choose_folder)
        page.pause_asked.connect(self.pause)
        page.resume_asked.connect(self.resume)
        page.rescan_asked.connect(self.rescan)
        page.check_asked.connect(self.check)
        page.again_asked.connect(self.read_again)
        page.all_again_asked.connect(self.read_all_again)
        page.recognise_asked.connect(self.recognise)
        page.open_asked.connect(self.open_asked)
        page.own_program_asked.connect(lambda document: self.own_program_asked.emit(document.path))
        page.forget_asked.connect(self.forget)
        page.first_asked.connect(self.put_first)
        page.list_asked.connect(self._list)
        page.more_asked.connect(self._list_more)
        page.trouble.acted.connect(self._try_again)
        self._state.changed.connect(self._standing_changed)

    def end(self) -> None:
        """The vault is closed: what is still under way is not shown."""
        self._work.end()
        self._state.changed.disconnect(self._standing_changed)
        for one in (self._panel, self._dialog):
            if one is not None:
                one.close()
                one.deleteLater()
        if self._check is not None:
            self._check.stop.set()

    def reload(self) -> None:
        """Look anew at what the library is made of, then list its files."""
        self._page.card.recognises = self._settings.text("ocr") != "off"
        self._state.look()
        self._work.run(self._library.collections, self._took_collections, lane="library places")

    def take_keys(self) -> None:
        self._page.take_keys()

    def choose_files(self) -> None:
        self._choose(self.tr("Add files to the library"), QFileDialog.FileMode.ExistingFiles)

    def choose_folder(self) -> None:
        self._choose(self.tr("Add a folder to the library"), QFileDialog.FileMode.Directory)

    def ask_about(self, paths: Sequence[str]) -> None:
        """Files and folders were chosen or dropped: ask where they belong."""
        if not paths:
            return
        if self._panel is None:
            self._panel = AddPanel(self._page.window())
            self._panel.added.connect(self.add)
        wanted = self._page.places.place.collection or GENERAL
        self._panel.ask(paths, [one.name for one in self._collections], wanted)

    def add(self, paths: Sequence[str], collection: str, watch: bool, excluded: Sequence[str]) -> None:
        """Queue them and have them read. Only folders are watched: a file is looked at whenever reading begins."""

        def work() -> int:
            folders = [Path(one) for one in paths if Path(one).is_dir()]
            files = [Path(one) for one in paths if not Path(one).is_dir()]
            queued = self._library.add(folders, collection=collection, watch=watch, excluded=excluded)
            queued += self._library.add(files, collection=collection)
            self._library.attend()
            return queued

        self._page.trouble.clear()
        self._work.run(work, self._added, words=self.tr("Looking at what is there"))

    def pause(self) -> None:
        self._work.run(self._library.pause, lambda _: self._state.look())

    def resume(self) -> None:
        def work() -> None:
            self._library.resume()
            self._library.attend()

        self._work.run(work, lambda _: self._state.look())

    def toggle_pause(self) -> None:
        if self._state.standing.is_paused:
            self.resume()
        else:
            self.pause()

    def rescan(self) -> None:
        """Look at every source again, opening no file."""

        def work() -> int:
            queued = self._library.rescan()
            self._library.attend()
            return queued

        self._work.run(work, self._added, words=self.tr("Looking for changed files"))

    def put_first(self, path: str) -> None:
        def done(_: object) -> None:
            self._toast.say(self.tr("{0} is read before the others.").format(name_of(path)))
            self.reload()

        self._work.run(lambda: self._library.put_first(Path(path)), done)

    def read_again(self, document: Document, password: str) -> None:
        def work() -> None:
            self._library.retry(Path(document.path), password or None)
            self._library.attend()

        self._page.files.documents.expect(document)
        self._work.run(work, lambda _: self._state.look())

    def read_all_again(self) -> None:
        """Every file of the page's wish that could not be read, listed or not."""
        wish = self._page.wish

        def work() -> int:
            found = self._fetch(wish, None, _ALL)
            for one in found:
                self._library.retry(Path(one.path))
            self._library.attend()
            return len(found)

        self._work.run(work, self._added, words=self.tr("Putting files back in the row"))

    def recognise(self, document: Document) -> None:
        """Have text in pictures read from now on, in this document first."""
        try:
            self._settings.set("ocr", "auto")
        except FreeholdError as error:
            self._failed(error)
            return
        self._page.card.recognises = True
        self.read_again(document, "")
        words = self.tr("Text recognition is on. Under Not read, all others can be read again.")
        self._toast.say(words, partial(self._settings.set, "ocr", "off"))

    def forget(self, path: str) -> None:
        """It goes for good when nobody undid it; the file itself stays."""
        if not path or path in self._leaving:
            return
        self._leaving.append(path)
        self._show_collections()
        words = self.tr("{0} is forgotten. The file itself stays.").format(name_of(path))
        self._toast.say(words, partial(self._keep, path), partial(self._forget_now, path))

    def check(self) -> None:
        """Ask questions made of the owner's own passages, and say how many were found."""
        if self._check is not None:
            return

        self._page.show_check(self.tr("Checking what searching finds…"))
        self._check = self._work.run(
            self._library.check, self._checked, self._check_failed, steps=self._checking,
            words=self.tr("Checking the library"),
        )  # fmt: skip

    def _choose(self, title: str, mode: QFileDialog.FileMode) -> None:
        dialog = QFileDialog(self._page.window(), title)
        dialog.setFileMode(mode)
        dialog.filesSelected.connect(self.ask_about)
        dialog.finished.connect(self._chosen)
        self._dialog = dialog
        dialog.open()

    def _chosen(self, _result: int) -> None:
        if self._dialog is not None:
            self._dialog.deleteLater()
            self._dialog = None

    def _added(self, queued: int) -> None:
        self._toast.say(added_words(queued))
        self.reload()

    def _standing_changed(self, standing: Standing) -> None:
        """While files are read the rows in view are renewed; the whole list only when files came or went."""
        before, self._shown = self._shown, standing
        self._page.show_standing(standing)
        if before.is_busy and not standing.is_busy and not standing.left:
            announce(self._page, self.tr("Every document has been read."))
        if not self._page.isVisible():
            return
        if standing.documents != before.documents or (before.is_busy and not standing.is_busy):
            self._work.run(self._library.collections, self._took_collections, lane="library places")
        elif standing.progress != before.progress:
            self._renew()

    def _took_collections(self, collections: Sequence[Collection]) -> None:
        self._collections = collections
        self._show_collections()

    def _show_collections(self) -> None:
        self._page.show_collections(self._collections, tuple(self._leaving))  # asks for the list
        self._page.show_standing(self._shown)

    def _list(self) -> None:
        """The files of the page's wish, as many as are listed now."""
        limit = max(PART, min(self._page.files.documents.rowCount(), _MOST_AGAIN))
        self._listings += 1
        self._ask_list(limit, None, partial(self._took_list, limit, self._listings))

    def _list_more(self) -> None:
        listed = self._page.files.documents.documents
        if listed and self._listed == self._listings:
            self._ask_list(PART, listed[-1], self._took_more)

    def _renew(self) -> None:
        listed = self._page.files.documents.documents
        first, last = self._page.files.in_view()
        if first > last or last >= len(listed):
            return
        after = listed[first - 1] if first else None
        self._ask_list(last - first + 20, after, self._page.files.documents.renew)

    def _ask_list(self, limit: int, after: Document | None, done: Callable[[list[Document]], None]) -> None:
        wish, listing = self._page.wish, self._listings

        def took(documents: list[Document]) -> None:
            if listing == self._listings:  # else another wish came meanwhile
                done(documents)

        self._work.run(lambda: self._fetch(wish, after, limit), took, lane="library list")

    def _fetch(self, wish: Wish, after: Document | None, limit: int) -> list[Document]:
        """Runs on a thread."""
        return self._library.listed(
            collection=wish.place.collection, below=wish.place.below, states=wish.states, text=wish.text,
            after=after, limit=limit,
        )  # fmt: skip

    def _took_list(self, limit: int, listing: int, documents: list[Document]) -> None:
        self._listed = listing
        self._page.show_documents(documents, has_more=len(documents) == limit)

    def _took_more(self, documents: list[Document]) -> None:
        self._page.show_more(documents, has_more=len(documents) == PART)

    def _keep(self, path: str) -> None:
        self._leaving.remove(path)
        self._show_collections()

    def _forget_now(self, path: str) -> None:
        def gone(_: object) -> None:
            self._leaving.remove(path)
            self.reload()

        def kept(error: FreeholdError) -> None:
            self._leaving.remove(path)
            self._failed(error)
            self.reload()

        self._work.run(lambda: self._library.forget(Path(path)), gone, kept, words=self.tr("Forgetting"), lane=_LAST)

    def _try_again(self) -> None:
        self._page.trouble.clear()
        self._work.run(self._library.attend, lambda _: self._state.look())

    def _checking(self, steps: list[int]) -> None:
        self._page.show_check(self.tr("Checking what searching finds, question {0}").format(steps[-1]))

    def _checked(self, checked: Any) -> None:
        self._check = None
        self._page.show_check(checked_words(checked))

    def _check_failed(self, error: FreeholdError) -> None:
        self._check = None
        self._page.show_check(f"{error.title}. {error.next_step}")

    def _failed(self, error: FreeholdError) -> None:
        self._page.trouble.show_error(error)
