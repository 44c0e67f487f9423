"""A code block: its language, a button that copies it, and the code, coloured and scrolled sideways when wide."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QPalette,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QWidget

from freehold.desktop.transcript.flat import Bubble, FlatButton, Note
from freehold.desktop.transcript.looks import Looks, code_font, utf16_length
from freehold.rendering.highlight import DARK, LIGHT, Tone, language_name, tones
from freehold.rendering.values import Code

_PAD = 12
_BAR = 14  # pixels kept for the sideways scroll bar where one is needed
_OFTEN = 1_500  # up to this many characters code is coloured with every change


class CodeText(QPlainTextEdit):
    """The code itself: read-only, one line a line, never scrolled up or down by itself."""

    caret_moved = Signal(QRect)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setWordWrapMode(QTextOption.WrapMode.NoWrap)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setTabChangesFocus(True)
        self.setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.cursorPositionChanged.connect(self._tell_caret)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        sideways = abs(event.angleDelta().x()) > abs(event.angleDelta().y())
        if sideways or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Escape):
            event.ignore()
            return
        super().keyPressEvent(event)

    def _tell_caret(self) -> None:
        if self.hasFocus():
            self.caret_moved.emit(self.cursorRect())


class CodeView(Bubble):
    """One code block in its box."""

    caret_moved = Signal(QRect)

    def __init__(self) -> None:
        super().__init__("panel")
        self._code = Code("")
        self._coloured = 0  # characters that had been when it was last coloured
        self._lines = 1
        self.nesting = 0  # lists and quotes around it
        self._language = Note()
        self._language.setParent(self)
        self._copy = FlatButton(self.tr("Copy"), self._copy_code, words=self.tr("Copy this code"))
        self._copy.setParent(self)
        self.text = CodeText(self)
        self.text.setAccessibleName(self.tr("Code"))
        self.text.caret_moved.connect(lambda place: self.caret_moved.emit(place.translated(self.text.pos())))

    def wear(self, looks: Looks) -> None:
        super().wear(looks)
        self._language.wear(looks)
        self._copy.wear(looks)
        font = code_font(looks.code_size)
        self.text.setFont(font)
        self.text.document().setDefaultFont(font)
        self.text.setTabStopDistance(4 * QFontMetrics(font).horizontalAdvance(" "))
        palette = self.text.palette()
        palette.setColor(QPalette.ColorRole.Text, looks.colour("ink"))
        self.text.setPalette(palette)
        self._colour(force=True)

    def write(self, code: Code, *, is_settled: bool = True) -> bool:
        """Show `code`; whether anything changed. A block that is still written gets its colours now and then."""
        name = language_name(code.language)
        if code == self._code and self.text.document().characterCount() > 1:
            if is_settled and self._coloured != len(code.text):
                self._colour(force=True)
            return False
        if name != self._language.text:
            self._language.say(name)
            self.text.setAccessibleName(self.tr("{0} code").format(name) if name else self.tr("Code"))
        before = self._code.text
        if before and code.text.startswith(before):
            end = QTextCursor(self.text.document())
            end.movePosition(QTextCursor.MoveOperation.End)
            end.insertText(code.text[len(before) :])
        else:
            self.text.setPlainText(code.text)
            self._coloured = 0
        self._code = code
        self._colour(force=is_settled)
        return True

    def lay_out(self, width: int) -> int:
        """Place everything at `width`; the height in pixels."""
        head = self._copy.sizeHint().height()
        metrics = QFontMetrics(self.text.font())
        longest = max((len(line.expandtabs(4)) for line in self._code.text.split("\n")), default=0)
        inner = width - 2 * _PAD
        is_wide = longest * metrics.horizontalAdvance("0") + 4 > inner
        policy = Qt.ScrollBarPolicy.ScrollBarAlwaysOn if is_wide else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if self.text.horizontalScrollBarPolicy() != policy:
            self.text.setHorizontalScrollBarPolicy(policy)
        high = self._text_height(metrics) + (_BAR if is_wide else 0)
        copy = self._copy.sizeHint().width()
        self._language.setGeometry(_PAD, 6, max(0, inner - copy), head)
        self._copy.setGeometry(width - _PAD - copy + 4, 6, copy, head)
        self.text.setGeometry(_PAD, head + 10, inner, high)
        return head + 10 + high + _PAD - (4 if is_wide else 0)

    def _text_height(self, metrics: QFontMetrics) -> int:
        document = self.text.document()
        if self._code.text.isascii():
            return document.blockCount() * metrics.lineSpacing() + 2
        # A fallback font may be higher than ours.
        layout, block, high = document.documentLayout(), document.begin(), 2.0
        while block.isValid():
            high += layout.blockBoundingRect(block).height()
            block = block.next()
        return round(high + 0.5)

    def _colour(self, *, force: bool) -> None:
        """Colour the code again if it is short, has grown by a fifth, or must be: the whole costs little then."""
        size = len(self._code.text)
        if not force and size > _OFTEN and size < self._coloured * 1.2:
            return
        self._coloured = size
        colours = DARK if self._looks.theme.is_dark else LIGHT
        block, at = self.text.document().begin(), 0
        ranges: list[QTextLayout.FormatRange] = []
        for tone, run in tones(self._code.text, self._code.language):
            for number, part in enumerate(run.split("\n")):
                if number:
                    block.layout().setFormats(ranges)
                    block, at, ranges = block.next(), 0, []
                length = utf16_length(part)
                if tone is not Tone.PLAIN and length:
                    ranges.append(_range(at, length, colours[tone]))
                at += length
        block.layout().setFormats(ranges)
        self.text.document().markContentsDirty(0, self.text.document().characterCount())

    def _copy_code(self) -> None:
        QGuiApplication.clipboard().setText(self._code.text)
        self._copy.say(self.tr("Copied"))
        QTimer.singleShot(1500, self._copy, lambda: self._copy.say(self.tr("Copy")))


def _range(start: int, length: int, colour: str) -> QTextLayout.FormatRange:
    found = QTextLayout.FormatRange()
    found.start, found.length = start, length
    style = QTextCharFormat()
    style.setForeground(QColor(colour))
    found.format = style
    return found
