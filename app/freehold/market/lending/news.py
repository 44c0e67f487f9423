"""What the app should hear of and cannot be told at once: it asks now and then."""

from __future__ import annotations

from collections import deque
from typing import Any

_MOST = 1000


class News:
    """The last thousand things that nobody has taken note of, numbered from 1; each is {"number", "kind", ...}."""

    def __init__(self) -> None:
        self._items: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._last = 0

    def tell(self, kind: str, **more: Any) -> None:
        self._last += 1
        self._items.append({"number": self._last, "kind": kind, **more})

    def after(self, number: int) -> list[dict[str, Any]]:
        """What happened after the thing numbered `number`, which is noted and forgotten, with all before it."""
        while self._items and self._items[0]["number"] <= number:
            self._items.popleft()
        return list(self._items)
