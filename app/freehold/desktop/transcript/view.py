"""The transcript of one chat. Only the turns near what is seen are widgets; the others are heights.

It knows nothing of stores and flows: turns are asked for by `turns_needed` and given by `provide`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QElapsedTimer, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QFrame, QWidget

from freehold.assistant.values import Reference
from freehold.chats.values import Ending, Mark, Role, Turn
from freehold.desktop.theme import Theme
from freehold.desktop.transcript.answer import AnswerView, Live
from freehold.desktop.transcript.branch import Branch
from freehold.desktop.transcript.focus import announce, move_focus
from freehold.desktop.transcript.jump import JumpButton
from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.question import QuestionView
from freehold.desktop.transcript.reading import Reading
from freehold.desktop.transcript.skeleton import draw_skeleton
from freehold.desktop.transcript.stack import Stack
from freehold.desktop.transcript.stock import Stock
from freehold.desktop.transcript.turn import TurnView
from freehold.rendering.stream import prepare

# What an answer asks for, told on as it is.
_TOLD = (
    "retry_asked", "branch_asked", "details_asked", "source_asked", "sources_asked", "without_documents_asked",
    "other_documents_asked",
)  # fmt: skip
_TICK = 33  # milliseconds between two paints of an answer that streams, at least
_LONGEST_TICK = 1_000


class TranscriptView(QAbstractScrollArea):
    """Shows the branch in view of one chat, and lets its reader act on every turn.

    Signals name turns by id: `sibling_asked` with the place (from 0) of the version that is wanted, `edit_asked` with
    the new words. `link_asked` has a checked address; nothing is ever opened here. `source_asked` has the place of a
    source among the answer's, `file_asked` the number (from 1) of a file beside a question. `references_needed` names
    an answer whose sources are to be told by `refer`. `announced` says what screen readers are told.
    """

    turns_needed = Signal(list)
    retry_asked = Signal(str)
    edit_asked = Signal(str, str)
    sibling_asked = Signal(str, int)
    branch_asked = Signal(str)
    details_asked = Signal(str)
    source_asked = Signal(str, int)
    sources_asked = Signal(str)
    references_needed = Signal(str)
    without_documents_asked = Signal(str)
    other_documents_asked = Signal(str)
    file_asked = Signal(str, int)
    link_asked = Signal(str)
    announced = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcript")
        self.setAccessibleName(self.tr("Conversation"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.verticalScrollBar().setSingleStep(24)
        self._looks = Looks()
        self._branch, self._views = Branch(), Stock(self._new_view)
        self._stack = Stack(self._branch, self._views, self.viewport())
        self._fresh: set[str] = set()  # answers that have words not shown yet
        self._wanted: tuple[str, str] | None = None  # a turn to show, and words to mark in it
        self._is_setting = self._is_laying_out = False
        self._jump = JumpButton(self)
        self._jump.clicked.connect(self.go_to_end)
        self._tick = QTimer(self, singleShot=True, interval=_TICK)
        self._tick.timeout.connect(self._catch_up)
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._lay_out)
        self._dress()
        prepare()

    # What the page says.

    def show(self, marks: Sequence[Mark] | None = None, at: str | None = None) -> None:
        """Show a branch, at its end or with turn `at` in sight; without `marks`, make the widget visible as usual."""
        if marks is None:
            super().show()
            return
        self._stack.release(list(self._views))
        self._branch.load(marks)
        self._fresh.clear()
        self._wanted = None
        self._stack.estimate_all()
        if at in self._branch.places:
            self.scroll_to(at or "")
        else:
            self.go_to_end()

    def forget(self) -> None:
        """Show nothing, keep no words."""
        self.show([])
        self._branch.forget()

    def provide(self, turns: Sequence[Turn]) -> None:
        """The words that `turns_needed` asked for."""
        self._branch.provide(turns, self._views)
        self._lay_out()

    def append_question(self, turn: Turn) -> None:
        """A question was just asked, after the turn it answers to; what stood there is another branch now."""
        self._append(turn)
        self.go_to_end()

    def begin_answer(self, turn: Turn, *, leaves: bool = False) -> None:
        """An answer is about to be written, by a device where it `leaves`; `turn.text` is what there is so far."""
        if turn.id not in self._branch.places:
            self._append(turn)
            self._reading.follows = True
        self._stack.release([turn.id])
        self._branch.remember(turn, self._views)
        self._branch.live[turn.id] = Live(turn.text, leaves)
        self._lay_out()

    def set_notice(self, turn_id: str, text: str) -> None:
        """What is said in place of an answer until its first words come."""
        if live := self._branch.live.get(turn_id):
            live.notice = text
            self._has_news(turn_id)

    def add_words(self, turn_id: str, text: str) -> None:
        """More of an answer. Painted soon, with whatever else has come by then."""
        if live := self._branch.live.get(turn_id):
            live.text += text
            self._has_news(turn_id)

    def finish_answer(self, turn: Turn) -> None:
        """The answer is sealed: `turn` is what was saved."""
        if turn.id not in self._branch.places:
            return
        self._seal(turn)
        words = {Ending.BROKEN: self.tr("The answer was cut short"), Ending.STOPPED: self.tr("The answer was stopped")}
        view = self._views.answer(turn.id)
        spoken = view.accessibleName() if view is not None else ""
        self._announce(f"{words.get(turn.ending or Ending.COMPLETE, self.tr('The answer is complete'))}. {spoken}")

    def refer(self, turn_id: str, references: Sequence[Reference]) -> None:
        """What the sources of an answer are called and say, as it stands today."""
        self._branch.learn(turn_id, references)
        view = self._views.answer(turn_id)
        if view is not None:
            view.refer(references)
            self._stack.stale.add(turn_id)
            self._lay_out()

    def fail(self, turn_id: str, title: str, advice: str, detail: str) -> None:
        """Say at an answer what went wrong; what there is of it stays."""
        turn = self._branch.turn(turn_id)
        if turn is None or turn_id not in self._branch.places:
            return
        live = self._branch.live.get(turn_id)
        error = {"title": title, "advice": advice, "detail": detail}
        text = live.text if live is not None else turn.text
        self._seal(replace(turn, text=text, ending=Ending.BROKEN, error=error))
        self._announce(f"{title}. {advice}")

    def set_theme(self, theme: Theme) -> None:
        self._looks = Looks(theme, self._looks.size)
        self._dress()

    def set_text_size(self, px: int) -> None:
        self._looks = Looks(self._looks.theme, px)
        self._stack.wear(self._looks)
        self._stack.estimate_all()
        self._dress()

    def scroll_to(self, turn_id: str, highlight_text: str = "") -> None:
        """Bring a turn into sight, with a ground under `highlight_text` where it stands in it."""
        place = self._branch.places.get(turn_id)
        if place is None:
            return
        for view in self._views.values():
            view.mark_words("")
        self._wanted = (turn_id, highlight_text)
        self._reading.go_to_turn(place, -8)
        self._lay_out()

    def go_to_end(self) -> None:
        self._reading.follows = True
        self._lay_out()

    @property
    def _reading(self) -> Reading:
        return self._stack.reading

    @property
    def follows(self) -> bool:
        """The end of the chat is in sight, and stays there while an answer grows."""
        return self._reading.follows

    @property
    def waits_for_words(self) -> bool:
        """Turns in sight or near have been asked for and are not here yet."""
        return self._branch.waits

    @property
    def is_settled(self) -> bool:
        """Nothing that is known is left to be shown."""
        return not (self._soon.isActive() or self._tick.isActive())

    # Turns that come, grow and end.

    def _append(self, turn: Turn) -> None:
        place, gone = self._branch.append(turn)
        self._stack.release(gone)
        self._stack.add(place)
        self._branch.remember(turn, self._views)

    def _seal(self, turn: Turn) -> None:
        self._fresh.discard(turn.id)
        mark = self._branch.seal(turn, self._views)
        view = self._views.answer(turn.id)
        if view is not None:
            view.finish(turn, mark)
            self._stack.stale.add(turn.id)
        self._lay_out()

    def _has_news(self, turn_id: str) -> None:
        self._fresh.add(turn_id)
        if not self._tick.isActive():
            self._tick.start()

    def _catch_up(self) -> None:
        """Show the words that have come, and a slice more of long texts; never busier than a third of the time."""
        clock = QElapsedTimer()
        clock.start()
        for turn, view in self._views.answers():
            if view.has_backlog:
                view.work()
                self._stack.stale.add(turn)
            if turn in self._fresh:
                self._fresh.discard(turn)
                view.refresh()
                self._stack.stale.add(turn)
        self._fresh.clear()  # answers out of sight show their words when they are looked at
        if self._stack.stale:
            self._lay_out()
        self._tick.setInterval(min(max(_TICK, 2 * clock.elapsed()), _LONGEST_TICK))
        if self._views.has_backlog:
            self._tick.start()

    def _announce(self, words: str) -> None:
        announce(self, words)
        self.announced.emit(words)

    # Layout.

    def _lay_out(self) -> None:
        """Make what should be seen, keep what is read in its place, and let go of the rest."""
        if self._is_laying_out:
            return
        self._is_laying_out = True
        try:
            is_done = self._stack.realise()
            self._show_wanted()
            self._place_views()
        finally:
            self._is_laying_out = False
        if not is_done:
            self._soon.start()
        if self._views.has_backlog and not self._tick.isActive():
            self._tick.start()
        self.viewport().update()
        near = self._stack.within(self._reading.window)
        if missing := self._branch.ask(near):
            self.turns_needed.emit(missing)
        for turn in self._branch.ask_references(near):
            self.references_needed.emit(turn)

    def _new_view(self, role: Role) -> TurnView:
        view: TurnView
        if role is Role.USER:
            view = QuestionView(self.viewport())
            view.edit_asked.connect(self.edit_asked)
            view.file_asked.connect(self.file_asked)
        else:
            view = AnswerView(self.viewport())
            for name in _TOLD:
                getattr(view, name).connect(getattr(self, name))
        view.link_asked.connect(self.link_asked)
        view.sibling_asked.connect(self.sibling_asked)
        view.changed.connect(lambda: self._view_changed(view))
        view.caret_moved.connect(lambda place: self._ensure_seen(place.translated(view.pos())))
        return view

    def _view_changed(self, view: TurnView) -> None:
        """The reader opened, closed or edits something: it stays where it is, and the end may move away."""
        if view.turn is None or view.turn.id not in self._views:
            return
        self._stack.stale.add(view.turn.id)
        self._reading.go_to(self._reading.top)
        self._reading.follows = False
        self._lay_out()
        self._reading.go_to(self._reading.top)

    def _place_views(self) -> None:
        self._stack.place_views()
        top, most = self._reading.top, self._reading.most
        bar = self.verticalScrollBar()
        self._is_setting = True
        bar.setPageStep(max(1, self._reading.window - 40))
        bar.setRange(0, most)
        bar.setValue(top)
        self._is_setting = False
        self._jump.place(is_needed=top < most - 80)

    def _show_wanted(self) -> None:
        """Once the turn that was asked for is here, mark the words in it and bring the first of them into sight."""
        if self._wanted is None:
            return
        turn, words = self._wanted
        answer = self._views.answer(turn)
        if turn not in self._views or turn in self._stack.stale or (answer is not None and answer.has_backlog):
            return
        self._wanted = None
        found = self._views[turn].mark_words(words) if words else None
        if found is not None and found.bottom() > self._reading.window * 2 // 3:
            self._reading.go_to_turn(self._branch.places[turn], found.top() - self._reading.window // 3)
            self._soon.start()

    def _ensure_seen(self, place: QRect) -> None:
        """Scroll as little as it takes to see `place`, in the viewport's coordinates."""
        window, step = self._reading.window, 0
        if place.top() < 8:
            step = place.top() - 8
        elif place.bottom() > window - 8:
            step = min(place.bottom() - window + 8, place.top() - 8)
        self.verticalScrollBar().setValue(self.verticalScrollBar().value() + step)

    def _dress(self) -> None:
        self._stack.wear(self._looks)
        self.setStyleSheet(self._looks.sheet())
        self._jump.wear(self._looks)
        self._views.wear(self._looks)
        self._stack.stale.update(self._views)
        self._lay_out()

    # What Qt says.

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802 - Qt's name
        if not self._is_setting:
            self._reading.go_to(self.verticalScrollBar().value())
            self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        if not self._stack.fits:
            self._stack.estimate_all()
        self._lay_out()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Home:
            self._reading.go_to(0)
            self._lay_out()
        elif event.key() == Qt.Key.Key_End:
            self.go_to_end()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802 - Qt's
        turns = [self._views[mark.id] for mark in self._branch.marks if mark.id in self._views]
        current = QApplication.focusWidget()
        if current is None or not self.viewport().isAncestorOf(current):
            window = self.viewport().rect()
            turns = [view for view in turns if view.geometry().intersects(window)]
        found = move_focus(self, turns, forward=forward)
        if found is not None and self.viewport().isAncestorOf(found):
            self._ensure_seen(QRect(found.mapTo(self.viewport(), QPoint(0, 0)), found.size()))
        return found is not None

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), self._looks.colour("paper"))
        left, wide = self._stack.column
        for place in self._stack.within(0):
            mark = self._branch.marks[place]
            if mark.id not in self._views:
                y = self._reading.turn_top(place) - self._reading.top
                where = QRect(left, y, wide, self._reading.heights[place])
                draw_skeleton(painter, where, self._looks, is_question=mark.role is Role.USER)
