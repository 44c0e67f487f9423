"""What happens to a chat that nobody uses: the model gives its memory back, and the vault is locked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from freehold.foundation.errors import FreeholdError

if TYPE_CHECKING:
    from freehold.assistant.household import Household

_LOOK_SECONDS = 5.0


class Idle:
    """Looks every few seconds. `typed` tells what stands in the line that is being typed; a change is a sign of life.

    `lock` locks the vault, and is None where nobody sits: a script that holds the profile keeps it open.
    """

    def __init__(
        self,
        household: Household,
        typed: Callable[[], str],
        lock: Callable[[], None] | None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._house, self._typed, self._lock, self._now = household, typed, lock, now
        self._line = ""
        self._active = now()

    def start(self) -> None:
        """Look now and then until the program ends."""
        threading.Thread(target=self._look_for_ever, name="idle", daemon=True).start()

    def look(self) -> None:
        """Act on how long nothing has happened."""
        settings, engine = self._house.settings, self._house.engine
        if unload := settings.whole("unload_minutes"):
            engine.unload_if_idle(unload * 60)
        self._house.library.rest()
        line = self._typed()
        if line != self._line or engine.is_busy:
            self._line, self._active = line, self._now()
        limit = settings.whole("lock_minutes") * 60
        if self._lock is not None and limit and self._house.vault.is_open and self._now() - self._active >= limit:
            self._active = self._now()
            self._lock()

    def _look_for_ever(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                self.look()
            except FreeholdError:
                continue  # a part that stops working tells whoever uses it next
