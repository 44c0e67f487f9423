"""The place a reader has reached, kept while heights around it become known. Pure."""

from __future__ import annotations

from freehold.desktop.transcript.heights import Heights

TOP, BOTTOM = 10, 16  # pixels before the first turn and after the last


class Reading:
    """Where the window lies over the stack of turns: at its end (`follows`), or so far into one turn."""

    def __init__(self, heights: Heights, window: int = 0) -> None:
        self.heights, self.window = heights, window
        self.follows = True
        self._place = self._offset = 0

    @property
    def most(self) -> int:
        """The largest value that `top` can take."""
        return max(0, TOP + self.heights.total + BOTTOM - self.window)

    @property
    def top(self) -> int:
        """The window's upper edge, in pixels from the beginning of the chat."""
        if self.follows or not len(self.heights):
            return self.most
        return max(0, min(self.turn_top(self._place) + self._offset, self.most))

    def turn_top(self, place: int) -> int:
        return TOP + self.heights.top(place)

    def at(self, y: int) -> int:
        """The turn at `y` pixels from the beginning of the chat."""
        return self.heights.at(y - TOP)

    def go_to(self, top: int) -> None:
        """The reader has put the window at `top`; at the end, the end is followed."""
        self.follows = top >= self.most - 2
        if len(self.heights):
            self._place = self.at(top)
            self._offset = top - self.turn_top(self._place)

    def go_to_turn(self, place: int, offset: int = 0) -> None:
        """Put the window `offset` pixels below the beginning of a turn."""
        self.follows = False
        self._place, self._offset = place, offset

    def set_height(self, place: int, height: int, *, was_estimate: bool = False) -> bool:
        """What a turn's height turned out to be; whether that is news. What is being read stays where it is."""
        before = self.heights[place]
        if before == height:
            return False
        self.heights[place] = height
        if was_estimate and not self.follows and place == self._place and self._offset > 0:
            self._offset = round(self._offset * height / max(1, before))
        return True
