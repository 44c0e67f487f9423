"""How the library stands, for the side bar and the library page: one place asks, both show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.foundation.errors import FreeholdError
from freehold.library.values import Progress, State

_TROUBLED = (State.EMPTY, State.FAILED, State.UNSUPPORTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """The library in a few facts, unknown until the vault was asked. `troubled` documents hold nothing to be found."""

    documents: int = 0
    waiting: int = 0
    words_only: int = 0
    troubled: int = 0
    is_paused: bool = False
    is_busy: bool = False
    finds_meaning: bool = True
    progress: Progress | None = None
    failure: FreeholdError | None = None
    is_known: bool = False

    @classmethod
    def of(cls, counts: Mapping[str, int], **facts: Any) -> Standing:
        """From `Library.counts`: documents by state, and `chunks`."""
        documents = sum(count for name, count in counts.items() if name != "chunks")
        troubled = sum(counts.get(state.value, 0) for state in _TROUBLED)
        waiting, words_only = counts.get(State.WAITING.value, 0), counts.get(State.WORDS.value, 0)
        return cls(documents, waiting, words_only, troubled, is_known=True, **facts)

    @property
    def left(self) -> int:
        """Documents that are still to be read or embedded."""
        return self.waiting + (self.words_only if self.finds_meaning else 0)

    @property
    def read(self) -> int:
        return self.documents - self.left


class LibraryState(QObject):
    """`changed` carries a Standing."""

    changed = Signal(object)

    def __init__(self, household: Household, bridge: Bridge) -> None:
        super().__init__()
        self._library, self._bridge = household.library, bridge
        self._seen: tuple[object, ...] = ()
        self._vaults = 0  # how often a vault was closed: what one said is not shown after it
        self.standing = Standing()

    def beat(self) -> None:
        """To be called each second while the vault is open; the vault is asked only when something has happened."""
        seen = (self._library.is_busy, self._library.progress, self._library.failure)
        if seen != self._seen:
            self._seen = seen
            self.look()

    def look(self) -> None:
        """Ask how it stands; for whoever changed something."""
        vault = self._vaults
        self._bridge.run(
            lambda _stop: self._ask(), done=lambda found: self._took(found, vault), failed=lambda _error: None,
            lane="library state",
        )  # fmt: skip

    def forget(self) -> None:
        self._vaults += 1
        self._seen, self.standing = (), Standing()
        self.changed.emit(self.standing)

    def _ask(self) -> Standing:
        """Runs on a thread."""
        library = self._library
        return Standing.of(
            library.counts(), is_paused=library.is_paused, is_busy=library.is_busy,
            finds_meaning=library.finds_meaning, progress=library.progress, failure=library.failure,
        )  # fmt: skip

    def _took(self, standing: Standing, vault: int) -> None:
        if vault == self._vaults:
            self.standing = standing
            self.changed.emit(standing)
