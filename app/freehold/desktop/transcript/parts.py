"""The body of an answer: prose and code in turn, kept from one update to the next wherever nothing changed."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QElapsedTimer, QRect, Signal
from PySide6.QtWidgets import QWidget

from freehold.desktop.transcript.code import CodeView
from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.paper import INDENT
from freehold.desktop.transcript.prose import ProseView
from freehold.rendering.citing import Cited, with_numbers
from freehold.rendering.pieces import Boxed, Piece, pieces
from freehold.rendering.stream import StreamRenderer
from freehold.rendering.values import Block

GAP = 10
# Longer texts are rendered this many characters at a time, so that no frame waits for all of one.
SLICE = 6_000


class Body(QWidget):
    """Shows a Markdown text, whole or while it grows. `lay_out` places the parts and gives the height."""

    link_asked = Signal(str)
    source_asked = Signal(int)
    caret_moved = Signal(QRect)

    def __init__(self, parent: QWidget, *, muted: bool = False) -> None:
        super().__init__(parent)
        self._muted = muted
        self._looks = Looks()
        self._parts: list[ProseView | CodeView] = []
        self._spare_prose: list[ProseView] = []
        self._spare_code: list[CodeView] = []
        self._start_over()

    def _start_over(self) -> None:
        self._stream = StreamRenderer()
        self._text = ""  # what has been fed
        self._backlog, self._slice = "", SLICE
        self._settled: list[Block] = []
        self._heights: dict[QWidget, tuple[int, int]] = {}
        self.is_cut = False
        self._is_finished = False
        self._cited: Sequence[Cited] = ()

    def wear(self, looks: Looks) -> None:
        self._looks = looks
        self._heights.clear()
        for part in (*self._parts, *self._spare_prose, *self._spare_code):
            part.wear(self._looks)

    @property
    def has_backlog(self) -> bool:
        """Some of the text is still to be rendered: call `work`."""
        return bool(self._backlog)

    @property
    def is_empty(self) -> bool:
        return not self._parts

    def write(self, text: str, *, is_finished: bool, caret: str = "", cited: Sequence[Cited] = ()) -> None:
        """Show `text`. When it goes on from what is shown, only what is new is rendered.

        The numbers of `cited` come with its end: until then nobody knows which sentence comes from where.
        """
        if self._is_finished and text == self._text + self._backlog:
            return
        if self._is_finished or not text.startswith(self._text):
            self._start_over()
        self._backlog = text[len(self._text) :]
        self._ends, self._caret, self._cited = is_finished, caret, cited
        self.work()

    def work(self) -> None:
        """Render the next slice of what waits."""
        clock = QElapsedTimer()
        clock.start()
        piece, self._backlog = self._backlog[: self._slice], self._backlog[self._slice :]
        self._text += piece
        self._stream.feed(piece)
        if self._ends and not self._backlog:
            document = self._stream.finish()
            self.is_cut, self._is_finished = document.cut, True
            self._show(pieces(with_numbers(document.blocks, self._cited)), is_open=False)
            return
        update = self._stream.update()
        self._settled += update.settled
        self._show(pieces((*self._settled, *update.open)), is_open=True)
        if clock.elapsed() > 60:  # one huge block: parsing it anew for each slice would cost the square of its length
            self._slice *= 2

    def _show(self, wanted: Sequence[Piece], *, is_open: bool) -> None:
        """Make the parts show `wanted`; the last one may still change when the text goes on."""
        if not wanted and self._caret and not self._ends:
            self._fit(0, is_code=False)
            self._drop_after(1)
            self._write_prose(0, (), caret=self._caret)
            return
        for place, piece in enumerate(wanted):
            is_last = is_open and place == len(wanted) - 1
            if isinstance(piece, Boxed):
                part = self._fit(place, is_code=True)
                assert isinstance(part, CodeView)
                changed = part.write(piece.code, is_settled=not is_last) or part.nesting != piece.depth
                part.nesting = piece.depth
                if changed:
                    self._heights.pop(part, None)
            else:
                self._fit(place, is_code=False)
                self._write_prose(place, piece.blocks, caret=self._caret if is_last else "")
        self._drop_after(len(wanted))

    def _write_prose(self, place: int, blocks: Sequence[Block], *, caret: str) -> None:
        part = self._parts[place]
        assert isinstance(part, ProseView)
        if part.write(blocks, caret=caret):
            self._heights.pop(part, None)

    def _fit(self, place: int, *, is_code: bool) -> ProseView | CodeView:
        """The part at `place`, of the kind that is wanted there."""
        if place < len(self._parts):
            if isinstance(self._parts[place], CodeView) is is_code:
                return self._parts[place]
            self._drop_after(place)
        part = self._new_code() if is_code else self._new_prose()
        self._parts.append(part)
        part.show()
        return part

    def _new_prose(self) -> ProseView:
        if self._spare_prose:
            return self._spare_prose.pop()
        part = ProseView(self, muted=self._muted)
        part.link_asked.connect(self.link_asked)
        part.source_asked.connect(self.source_asked)
        part.caret_moved.connect(lambda place: self.caret_moved.emit(place.translated(part.pos())))
        part.wear(self._looks)
        return part

    def _new_code(self) -> CodeView:
        if self._spare_code:
            return self._spare_code.pop()
        part = CodeView()
        part.setParent(self)
        part.caret_moved.connect(lambda place: self.caret_moved.emit(place.translated(part.pos())))
        part.wear(self._looks)
        return part

    def _drop_after(self, kept: int) -> None:
        for part in self._parts[kept:]:
            part.hide()
            self._heights.pop(part, None)
            if isinstance(part, ProseView):
                part.write(())
                part.setExtraSelections([])
                self._spare_prose.append(part)
            else:
                self._spare_code.append(part)
        del self._parts[kept:]

    def lay_out(self, width: int) -> int:
        """Place the parts at `width`; the height in pixels."""
        y = 0
        for part in self._parts:
            left = part.nesting * INDENT if isinstance(part, CodeView) else 0
            left = min(left, width // 3)
            known = self._heights.get(part)
            if known is None or known[0] != width:
                wide = width - left
                high = part.height_for(wide) if isinstance(part, ProseView) else part.lay_out(wide)
                known = self._heights[part] = (width, high)
            y += GAP if y else 0
            part.setGeometry(left, y, width - left, known[1])
            y += known[1]
        return y

    def mark_words(self, words: str) -> QRect | None:
        """Put a ground under `words` in the prose; where the first stands, or None."""
        prose = [part for part in self._parts if isinstance(part, ProseView)]
        for each in (False, True):
            places = [(part, part.mark_words(words, each=each)) for part in prose]
            found = [place.translated(part.pos()) for part, place in places if place is not None]
            if found:
                return found[0]
        return None

    def clear(self) -> None:
        self._drop_after(0)
        self._start_over()
