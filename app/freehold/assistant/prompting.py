"""The prompt of an answer: instructions, the chat as far as it fits, and what of documents it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from freehold.assistant.evidence import Evidence, budget, with_passages
from freehold.assistant.fitting import (
    MOST_CHARACTERS_A_TOKEN,
    Shown,
    first_kept,
    left_out_before,
    messages_from,
    reserve_for_answer,
)
from freehold.assistant.librarian import Librarian
from freehold.chats.values import Chat, Context, Turn
from freehold.engine.values import Loaded, Message, Prompt
from freehold.foundation.errors import PromptTooLong
from freehold.library.values import Found


class Conversations(Protocol):
    def back(self, turn: str, characters: int) -> tuple[list[Turn], int]: ...


@dataclass(frozen=True, slots=True)
class Branch:
    """The turns that lead to a question, itself last, as far back as any model could read; `before`: how many more."""

    turns: Sequence[Turn]
    before: int = 0


class Engine(Protocol):
    def read(self, messages: Sequence[Message]) -> Prompt: ...


class Settings(Protocol):
    def whole(self, name: str) -> int: ...


class PrivateSettings(Protocol):
    def setting(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, the messages it was made of, what it tells of the context, and the passages that are in it or
    had no room.
    """

    prompt: Prompt
    messages: tuple[Message, ...]
    context: Context
    evidence: Evidence


class Prompter:
    """Fits what is to be said into a model's context."""

    def __init__(
        self,
        conversations: Conversations,
        settings: Settings,
        private: PrivateSettings,
        librarian: Librarian,
    ) -> None:
        self._conversations = conversations
        self._settings, self._private, self._librarian = settings, private, librarian

    def branch(self, leaf: str | None, asked: Turn | None = None) -> Branch:
        """The branch that ends with the turn `leaf`, and after it with `asked`, a question that is not saved yet."""
        furthest = self._settings.whole("context") * MOST_CHARACTERS_A_TOKEN
        turns, before = self._conversations.back(leaf, furthest) if leaf is not None else ([], 0)
        return Branch([*turns, asked] if asked is not None else turns, before)

    def fit(
        self, chat: Chat, branch: Branch, found: Found | None, engine: Engine, loaded: Loaded, *, max_tokens: int
    ) -> Fitted:
        """The prompt for the question at the end of `branch`, as `engine` reads it: the oldest turns are left out where
        the context asks for it, and passages where that is not enough. Raises PromptTooLong when the question alone
        does not fit.
        """
        turns, before, question = branch.turns, branch.before, branch.turns[-1]
        dropped = max(before, left_out_before(turns, loaded.sha256, loaded.limit))
        kept = turns[dropped - before :]
        reserved = reserve_for_answer(loaded.limit, max_tokens)
        limit = loaded.limit - reserved
        texts, evidence = self._evidence(kept, found, loaded.limit, reserved)
        system = self._private.setting("system_prompt") if chat.system_prompt is None else chat.system_prompt
        head = [Message("system", system)] if system.strip() else []
        while True:
            texts[question.id] = with_passages(question.text, evidence.used)
            shown = messages_from(kept, loaded.sha256, texts)
            prompt, messages, left = _shorten(engine, head, shown, limit)
            if len(prompt.ids) <= limit:
                break
            if not evidence.used:
                raise PromptTooLong(f"{len(prompt.ids)} tokens, {limit} fit")
            evidence = evidence.without_last()
        context = Context(len(prompt.ids), loaded.limit, dropped_turns=dropped + left, passages=len(evidence.used))
        return Fitted(prompt, messages, context, evidence)

    def _evidence(
        self, turns: Sequence[Turn], found: Found | None, limit: int, reserved: int
    ) -> tuple[dict[str, str], Evidence]:
        """What earlier questions say with the files beside them, by turn; and the passages for the last one.

        A question's files are chosen by its own words, so that the prompt begins the same from turn to turn.
        """
        *earlier, question = turns
        room = budget(limit, reserved, limit)
        files = {turn.id: self._librarian.attachments(turn, room) for turn in earlier if turn.attachments}
        texts = {turn.id: with_passages(turn.text, files[turn.id].used) for turn in earlier if turn.id in files}
        beside = self._librarian.attachments(question, room)
        if found is None:
            return texts, beside
        read = self._librarian.evidence(found, budget(limit, reserved, self._settings.whole("document_tokens")))
        return texts, Evidence((*beside.used, *read.used), (*beside.left_out, *read.left_out))


def _shorten(
    engine: Engine, head: Sequence[Message], shown: Sequence[Shown], limit: int
) -> tuple[Prompt, tuple[Message, ...], int]:
    """The prompt with the oldest of `shown` left out until `limit` tokens hold it, its messages, and how many turns
    were left out. The last message stays even when it does not fit alone.
    """
    messages = (*head, *(one.message for one in shown))
    prompt = engine.read(messages)
    counts = prompt.counts[len(head) :]
    first = first_kept(len(prompt.ids) - sum(counts), counts, limit)
    if not first:
        return prompt, messages, 0
    first += shown[first].message.role == "assistant"  # what is shown begins with a question
    messages = (*head, *(one.message for one in shown[first:]))
    return engine.read(messages), messages, sum(one.turns for one in shown[:first])
