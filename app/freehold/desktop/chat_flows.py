"""The flows behind the chat page, composed of the household's own. No Qt here: a test is `list(flow(...))`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from freehold.assistant.reply import Wish
from freehold.assistant.values import Asked, Began, Step
from freehold.chats.values import NO_DOCUMENTS, Chat, Mark, Role, Scope, Turn, Where, split_thinking
from freehold.desktop.needs import Assistant, Conversations
from freehold.foundation.stop import Stop


@dataclass(frozen=True, slots=True)
class Created:
    """A new chat has its place; what was asked goes into it."""

    chat: Chat


@dataclass(frozen=True, slots=True)
class Branch:
    """Another branch is in view now: these are its turns, root first."""

    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A chat and the outline of the branch in view."""

    chat: Chat
    marks: tuple[Mark, ...]


ChatStep = Step | Created | Branch


@dataclass(frozen=True, slots=True)
class Start:
    """What a new chat begins with: the documents it is answered from, and where its answers may be made."""

    scope: Scope = NO_DOCUMENTS
    where: Where = "auto"


def begin(conversations: Conversations, start: Start) -> Chat:
    """A new chat."""
    chat = conversations.create()
    if start != Start():
        conversations.change(chat.id, scope=start.scope, where=start.where)
    return chat


def open_chat(conversations: Conversations, chat: str, turn: str = "") -> Opened:
    """The chat as it was left; when `turn` lies on another branch, that branch comes into view."""
    marks = tuple(conversations.outline(chat))
    if turn and turn not in {mark.id for mark in marks}:
        conversations.show(turn)
        marks = tuple(conversations.outline(chat))
    return Opened(conversations.get(chat), marks)


def ask(
    conversations: Conversations, assistant: Assistant, chat: str, text: str, stop: Stop, *,
    wish: Wish | None = None, start: Start | None = None,
) -> Iterator[ChatStep]:  # fmt: skip
    """Ask in `chat`, or in a new one that begins with `start` when it is empty. The draft is dropped once the question
    is safe, never before.
    """
    if not chat:
        created = begin(conversations, start or Start())
        yield Created(created)
        chat = created.id
    for step in assistant.reply(chat, text, stop, wish):
        yield step
        if isinstance(step, Asked):
            conversations.save_draft(chat, "")


def ask_beside(
    conversations: Conversations, assistant: Assistant, turn: str, text: str, stop: Stop, *, wish: Wish | None = None
) -> Iterator[ChatStep]:
    """Ask in other words beside the question `turn`: a new branch."""
    yield from _with_branch(conversations, assistant.edit(turn, text, stop, wish))


def answer_again(
    conversations: Conversations, assistant: Assistant, turn: str, stop: Stop, wish: Wish | None = None
) -> Iterator[ChatStep]:
    """Another answer beside the answer `turn`, or a first one to the question `turn`."""
    yield from _with_branch(conversations, assistant.retry(turn, stop, wish))


def _with_branch(conversations: Conversations, steps: Iterator[Step]) -> Iterator[ChatStep]:
    """The steps, with the new outline in place of the first turn's: the window lays the branch out anew."""
    has_told = False
    for step in steps:
        if isinstance(step, Began) and not has_told:
            has_told = True
            yield Branch(tuple(conversations.outline(step.turn.chat)))
        yield step


def show_sibling(conversations: Conversations, turn: str, place: int) -> tuple[str, Branch]:
    """Bring the alternative number `place` (from 0) to `turn` into view; its id and the branch."""
    siblings = list(conversations.siblings(turn))
    wanted = siblings[min(max(place, 0), len(siblings) - 1)]
    conversations.show(wanted)
    chat = conversations.turns([wanted])[0].chat
    return wanted, Branch(tuple(conversations.outline(chat)))


def last_of(marks: Sequence[Mark], role: Role) -> str:
    """The id of the last turn of `role`, or ""."""
    return next((mark.id for mark in reversed(marks) if mark.role is role), "")


def question_after(marks: Sequence[Mark], answer: str) -> str:
    """The question that follows `answer` in the branch, or "" when it is the last turn."""
    ids = [mark.id for mark in marks]
    place = ids.index(answer) + 1 if answer in ids else len(ids)
    return ids[place] if place < len(ids) else ""


def copyable(turn: Turn) -> str:
    """What Copy puts on the clipboard: the answer without its thinking."""
    return split_thinking(turn.text)[1] or turn.text
