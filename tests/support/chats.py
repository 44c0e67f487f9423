"""Conversations in memory: what the real ones do, in dictionaries, to compare with and to hand to tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from freehold.chats.values import Attachment, Chat, Ending, Hit, Mark, Role, Turn, storable, title_from
from freehold.foundation.errors import NotFound, UsageError


class MemoryConversations:
    """Turns in one dictionary, in the order they were said: that order is all there is to know."""

    def __init__(self) -> None:
        self._chats: dict[str, Chat] = {}
        self._turns: dict[str, Turn] = {}
        self._touched: dict[str, int] = {}
        self._files: dict[str, list[Attachment]] = {}
        self._numbers = count(1)

    def create(self, title=""):
        id = f"{next(self._numbers):032x}"
        self._chats[id] = Chat(id, title, 1.0, 1.0)
        self._touch(id)
        return self._chats[id]

    def list(self, trash=False):
        chats = [self.get(id) for id, chat in self._chats.items() if (chat.deleted is not None) == trash]
        return sorted(chats, key=lambda chat: -self._touched[chat.id])

    def get(self, id):
        chat = self._chat(id)
        return replace(chat, turns=len(self._path(chat.leaf)))

    def rename(self, chat, title):
        self._set(chat, title=title)

    def change(self, chat, **fields):
        self._set(chat, **fields)
        return self.get(chat)

    def save_draft(self, chat, text):
        self._set(chat, draft=text)

    def move_to_trash(self, chat):
        self._set(chat, deleted=2.0)

    def restore(self, chat):
        self._set(chat, deleted=None)

    def erase(self, chat):
        del self._chats[self._chat(chat).id]
        self._turns = {id: turn for id, turn in self._turns.items() if turn.chat != chat}

    def outline(self, chat):
        marks = []
        for turn in self.branch(chat):
            family = self.siblings(turn.id)
            marks.append(Mark(turn.id, turn.role, len(turn.text), family.index(turn.id), len(family)))
        return marks

    def turns(self, ids):
        return [self._turn(id) for id in ids]

    def branch(self, chat):
        return self._path(self._chat(chat).leaf)

    def back(self, turn, characters):
        path = self._path(turn)
        first, length = len(path) - 1, len(path[-1].text)
        while first and length < characters:
            first -= 1
            length += len(path[first].text)
        return path[first:], first

    def tree(self, chat):
        self._chat(chat)
        return [turn for turn in self._turns.values() if turn.chat == chat]

    def leaf(self, chat):
        return self._chat(chat).leaf

    def siblings(self, turn):
        one = self._turn(turn)
        return [t.id for t in self._turns.values() if (t.chat, t.parent) == (one.chat, one.parent)]

    def show(self, turn):
        below = {self._turn(turn).id}
        for id, one in self._turns.items():
            if one.parent in below:
                below.add(id)
        leaf = [id for id in self._turns if id in below][-1]
        self._set(self._turn(turn).chat, leaf=leaf)
        return leaf

    def ask(self, chat, text, parent, attachments=()):
        turn = self._say(chat, parent, Role.USER, storable(text))
        self._files[turn.id] = list(attachments)
        turn = replace(turn, attachments=tuple(Attachment(one.name, one.length) for one in attachments))
        self._turns[turn.id] = turn
        one = self._chat(chat)
        spent = one.draft.strip(" ") == storable(text).strip(" ")
        self._set(chat, title=one.title or title_from(turn.text), draft="" if spent else one.draft)
        return turn

    def attached(self, turn):
        return self._files.get(self._turn(turn).id, [])

    def begin_answer(self, chat, parent):
        return self._say(chat, parent, Role.ASSISTANT, "")

    def extend(self, turn, text):
        one = self._unsealed(turn)
        self._turns[turn] = replace(one, text=one.text + storable(text))

    def note(self, turn, provenance):
        self._turns[turn] = replace(self._unsealed(turn), provenance=provenance)

    def seal(self, turn, ending, provenance=None, tokens=(), error=None, *, text=None):
        one = self._unsealed(turn)
        made = provenance or one.provenance
        said = one.text if text is None else storable(text)
        self._turns[turn] = replace(one, ending=ending, provenance=made, tokens=tuple(tokens), error=error, text=said)
        self._touch(one.chat)
        return self._turns[turn]

    def recover(self):
        open_ones = [t.id for t in self._turns.values() if t.role is Role.ASSISTANT and t.ending is None]
        for id in open_ones:
            self._turns[id] = replace(self._turns[id], ending=Ending.BROKEN)
        return open_ones

    def search(self, text, limit=50):
        """Only as much as the contract says: whole words, the last one begun."""
        words = [word for word in text.casefold().split() if any(letter.isalnum() for letter in word)]
        return [hit for hit in self._hits() if words and _matches(hit.text.casefold().split(), words)][:limit]

    def _hits(self) -> Iterator[Hit]:
        for turn in self._turns.values():
            if self._chats[turn.chat].deleted is None and (turn.role is Role.USER or turn.ending):
                yield Hit(turn.chat, self._chats[turn.chat].title, turn.id, turn.role, turn.text)

    def _say(self, chat, parent, role, text):
        self._chat(chat)
        if parent is not None and self._turn(parent).chat != chat:
            raise NotFound("turn to answer")
        turn = Turn(f"{next(self._numbers):032x}", chat, parent, role, text, 1.0)
        self._turns[turn.id] = turn
        self._set(chat, leaf=turn.id)
        self._touch(chat)
        return turn

    def _path(self, leaf: str | None) -> Sequence[Turn]:
        path = []
        while leaf is not None:
            path.append(self._turns[leaf])
            leaf = self._turns[leaf].parent
        return path[::-1]

    def _chat(self, id: str) -> Chat:
        if id not in self._chats:
            raise NotFound("chat")
        return self._chats[id]

    def _turn(self, id: str) -> Turn:
        if id not in self._turns:
            raise NotFound("turn")
        return self._turns[id]

    def _unsealed(self, id: str) -> Turn:
        turn = self._turn(id)
        if turn.role is Role.USER or turn.ending is not None:
            raise UsageError("this turn is finished and cannot change")
        return turn

    def _set(self, id: str, **fields: object) -> None:
        self._chats[id] = replace(self._chat(id), **fields)

    def _touch(self, chat: str) -> None:
        self._touched[chat] = max(self._touched.values(), default=0) + 1


def _matches(said: Sequence[str], words: Sequence[str]) -> bool:
    *whole, begun = words
    return all(word in said for word in whole) and any(one.startswith(begun) for one in said)
