"""An answer: its thinking folded, its text on paper, what became of it, and where it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QWidget

from freehold.assistant.values import Reference
from freehold.chats.values import Ending, Mark, Turn, split_thinking
from freehold.desktop.transcript import made
from freehold.desktop.transcript.failure import Failure
from freehold.desktop.transcript.flat import PAD, FlatButton, Note
from freehold.desktop.transcript.footer import Footer
from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.parts import Body
from freehold.desktop.transcript.sources import SourcesView, cited_of, place_of
from freehold.desktop.transcript.turn import SIDE, TurnView, flash
from freehold.rendering.visible import visible_lines

_ABOVE, _BELOW = 4, 8
_THINKING_INDENT = 16


@dataclass(slots=True)
class Live:
    """An answer that is being written: its words so far, and what is said until they come. `leaves`: by a device."""

    text: str = ""
    leaves: bool = False
    notice: str = ""
    error: Mapping[str, str] | None = None


class AnswerView(TurnView):
    """One answer, finished or being written (`live`)."""

    retry_asked = Signal(str)
    branch_asked = Signal(str)
    details_asked = Signal(str)
    source_asked = Signal(str, int)
    sources_asked = Signal(str)
    without_documents_asked = Signal(str)
    other_documents_asked = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._live: Live | None = None
        self._shows_thinking = False
        self._thinking_text = ""
        self._fold = FlatButton("", self._fold_thinking, arrow="folded")
        self._thinking = Body(self, muted=True)
        self._body = Body(self)
        self._notice, self._ending, self._cut = Note(), Note(), Note()
        self._references: Sequence[Reference] = ()
        self._failure, self._sources, self._footer = Failure(self), SourcesView(self), Footer(self)
        for part in (self._fold, self._notice, self._ending, self._cut):
            part.setParent(self)
        self._cut.say(self.tr("The rest is too long to be shown here. Copy takes all of it."))
        self._connect()

    def _connect(self) -> None:
        for body in (self._thinking, self._body):
            body.link_asked.connect(self.link_asked)
            body.caret_moved.connect(lambda place, body=body: self.caret_moved.emit(place.translated(body.pos())))
        self._failure.changed.connect(self.changed)
        for part in (self._failure, self._footer):
            part.retry_asked.connect(lambda: self._tell(self.retry_asked))
        self._footer.copy_asked.connect(self._copy_answer)
        self._footer.branch_asked.connect(lambda: self._tell(self.branch_asked))
        self._footer.details_asked.connect(lambda: self._tell(self.details_asked))
        self._footer.sources_asked.connect(lambda: self._tell(self.sources_asked))
        self._body.source_asked.connect(self._ask_number)
        self._sources.source_asked.connect(self._ask_source)
        self._sources.all_asked.connect(lambda: self._tell(self.sources_asked))
        self._sources.without_asked.connect(lambda: self._tell(self.without_documents_asked))
        self._sources.others_asked.connect(lambda: self._tell(self.other_documents_asked))

    def _tell(self, signal: object) -> None:
        if self.turn is not None:
            signal.emit(self.turn.id)  # type: ignore[attr-defined]

    def _ask_number(self, number: int) -> None:
        place = place_of(self.turn, number) if self.turn is not None else None
        if place is not None:
            self._ask_source(place)

    def _ask_source(self, place: int) -> None:
        if self.turn is not None:
            self.source_asked.emit(self.turn.id, place)

    def bind(
        self, turn: Turn, mark: Mark, looks: Looks, live: Live | None = None, references: Sequence[Reference] = ()
    ) -> None:
        """Show `turn`; `live` when it is still being written."""
        self.turn, self.mark, self._live, self._references = turn, mark, live, references
        self._shows_thinking = False
        self._body.clear()
        self._thinking.clear()
        self.wear(looks)
        self.refresh()

    def finish(self, turn: Turn, mark: Mark) -> None:
        """The answer that was being written is sealed."""
        self.turn, self.mark, self._live = turn, mark, None
        self.refresh()

    def refer(self, references: Sequence[Reference]) -> None:
        """What the answer's sources are called, and what they say, is known now."""
        self._references = references
        self._show_sources()

    def wear(self, looks: Looks) -> None:
        if looks is self._looks:
            return
        super().wear(looks)
        for part in (self._fold, self._thinking, self._body, self._notice, self._ending, self._cut):
            part.wear(looks)
        for other in (self._failure, self._sources, self._footer):
            other.wear(looks)

    def refresh(self) -> None:
        """Show what `turn` and `live` hold by now; only what is new costs."""
        assert self.turn is not None and self.mark is not None
        is_live = self._live is not None
        text = self._live.text if self._live is not None else self.turn.text
        self._thinking_text, answer = split_thinking(_without_half_tag(text) if is_live else text)
        caret = "" if self._live is None else "away" if self._live.leaves else "here"
        self._body.write(answer, is_finished=not is_live, caret=caret, cited=() if is_live else cited_of(self.turn))
        self._refresh_thinking(is_thinking=is_live and not answer)
        self._notice.say(self._live.notice if self._live is not None and not text else "")
        self._show_outcome()
        self._show_sources()
        if not is_live:
            self._say_name(self.tr("Answer"), answer)

    def _refresh_thinking(self, *, is_thinking: bool) -> None:
        self._fold.setVisible(bool(self._thinking_text))
        words = self.tr("Thinking…") if is_thinking else self.tr("Thought for a while")
        self._fold.say(words, arrow="open" if self._shows_thinking else "folded")
        self._thinking.setVisible(self._shows_thinking and bool(self._thinking_text))
        if self._shows_thinking:
            self._thinking.write(self._thinking_text, is_finished=not is_thinking)

    def _show_outcome(self) -> None:
        assert self.turn is not None and self.mark is not None
        is_live = self._live is not None
        ending = None if is_live else self.turn.ending
        error = self._live.error if self._live is not None else self.turn.error
        is_broken = ending is Ending.BROKEN or error is not None
        self._failure.setVisible(is_broken)
        if is_broken:
            told = error or {}
            self._failure.say(
                told.get("title") or self.tr("This answer was cut short"),
                told.get("advice") or self.tr("What had arrived is kept. Retry writes the answer again."),
                told.get("detail", ""),
            )
        self._ending.say(made.ending_words(ending))
        self._footer.setVisible(not is_live)
        if not is_live:
            self._footer.show_turn(self.turn)
        self._show_siblings(self.mark if not is_live else replace(self.mark, siblings=1))

    def _show_sources(self) -> None:
        if self.turn is None or self._live is not None:
            self._sources.clear()
        else:
            self._sources.show_turn(self.turn, self._references)
        self._sources.setVisible(not self._sources.is_empty)

    @property
    def has_backlog(self) -> bool:
        return self._body.has_backlog or self._thinking.has_backlog

    def work(self) -> None:
        """Render some more of a long text."""
        for body in (self._body, self._thinking):
            if body.has_backlog:
                body.work()

    def lay_out(self, width: int) -> int:
        y = _ABOVE
        if self._thinking_text:
            size = self._fold.sizeHint()
            self._fold.setGeometry(SIDE - PAD, y, size.width(), size.height())
            y += size.height() + 6
            if self._shows_thinking:
                inner = width - _THINKING_INDENT
                high = self._thinking.lay_out(inner)
                self._thinking.setGeometry(SIDE + _THINKING_INDENT, y, inner, high)
                y += high + 10
        high = self._body.lay_out(width)
        self._body.setGeometry(SIDE, y, width, high)
        y += high
        self._cut.setVisible(self._body.is_cut)
        for note in (self._notice, self._cut, self._ending):
            if note.text and (note is not self._cut or self._body.is_cut):
                high = note.height_for(width)
                note.setGeometry(SIDE, y + 6, width, high)
                y += high + 6
        if not self._failure.isHidden():
            high = self._failure.lay_out(width)
            self._failure.setGeometry(SIDE, y + 10, width, high)
            y += high + 10
        if not self._sources.isHidden():
            high = self._sources.lay_out(width)
            self._sources.setGeometry(SIDE, y + 10, width, high)
            y += high + 10
        return self._lay_out_footer(width, y + 8)

    def _lay_out_footer(self, width: int, y: int) -> int:
        if self._footer.isHidden():
            return y + _BELOW
        high = self._footer.lay_out(width + 2 * PAD)
        self._footer.setGeometry(SIDE - PAD, y, width + 2 * PAD, high)
        if self.mark is not None and self.mark.siblings > 1:
            x = SIDE - PAD + (self._footer.made_width + 8 if self._footer.made_width else 0)
            self._place_siblings(x, y, self._footer.row_height)
            for part in (self._back, self._place, self._forth):
                part.raise_()
        return y + high + _BELOW

    def mark_words(self, words: str) -> QRect | None:
        place = self._body.mark_words(words)
        return place.translated(self._body.pos()) if place is not None else None

    def copied(self) -> str:
        """The answer without its thinking, as Markdown."""
        return visible_lines(split_thinking(self.turn.text)[1]) if self.turn is not None else ""

    def _copy_answer(self) -> None:
        self.copy()
        flash(self._footer.copy, self.tr("Copied"), lambda: self.tr("Copy"))

    def _fold_thinking(self) -> None:
        self._shows_thinking = not self._shows_thinking
        self._refresh_thinking(is_thinking=self._live is not None and self._body.is_empty)
        self.changed.emit()

    def release(self) -> None:
        self._body.mark_words("")
        self._body.clear()
        self._thinking.clear()
        self._sources.clear()
        self._live, self._references = None, ()
        super().release()


def _without_half_tag(text: str) -> str:
    """A text that streams, without the beginning of a thinking tag at its end: it would show and vanish."""
    start = text.rfind("<", max(0, len(text) - len("</think>")))
    half = text[start:] if start >= 0 else ""
    if half and ("<think>".startswith(half) or "</think>".startswith(half)) and half not in ("<think>", "</think>"):
        return text[:start]
    return text
