"""The chat page: header with the context meter, the transcript, the composer, and a side panel when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QIcon, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QProgressBar, QScrollArea, QSizePolicy, QStackedWidget, QWidget

from freehold.desktop.composer import Composer
from freehold.desktop.controls import Trouble
from freehold.desktop.destination import HERE, Destination
from freehold.desktop.icons import icon
from freehold.desktop.pieces import Elided, Mark, Pill, button, column, frame, label, row, set_tone
from freehold.desktop.theme import Theme
from freehold.desktop.words import left_out_words, meter_words
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.assistant.values import Reference
    from freehold.chats.values import Mark as TurnMark
    from freehold.chats.values import Turn

COLUMN = 720  # the widest a line of text gets, transcript and composer alike
PANEL = 320
ROOMY = 620  # pixels of header: below this the meter is a bar without words


class Transcript(Protocol):
    """What the page does with the transcript it is given (desktop/transcript/view.py, a widget)."""

    def show(self, marks: Sequence[TurnMark], at: str | None = None) -> None: ...
    def forget(self) -> None: ...
    def provide(self, turns: Sequence[Turn]) -> None: ...
    def append_question(self, turn: Turn) -> None: ...
    def begin_answer(self, turn: Turn, *, leaves: bool = False) -> None: ...
    def set_notice(self, turn_id: str, text: str) -> None: ...
    def add_words(self, turn_id: str, text: str) -> None: ...
    def finish_answer(self, turn: Turn) -> None: ...
    def fail(self, turn_id: str, title: str, advice: str, detail: str) -> None: ...
    def refer(self, turn_id: str, references: Sequence[Reference]) -> None: ...
    def set_theme(self, theme: Theme) -> None: ...
    def set_text_size(self, px: int) -> None: ...
    def scroll_to(self, turn_id: str, highlight_text: str = "") -> None: ...


class ChatPage(QWidget):
    """Shows one chat. The transcript is made by `make_transcript` when there is something to show in it."""

    settings_asked = Signal(bool)
    models_asked = Signal()
    transcript_made = Signal(object)

    def __init__(self, make_transcript: Callable[[], QWidget]) -> None:
        super().__init__()
        self.setObjectName("page")
        self._make_transcript = make_transcript
        self._transcript: QWidget | None = None
        self._theme: Theme | None = None
        self._text_size = 14
        self.composer = Composer()
        self.trouble = Trouble()
        self._empty = EmptyChat()
        self._empty.models_asked.connect(self.models_asked)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._panel = SidePanel()
        self._left_out = label("", "note", wraps=True)
        self._strip = frame("strip", row(self._left_out, margins=(12, 8, 12, 8)))
        self._strip.hide()
        self._lay_out()

    def _lay_out(self) -> None:
        middle = column(self._build_header(), spacing=0)
        middle.addWidget(self._stack, 1)
        below = column(self._strip, self.trouble, self.composer, margins=(40, 8, 40, 18))
        holder = QWidget()
        holder.setLayout(below)
        holder.setMaximumWidth(COLUMN + 80)
        holder.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        centred = row(spacing=0)
        centred.addStretch(1)
        centred.addWidget(holder, 1000)
        centred.addStretch(1)
        middle.addLayout(centred)
        whole = row(spacing=0)
        whole.addLayout(middle, 1)
        whole.addWidget(self._panel)
        self.setLayout(whole)

    def _build_header(self) -> QFrame:
        self._title = Elided("", "heading")
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.where = Pill(self.tr("On this computer"), "here")
        self._meter_words, self._meter = label("", "note"), QProgressBar()
        self._meter.setTextVisible(False)
        self._meter.setFixedWidth(120)
        self._meter.setAccessibleName(self.tr("Context"))
        self._settings = button("", "plain", words=self.tr("Instructions and sampling of this chat"))
        self._settings.setToolTip(self.tr("Instructions and sampling of this chat (Ctrl+I)"))
        self._settings.setCheckable(True)
        self._settings.clicked.connect(self.settings_asked)
        header = QFrame()
        header.setObjectName("chatHeader")
        header.setFixedHeight(52)
        layout = row(
            self._title, 4, self.where, None, self._meter_words, 4, self._meter, 4, self._settings,
            margins=(20, 0, 12, 0),
        )  # fmt: skip
        header.setLayout(layout)
        self.show_meter(0, 0)
        return header

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Esc that no part of the page claimed, such as an edit, stops the answer."""
        if event.key() == Qt.Key.Key_Escape:
            self.composer.stop_asked.emit()
        else:
            super().keyPressEvent(event)

    @property
    def transcript(self) -> Transcript:
        """The transcript, made now if it was not needed before."""
        if self._transcript is None:
            made = self._make_transcript()
            self._transcript = made
            self._stack.addWidget(made)
            if self._theme is not None:
                self._dress(self._theme, self._text_size)
            self.transcript_made.emit(made)
        return cast("Transcript", self._transcript)

    @property
    def has_transcript(self) -> bool:
        return self._transcript is not None

    def show_title(self, title: str) -> None:
        self._title.say(title or self.tr("New chat"))

    def show_empty(self) -> None:
        """A chat in which nothing was said yet."""
        self._stack.setCurrentWidget(self._empty)
        self.show_left_out(0)

    def show_turns(self) -> None:
        view = self.transcript
        self._stack.setCurrentWidget(cast("QWidget", view))

    def show_model(self, name: str, words: str) -> None:
        """Who will answer here, said before anything was asked."""
        self._empty.show_model(name, words)

    def show_destination(self, to: Destination) -> None:
        """Where the next message is answered."""
        self.composer.show_destination(to)
        here = self.tr("On this computer")
        self.where.say(self.tr("Words may leave") if to.leaves else here, "away" if to.leaves else "here")
        self._empty.show_destination(to)

    def show_no_model(self) -> None:
        self._empty.show_no_model()

    def show_meter(self, tokens: int, limit: int) -> None:
        """How full the context is, in tokens; nothing while the limit is unknown."""
        self._has_meter = limit > 0
        self._meter.setVisible(self._has_meter)
        self._fit_header()
        if not self._has_meter:
            return
        self._meter_words.setText(meter_words(tokens, limit))
        self._meter.setMaximum(limit)
        self._meter.setValue(min(tokens, limit))
        self._meter.setToolTip(meter_words(tokens, limit))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit_header()

    def _fit_header(self) -> None:
        """Words of the meter where there is room for them beside the title."""
        room = self.width() - (PANEL if self._panel.isVisible() else 0)
        self._meter_words.setVisible(self._has_meter and room >= ROOMY)

    def show_left_out(self, turns: int) -> None:
        self._strip.setVisible(turns > 0)
        if turns:
            self._left_out.setText(left_out_words(turns))

    def show_panel(self, title: str, content: QWidget, count: str = "", *, takes_focus: bool = True) -> None:
        self._panel.fill(title, content, count)
        if takes_focus:
            content.setFocus()
        self._fit_header()

    def close_panel(self) -> None:
        self._panel.hide()
        self._settings.setChecked(False)
        self._fit_header()

    @property
    def panel(self) -> SidePanel:
        return self._panel

    @property
    def is_settings_open(self) -> bool:
        return self._settings.isChecked()

    def set_settings_open(self, is_open: bool) -> None:
        self._settings.setChecked(is_open)

    def dress(self, theme: Theme, text_size: int) -> None:
        """Take a theme and a body text size in pixels."""
        self._theme, self._text_size = theme, text_size
        self._settings.setIcon(icon("sliders", theme.muted))
        self._panel.dress(icon("close", theme.muted))
        self.composer.dress(theme)
        if self._transcript is not None:
            self._dress(theme, text_size)

    def _dress(self, theme: Theme, text_size: int) -> None:
        view = cast("Transcript", self._transcript)
        view.set_theme(theme)
        view.set_text_size(text_size)


class EmptyChat(QWidget):
    """What a new chat shows: who answers, and that it stays here."""

    models_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        title = label(self.tr("What is on your mind?"), "title")
        self._model = label("", "muted", wraps=True)
        self._words = label("", "note", wraps=True)
        self._other = button(self.tr("Choose another model"), "small")
        self._other.clicked.connect(self.models_asked)
        self._other.hide()
        self._here: tuple[str, str] = ("", "")
        self._to, self._has_other = HERE, False
        for one in (title, self._model, self._words):
            one.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside = column(row(None, Mark(36), None), 8, title, self._model, self._words, 8, row(None, self._other, None))
        holder = QWidget()
        holder.setLayout(inside)
        holder.setMaximumWidth(440)
        middle = row(spacing=0, margins=(40, 0, 40, 0))
        middle.addStretch(1)
        middle.addWidget(holder, 1000)
        middle.addStretch(1)
        self.setLayout(column(None, middle, None))

    def show_model(self, name: str, words: str) -> None:
        self._here = (self.tr("{0} answers, on this computer.").format(name) if name else "", words)
        self._other.setText(self.tr("Choose another model"))
        self._has_other = bool(name)
        self._show()

    def show_no_model(self) -> None:
        self._here = (
            self.tr("There is no model on this computer yet."),
            self.tr("A model is the file that answers. Choose one, or import a file you have."),
        )
        self._other.setText(self.tr("Choose a model"))
        self._has_other = True
        self._show()

    def show_destination(self, to: Destination) -> None:
        self._to = to
        self._show()

    def _show(self) -> None:
        if not self._to.leaves:
            model, words = self._here
        elif self._to.model:
            model, words = self.tr("{0} answers, on {1}.").format(self._to.model, self._to.name), one_line(self._to.why)
        else:
            model, words = self.tr("{0} answers.").format(self._to.name), one_line(self._to.why)
        self._model.setText(model)
        self._words.setText(words)
        set_tone(self._model, "away" if self._to.leaves else "")
        self._other.setVisible(self._has_other and not self._to.leaves)


class SidePanel(QFrame):
    """A panel at the right edge, there when there is something to show."""

    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sidePanel")
        self.setFixedWidth(PANEL)
        self._title, self._count = label("", "heading"), label("", "note")
        self._close = button("", "plain", words=self.tr("Close the panel"))
        self._close.clicked.connect(self.closed)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = column(row(self._title, self._count, None, self._close, margins=(20, 10, 12, 6)), spacing=0)
        layout.addWidget(self._area, 1)
        self.setLayout(layout)
        self.hide()

    @property
    def content(self) -> QWidget | None:
        """What it shows, or showed last."""
        return self._area.widget()

    def forget(self) -> None:
        """Be gone, with what was shown."""
        self.hide()
        content = self._area.takeWidget()
        if content is not None:
            content.deleteLater()

    def fill(self, title: str, content: QWidget, count: str = "") -> None:
        """Show `content`, which the panel owns from now on."""
        self._title.setText(title)
        self._count.setText(count)
        self.setAccessibleName(title)
        content.setMaximumWidth(PANEL)
        self._area.setWidget(content)
        self.show()

    def dress(self, close: QIcon) -> None:
        self._close.setIcon(close)


def facts_panel(facts: Mapping[str, str], note: str = "") -> QWidget:
    """Facts by name, below each other, selectable for copying."""
    made = QWidget()
    layout = column(spacing=2, margins=(20, 4, 20, 20))
    for name, value in facts.items():
        layout.addWidget(label(name, "group"))
        looks = "smallcode" if len(value) >= 32 and " " not in value else ""
        words = "\u200b".join(value[at : at + 16] for at in range(0, len(value), 16)) if looks else value
        layout.addWidget(label(words, looks, wraps=True, selectable=not looks))
        layout.addSpacing(8)
    if note:
        layout.addWidget(label(note, "note", wraps=True))
    layout.addStretch(1)
    made.setLayout(layout)
    return made
