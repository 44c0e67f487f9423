"""Parts side by side, in as many rows as they need."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

GAP = 6


def in_rows(parts: Sequence[QWidget], width: int, y: int = 0) -> int:
    """Put `parts` from `y` on, at `width` pixels; where the last row ends."""
    x, high = 0, 0
    for part in parts:
        size = part.sizeHint()
        wide = min(size.width(), width)
        if x and x + wide > width:
            x, y = 0, y + high + GAP
        part.setGeometry(x, y, wide, size.height())
        x, high = x + wide + GAP, size.height()
    return y + high
