"""A document as its text: plain words, every hidden character written out, filled in pieces however long it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from PySide6.QtCore import QElapsedTimer, QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QTextBlockFormat, QTextCharFormat, QTextCursor, QTextOption
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QTextEdit, QWidget

from freehold.desktop.theme import LIGHT, Theme
from freehold.desktop.viewer.values import Words
from freehold.rendering.visible import visible_lines

_PIECE = 16_000  # characters put in at a time
_PATIENCE = 12  # milliseconds before the window gets its turn
_LONGEST_LINE = 2_000  # characters; what one line of a layout can bear


class TextView(QPlainTextEdit):
    """Shows one text at a passage. `arrived` comes when the passage is in sight, `filled` when all of it is there."""

    arrived = Signal()
    filled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "bare")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setAcceptDrops(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName(self.tr("Text of the document"))
        self.setTabChangesFocus(True)
        self.document().setDocumentMargin(20)
        self._theme = LIGHT
        self._parts: Iterator[tuple[str, str]] = iter(())
        self._goal: int | None = None  # where the passage begins, until it is in sight
        self._marked: tuple[int, int] | None = None
        self._fill = QTimer(self, interval=0)
        self._fill.timeout.connect(self._put_more)

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        self._show_mark()

    def open(self, words: Words) -> None:
        """Show another text, at its passage."""
        self.forget()
        self._parts = parts_of(words.text, words.pages, words.start, words.end)
        self._fill.start()
        self._put_more()

    def forget(self) -> None:
        """Show nothing, keep nothing."""
        self._fill.stop()
        self._parts, self._goal, self._marked = iter(()), None, None
        self.setExtraSelections([])
        self.clear()

    @property
    def is_full(self) -> bool:
        return not self._fill.isActive()

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        carried = QMimeData()
        carried.setText(self.textCursor().selection().toPlainText())
        return carried

    def _put_more(self) -> None:
        """Put pieces in for as long as a frame can bear."""
        clock = QElapsedTimer()
        clock.start()
        end = QTextCursor(self.document())
        end.movePosition(QTextCursor.MoveOperation.End)
        for kind, text in self._parts:
            self._put(end, kind, text)
            if kind == "words" and self._goal is not None:  # what follows the passage is there: it can stand amid it
                self._arrive(self._goal)
            if clock.elapsed() > _PATIENCE:
                return
        self._fill.stop()
        if self._goal is not None:
            self._arrive(self._goal)
        self.filled.emit()

    def _put(self, end: QTextCursor, kind: str, text: str) -> None:
        if kind == "page":
            self._put_heading(end, self.tr("Page {0}").format(text))
        elif kind == "start":
            self._goal = end.position()
        else:
            start = end.position()
            end.insertText(text, QTextCharFormat())
            if kind == "mark":
                self._marked = (self._marked[0] if self._marked else start, end.position())

    def _put_heading(self, end: QTextCursor, text: str) -> None:
        style = QTextCharFormat()
        style.setFontWeight(QFont.Weight.DemiBold)
        style.setForeground(QColor(self._theme.muted))
        for _ in range(1 if end.atBlockStart() else 2) if end.position() else ():
            end.insertBlock(QTextBlockFormat(), style)
        end.insertText(text, style)
        end.insertBlock(QTextBlockFormat(), QTextCharFormat())
        end.setCharFormat(QTextCharFormat())

    def _arrive(self, goal: int) -> None:
        """Bring the passage into the middle of the window, once."""
        self._goal = None
        at = self.textCursor()
        at.setPosition(goal)
        self.setTextCursor(at)
        self.centerCursor()
        self._show_mark()
        self.arrived.emit()

    def _show_mark(self) -> None:
        if self._marked is None:
            return
        shown = QTextEdit.ExtraSelection()
        shown.cursor = QTextCursor(self.document())
        shown.cursor.setPosition(self._marked[0])
        shown.cursor.setPosition(self._marked[1], QTextCursor.MoveMode.KeepAnchor)
        shown.format.setBackground(QColor(self._theme.here_soft))
        self.setExtraSelections([shown])


def parts_of(text: str, pages: Sequence[tuple[int, int, int]], start: int, end: int) -> Iterator[tuple[str, str]]:
    """`text` in the order it is shown: ("page", number), ("words", ...); ("start", "") where the passage begins and
    ("mark", ...) for what is to be marked.

    Pieces are cut at the ends of pages and of the passage, so that both are found again however much longer the words
    become by writing hidden characters out.
    """
    begins = {begin: page for page, begin, _ in pages}
    cuts = sorted({0, start, end, len(text), *begins})
    for at, after in zip(cuts, [*cuts[1:], len(text)], strict=True):
        if at in begins:
            yield "page", str(begins[at])
        if at == start:
            yield "start", ""
        for piece in _pieces(text, at, after):
            yield ("mark" if start <= at < end else "words"), bearable(piece)


def _pieces(text: str, at: int, after: int) -> Iterator[str]:
    """The text from `at` to `after` in pieces, cut at the ends of lines where there are some."""
    while at < after:
        cut = min(at + _PIECE, after)
        line_end = text.find("\n", cut, min(cut + _LONGEST_LINE, after))
        cut = line_end + 1 if cut < after and line_end >= 0 else cut
        yield text[at:cut]
        at = cut


def bearable(text: str) -> str:
    """`text` with nothing hidden in it and no line longer than a layout can bear."""
    shown = visible_lines(text)
    if len(shown) <= _LONGEST_LINE:
        return shown
    lines = shown.split("\n")
    return "\n".join(
        "\n".join(line[at : at + _LONGEST_LINE] for at in range(0, max(len(line), 1), _LONGEST_LINE)) for line in lines
    )
