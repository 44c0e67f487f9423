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


class Engine(Protocol):
    def read(self, messages: Sequence[Message]) -> Prompt: ...


class Settings(Protocol):
    def whole(self, name: str) -> int: ...


class PrivateSettings(Protocol):
    def setting(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits, what it tells of the context, and the passages that are in it or had no room."""

    prompt: Prompt
    context: Context
    evidence: Evidence


class Prompter:
    """Fits what is to be said into a model's context."""

    def __init__(
        self,
        conversations: Conversations,
        engine: Engine,
        settings: Settings,
        private: PrivateSettings,
        librarian: Librarian,
    ) -> None:
        self._conversations, self._engine = conversations, engine
        self._settings, self._private, self._librarian = settings, private, librarian

    def fit(self, chat: Chat, question: Turn, found: Found | None, loaded: Loaded, max_tokens: int) -> Fitted:
        """The prompt for `question`: the oldest turns are left out where the context asks for it, and passages where
        that is not enough. Raises PromptTooLong when the question alone does not fit.
        """
        turns, before = self._conversations.back(question.id, loaded.limit * MOST_CHARACTERS_A_TOKEN)
        dropped = max(before, left_out_before(turns, loaded.sha256, loaded.limit))
        kept = turns[dropped - before :]
        reserved = reserve_for_answer(loaded.limit, max_tokens)
        limit = loaded.limit - reserved
        texts, evidence = self._evidence(kept, found, loaded.limit, reserved)
        system = self._private.setting("system_prompt") if chat.system_prompt is None else chat.system_prompt
        head = [Message("system", system)] if system.strip() else []
        while True:
            texts[question.id] = with_passages(question.text, evidence.used)
            prompt, left = self._shorten(head, messages_from(kept, loaded.sha256, texts), limit)
            if len(prompt.ids) <= limit:
                break
            if not evidence.used:
                raise PromptTooLong(f"{len(prompt.ids)} tokens, {limit} fit")
            evidence = evidence.without_last()
        context = Context(len(prompt.ids), loaded.limit, dropped_turns=dropped + left, passages=len(evidence.used))
        return Fitted(prompt, context, evidence)

    def _shorten(self, head: Sequence[Message], shown: Sequence[Shown], limit: int) -> tuple[Prompt, int]:
        """The prompt with the oldest of `shown` left out until `limit` tokens hold it, and how many turns those were.

        The last message stays even when it does not fit alone.
        """
        prompt = self._engine.read([*head, *(one.message for one in shown)])
        counts = prompt.counts[len(head) :]
        first = first_kept(len(prompt.ids) - sum(counts), counts, limit)
        if not first:
            return prompt, 0
        first += shown[first].message.role == "assistant"  # what is shown begins with a question
        left = sum(one.turns for one in shown[:first])
        return self._engine.read([*head, *(one.message for one in shown[first:])]), left

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
