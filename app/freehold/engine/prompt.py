"""From messages to token ids: what a user or a document wrote can never become a control token.

The template is rendered with a stand-in for each message, so that it is known afterwards which characters are the
template's (may name control tokens) and which are content (may not). Text between two control tokens is tokenised in
one piece, content and template together, exactly as llama.cpp would tokenise the whole. An answer's own ids are put in
as they are: the next turn's prompt is then an exact extension of what the model has already read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from freehold.engine.values import Message, Prompt
from freehold.foundation.errors import TemplateFailed

MOST_MESSAGES = 60_000
# Private-use characters: no template has words made of them, and trimming or splitting leaves them alone.
_OPEN, _CLOSE, _FIRST = "\ue000", "\ue001", 0xF0000
_STAND_IN = re.compile(f"{_OPEN}([\U000f0000-\U000ffffd]){_CLOSE}")


class Vocabulary(Protocol):
    """What is asked of a model's tokenizer.

    `control` maps the text of control tokens to their ids, `own` that of tokens which are found in plain text too.
    `strips` says for some control tokens on which sides they swallow whitespace. `bos` is the id that begins every
    prompt, None where the model wants none.
    """

    @property
    def control(self) -> Mapping[str, int]: ...
    @property
    def own(self) -> Mapping[str, int]: ...
    @property
    def strips(self) -> Mapping[int, tuple[bool, bool]]: ...
    @property
    def bos(self) -> int | None: ...

    def tokens(self, text: str) -> list[int]:
        """The ids of plain text; control tokens in it are taken as the characters they are written with."""
        ...


def stand_in(number: int) -> str:
    """What stands for message `number` while the template is rendered."""
    return f"{_OPEN}{chr(_FIRST + number)}{_CLOSE}"


@dataclass(slots=True)
class _Text:
    """Characters that are tokenised in one piece, with how many of them belong to which message."""

    text: str = ""
    owners: list[tuple[int, int]] = field(default_factory=list)

    def add(self, text: str, owner: int) -> None:
        self.text += text
        self.owners.append((owner, len(text)))


@dataclass(frozen=True, slots=True)
class _Ids:
    ids: tuple[int, ...]
    owner: int
    strips: tuple[bool, bool] = (False, False)


class PromptBuilder:
    """Turns rendered templates into ids for one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def build(self, rendered: str, messages: Sequence[Message]) -> Prompt:
        """The prompt for a template rendered with stand-ins.

        Raises TemplateFailed unless each message's stand-in came out exactly once.
        """
        pieces, order = _pieces(rendered, len(messages))
        runs = _Runs(self._vocabulary, "\n".join(pieces))
        for piece, number in zip(pieces, order, strict=False):
            runs.template(piece, number)
            runs.content(messages[number], number)
        runs.template(pieces[-1], order[-1] if order else 0)
        return self._prompt(runs.parts, len(messages))

    def build_plain(self, rendered: str, contents: Sequence[str]) -> Prompt:
        """The prompt for a template rendered with `defused` contents in place: counts are then estimates by length."""
        runs = _Runs(self._vocabulary, rendered)
        runs.template(rendered, 0)
        ids = self._prompt(runs.parts, 1).ids
        return Prompt(ids, _shares(len(ids), [len(one) + 1 for one in contents]))

    def defused(self, text: str) -> str:
        """`text` with a space inside each name of a special token, so that none is one any more."""
        names = [name for names in (self._vocabulary.control, self._vocabulary.own) for name in names]
        marks = _any_of(name for name in names if len(name) > 2 and not name.isspace() and name in text)
        return marks.sub(lambda found: found[0][0] + " " + found[0][1:], text)

    def _prompt(self, parts: Sequence[_Text | _Ids], messages: int) -> Prompt:
        ids: list[int] = []
        counts: Counter[int] = Counter()
        for place, part in enumerate(parts):
            if isinstance(part, _Ids):
                ids.extend(part.ids)
                counts[part.owner] += len(part.ids)
                continue
            made = self._vocabulary.tokens(_stripped(part.text, parts, place))
            ids.extend(made)
            for (owner, _), share in zip(
                part.owners, _shares(len(made), [length for _, length in part.owners]), strict=True
            ):
                counts[owner] += share
        bos = self._vocabulary.bos
        if bos is not None and ids[:1] != [bos]:
            ids.insert(0, bos)
            counts[0] += 1
        return Prompt(tuple(ids), tuple(counts[number] for number in range(messages)))


class _Runs:
    """Collects text into as few pieces as the control tokens and the ids between them allow.

    `template` is all text of the template's own: only the tokens that it names need to be looked for.
    """

    def __init__(self, vocabulary: Vocabulary, template: str) -> None:
        self.parts: list[_Text | _Ids] = []
        self._control, self._strips = vocabulary.control, vocabulary.strips
        self._names = _any_of(name for name in vocabulary.control if name in template)
        # Tokens that llama.cpp finds in plain text too: guarded against where the template uses them as its marks.
        self._guarded = _any_of(
            name for name in vocabulary.own if len(name) > 2 and not name.isspace() and name in template
        )

    def template(self, piece: str, owner: int) -> None:
        place = 0
        for found in self._names.finditer(piece):
            self._text(piece[place : found.start()], owner)
            number = self._control[found[0]]
            self.parts.append(_Ids((number,), owner, self._strips.get(number, (False, False))))
            place = found.end()
        self._text(piece[place:], owner)

    def content(self, message: Message, owner: int) -> None:
        if message.tokens:
            self.parts.append(_Ids(message.tokens, owner))
            return
        place = 0
        for found in self._guarded.finditer(message.text):
            # Cut inside the name: tokenised apart, neither half is the token.
            self._text(message.text[place : found.start() + 1], owner)
            self.parts.append(_Text())
            place = found.start() + 1
        self._text(message.text[place:], owner)

    def _text(self, text: str, owner: int) -> None:
        if not text:
            return
        if not (self.parts and isinstance(self.parts[-1], _Text)):
            self.parts.append(_Text())
        last = self.parts[-1]
        assert isinstance(last, _Text)
        last.add(text, owner)


def _pieces(rendered: str, messages: int) -> tuple[list[str], list[int]]:
    """The template's own text around the contents, and the order of these."""
    split = _STAND_IN.split(rendered)
    order = [ord(mark) - _FIRST for mark in split[1::2]]
    if sorted(order) != list(range(messages)):
        raise TemplateFailed("it leaves out messages or repeats them")
    return split[0::2], order


def _stripped(text: str, parts: Sequence[_Text | _Ids], place: int) -> str:
    before = parts[place - 1] if place else None
    after = parts[place + 1] if place + 1 < len(parts) else None
    if isinstance(before, _Ids) and before.strips[1]:
        text = text.lstrip()
    if isinstance(after, _Ids) and after.strips[0]:
        text = text.rstrip()
    return text


def _shares(total: int, lengths: Sequence[int]) -> tuple[int, ...]:
    """`total` split in proportion to `lengths`, with nothing lost to rounding."""
    whole, given, shares = sum(lengths) or 1, 0, []
    passed = 0
    for length in lengths:
        passed += length
        until = total * passed // whole
        shares.append(until - given)
        given = until
    return tuple(shares)


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    """Matches the longest of `names` at each place; nothing where there are none."""
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)) or r"(?!)")
