"""Where each turn of a long chat lies, before and after its height is known. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from freehold.chats.values import Mark, Role


class Heights:
    """Heights in pixels, stacked: `top(i)` is the sum of all before i. Sums are brought up to date when asked for."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._tops = [0, *accumulate(self._heights)]
        self._stale_from = len(self._heights)

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, place: int) -> int:
        return self._heights[place]

    def __setitem__(self, place: int, height: int) -> None:
        if self._heights[place] != height:
            self._heights[place] = height
            self._stale_from = min(self._stale_from, place)

    def append(self, height: int) -> None:
        self._heights.append(height)
        self._tops.append(0)
        self._stale_from = min(self._stale_from, len(self._heights) - 1)

    def cut(self, length: int) -> None:
        """Forget everything from `length` on."""
        del self._heights[length:]
        del self._tops[length + 1 :]
        self._stale_from = min(self._stale_from, length)

    def top(self, place: int) -> int:
        """Where turn `place` begins; `top(len(self))` is the height of all."""
        self._refresh()
        return self._tops[place]

    @property
    def total(self) -> int:
        return self.top(len(self))

    def at(self, y: int) -> int:
        """The turn that covers `y`; the first or last one beyond the ends. There must be one."""
        self._refresh()
        return max(0, min(bisect_right(self._tops, y) - 1, len(self) - 1))

    def _refresh(self) -> None:
        if self._stale_from < len(self):
            start = self._stale_from
            sums = accumulate(self._heights[start:], initial=self._tops[start])
            self._tops[start:] = sums
        self._stale_from = len(self)


def estimates(marks: Iterable[Mark], width: int, text_size: int) -> list[int]:
    """About how high turns will be, from their lengths alone: a letter is about half as wide as its size."""
    line, letters = text_size * 1.6, max(20, width * 2 // text_size)
    narrow = max(20, letters * 3 // 4)
    return [
        76 + int((1 + mark.length // letters) * line)
        if mark.role is Role.ASSISTANT
        else 66 + int((1 + mark.length // narrow) * line)
        for mark in marks
    ]
