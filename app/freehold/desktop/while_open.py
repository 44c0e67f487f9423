"""Work for a page that shows what the vault holds: its outcome is shown, unless the vault was closed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from freehold.desktop.bridge import Bridge, Job
from freehold.foundation.errors import FreeholdError

Failed = Callable[[FreeholdError], None]


class WhileOpen:
    """Runs plain functions and flows through the bridge until `end`; `failed` hears of failures nobody else does."""

    def __init__(self, bridge: Bridge, failed: Failed) -> None:
        self._bridge, self._failed = bridge, failed
        self._is_over = False

    def end(self) -> None:
        """Nothing is told any more. What has begun is finished all the same."""
        self._is_over = True

    def run(
        self, work: Callable[[], Any], done: Callable[[Any], None], failed: Failed | None = None, *,
        steps: Callable[[list[Any]], None] | None = None, words: str = "", lane: str = "",
    ) -> Job:  # fmt: skip
        return self._bridge.run(
            lambda _stop: work(), done=self._unless_over(done), failed=self._unless_over(failed or self._failed),
            steps=self._unless_over(steps) if steps is not None else None, words=words, lane=lane,
        )  # fmt: skip

    def _unless_over(self, tell: Callable[[Any], None]) -> Callable[[Any], None]:
        return lambda outcome: None if self._is_over else tell(outcome)
