"""Which chat template speaks for a model, and the prompt it makes of a conversation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from freehold.engine.own_templates import own_template
from freehold.engine.prompt import MOST_MESSAGES, PromptBuilder, Vocabulary, stand_in
from freehold.engine.template import ChatTemplate
from freehold.engine.values import Message, Prompt
from freehold.foundation.errors import PromptTooLong, TemplateFailed

_TRIAL = (Message("system", "s"), Message("user", "u"))
_DAY = datetime(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """One message as the template sees it, made of one or more of the conversation's."""

    role: str
    numbers: tuple[int, ...]


class Dialogue:
    """One model's way of writing a conversation down.

    The model's own template is used where it works; otherwise one of Freehold's. `whose` and `notes` say which and why.
    """

    def __init__(self, source: str | None, vocabulary: Vocabulary, *, bos: str, eos: str) -> None:
        self.notes: list[str] = []
        self.whose: Literal["model", "freehold"] = "model"
        self._builder, self._bos, self._eos = PromptBuilder(vocabulary), bos, eos
        ours = own_template(lambda token: token in vocabulary.control or token in vocabulary.own)
        self._ours = (ChatTemplate(ours.source), ours.name)
        self._template = self._chosen(source)
        self._takes_system = self._tries_system()

    def prompt(self, messages: Sequence[Message], now: datetime) -> Prompt:
        """The ids of `messages`, up to where the answer begins. Raises TemplateFailed only if even ours fails."""
        if len(messages) > MOST_MESSAGES:
            raise PromptTooLong(f"{len(messages)} messages")
        for parts in (self._parts(messages), _merged_neighbours(self._parts(messages))):
            try:
                return self._exact(parts, messages, now)
            except TemplateFailed as error:
                reason = error
        try:
            return self._plain(messages, now)
        except TemplateFailed as error:
            if self.whose == "freehold":
                raise
            self._fall_back(f"{reason.detail or error.detail}")
            return self.prompt(messages, now)

    def _chosen(self, source: str | None) -> ChatTemplate:
        if source is not None:
            try:
                template = ChatTemplate(source)
                self._check_shows_question(template)
                return template
            except TemplateFailed as error:
                self.notes.append(f"The model's chat template does not work ({error.detail}).")
        return self._use_ours()

    def _check_shows_question(self, template: ChatTemplate) -> None:
        if stand_in(0) not in self._render(template, [_Part("user", (0,))], stand_in, _DAY):
            raise TemplateFailed("it leaves the question out")

    def _use_ours(self) -> ChatTemplate:
        self.whose = "freehold"
        self.notes.append(f"Freehold's own chat template is used ({self._ours[1]}).")
        return self._ours[0]

    def _fall_back(self, reason: str) -> None:
        self.notes.append(f"The model's chat template does not work ({reason}).")
        self._template = self._use_ours()
        self._takes_system = self._tries_system()

    def _tries_system(self) -> bool:
        try:
            rendered = self._render(self._template, [_Part("system", (0,)), _Part("user", (1,))], stand_in, _DAY)
            self._builder.build(rendered, _TRIAL)
            return True
        except TemplateFailed:
            self.notes.append("This model takes no instructions apart; they are put before the first question.")
            return False

    def _exact(self, parts: Sequence[_Part], messages: Sequence[Message], now: datetime) -> Prompt:
        return self._builder.build(self._render(self._template, parts, stand_in, now), messages)

    def _plain(self, messages: Sequence[Message], now: datetime) -> Prompt:
        """For templates that change their contents: everything special in them is broken up first."""
        contents = [self._builder.defused(message.text) for message in messages]
        parts = _merged_neighbours(self._parts(messages))
        rendered = self._render(self._template, parts, contents.__getitem__, now)
        return self._builder.build_plain(rendered, contents)

    def _parts(self, messages: Sequence[Message]) -> list[_Part]:
        parts = [_Part(message.role, (number,)) for number, message in enumerate(messages)]
        if self._takes_system or not parts or parts[0].role != "system":
            return parts
        system, *rest = parts
        if rest and rest[0].role == "user":
            return [_Part("user", system.numbers + rest[0].numbers), *rest[1:]]
        return [_Part("user", system.numbers), *rest]

    def _render(
        self, template: ChatTemplate, parts: Sequence[_Part], content: Callable[[int], str], now: datetime
    ) -> str:
        messages = [{"role": part.role, "content": "\n\n".join(map(content, part.numbers))} for part in parts]
        return template.render(messages, now=now, bos=self._bos, eos=self._eos)


def _merged_neighbours(parts: Sequence[_Part]) -> list[_Part]:
    """Templates that insist on questions and answers in turn get neighbours of one role as one message."""
    merged: list[_Part] = []
    for part in parts:
        if merged and merged[-1].role == part.role:
            merged[-1] = _Part(part.role, merged[-1].numbers + part.numbers)
        else:
            merged.append(part)
    return merged
