"""What of a chat fits the model's context, and what has to be left out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from freehold.chats.values import Ending, Role, Turn, split_thinking
from freehold.engine.values import Message

# When a chat outgrows the context, enough is left out at once to last a while: each cut changes the beginning of the
# prompt, and everything after it has to be read again.
KEEP = 0.7

# No tokeniser in use makes fewer tokens of a text than one for 16 of its characters, so what lies further back than
# this cannot fit and need not be counted.
MOST_CHARACTERS_A_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the prompt, and how many turns of the chat it stands for."""

    message: Message
    turns: int


def reserve_for_answer(limit: int, max_tokens: int) -> int:
    """Tokens of the context kept free for the answer: what was wished for, at most a quarter of all."""
    return min(max_tokens, limit // 4)


def first_kept(fixed: int, counts: Sequence[int], limit: int) -> int:
    """Index of the oldest message still shown, when `limit` tokens may be read.

    `fixed` tokens (system prompt, template) are always read; `counts` are the messages' tokens, oldest first. The last
    message is always kept, even when it does not fit: whoever asks checks that.
    """
    total = fixed + sum(counts)
    first = 0
    if total > limit:
        while first < len(counts) - 1 and total > limit * KEEP:
            total -= counts[first]
            first += 1
    return first


def left_out_before(turns: Sequence[Turn], model_sha256: str, limit: int) -> int:
    """How many turns of the chat the last answer of the same model left out, 0 when there is none.

    They stay left out, so that the beginning of the prompt, which is already read, does not change with every turn.
    `limit` is the context in tokens.
    """
    for turn in reversed(turns):
        made = turn.provenance
        if made is not None and made.context.tokens:
            is_alike = made.model_sha256 == model_sha256 and made.context.limit == limit
            return made.context.dropped_turns if is_alike else 0
    return 0


def messages_from(
    turns: Sequence[Turn], model_sha256: str, texts: Mapping[str, str] = MappingProxyType({})
) -> list[Shown]:
    """The messages a model is shown for `turns` (oldest first), thinking left out, beginning with a question.

    Answers that hold no words are skipped, and neighbours of one role (an unanswered question, an imported chat) become
    one message: chat templates insist on questions and answers in turn. An answer's token ids are passed on only to the
    very model that made them. `texts` are what the model reads in place of some questions, by turn.
    """
    shown: list[Shown] = []
    skipped = 0
    for turn in turns:
        message = _message(turn, model_sha256, texts)
        if message is None or (message.role == "assistant" and not shown):
            skipped += 1
        elif shown and message.role == shown[-1].message.role:
            before = shown[-1]
            together = Message(message.role, f"{before.message.text}\n\n{message.text}")
            shown[-1] = Shown(together, before.turns + 1 + skipped)
            skipped = 0
        else:
            shown.append(Shown(message, 1 + skipped))
            skipped = 0
    return shown


def _message(turn: Turn, model_sha256: str, texts: Mapping[str, str]) -> Message | None:
    if turn.role is Role.USER:
        return Message("user", texts.get(turn.id, turn.text))
    thinking, text = split_thinking(turn.text)
    if not text.strip():
        return None
    made_by = turn.provenance.model_sha256 if turn.provenance else ""
    is_exact = bool(turn.tokens) and made_by == model_sha256 and not thinking and turn.ending is not Ending.BROKEN
    return Message("assistant", text, turn.tokens if is_exact else ())
