"""The chat in view: what its page, its answers and its draft have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from freehold.chats.values import NO_DOCUMENTS, Mark, Scope, Turn, Where


@dataclass(slots=True)
class InView:
    """`chat` is "" for a new one that nothing was said in; `wanted` the one that is being opened.

    `where` its answers may be made, `once` where the next one alone is wished. `sealed` are answers that ended while
    the chat was in view: what was read of them before is older.
    """

    chat: str = ""
    wanted: str = ""
    marks: Sequence[Mark] = ()
    scope: Scope = NO_DOCUMENTS
    where: Where = "auto"
    once: Where | None = None
    sealed: dict[str, Turn] = field(default_factory=dict)

    def leave(self) -> None:
        """An empty page, with the documents and the place that were chosen last."""
        self.chat = self.wanted = ""
        self.marks, self.once = (), None
        self.sealed.clear()
