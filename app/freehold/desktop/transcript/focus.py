"""Moving the focus through turns by keyboard, in the order they are read, and telling screen readers what is new."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QApplication, QWidget


def announce(widget: QWidget, words: str) -> None:
    """Have a screen reader say `words` when it has finished what it is saying."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, words))


def move_focus(area: QWidget, turns: Sequence[QWidget], *, forward: bool) -> QWidget | None:
    """Give the focus to the next control inside `turns`, or to what comes after `area`; who has it then."""
    stops = [stop for turn in turns for stop in _stops(turn)]
    current = QApplication.focusWidget()
    place = stops.index(current) if current in stops else (-1 if forward else len(stops))
    place += 1 if forward else -1
    if 0 <= place < len(stops) and (current is not area or forward):
        found: QWidget | None = stops[place]
    elif current is not area and not forward and stops:
        found = area  # backwards out of the first turn
    else:
        found = _outside(area, forward=forward)
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    if found is not None:
        found.setFocus(reason)
    return found


def _stops(turn: QWidget) -> list[QWidget]:
    """A turn and its controls that Tab reaches, from top to bottom and left to right."""
    inside = [part for part in turn.findChildren(QWidget) if _takes_tab(part)]
    inside.sort(key=lambda part: _place(part, turn))
    return [turn, *inside]


def _place(part: QWidget, turn: QWidget) -> tuple[int, int]:
    point = part.mapTo(turn, QPoint(0, 0))
    return point.y() // 8, point.x()  # a few pixels apart is still one row


def _takes_tab(part: QWidget) -> bool:
    wants = part.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(wants) and part.isVisible() and part.isEnabled() and part.focusProxy() is None


def _outside(area: QWidget, *, forward: bool) -> QWidget | None:
    found = area.nextInFocusChain() if forward else area.previousInFocusChain()
    while found is not None and found is not area:
        if _takes_tab(found) and not area.isAncestorOf(found):
            return found
        found = found.nextInFocusChain() if forward else found.previousInFocusChain()
    return None
