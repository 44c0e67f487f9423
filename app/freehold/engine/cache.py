"""Not reading twice: what the model has read stays in its cells, and chats left a moment ago in a small stash.

A chat's next prompt begins with everything that chat has read and written, so only the rest must be read. When another
chat comes in between, the cells are copied out to memory (never to disk) before they are overwritten.

A token read together with others leaves slightly other numbers behind than the same token computed alone, as it was
when it was written. So each cell is known by how it came about: an answer that was begun elsewhere goes on exactly only
from cells whose tokens were computed alone, and nothing else counts as that answer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MOST_CHATS = 3
WORTH_KEEPING = 128  # tokens; reading fewer again is quicker than a copy is worth


class Memory(Protocol):
    """The model's own memory of what it has read, one token a cell."""

    def trim(self, keep: int) -> bool: ...
    def clear(self) -> None: ...
    def snapshot(self) -> NDArray[np.uint8]: ...
    def restore(self, state: NDArray[np.uint8]) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Left:
    """A chat that was left: its ids, which of them were computed alone, and the state that reading them made."""

    ids: tuple[int, ...]
    alone: bytes
    state: NDArray[np.uint8]


class PromptCache:
    """Knows the ids in the model's cells, and keeps the states of chats left within `budget` bytes.

    `token_bytes` is what one token takes in a state; `worth` how many tokens are worth a copy.
    """

    def __init__(self, memory: Memory, *, budget: int, token_bytes: int, worth: int = WORTH_KEEPING) -> None:
        self._memory, self._budget, self._token_bytes, self._worth = memory, budget, token_bytes, worth
        self.ids: list[int] = []
        self._alone = bytearray()  # one byte a cell: 1 where its token was computed alone
        self._left: list[_Left] = []  # the one left last at the end

    @property
    def stashed(self) -> int:
        """Bytes of all states kept."""
        return sum(one.state.nbytes for one in self._left)

    def add(self, ids: Sequence[int]) -> None:
        """Note that the model has computed `ids`, in one call."""
        self.ids.extend(ids)
        self._alone.extend((len(ids) == 1,) * len(ids))

    def recall(self, prompt: Sequence[int], replayed: int = 0) -> int:
        """Make the cells hold the longest known beginning of `prompt`, short of its last token; returns its length.

        The last token is always read again: its scores are what the answer starts from. Of the last `replayed` tokens
        only those count as known that were computed alone, whoever wrote them first.
        """

        def known(ids: Sequence[int], alone: bytes | bytearray) -> int:
            same, begun = min(common(ids, prompt), len(prompt) - 1), len(prompt) - replayed
            together = alone.find(0, begun, same)
            return same if together < 0 else together

        here = known(self.ids, self._alone)
        best = max(self._left, key=lambda one: known(one.ids, one.alone), default=None)
        there = known(best.ids, best.alone) if best is not None else 0
        if best is not None and there > here + self._worth:
            self._left = [one for one in self._left if one is not best]
            self._leave(here)
            if self._memory.restore(best.state):
                self.ids, self._alone = list(best.ids), bytearray(best.alone)
                return self.keep(there)
            return self.keep(0)
        if len(self.ids) - here > self._worth:
            self._leave(here)
        return self.keep(here)

    def keep(self, count: int) -> int:
        """Forget all but the first `count` tokens; returns how many are left, 0 where the model cannot trim."""
        if count and self._memory.trim(count):
            del self.ids[count:], self._alone[count:]
        else:
            self.forget()
        return len(self.ids)

    def undo(self, *, whole: bool) -> None:
        """After a call that was cut short: what was there before it, or nothing where `whole` of it is unsure."""
        if whole:
            self.forget()
        else:
            self.keep(len(self.ids))

    def forget(self) -> None:
        """Empty the cells. The chats left are kept."""
        self._memory.clear()
        self.ids, self._alone = [], bytearray()

    def _leave(self, shared: int) -> None:
        """Copy the cells out before they are overwritten beyond `shared` tokens."""
        worth, size = len(self.ids) - shared > self._worth, len(self.ids) * self._token_bytes
        if not worth or size > self._budget:
            return
        ids = tuple(self.ids)
        # What this chat's earlier state knew, this one knows too.
        kept = [one for one in self._left if common(one.ids, ids) < len(one.ids)]
        while kept and (len(kept) >= MOST_CHATS or sum(one.state.nbytes for one in kept) + size > self._budget):
            kept.pop(0)
        self._left = kept
        state = self._memory.snapshot()
        if state.size:
            self._left.append(_Left(ids, bytes(self._alone), state))


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens both begin with."""
    length = min(len(one), len(other))
    if not length:
        return 0
    differ = np.flatnonzero(np.asarray(one[:length]) != np.asarray(other[:length]))
    return int(differ[0]) if len(differ) else length
