"""The turns as they lie below each other: which of them are widgets, how high they are, and what is in sight."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer
from PySide6.QtWidgets import QWidget

from freehold.desktop.transcript.branch import Branch
from freehold.desktop.transcript.heights import Heights, estimates
from freehold.desktop.transcript.looks import Looks, column
from freehold.desktop.transcript.reading import Reading
from freehold.desktop.transcript.stock import Stock, is_idle
from freehold.desktop.transcript.turn import SIDE

_PATIENCE = 30  # milliseconds one layout may take before it leaves the rest to the next turn of the event loop


class Stack:
    """Gives turns near the window a widget and a place. A turn in `stale` has one whose height must be taken again."""

    def __init__(self, branch: Branch, views: Stock, viewport: QWidget) -> None:
        self._branch, self._views, self._viewport = branch, views, viewport
        self._looks = Looks()
        self.reading = Reading(Heights())
        self.stale: set[str] = set()
        self._measured: set[str] = set()  # turns whose height is not an estimate
        self._wide = 0  # of the column, when heights were last estimated

    def wear(self, looks: Looks) -> None:
        self._looks = looks

    @property
    def column(self) -> tuple[int, int]:
        """Where the column of text begins, and how wide it is."""
        parent = self._viewport.parentWidget()
        return column(parent.width() if parent is not None else self._viewport.width())

    @property
    def fits(self) -> bool:
        """The column is as wide as it was when heights were estimated."""
        return self.column[1] == self._wide

    def estimate_all(self) -> None:
        """Heights anew, after the width or the size of text has changed or another branch has come."""
        wide, size, marks = self.column[1], self._looks.size, self._branch.marks
        self._wide = wide
        before = self.reading
        place = before.at(before.top) if len(before.heights) else 0
        self.reading = Reading(Heights(estimates(marks, wide, size)), self._viewport.height())
        if not before.follows and place < len(marks):
            self.reading.go_to_turn(place)
        self._measured.clear()
        self.stale = set(self._views)

    def add(self, place: int) -> None:
        """A turn has come to `place`; what was from there on is gone."""
        self.reading.heights.cut(place)
        self.reading.heights.append(estimates([self._branch.marks[place]], self.column[1], self._looks.size)[0])

    def release(self, turns: list[str]) -> None:
        self._views.release(turns)
        self.stale.difference_update(turns)

    def realise(self) -> bool:
        """Make views of the turns in sight, then of those near; whether time was enough for all."""
        clock = QElapsedTimer()
        clock.start()
        self.reading.window = self._viewport.height()
        for margin in (0, self.reading.window):
            for _ in range(6):  # heights become known, and what is in sight changes with them
                changed = False
                for place in self.within(margin):
                    changed = self._measure(place) or changed
                    if clock.elapsed() > _PATIENCE:
                        return False
                if not changed:
                    break
        return True

    def within(self, margin: int) -> range:
        """The turns whose heights touch the window, `margin` pixels more above and below."""
        if not self._branch.marks:
            return range(0)
        top = self.reading.top
        return range(self.reading.at(top - margin), self.reading.at(top + self.reading.window + margin) + 1)

    def _measure(self, place: int) -> bool:
        """Have a view for the turn if its words are known, of the right height; whether its height is news."""
        mark = self._branch.marks[place]
        if mark.id not in self._views:
            turn = self._branch.turn(mark.id)
            if turn is None:
                return False
            self._views.bind(turn, mark, self._looks, self._branch.live.get(mark.id), self._branch.refer(mark.id))
            self.stale.add(mark.id)
        if mark.id not in self.stale:
            return False
        self.stale.discard(mark.id)
        high = self._views[mark.id].lay_out(self.column[1])
        was_estimate = mark.id not in self._measured
        self._measured.add(mark.id)
        return self.reading.set_height(place, high, was_estimate=was_estimate)

    def place_views(self) -> None:
        """Put every view where it lies; those far from the window go, unless somebody works in them."""
        left, wide = self.column
        top, places = self.reading.top, self._branch.places
        near = self.within(2 * self.reading.window)
        self.release([turn for turn, view in self._views.items() if places[turn] not in near and is_idle(view)])
        for turn, view in self._views.items():
            place = places[turn]
            y = self.reading.turn_top(place) - top
            view.setGeometry(left - SIDE, y, wide + 2 * SIDE, self.reading.heights[place])
            if view.isHidden():
                view.show()
