"""The viewer: a document's name, its page or text with the passage marked, and what there is to say about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIntValidator, QKeyEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QStackedWidget, QWidget

from freehold.desktop.icons import icon
from freehold.desktop.library_words import folder_of
from freehold.desktop.pieces import Elided, announce, button, column, frame, label, row
from freehold.desktop.theme import LIGHT, Theme
from freehold.desktop.viewer.page_view import PageView
from freehold.desktop.viewer.text_view import TextView
from freehold.desktop.viewer.values import Pages, Place, Words
from freehold.rendering.visible import one_line

LEAST = 400  # pixels


class Viewer(QFrame):
    """Shows what it is given. `password_given` and `text_asked` answer what it asked for."""

    closed = Signal()
    own_program_asked = Signal()
    password_given = Signal(str)
    text_asked = Signal()
    again_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("viewer")
        self.setMinimumWidth(LEAST)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._theme = LIGHT
        self.pages, self.text, self.message = PageView(), TextView(), Message()
        self._stack = QStackedWidget()
        for one in (self.message, self.pages, self.text):
            self._stack.addWidget(one)
        self._note = label("", "note", wraps=True)
        self._strip = frame("strip", row(self._note, margins=(12, 8, 12, 8)))
        self._strip_room = QWidget()
        self._strip_room.setLayout(column(self._strip, margins=(16, 8, 16, 8)))
        layout = column(self._build_header(), self._build_tools(), self._strip_room, spacing=0)
        layout.addWidget(self._stack, 1)
        self.setLayout(layout)
        self._connect()
        self.forget()

    def _build_header(self) -> QFrame:
        self._name, self._where = Elided("", "heading"), Elided("", "note")
        self._outside = button("", "plain", words=self.tr("Open in its own program"))
        self._outside.setToolTip(self.tr("Open in its own program, or show its folder"))
        self._close = button("", "plain", words=self.tr("Close the document"))
        self._close.setToolTip(self.tr("Close the document (Esc)"))
        header = QFrame()
        header.setObjectName("chatHeader")
        header.setFixedHeight(52)
        layout = row(column(self._name, self._where, spacing=0), self._outside, self._close, margins=(20, 6, 12, 6))
        layout.setStretch(0, 1)
        header.setLayout(layout)
        return header

    def _build_tools(self) -> QFrame:
        self._back, self._forth = button("", "plain"), button("", "plain")
        self._number, self._count = QLineEdit(), label("", "note")
        self._number.setFixedWidth(56)
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._number.setAccessibleName(self.tr("Page number"))
        self._to_mark = button(self.tr("Back to the passage"), "plain")
        self._out, self._in = button("", "plain"), button("", "plain")
        self._zoom = button("100%", "plain", words=self.tr("Fit the width"))
        for one, words in (
            (self._back, self.tr("Previous page (Left)")), (self._forth, self.tr("Next page (Right)")),
            (self._out, self.tr("Smaller (-)")), (self._in, self.tr("Larger (+)")), (self._zoom, self.tr("Fit (0)")),
        ):  # fmt: skip
            one.setToolTip(words)
            one.setAccessibleName(one.accessibleName() or words)
        self._tools = QFrame()
        self._tools.setObjectName("viewerTools")
        self._tools.setLayout(
            row(
                self._back, self._number, self._count, self._forth, None, self._to_mark, None, self._out, self._zoom,
                self._in, spacing=4, margins=(12, 4, 12, 4),
            )
        )  # fmt: skip
        return self._tools

    def _connect(self) -> None:
        pages = self.pages
        self._close.clicked.connect(self.closed)
        self._outside.clicked.connect(self.own_program_asked)
        self._back.clicked.connect(lambda: pages.turn_to(pages.at - 1))
        self._forth.clicked.connect(lambda: pages.turn_to(pages.at + 1))
        self._number.returnPressed.connect(self._turn_to_number)
        self._to_mark.clicked.connect(pages.go_to_passage)
        self._out.clicked.connect(pages.zoom_out)
        self._in.clicked.connect(pages.zoom_in)
        self._zoom.clicked.connect(lambda: pages.set_zoom(1.0))
        pages.turned.connect(self._show_number)
        pages.zoomed.connect(lambda zoom: self._zoom.setText(f"{round(zoom * 100)}%"))
        self.text.arrived.connect(self._show_text)
        self.message.password_given.connect(self.password_given)
        self.message.text_asked.connect(self.text_asked)
        self.message.again_asked.connect(self.again_asked)

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        self.pages.dress(theme)
        self.text.dress(theme)
        for one, name in (
            (self._close, "close"), (self._outside, "outside"), (self._back, "back"), (self._forth, "forth"),
            (self._out, "minus"), (self._in, "plus"),
        ):  # fmt: skip
            one.setIcon(icon(name, theme.muted))

    def begin(self, place: Place) -> None:
        """A document is on its way."""
        self.forget()
        self._name.say(place.name)
        self._where.say(_where_words(self, place))
        self._outside.setVisible(place.document > 0 and place.state in ("here", "changed"))
        self.setAccessibleName(self.tr("Document {0}").format(place.name))
        if place.state == "changed":
            self._say(self.tr("The document has changed since. This is where the passage stood."))
        self.message.say(self.tr("Opening"), "")
        self._show(self.message)

    def show_pages(self, pages: Pages) -> None:
        self._show(self.pages)  # first: its width says which pictures are wanted
        self.pages.open(pages.sizes, pages.at, is_marked=bool(pages.passage))
        self._number.setValidator(QIntValidator(1, max(1, len(pages.sizes)), self._number))
        self._count.setText(self.tr("of {0:,}").format(len(pages.sizes)))

    def show_words(self, words: Words) -> None:
        if words.note:
            self._say(self.tr("{0}. This is the text that Freehold has read of it.").format(words.note))
        self.text.open(words)  # shown when the passage is reached

    def say_not_found(self) -> None:
        """The passage does not stand on its page as it was quoted."""
        if self._strip_room.isHidden():
            self._say(self.tr("The words could not be found again on this page."))

    def ask_password(self, *, is_wrong: bool) -> None:
        self.message.ask_password(is_wrong=is_wrong)
        self._show(self.message)

    def show_gone(self) -> None:
        """The document was forgotten."""
        self._say_gone(
            self.tr("This document is no longer in the library"),
            self.tr("It was forgotten, and what was quoted from it with it. The answer itself stays."),
        )

    def show_elsewhere(self) -> None:
        """The answer came from another vault, and its document did not."""
        self._say_gone(
            self.tr("This document is not here"),
            self.tr("The answer was written in another vault. Add the document to the library, and ask again."),
        )

    def _say_gone(self, title: str, words: str) -> None:
        self._outside.hide()
        self.message.say(title, words)
        self._show(self.message)

    def show_trouble(self, title: str, advice: str) -> None:
        self.message.say(title, advice, has_failed=True)
        self._show(self.message)

    def forget(self) -> None:
        """Show nothing, keep nothing."""
        self.pages.clear()
        self.text.forget()
        self.message.say("", "")
        self._strip_room.hide()
        self._name.say("")
        self._where.say("")
        self._number.clear()
        self.setAccessibleName("")
        self._show(self.message)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def _show(self, part: QWidget) -> None:
        self._tools.setVisible(part is self.pages)
        self._stack.setCurrentWidget(part)
        self.setFocusProxy(part)

    def _show_text(self) -> None:
        focused = self.window().focusWidget()
        has_keys = focused is None or not focused.isVisible() or self.isAncestorOf(focused)
        self._show(self.text)
        self.text.centerCursor()  # only now has it the height that it will have
        if has_keys:
            self.text.setFocus()

    def _say(self, words: str) -> None:
        self._note.setText(words)
        self._strip_room.show()
        announce(self, words)

    def _show_number(self, page: int) -> None:
        self._number.setText(str(page))
        self._back.setEnabled(page > 1)
        self._forth.setEnabled(page < self.pages.count)
        self._to_mark.setVisible(self.pages.is_away)

    def _turn_to_number(self) -> None:
        self.pages.turn_to(int(self._number.text() or 0))
        self.pages.setFocus()


class Message(QWidget):
    """What stands in the place of a document: that it comes, why it does not, or what is needed first."""

    password_given = Signal(str)
    text_asked = Signal()
    again_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("page")
        self._title, self._words = label("", "heading", wraps=True), label("", "muted", wraps=True)
        self._field = QLineEdit()
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.setAccessibleName(self.tr("Password of the document"))
        self._open = button(self.tr("Open"), "primary")
        self._text = button(self.tr("Show its text"), "small")
        self._again = button(self.tr("Try again"), "small")
        self._asking = QWidget()
        self._asking.setLayout(column(row(self._field, self._open), row(self._text, None), margins=(0, 8, 0, 0)))
        holder = QWidget()
        holder.setLayout(column(self._title, self._words, self._asking, row(self._again, None)))
        holder.setMaximumWidth(420)
        middle = row(spacing=0, margins=(32, 0, 32, 0))
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        self.setLayout(column(None, middle, None, None))
        self._field.returnPressed.connect(self._give)
        self._open.clicked.connect(self._give)
        self._text.clicked.connect(self.text_asked)
        self._again.clicked.connect(self.again_asked)

    def say(self, title: str, words: str, *, has_failed: bool = False) -> None:
        self._field.clear()
        self._title.setText(title)
        self._words.setText(words)
        self._asking.hide()
        self._again.setVisible(has_failed)
        self.setFocusProxy(self._again)
        if words:
            announce(self, f"{title}. {words}")

    def ask_password(self, *, is_wrong: bool) -> None:
        wrong = self.tr("That password does not open it. Try another one.")
        asked = self.tr("Freehold keeps the password only until it is locked.")
        self.say(self.tr("This document is protected by a password"), wrong if is_wrong else asked)
        self._asking.show()
        self.setFocusProxy(self._field)
        self._field.setFocus()

    def _give(self) -> None:
        password = self._field.text()
        self._field.clear()
        if password:
            self.password_given.emit(password)


def _where_words(widget: QWidget, place: Place) -> str:
    if place.document < 0:
        return widget.tr("A file that came with your question")
    folder = folder_of(place.path)
    return f"{one_line(place.title)}, {folder}" if place.title and place.title != place.name else folder
