"""The branch in view: its outline, the words that are known of it, and the answers that are being written. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from freehold.assistant.values import Reference
from freehold.chats.values import Mark, Role, Turn
from freehold.desktop.transcript.answer import Live

KEPT = 400  # turns whose words are kept


class Branch:
    """Turns by place, words by id. A turn that is asked for is asked for once."""

    def __init__(self) -> None:
        self.marks: list[Mark] = []
        self.places: dict[str, int] = {}
        self.live: dict[str, Live] = {}
        self._words: dict[str, Turn] = {}  # in the order they came: the oldest are forgotten first
        self._asked: set[str] = set()
        self._references: dict[str, Sequence[Reference]] = {}  # of answers from documents; empty while asked for

    def load(self, marks: Sequence[Mark]) -> None:
        """Another branch. Words stay known, but for answers that were not sealed: they have grown unseen."""
        self.marks = list(marks)
        self.places = {mark.id: place for place, mark in enumerate(marks)}
        self.live = {turn: live for turn, live in self.live.items() if turn in self.places}
        for turn in [turn for turn in self._words.values() if turn.role is Role.ASSISTANT and turn.ending is None]:
            if turn.id not in self.live:
                del self._words[turn.id]
        self._asked.clear()
        self._references.clear()  # documents change meanwhile: they are told anew

    def forget(self) -> None:
        """Know nothing of what was said."""
        self.load([])
        self.live.clear()
        self._words.clear()

    def append(self, turn: Turn) -> tuple[int, list[str]]:
        """Put `turn` after its parent: its place, and the ids of the turns that stood there and are gone."""
        siblings, after = 1, len(self.marks)
        if turn.parent is not None:
            after = self.places.get(turn.parent, after - 1) + 1
        elif turn.role is Role.USER:
            after = 0  # another beginning
        gone: list[str] = []
        if after < len(self.marks):
            siblings = self.marks[after].siblings + 1
            gone = [mark.id for mark in self.marks[after:]]
            del self.marks[after:]
        for other in gone:
            del self.places[other]
            self.live.pop(other, None)
        self.places[turn.id] = after
        self.marks.append(Mark(turn.id, turn.role, len(turn.text), siblings - 1, siblings))
        return after, gone

    def turn(self, name: str) -> Turn | None:
        """The turn, if its words are known."""
        return self._words.get(name)

    def remember(self, turn: Turn, needed: Container[str]) -> None:
        """Know the words of `turn`; forget the oldest that nobody needs when there are too many."""
        self._asked.discard(turn.id)
        self._words.pop(turn.id, None)
        self._words[turn.id] = turn
        if len(self._words) > KEPT:
            spare = (known for known in self._words if known not in needed and known not in self.live)
            oldest = next((known for known in spare if known != turn.id), None)
            if oldest is not None:
                del self._words[oldest]

    def provide(self, turns: Sequence[Turn], needed: Container[str]) -> None:
        """Words that came from elsewhere. A turn that is being written knows its own better."""
        for turn in turns:
            self._asked.discard(turn.id)
            if turn.id not in self.live:
                self.remember(turn, needed)

    def seal(self, turn: Turn, needed: Container[str]) -> Mark:
        """The answer is not written any more; its outline now."""
        self.live.pop(turn.id, None)
        self._references.pop(turn.id, None)
        self.remember(turn, needed)
        place = self.places[turn.id]
        self.marks[place] = replace(self.marks[place], length=len(turn.text))
        return self.marks[place]

    def ask(self, places: Iterable[int]) -> list[str]:
        """The turns at `places` whose words are neither known nor asked for yet; they are asked for now."""
        names = (self.marks[place].id for place in places)
        missing = [name for name in names if name not in self._words and name not in self._asked]
        self._asked.update(missing)
        return missing

    def ask_references(self, places: Iterable[int]) -> list[str]:
        """The answers at `places` whose sources are neither known nor asked for yet; they are asked for now."""
        turns = (self._words.get(self.marks[place].id) for place in places)
        missing = [
            turn.id for turn in turns
            if turn is not None and turn.provenance is not None and turn.provenance.sources
            and turn.id not in self._references and turn.id not in self.live
        ]  # fmt: skip
        self._references.update(dict.fromkeys(missing, ()))
        return missing

    def learn(self, name: str, references: Sequence[Reference]) -> None:
        """What an answer's sources are called and say."""
        if name in self.places:
            self._references[name] = references

    def refer(self, name: str) -> Sequence[Reference]:
        """The sources of an answer, as far as they are known."""
        return self._references.get(name, ())

    @property
    def waits(self) -> bool:
        return bool(self._asked)
