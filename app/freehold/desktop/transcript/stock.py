"""The widgets of the turns near what is seen; those that are not needed any more wait to be used again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from freehold.assistant.values import Reference
from freehold.chats.values import Mark, Role, Turn
from freehold.desktop.transcript.answer import AnswerView, Live
from freehold.desktop.transcript.looks import Looks
from freehold.desktop.transcript.question import QuestionView
from freehold.desktop.transcript.turn import TurnView


class Stock:
    """Views by the id of their turn. `make` makes one more of a kind."""

    def __init__(self, make: Callable[[Role], TurnView]) -> None:
        self._make = make
        self._views: dict[str, TurnView] = {}
        self._pool: dict[Role, list[TurnView]] = {Role.USER: [], Role.ASSISTANT: []}

    def __contains__(self, turn: object) -> bool:
        return turn in self._views

    def __getitem__(self, turn: str) -> TurnView:
        return self._views[turn]

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    def items(self) -> list[tuple[str, TurnView]]:
        return list(self._views.items())

    def values(self) -> list[TurnView]:
        return list(self._views.values())

    def answer(self, turn: str) -> AnswerView | None:
        """The view of an answer, if it has one."""
        found = self._views.get(turn)
        return found if isinstance(found, AnswerView) else None

    def answers(self) -> list[tuple[str, AnswerView]]:
        return [(turn, view) for turn, view in self._views.items() if isinstance(view, AnswerView)]

    def bind(
        self, turn: Turn, mark: Mark, looks: Looks, live: Live | None, references: Sequence[Reference] = ()
    ) -> None:
        """Give the turn a view."""
        spare = self._pool[mark.role]
        view = self._views[turn.id] = spare.pop() if spare else self._make(mark.role)
        if isinstance(view, AnswerView):
            view.bind(turn, mark, looks, live, references)
        elif isinstance(view, QuestionView):
            view.bind(turn, mark, looks)

    def release(self, turns: Iterable[str]) -> None:
        """Take the views of these turns back."""
        for turn in turns:
            view = self._views.pop(turn, None)
            if view is not None:
                view.hide()
                view.release()
                self._pool[Role.USER if isinstance(view, QuestionView) else Role.ASSISTANT].append(view)

    def wear(self, looks: Looks) -> None:
        for view in (*self._views.values(), *self._pool[Role.USER], *self._pool[Role.ASSISTANT]):
            view.wear(looks)

    @property
    def has_backlog(self) -> bool:
        """Some answer is not rendered to its end yet."""
        return any(view.has_backlog for _, view in self.answers())


def is_idle(view: TurnView) -> bool:
    """Nobody would miss it: it has no focus inside and nothing half written."""
    if isinstance(view, QuestionView) and view.is_editing:
        return False
    current = view.window().focusWidget()
    return current is None or not (current is view or view.isAncestorOf(current))
