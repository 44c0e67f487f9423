"""Shows prose: read-only, selectable by mouse and keyboard, as high as its text, and it never loads anything."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice

from PySide6.QtCore import QMimeData, QPoint, QRect, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QTextCursor,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextBrowser, QTextEdit, QWidget

from freehold.desktop.transcript.looks import Looks, utf16_length
from freehold.desktop.transcript.number import without_numbers
from freehold.desktop.transcript.paper import IS_RULE, QUOTE_DEPTH, SOURCE, Paper
from freehold.rendering.links import safe_link
from freehold.rendering.values import Block

_CARET_WIDTH = 2


class ProseView(QTextBrowser):
    """A run of prose. `caret` is the colour (in Theme) of the place where the next word will appear."""

    link_asked = Signal(str)
    source_asked = Signal(int)
    caret_moved = Signal(QRect)

    def __init__(self, parent: QWidget | None = None, *, muted: bool = False) -> None:
        super().__init__(parent)
        self._looks, self._caret, self._muted = Looks(), "", muted
        self.setProperty("tone", "muted" if muted else "")  # read by the style sheet
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.DefaultContextMenu)
        self.setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.paper = Paper(self.document())
        self.anchorClicked.connect(self._ask_link)
        self.highlighted.connect(self._show_link)
        self.cursorPositionChanged.connect(self._tell_caret)

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self.paper.wear(looks, muted=self._muted)

    def write(self, blocks: Sequence[Block], *, caret: str = "") -> bool:
        """Show `blocks`; whether anything changed."""
        changed = self.paper.write(blocks)
        if changed and not self.hasFocus() and not self.textCursor().hasSelection() and self.textCursor().position():
            self.moveCursor(QTextCursor.MoveOperation.Start)  # new text pushes the caret before it
        if caret != self._caret:
            self._caret = caret
            self.viewport().update()
        return changed

    def height_for(self, width: int) -> int:
        """Pixels that the text takes at `width`."""
        self._be_wide(width)
        return max(self._looks.line_height, round(self.document().size().height()))

    def natural_width(self, most: int) -> int:
        """Pixels that the longest line takes when `most` are allowed."""
        self._be_wide(most)
        return min(most, round(self.document().idealWidth()) + 2)

    def _be_wide(self, width: int) -> None:
        """Lay the text out at `width`. The widget must have it too: Qt lays out again when it is shown or styled."""
        self.ensurePolished()
        if self.width() != width:
            self.resize(width, self.height())
        if self.document().textWidth() != width:
            self.document().setTextWidth(width)

    def mark_words(self, words: str, *, each: bool = False) -> QRect | None:
        """Put a ground under every place where `words` stand, or `each` of them; where the first is, or None."""
        marks, first = [], None
        for start, length in _places(self.document().toPlainText(), words, each=each):
            cursor = QTextCursor(self.document())
            cursor.setPosition(start)
            cursor.setPosition(start + length, QTextCursor.MoveMode.KeepAnchor)
            mark = QTextEdit.ExtraSelection()
            mark.cursor = cursor
            mark.format.setBackground(self._looks.colour("here_soft"))
            marks.append(mark)
            if first is None:
                at = QTextCursor(self.document())
                at.setPosition(start)
                first = self.cursorRect(at)
        self.setExtraSelections(marks)
        return first

    def loadResource(self, _kind: int, _name: QUrl | str) -> QImage:  # noqa: N802 - Qt's name
        # None would make Qt open the name as a path.
        image = QImage(1, 1, QImage.Format.Format_ARGB32)
        image.fill(0)
        return image

    def createMimeDataFromSelection(self) -> QMimeData:  # noqa: N802 - Qt's name
        # Words only: markup of ours has no business in another program.
        carried = QMimeData()
        carried.setText(without_numbers(self.textCursor().selection().toPlainText()))
        return carried

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()  # the transcript scrolls, its parts do not

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        keys = (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Escape)
        has_selection = self.textCursor().hasSelection()
        if event.key() in keys or (event.matches(QKeySequence.StandardKey.Copy) and not has_selection):
            event.ignore()
            return
        super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        keeps = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event.reason() not in keeps and self.textCursor().hasSelection():
            cursor = self.textCursor()
            cursor.clearSelection()
            self.setTextCursor(cursor)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        self.verticalScrollBar().setValue(0)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self.viewport())
        self._paint_marks(painter, event.rect())
        painter.end()
        super().paintEvent(event)
        if self._caret:
            painter = QPainter(self.viewport())
            painter.fillRect(self._caret_place(), self._looks.colour(self._caret))

    def _paint_marks(self, painter: QPainter, exposed: QRect) -> None:
        """Bars beside quotes, and rules."""
        layout, colour = self.document().documentLayout(), self._looks.colour("line")
        at = layout.hitTest(QPoint(0, exposed.top()).toPointF(), Qt.HitTestAccuracy.FuzzyHit)
        block = self.document().findBlock(max(0, at))
        while block.isValid():
            place = layout.blockBoundingRect(block)
            if place.top() > exposed.bottom():
                return
            block_format = block.blockFormat()
            for depth in range(block_format.intProperty(QUOTE_DEPTH)):
                before, top = block.previous(), place.top()
                if before.isValid() and before.blockFormat().intProperty(QUOTE_DEPTH) > depth:
                    top = layout.blockBoundingRect(before).bottom()
                painter.fillRect(QRectF(depth * 16, top, 3, place.bottom() - top), colour)
            if block_format.boolProperty(IS_RULE):
                painter.fillRect(QRectF(0, place.center().y(), self.width(), 1), colour)
            block = block.next()

    def _caret_place(self) -> QRect:
        cursor = QTextCursor(self.document())
        cursor.movePosition(QTextCursor.MoveOperation.End)
        place = self.cursorRect(cursor)
        height = round(self._looks.size * 1.3)
        return QRect(place.left() + 1, place.center().y() - height // 2, _CARET_WIDTH, height)

    def _ask_link(self, url: QUrl) -> None:
        if url.scheme() == SOURCE:
            self.source_asked.emit(int(url.path()))
            return
        link = safe_link(bytes(url.toEncoded().data()).decode("ascii", "replace"))
        if link is not None:
            self.link_asked.emit(link.url)

    def _show_link(self, url: QUrl) -> None:
        if url.scheme() == SOURCE:
            self.setToolTip(self.tr("Source {0}").format(url.path()))
            return
        link = safe_link(bytes(url.toEncoded().data()).decode("ascii", "replace"))
        self.setToolTip(link.url if link is not None else "")

    def _tell_caret(self) -> None:
        if self.hasFocus():
            self.caret_moved.emit(self.cursorRect())


def _places(text: str, words: str, *, each: bool) -> list[tuple[int, int]]:
    """Where `words` stand in `text` (UTF-16 units, as Qt counts), at most 200 places."""
    wanted = words.split() if each else [words.strip()]
    pattern = "|".join(re.escape(word) for word in wanted if word)
    if not pattern:
        return []
    hits = re.finditer(rf"\b(?:{pattern})" if each else pattern, text, re.IGNORECASE)
    found = islice(hits, 200)
    if text.isascii():
        return [(hit.start(), len(hit[0])) for hit in found]
    return [(utf16_length(text[: hit.start()]), utf16_length(hit[0])) for hit in found]
