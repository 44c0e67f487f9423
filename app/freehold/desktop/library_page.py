"""The library page: what is being read, the collections, and every file with its state."""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QMenu, QProgressBar, QSizePolicy, QStackedWidget, QWidget

from freehold.desktop.collections_list import Place, PlacesView, is_leaving, places_of
from freehold.desktop.controls import Segments, Trouble
from freehold.desktop.document_card import DocumentCard
from freehold.desktop.documents_list import TROUBLED, DocumentsView
from freehold.desktop.library_state import Standing
from freehold.desktop.library_words import documents_words, work_words
from freehold.desktop.lists import ROW
from freehold.desktop.pieces import Elided, Mark, button, column, frame, label, row
from freehold.desktop.words import count_words
from freehold.library.errors import EmbedderMissing
from freehold.library.values import Collection, Document, State
from freehold.rendering.visible import one_line

_FILTER_MS = 150
_WIDE = 640  # below this there is no room for the collections beside the files
_STATES: dict[str, tuple[State, ...]] = {"all": (), "waiting": (State.WAITING, State.WORDS), "troubled": TROUBLED}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which files the owner wants listed."""

    place: Place
    states: tuple[State, ...] = ()
    text: str = ""


class LibraryPage(QWidget):
    """Shows what it is given; every wish leaves as a signal."""

    files_asked = Signal()
    folder_asked = Signal()
    pause_asked = Signal()
    resume_asked = Signal()
    rescan_asked = Signal()
    check_asked = Signal()
    again_asked = Signal(object, str)
    all_again_asked = Signal()
    recognise_asked = Signal(object)
    open_asked = Signal(object)
    own_program_asked = Signal(object)
    forget_asked = Signal(str)
    first_asked = Signal(str)
    list_asked = Signal()  # `wish` has changed
    more_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._collections: Sequence[Collection] = ()
        self._leaving: Some[str] = ()
        self.trouble = Trouble()
        self._words = label("", "muted", wraps=True)
        self.places, self.files, self.card = PlacesView(), DocumentsView(), DocumentCard()
        self._search = QLineEdit()
        self._states = Segments(
            self.tr("Show"),
            [("all", self.tr("All")), ("waiting", self.tr("Still to do")), ("troubled", self.tr("Not read"))],
        )
        self._wanted_states, self._wants_keys = "all", False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_FILTER_MS)
        self._stack = QStackedWidget()
        self._stack.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._make_buttons()
        self._lay_out()
        self._connect()
        self.show_standing(Standing())

    def _make_buttons(self) -> None:
        self._add_files, self._add_folder = button(self.tr("Add files…")), button(self.tr("Add a folder…"))
        self._more = button(self.tr("More"), words=self.tr("More about the library"))
        menu = QMenu(self._more)
        menu.addAction(self.tr("Look for changed files now")).triggered.connect(self.rescan_asked)
        menu.addAction(self.tr("Check what searching finds")).triggered.connect(self.check_asked)
        self._more.setMenu(menu)
        self._all_again = button(self.tr("Read all of these again"), "small")
        self._all_again.hide()
        self._first = button(self.tr("Read first"), "small")
        self._forget = button(self.tr("Forget"), "plain")
        self._pause, self._resume = button(self.tr("Pause"), "small"), button(self.tr("Resume"), "smallprimary")

    def _lay_out(self) -> None:
        buttons = row(self._add_files, self._add_folder, self._more)
        head = row(column(label(self.tr("Library"), "title"), self._words, spacing=4), buttons, spacing=24)
        head.setStretch(0, 1)
        head.setAlignment(buttons, Qt.AlignmentFlag.AlignTop)
        self._looking = QWidget()
        for one in (self._looking, self._build_empty(), self._build_full()):
            self._stack.addWidget(one)
        layout = column(
            head, self.trouble, self._build_work(), self._build_note(), self._build_check(), spacing=12,
            margins=(34, 28, 34, 20),
        )  # fmt: skip
        layout.addWidget(self._stack, 1)
        self.setLayout(layout)

    def _build_work(self) -> QFrame:
        self._work_title, self._work_words, self._bar = label("", "heading"), Elided("", "note"), QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("How much of the library has been read"))
        words = column(self._work_title, self._work_words, spacing=2)
        upper = row(words, self._pause, self._resume, spacing=12)
        upper.setStretch(0, 1)
        self._work = frame("card", column(upper, self._bar, spacing=10, margins=(18, 12, 14, 14)))
        return self._work

    def _build_note(self) -> QFrame:
        words = label(f"{EmbedderMissing.title}. {EmbedderMissing.advice}", "note", wraps=True, selectable=True)
        self._note = frame("strip", row(words, margins=(14, 8, 14, 8)))
        self._note.setAccessibleName(words.text())
        return self._note

    def _build_check(self) -> QFrame:
        self._check_words, dismiss = label("", "note", wraps=True, selectable=True), button(self.tr("Dismiss"), "plain")
        inside = row(self._check_words, dismiss, margins=(14, 6, 8, 6))
        inside.setStretch(0, 1)
        self._check = frame("strip", inside)
        dismiss.clicked.connect(self._check.hide)
        self._check.hide()
        return self._check

    def _build_empty(self) -> QWidget:
        title = label(self.tr("Nothing is in the library yet"), "title")
        words = label(
            self.tr(
                "Drop files and folders anywhere on this window, or choose them. They are read on this computer and "
                "stay where they are."
            ),
            "muted", wraps=True,
        )  # fmt: skip
        kinds = label(
            self.tr("PDF, Word, Excel, PowerPoint, OpenDocument, mail, e-books, web pages, notes, text and code."),
            "note", wraps=True,
        )  # fmt: skip
        self._first_folder = button(self.tr("Add a folder…"), "primary")
        self._first_files = button(self.tr("Add files…"))
        for one in (title, words, kinds):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside = column(
            row(None, Mark(36), None), 8, title, words, kinds, 12,
            row(None, self._first_folder, self._first_files, None),
        )  # fmt: skip
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(520)
        middle = row(spacing=0)
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        self._empty = QWidget()
        self._empty.setLayout(column(None, middle, None, 60))
        return self._empty

    def _build_full(self) -> QWidget:
        self._search.setPlaceholderText(self.tr("Find a file by its name"))
        self._search.setAccessibleName(self.tr("Find a file by its name"))
        self._search.setClearButtonEnabled(True)
        self._search.setAcceptDrops(False)  # files are for the library, not for this line
        self._states.set_value("all")
        self._place_words = Elided("", "note")
        source = row(self._place_words, self._first, self._forget, margins=(14, 0, 8, 0))
        source.setStretch(0, 1)
        self._source = QWidget()
        self._source.setLayout(source)
        finding = row(self._search, self._states, margins=(12, 12, 12, 4))
        finding.setStretch(0, 1)
        self._nothing = label("", "muted", wraps=True)
        self._nothing.setContentsMargins(16, 12, 16, 12)
        right = column(finding, self._source, spacing=4, margins=(0, 0, 0, 8))
        right.addWidget(self._nothing)
        files = column(self.files, spacing=0, margins=(6, 0, 4, 0))
        right.addLayout(files, 1)
        right.addLayout(row(None, self._all_again, margins=(14, 0, 12, 0)))
        right.addLayout(column(self.card, margins=(8, 0, 8, 0)))
        left = column(self.places, margins=(6, 8, 4, 8))
        left_card, right_card = frame("card", left), frame("card", right)
        left_card.setFixedWidth(236)
        self._left = left_card
        full = row(left_card, right_card, spacing=12)
        full.setStretch(1, 1)
        self._full = QWidget()
        self._full.setLayout(full)
        return self._full

    def _connect(self) -> None:
        for one in (self._add_files, self._first_files):
            one.clicked.connect(self.files_asked)
        for one in (self._add_folder, self._first_folder):
            one.clicked.connect(self.folder_asked)
        self._pause.clicked.connect(self.pause_asked)
        self._resume.clicked.connect(self.resume_asked)
        self._first.clicked.connect(lambda: self.first_asked.emit(self.places.place.below))
        self._forget.clicked.connect(lambda: self.forget_asked.emit(self.places.place.below))
        self.places.chosen.connect(self._show_place)
        self.places.forget_asked.connect(lambda place: self.forget_asked.emit(place.below))
        self.places.entered_by_key.connect(self.files.setFocus)
        self.places.customContextMenuRequested.connect(self._show_place_menu)
        self.files.chosen.connect(self.card.show_document)
        self.files.acted.connect(lambda _document: self.card.act())
        self.files.forget_asked.connect(lambda document: self.forget_asked.emit(document.path))
        self.files.documents.more_wanted.connect(self.more_asked)
        self.files.customContextMenuRequested.connect(self._show_file_menu)
        self.card.again_asked.connect(self.again_asked)
        self.card.recognise_asked.connect(self.recognise_asked)
        self.card.open_asked.connect(self.open_asked)
        self.card.own_program_asked.connect(self.own_program_asked)
        self._all_again.clicked.connect(self.all_again_asked)
        self.card.forget_asked.connect(lambda document: self.forget_asked.emit(document.path))
        self._states.chosen.connect(self._show_states)
        self._search.textChanged.connect(lambda _text: self._timer.start())
        self._timer.timeout.connect(self.list_asked)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._left.setVisible(event.size().width() >= _WIDE)

    @property
    def wish(self) -> Wish:
        return Wish(self.places.place, _STATES[self._wanted_states], self._search.text().strip())

    def take_keys(self) -> None:
        """Take the keyboard to where files are found by name, or to the first thing to do, once that is known."""
        shown = self._stack.currentWidget()
        self._wants_keys = shown is self._looking
        if shown is self._full:
            self._search.setFocus()
        elif shown is self._empty:
            self._first_folder.setFocus()

    def show_standing(self, standing: Standing) -> None:
        """Empty, busy, paused or at rest, in words."""
        is_known = standing.is_known
        is_empty = is_known and not standing.documents and not self._collections
        self._stack.setCurrentWidget(self._empty if is_empty else self._full if is_known else self._looking)
        if is_known and self._wants_keys:
            self.take_keys()
        for one in (self._add_files, self._add_folder, self._more):
            one.setVisible(not is_empty)
        self._words.setText(self._summary(standing) if is_known else self.tr("Looking at what is here…"))
        self._note.setVisible(is_known and not standing.finds_meaning)
        title, words = work_words(standing)
        self._work.setVisible(bool(title))
        self._work_title.setText(title)
        self._work_words.say(words)
        self._bar.setMaximum(max(1, standing.documents))
        self._bar.setValue(standing.read)
        self._pause.setVisible(not standing.is_paused)
        self._resume.setVisible(standing.is_paused)
        if standing.failure is not None and not standing.is_busy:
            self.trouble.show_error(standing.failure, self.tr("Try again"))

    def show_collections(self, collections: Sequence[Collection], leaving: Some[str] = ()) -> None:
        """What the library is made of; what is `leaving` is not shown any more."""
        self._collections, self._leaving = collections, leaving
        self.places.show_places(places_of(collections, leaving))

    def show_documents(self, documents: Sequence[Document], *, has_more: bool) -> None:
        """The files of `wish`, from the first on."""
        chosen = self.files.document
        self.files.documents.show(self._staying(documents), has_more=has_more)
        if chosen is not None:
            self.files.choose(chosen.id)
        self._show_nothing()

    def show_more(self, documents: Sequence[Document], *, has_more: bool) -> None:
        self.files.documents.append(self._staying(documents), has_more=has_more)

    def show_check(self, words: str) -> None:
        """How the check of the library goes, or what came of it."""
        self._check_words.setText(words)
        self._check.setAccessibleName(words)
        self._check.show()

    def _summary(self, standing: Standing) -> str:
        if not standing.documents:
            return self.tr("Files and folders that Freehold reads, on this computer.")
        words = documents_words(standing.documents)
        if standing.troubled:
            words += self.tr(", of which {0} could not be read").format(count_words(standing.troubled))
        return self.tr("{0}. The files stay where they are.").format(words)

    def _staying(self, documents: Sequence[Document]) -> list[Document]:
        return [one for one in documents if not is_leaving(one.path, self._leaving)]

    def _show_place(self, place: Place) -> None:
        source = place.source
        self._source.setVisible(source is not None)
        if source is not None:
            parts = [one_line(source.path), self.tr("watched") if source.watched else ""]
            parts += [self.tr("read first") if source.first else ""]
            parts += [self.tr("without {0}").format(one_line(", ".join(source.excluded))) if source.excluded else ""]
            self._place_words.say("  ·  ".join(part for part in parts if part))
            self._first.setVisible(not source.first)
            self._first.setAccessibleName(self.tr("Read first: {0}").format(one_line(source.path)))
            self._forget.setAccessibleName(self.tr("Forget: {0}").format(one_line(source.path)))
        self.list_asked.emit()

    def _show_states(self, name: str) -> None:
        self._wanted_states = name
        self.list_asked.emit()

    def _show_nothing(self) -> None:
        is_empty = not self.files.documents.documents
        self._nothing.setVisible(is_empty)
        self._all_again.setVisible(self._wanted_states == "troubled" and not is_empty)
        if not is_empty:
            return
        if self._search.text().strip():
            words = self.tr("No file here has that in its name.")
        elif self._wanted_states == "troubled":
            words = self.tr("Every file here could be read.")
        elif self._wanted_states == "waiting":
            words = self.tr("Nothing is left to do here.")
        else:
            words = self.tr("There is no file here that can be read.")
        self._nothing.setText(words)

    def _show_place_menu(self, spot: QPoint) -> None:
        path = self.places.place.below
        if not path:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction(self.tr("Read first")).triggered.connect(lambda: self.first_asked.emit(path))
        menu.addAction(self.tr("Forget")).triggered.connect(lambda: self.forget_asked.emit(path))
        menu.popup(self.places.viewport().mapToGlobal(spot))

    def _show_file_menu(self, spot: QPoint) -> None:
        index = self.files.indexAt(spot)
        document = index.data(ROW) if index.isValid() else self.files.document
        if document is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        own = menu.addAction(self.tr("Open in its own program"))
        own.triggered.connect(lambda: self.own_program_asked.emit(document))
        menu.addAction(self.tr("Read again")).triggered.connect(lambda: self.again_asked.emit(document, ""))
        menu.addAction(self.tr("Forget")).triggered.connect(lambda: self.forget_asked.emit(document.path))
        menu.popup(self.files.viewport().mapToGlobal(spot))
