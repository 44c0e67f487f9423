"""The owner's chats, as the rest of the app meets them. Everything here is on disk when a method returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeAlias

from freehold.chats.values import Attachment, Chat, Ending, Hit, Mark, Provenance, Role, Scope, Turn, Where, storable
from freehold.foundation.errors import PromptTooLong
from freehold.foundation.ids import new_id
from freehold.processes.frames import pack_ids

MOST_CHARACTERS = 8_000_000  # of one turn; a frame on the pipe holds 64 MiB

_PIECE_TURNS = 5_000
_DAY = 86_400.0
_ROLES = {"u": Role.USER, "a": Role.ASSISTANT}


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...
    def stream(self, op: str, **args: Any) -> Generator[Any, None, Any]: ...


# The method `list` hides the type inside the class.
Chats: TypeAlias = list[Chat]
Marks: TypeAlias = list[Mark]
Turns: TypeAlias = list[Turn]
Hits: TypeAlias = list[Hit]
Ids: TypeAlias = list[str]
Files: TypeAlias = list[Attachment]


class Keep:
    """Says of a field that it stays as it is: None is a value of its own."""


class Conversations:
    """Chats as trees of turns. Methods raise NotFound for ids that are not there, VaultLocked, DiskFull, VaultDamaged.

    `now` is seconds since 1970; it is shown, and never decides an order.
    """

    def __init__(self, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._vault, self._now = vault, now

    def create(self, title: str = "") -> Chat:
        """An empty chat. Without a title it takes one from its first question."""
        return Chat.from_wire(self._vault.call("chats.create", id=new_id(), title=storable(title), at=self._now()))

    def list(self, trash: bool = False) -> Chats:
        """The last used first; with `trash`, what is in the trash instead."""
        return [Chat.from_wire(fields) for fields in self._vault.call("chats.every", trash=trash)]

    def get(self, id: str) -> Chat:
        return Chat.from_wire(self._vault.call("chats.get", id=id))

    def find(self, prefix: str) -> Chat:
        """The one chat whose id begins, or else ends, like this."""
        return Chat.from_wire(self._vault.call("chats.find", part=prefix))

    def rename(self, chat: str, title: str) -> None:
        self._vault.call("chats.rename", id=chat, title=storable(title))

    def change(
        self,
        chat: str,
        *,
        system_prompt: str | type[Keep] | None = Keep,
        sampling: Mapping[str, float | int] | type[Keep] = Keep,
        model: str | type[Keep] = Keep,
        scope: Scope | type[Keep] = Keep,
        where: Where | type[Keep] = Keep,
    ) -> Chat:
        """Change what is given and keep the rest. A system prompt of None means the owner's general one."""
        given = {"system_prompt": system_prompt, "sampling": sampling, "model": model, "scope": scope, "where": where}
        fields = {name: _plain(value) for name, value in given.items() if value is not Keep}
        return Chat.from_wire(self._vault.call("chats.change", id=chat, fields=fields))

    def save_draft(self, chat: str, text: str) -> None:
        self._vault.call("chats.save_draft", id=chat, text=storable(text))

    def move_to_trash(self, chat: str) -> None:
        self._vault.call("chats.trash", id=chat, at=self._now())

    def restore(self, chat: str) -> None:
        self._vault.call("chats.restore", id=chat)

    def erase(self, chat: str) -> None:
        """For good, from every file of the profile."""
        self._vault.call("chats.erase", id=chat)

    def empty_trash(self, days: float) -> int:
        """Erase what has been in the trash for `days`; how many chats that was."""
        return int(self._vault.call("chats.empty_trash", before=self._now() - days * _DAY))

    def outline(self, chat: str) -> Marks:
        """The branch in view, root first, without its words."""
        columns = self._vault.call("chats.outline", id=chat)
        roles = [_ROLES[letter] for letter in columns["roles"]]
        return list(map(Mark, columns["ids"], roles, columns["lengths"], columns["places"], columns["siblings"]))

    def turns(self, ids: Sequence[str]) -> Turns:
        """In the order asked for."""
        return self._turns("chats.turns", ids=[*ids])

    def branch(self, chat: str) -> Turns:
        """The whole branch in view, root first."""
        return self._turns("chats.branch", id=chat)

    def back(self, turn: str, characters: int) -> tuple[Turns, int]:
        """The turns that lead to `turn`, itself last, until their words are `characters` long; and how many turns
        come before those.
        """
        found = self._vault.call("chats.back", turn=turn, characters=characters)
        return [Turn.from_wire(fields) for fields in found["turns"]], int(found["before"])

    def tree(self, chat: str) -> Turns:
        """Every turn of the chat, parents before children, older before younger."""
        return self._turns("chats.tree", id=chat)

    def leaf(self, chat: str) -> str | None:
        """The last turn of the branch in view."""
        return self.get(chat).leaf

    def siblings(self, turn: str) -> Ids:
        """All alternatives at this turn's place, itself included, oldest first."""
        return [str(id) for id in self._vault.call("chats.siblings", turn=turn)]

    def show(self, turn: str) -> str:
        """Bring the branch through `turn` into view, down to the newest turn below it; that leaf's id."""
        return str(self._vault.call("chats.show", turn=turn))

    def ask(self, chat: str, text: str, parent: str | None, attachments: Sequence[Attachment] = ()) -> Turn:
        """Save a question below `parent` (None: at the root), with its files, and bring it into view."""
        files = _storable_files(attachments)
        return Turn.from_wire(
            self._vault.call(
                "chats.ask", id=new_id(), chat=chat, parent=parent, text=_sized(text), at=self._now(), attachments=files
            )
        )

    def attached(self, turn: str) -> Files:
        """What was read from each file that came with a question."""
        return [Attachment.from_wire(fields) for fields in self._vault.stream("chats.attached", turn=turn)]

    def begin_answer(self, chat: str, parent: str) -> Turn:
        """An empty answer below `parent`, in view; it grows by `extend` and ends by `seal`."""
        return Turn.from_wire(
            self._vault.call("chats.begin_answer", id=new_id(), chat=chat, parent=parent, at=self._now())
        )

    def extend(self, turn: str, text: str) -> None:
        """Append to an answer that is being written. Raises UsageError once it is sealed."""
        self._vault.call("chats.extend", turn=turn, text=_sized(text))

    def note(self, turn: str, provenance: Provenance) -> None:
        """Keep how an answer is being made, before its first word. Raises UsageError once it is sealed."""
        self._vault.call("chats.note", turn=turn, provenance=provenance.to_wire())

    def seal(
        self,
        turn: str,
        ending: Ending,
        provenance: Provenance | None = None,
        tokens: Sequence[int] = (),
        error: Mapping[str, str] | None = None,
        *,
        text: str | None = None,
    ) -> Turn:
        """End an answer for good. `tokens` are the ids it was made of; `text`, if given, replaces what was written,
        and `provenance` what was noted.
        """
        fields = self._vault.call(
            "chats.seal",
            turn=turn,
            ending=ending.value,
            at=self._now(),
            provenance=provenance.to_wire() if provenance else None,
            tokens=pack_ids(tuple(tokens)) if tokens else "",
            error=dict(error) if error else None,
            text=None if text is None else _sized(text),
        )
        return Turn.from_wire(fields)

    def recover(self) -> Ids:
        """After unlocking: answers that a crash left without an ending become BROKEN; their ids."""
        return [str(id) for id in self._vault.call("chats.recover")]

    def search(self, text: str, limit: int = 50) -> Hits:
        """Chats by title, then turns; all words must occur, the last may be unfinished. Not in the trash."""
        hits = self._vault.call("chats.search", text=storable(text), limit=limit)
        return [Hit(hit["chat"], hit["title"], hit["turn"], Role(hit["role"]), hit["text"]) for hit in hits]

    def adopt(self, chat: Chat, turns: Sequence[Turn]) -> int:
        """Take over a chat with its ids, parents before children; how many of its turns were new here."""
        dated = replace(chat, created=chat.created or self._now(), updated=chat.updated or self._now())
        new = 0
        for some in _in_pieces(turns):
            new += int(self._vault.call("chats.adopt", chat=dated.to_wire(), turns=[turn.to_wire() for turn in some]))
        return new

    def _turns(self, op: str, **args: Any) -> Turns:
        return [Turn.from_wire(fields) for page in self._vault.stream(op, **args) for fields in page]


def _sized(text: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise PromptTooLong(f"{len(text)} characters")
    return storable(text)


def _storable_files(attachments: Sequence[Attachment]) -> list[dict[str, Any]]:
    if sum(len(one.text) for one in attachments) > MOST_CHARACTERS:
        raise PromptTooLong(
            "the attached files are too long together", advice="Add them to the library, and ask from there."
        )
    return [replace(one, name=storable(one.name), text=storable(one.text)).to_wire() for one in attachments]


def _in_pieces(turns: Sequence[Turn]) -> Iterator[Sequence[Turn]]:
    """Runs of turns that fit a frame, at least one. A chat cut off between two is completed by adopting it again."""
    start = size = 0
    for place, turn in enumerate(turns):
        length = len(turn.text) + sum(len(one.text) for one in turn.attachments)
        if place > start and (size + length > MOST_CHARACTERS or place - start >= _PIECE_TURNS):
            yield turns[start:place]
            start, size = place, 0
        size += length
    yield turns[start:]


def _plain(value: Any) -> Any:
    if isinstance(value, Scope):
        return value.to_wire()
    if isinstance(value, str):
        return storable(value)
    return dict(value) if isinstance(value, Mapping) else value
