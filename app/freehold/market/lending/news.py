"""What the app should hear of and cannot be told at once: it asks now and then."""

from __future__ import annotations

from collections import deque
from typing import Any

_MOST = 1000


class News:
    """The last thousand things that happened, numbered from 1. Each is {"number", "kind", ...} of JSON values."""

    def __init__(self) -> None:
        self._items: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._last = 0

    def tell(self, kind: str, **more: Any) -> None:
        self._last += 1
        self._items.append({"number": self._last, "kind": kind, **more})

    def since(self, number: int) -> list[dict[str, Any]]:
        """What happened after `number`; 0 for all that is still known."""
        return [item for item in self._items if item["number"] > number]
