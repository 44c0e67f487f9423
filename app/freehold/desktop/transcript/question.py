"""A question of the owner's: plain words in a soft bubble at the right, edited where it stands."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QKeyEvent, QTextCursor
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from freehold.chats.values import Mark, Turn
from freehold.desktop.transcript.file_chip import FileChip
from freehold.desktop.transcript.flat import PAD, Bubble, FlatButton
from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.prose import ProseView
from freehold.desktop.transcript.turn import SIDE, TurnView, flash
from freehold.rendering.values import Paragraph, Span
from freehold.rendering.visible import visible_lines

_PAD_X, _PAD_Y = 14, 10
_ABOVE = 16
_FOLDED = 1_500  # characters, or
_FOLDED_LINES = 16
_MOST = 100_000  # characters shown even when unfolded


class QuestionView(TurnView):
    """A question. Its row of actions shows under the pointer or the focus; versions, when there are some, always."""

    edit_asked = Signal(str, str)
    file_asked = Signal(str, int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._is_open = self._is_near = False
        self._editor: QPlainTextEdit | None = None
        self._bubble = Bubble("panel")
        self._bubble.setParent(self)
        self._words = ProseView(self._bubble)
        self._words.caret_moved.connect(
            lambda place: self.caret_moved.emit(place.translated(self._words.pos() + self._bubble.pos()))
        )
        self._files: list[FileChip] = []
        self._more = FlatButton("", self._fold)
        self._more.setParent(self._bubble)
        self._edit = FlatButton(self.tr("Edit"), self.start_editing, words=self.tr("Edit this question"))
        self._copy = FlatButton(self.tr("Copy"), self._copy_words, words=self.tr("Copy this question"))
        self._send = FlatButton(self.tr("Ask again"), self._finish_editing)
        self._cancel = FlatButton(self.tr("Cancel"), self._stop_editing)
        for part in (self._edit, self._copy, self._send, self._cancel):
            part.setParent(self)
            part.hide()
            part.installEventFilter(self)

    def bind(self, turn: Turn, mark: Mark, looks: Looks) -> None:
        self.turn, self.mark = turn, mark
        self._is_open = False
        self._stop_editing()
        self.wear(looks)
        self._show_siblings(mark)
        self._show_files(turn)
        self._show_words()
        self._show_actions()

    def wear(self, looks: Looks) -> None:
        super().wear(looks)
        for part in (self._more, self._edit, self._copy, self._send, self._cancel, *self._files):
            part.wear(looks)
        self._bubble.wear(looks)
        self._words.wear(looks)
        if self._editor is not None:
            self._editor.setFont(looks.body)

    def _show_files(self, turn: Turn) -> None:
        """The files that came with the question, each a button that shows it."""
        for chip in self._files:
            chip.hide()
            chip.deleteLater()
        self._files = [
            FileChip(self._bubble, one, partial(self.file_asked.emit, turn.id, number))
            for number, one in enumerate(turn.attachments, 1)
        ]
        for chip in self._files:
            chip.wear(self._looks)
            chip.show()

    def _show_words(self) -> None:
        assert self.turn is not None
        text = visible_lines(self.turn.text.strip("\n"))
        self._say_name(self.tr("You"), text)
        is_long = len(text) > _FOLDED or text.count("\n") >= _FOLDED_LINES
        if is_long and not self._is_open:
            lines = text[:_FOLDED].split("\n")[:_FOLDED_LINES]
            text = "\n".join(lines).rstrip() + " …"
        self._more.setVisible(is_long)
        self._more.say(self.tr("Show less") if self._is_open else self.tr("Show all"))
        blocks = [Paragraph((Span(part),)) for part in _paragraphs(text[:_MOST])]
        self._words.write(blocks)

    def lay_out(self, width: int) -> int:
        widest = max(200, round(width * 0.765))
        if self._editor is not None:
            return self._lay_out_editor(width, widest)
        wide = self._words.natural_width(widest - 2 * _PAD_X)
        high = self._words.height_for(wide)
        more = self._more.sizeHint() if self._more.isVisibleTo(self._bubble) else None
        if more is not None:
            wide = max(wide, more.width())
        below = more.height() + 4 if more is not None else 0
        for chip in self._files:
            wide = max(wide, min(chip.sizeHint().width(), widest - 2 * _PAD_X))
            below += chip.sizeHint().height() + 4
        box = QRect(SIDE + width - wide - 2 * _PAD_X, _ABOVE, wide + 2 * _PAD_X, high + 2 * _PAD_Y + below)
        self._bubble.setGeometry(box)
        self._words.setGeometry(_PAD_X, _PAD_Y - 2, wide, high)  # Qt puts the space of a line above it
        if more is not None:
            self._more.setGeometry(_PAD_X - PAD, _PAD_Y + high + 4, more.width(), more.height())
        y = _PAD_Y + high + (more.height() + 4 if more is not None else 0) + 4
        for chip in self._files:
            size = chip.sizeHint()
            chip.setGeometry(_PAD_X, y, min(size.width(), wide), size.height())
            y += size.height() + 4
        return self._lay_out_row(width, box.bottom() + 3)

    def _lay_out_row(self, width: int, y: int) -> int:
        """The actions, from the right; the height of the whole turn."""
        high = self._edit.sizeHint().height()
        x = SIDE + width + PAD
        for part in (self._copy, self._edit) if self._editor is None else (self._send, self._cancel):
            wide = part.sizeHint().width()
            x -= wide
            part.setGeometry(x, y, wide, high)
        if self.mark is not None and self.mark.siblings > 1:
            wide = sum(part.sizeHint().width() for part in (self._back, self._place, self._forth))
            self._place_siblings(x - wide - 8, y, high)
        return y + high

    def _lay_out_editor(self, width: int, widest: int) -> int:
        assert self._editor is not None
        self._bubble.hide()
        lines = self._editor.document().size().height()
        metrics = self._editor.fontMetrics().lineSpacing()
        high = round(min(max(lines, 2), 14) * metrics) + 20
        self._editor.setGeometry(SIDE + width - widest, _ABOVE, widest, high)
        return self._lay_out_row(width, _ABOVE + high + 4)

    def focus_frame(self) -> QRect:
        inside = self._editor.geometry() if self._editor is not None else self._bubble.geometry()
        return (
            inside.united(self._copy.geometry())
            .united(self._edit.geometry())
            .adjusted(-4, -4, 4, 1)
            .intersected(self.rect())
        )

    def mark_words(self, words: str) -> QRect | None:
        place = self._words.mark_words(words) or self._words.mark_words(words, each=True)
        return place.translated(self._words.pos() + self._bubble.pos()) if place is not None else None

    def start_editing(self) -> None:
        """Turn the bubble into a field with the question in it."""
        if self.turn is None or self._editor is not None:
            return
        editor = QPlainTextEdit(self.turn.text, self)
        editor.setObjectName("editor")
        editor.setFont(self._looks.body)
        editor.setAccessibleName(self.tr("Edit this question"))
        editor.setTabChangesFocus(True)
        editor.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        editor.installEventFilter(self)
        editor.textChanged.connect(self.changed)
        editor.show()
        self._editor = editor
        self._bubble.hide()
        self._show_actions()
        self.changed.emit()
        editor.setFocus()
        editor.moveCursor(QTextCursor.MoveOperation.End)

    @property
    def is_editing(self) -> bool:
        return self._editor is not None

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self._editor and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            is_enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
            if is_enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                self._finish_editing()
                return True
            if event.key() == Qt.Key.Key_Escape:
                self._stop_editing()
                self.setFocus()
                return True
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            QTimer.singleShot(0, self, self._show_actions)
        return super().eventFilter(watched, event)

    def _finish_editing(self) -> None:
        if self._editor is None or self.turn is None:
            return
        text, turn = self._editor.toPlainText(), self.turn
        self._stop_editing()
        if text.strip() and text != turn.text:
            self.edit_asked.emit(turn.id, text)

    def _stop_editing(self) -> None:
        editor, self._editor = self._editor, None
        if editor is not None:
            editor.removeEventFilter(self)
            editor.hide()
            editor.deleteLater()
        self._bubble.show()
        self._show_actions()
        if editor is not None:
            self.changed.emit()

    def _fold(self) -> None:
        self._is_open = not self._is_open
        self._show_words()
        self.changed.emit()

    def _copy_words(self) -> None:
        self.copy()
        flash(self._copy, self.tr("Copied"), lambda: self.tr("Copy"))

    def _show_actions(self) -> None:
        is_editing = self._editor is not None
        near = self._is_near or self.hasFocus() or any(part.hasFocus() for part in (self._edit, self._copy))
        for part in (self._edit, self._copy):
            part.setVisible(near and not is_editing)
        for part in (self._send, self._cancel):
            part.setVisible(is_editing)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        super().enterEvent(event)
        self._is_near = True
        self._show_actions()

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().leaveEvent(event)
        self._is_near = False
        self._show_actions()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self._show_actions()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        QTimer.singleShot(0, self, self._show_actions)  # by then it is known who has the focus

    def release(self) -> None:
        self._is_near = False
        self._stop_editing()
        self._words.setExtraSelections([])
        self._words.write(())
        for chip in self._files:
            chip.deleteLater()
        self._files = []
        super().release()


def _paragraphs(text: str) -> list[str]:
    """A text in paragraphs that a layout can bear: whole lines, and very long lines in pieces."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.split("\n"):
        if len(line) > 5_000:
            found += ["\n".join(lines)] if lines else []
            found += [line[at : at + 5_000] for at in range(0, len(line), 5_000)]
            lines = []
        else:
            lines.append(line)
    return [*found, "\n".join(lines)] if lines else found
