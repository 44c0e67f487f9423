"""The search page: a question, what it is narrowed by, the passages found, and the one in hand in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QComboBox, QFrame, QLineEdit, QPlainTextEdit, QStackedWidget, QWidget

from freehold.desktop.controls import Segments, Trouble
from freehold.desktop.found_list import FoundView, Hit, mark_format
from freehold.desktop.library_words import collection_words, found_words, page_words
from freehold.desktop.marking import marked, units
from freehold.desktop.pieces import Elided, Mark, announce, button, column, frame, label, row
from freehold.desktop.search_wish import SearchWish, Times
from freehold.library.values import Found, Mode
from freehold.rendering.visible import one_line, visible

_TYPING_MS = 200
PREVIEW = 340
_WIDE = 780  # below this there is no room for the passage beside the list


class SearchPage(QWidget):
    """Shows what it is given; every wish leaves as a signal."""

    search_asked = Signal()  # `wish` has changed
    passage_asked = Signal(int, str, object, int, int)  # document, path, page or None, start, end
    open_asked = Signal(str)
    library_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._mode: Mode = "hybrid"
        self._query = QLineEdit()
        self._modes = Segments(
            self.tr("Find"),
            [("hybrid", self.tr("Together")), ("words", self.tr("By words")), ("meaning", self.tr("By meaning"))],
        )
        self._collections, self._kinds, self._times = QComboBox(), QComboBox(), QComboBox()
        self._said = label("", "note", wraps=True)
        self.trouble = Trouble()
        self.found = FoundView()
        self.preview = Preview()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_TYPING_MS)
        self._stack = QStackedWidget()
        self._fill_choices()
        self._lay_out()
        self._connect()
        self.show_start(is_empty=False)

    def _fill_choices(self) -> None:
        self._query.setPlaceholderText(self.tr("A few words, or a question in your own words"))
        self._query.setAccessibleName(self.tr("What to look for in your documents"))
        self._query.setClearButtonEnabled(True)
        self._query.setAcceptDrops(False)  # files are for the library, not for this line
        self._modes.set_value("hybrid")
        kinds = {
            "any": self.tr("Any kind"), "pdf": self.tr("PDF"), "letters": self.tr("Word and other letters"),
            "sheets": self.tr("Sheets and tables"), "slides": self.tr("Slides"), "mail": self.tr("Mail"),
            "books": self.tr("E-books"), "web": self.tr("Web pages"), "notes": self.tr("Notes and plain text"),
            "dates": self.tr("Calendars and contacts"), "pictures": self.tr("Pictures"),
        }  # fmt: skip
        times = {
            "any": self.tr("Any time"), "week": self.tr("Changed in the last 7 days"),
            "month": self.tr("Changed in the last 30 days"), "year": self.tr("Changed this year"),
            "before": self.tr("Not changed this year"),
        }  # fmt: skip
        for box, title, choices in (
            (self._kinds, self.tr("Kind of file"), kinds), (self._times, self.tr("Time"), times),
            (self._collections, self.tr("Collection"), {"": self.tr("Everything")}),
        ):  # fmt: skip
            box.setAccessibleName(title)
            for value, text in choices.items():
                box.addItem(text, value)

    def _lay_out(self) -> None:
        words = label(
            self.tr("Finds passages in your documents, on this computer. No model answers here."), "muted", wraps=True
        )
        ask = row(self._query, self._modes)
        ask.setStretch(0, 1)
        self._clear = button(self.tr("Clear the filters"), "plain")
        narrow = row(self._collections, self._kinds, self._times, self._clear, None)
        for one in (self._build_start(), self._build_nothing(), self._build_found()):
            self._stack.addWidget(one)
        layout = column(
            column(label(self.tr("Search documents"), "title"), words, spacing=4), 4, ask, narrow, self.trouble,
            self._said, spacing=10, margins=(34, 28, 34, 20),
        )  # fmt: skip
        layout.addWidget(self._stack, 1)
        self.setLayout(layout)

    def _build_start(self) -> QWidget:
        self._start_title, self._start_words = label("", "title"), label("", "muted", wraps=True)
        self._to_library = button(self.tr("Go to the library"), "primary")
        self._to_library.clicked.connect(self.library_asked)
        return _middle(self._start_title, self._start_words, self._to_library)

    def _build_nothing(self) -> QWidget:
        self._nothing_words = label("", "muted", wraps=True)
        return _middle(label(self.tr("Nothing was found"), "title"), self._nothing_words)

    def _build_found(self) -> QWidget:
        results = frame("card", column(self.found, margins=(6, 6, 4, 6)))
        whole = row(results, self.preview, spacing=12)
        whole.setStretch(0, 1)
        self._results = QWidget()
        self._results.setLayout(whole)
        return self._results

    def _connect(self) -> None:
        self._query.installEventFilter(self)
        self._query.textChanged.connect(lambda _text: self._timer.start())
        self._timer.timeout.connect(self.search_asked)
        self._modes.chosen.connect(self._choose_mode)
        self._clear.clicked.connect(self._clear_filters)
        for box in (self._collections, self._kinds, self._times):
            box.currentIndexChanged.connect(lambda _index: self._narrow())
        self.found.chosen.connect(self.preview.show_hit)
        self.found.opened.connect(self._ask_passage)
        self.found.left.connect(self._query.setFocus)
        self.preview.passage_asked.connect(self._ask_passage)
        self.preview.open_asked.connect(lambda hit: self.open_asked.emit(hit.passage.path))

    @property
    def wish(self) -> SearchWish:
        return SearchWish(
            " ".join(self._query.text().split()), self._mode, self._collections.currentData() or None,
            self._kinds.currentData(), cast("Times", self._times.currentData()),
        )  # fmt: skip

    def take_keys(self) -> None:
        self._query.setFocus()
        self._query.selectAll()

    def show_collections(self, names: Sequence[str]) -> None:
        """What there is to choose from; the choice stays while it is there."""
        wanted = self._collections.currentData()
        self._collections.blockSignals(True)
        self._collections.clear()
        self._collections.addItem(self.tr("Everything"), "")
        for name in names:
            self._collections.addItem(collection_words(name), name)
        self._collections.setCurrentIndex(max(0, self._collections.findData(wanted)))
        self._collections.blockSignals(False)
        self._collections.setVisible(len(names) > 1)

    def show_start(self, *, is_empty: bool) -> None:
        """Before anything was asked. `is_empty`: there is nothing to find yet."""
        self.preview.query = ""
        self.found.show_found((), "")
        self._say("")
        self._clear.setVisible(self.wish.is_narrowed)
        self._start_title.setText(
            self.tr("Nothing is in the library yet") if is_empty else self.tr("What are you looking for?")
        )
        self._start_words.setText(
            self.tr("Add files and folders there, and they are found here within seconds.") if is_empty
            else self.tr("Names and rare words find best. Whole questions find by what they mean.")
        )  # fmt: skip
        self._to_library.setVisible(is_empty)
        self._stack.setCurrentIndex(0)

    def show_searching(self) -> None:
        """A search that may take a while: what finds by meaning is loaded for it."""
        self._say(self.tr("Searching by meaning…"))

    def show_found(self, found: Found, query: str, note: str = "") -> None:
        """What a search found; `note` is what is to be known about it."""
        self.trouble.clear()
        self.preview.query = query
        self.found.show_found(found.passages, query)
        self._clear.setVisible(self.wish.is_narrowed)
        if not found.passages:
            self._nothing_words.setText(self._advice(note))
            self._say("")
            announce(self, self.tr("Nothing was found"))
            self._stack.setCurrentIndex(1)
            return
        words = found_words(len(found.passages))
        self._say(f"{words}. {note}" if note else words)
        self._stack.setCurrentIndex(2)

    def _advice(self, note: str) -> str:
        if self.wish.is_narrowed:
            words = self.tr("Look in everything, or try fewer or other words.")
        elif self._mode == "words":
            words = self.tr("Try fewer or other words, or look by meaning.")
        else:
            words = self.tr("Try fewer or other words.")
        return f"{words} {note}" if note else words

    def _say(self, words: str) -> None:
        if words != self._said.text():
            self._said.setText(words)
            self._said.setVisible(bool(words))
            if words:
                announce(self, words)

    def _choose_mode(self, mode: str) -> None:
        self._mode = cast("Mode", mode)
        self.search_asked.emit()

    def _narrow(self) -> None:
        self._clear.setVisible(self.wish.is_narrowed)
        self.search_asked.emit()

    def _clear_filters(self) -> None:
        for box in (self._collections, self._kinds, self._times):
            box.setCurrentIndex(0)
        self._query.setFocus()

    def _ask_passage(self, hit: Hit) -> None:
        one = hit.passage
        self.passage_asked.emit(one.document, one.path, one.page, one.start, one.end)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self.preview.set_room(event.size().width() >= _WIDE)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """From the question: Down goes to the passages, Enter opens the one in hand once the search is done."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() == Qt.Key.Key_Down and self.found.found.hits:
            self.found.setFocus()
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter()
            return True
        return False

    def _enter(self) -> None:
        hit = self.found.hit
        if self._timer.isActive() or hit is None or self.preview.query != self.wish.query:
            self._timer.stop()
            self.search_asked.emit()
        else:
            self._ask_passage(hit)


class Preview(QFrame):
    """The passage in hand, in full, with the words that matched."""

    passage_asked = Signal(object)
    open_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.setFixedWidth(PREVIEW)
        self.query = ""
        self._hit: Hit | None = None
        self._has_room = True
        self._title, self._context, self._page = Elided("", "heading"), Elided("", "note"), label("", "note")
        self._text = QPlainTextEdit()
        self._text.setProperty("kind", "bare")
        self._text.setReadOnly(True)
        self._text.document().setDocumentMargin(0)
        self._text.setTabChangesFocus(True)
        self._text.setAccessibleName(self.tr("The passage"))
        self._open = button(self.tr("Open at the passage"), "small")
        self._own = button(self.tr("In its own program"), "plain")
        self._open.clicked.connect(lambda: self.passage_asked.emit(self._hit))
        self._own.clicked.connect(lambda: self.open_asked.emit(self._hit))
        head = row(self._title, self._page)
        head.setStretch(0, 1)
        layout = column(head, self._context, spacing=4, margins=(16, 14, 16, 12))
        layout.addSpacing(6)
        layout.addWidget(self._text, 1)
        layout.addLayout(row(self._open, self._own, None))
        self.setLayout(layout)

    def show_hit(self, hit: Hit | None) -> None:
        self._hit = hit
        self.setVisible(hit is not None and self._has_room)
        if hit is None:
            self._text.clear()
            self._title.say("")
            self._context.say("")
            return
        self._title.say(hit.title)
        self._page.setText(page_words(hit.passage.page))
        self._context.say(one_line(hit.passage.context))
        self._context.setVisible(bool(hit.passage.context.strip()))
        self._show_text(hit.passage.text.strip())
        for one in (self._open, self._own):
            one.setAccessibleName(f"{one.text()}: {hit.title}")

    def set_room(self, has_room: bool) -> None:
        """Whether there is room for it beside the list."""
        self._has_room = has_room
        self.setVisible(has_room and self._hit is not None)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._hit is not None:
            self._show_text(self._hit.passage.text.strip())

    def _show_text(self, text: str) -> None:
        shown = marked(self.query, visible(text))
        self._text.setPlainText(shown.text)
        cursor = QTextCursor(self._text.document())
        look = mark_format()
        for start, end in shown.spans:
            cursor.setPosition(units(shown.text, start))
            cursor.setPosition(units(shown.text, end), QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(look)
        if shown.spans:
            cursor.setPosition(units(shown.text, shown.spans[0][0]))
            self._text.setTextCursor(cursor)
            self._text.ensureCursorVisible()


def _middle(title: QWidget, words: QWidget, act: QWidget | None = None) -> QWidget:
    """A short word in the middle of an empty page."""
    for one in (title, words):
        cast("QLineEdit", one).setAlignment(Qt.AlignmentFlag.AlignHCenter)
    inside = column(row(None, Mark(36), None), 8, title, words)
    if act is not None:
        inside.addSpacing(12)
        inside.addLayout(row(None, act, None))
    holder = QWidget()
    holder.setLayout(inside)
    holder.setMaximumWidth(460)
    middle = row(spacing=0)
    middle.addStretch(1)
    middle.addWidget(holder, 1000)
    middle.addStretch(1)
    made = QWidget()
    made.setLayout(column(None, middle, None, 60))
    return made
