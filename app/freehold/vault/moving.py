"""What rooms offer when their rows move to another vault: in a backup's merge, and in an export."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from freehold.foundation.errors import ImportFailed
from freehold.vault.database import Database

Items = list[dict[str, Any]]
Counts = dict[str, int]


@runtime_checkable
class Movable(Protocol):
    """A store whose rows can be taken elsewhere as JSON values, and into another store of its class.

    `take` adds what is not here, by the ids that rows have, changes nothing that is, and counts what was new.
    """

    def everything(self) -> Generator[Items, None, None]: ...
    def take(self, items: Items) -> Counts: ...


@runtime_checkable
class Named(Protocol):
    """A Movable whose rows are cited elsewhere by number, which is another one in each vault. It is taken first.

    `numbers` tells [number there, number here] of those that are here, of what the other vault's store `named`.
    """

    def named(self) -> list[list[Any]]: ...
    def numbers(self, named: list[list[Any]]) -> list[list[int]]: ...


@runtime_checkable
class Citing(Protocol):
    """A Movable that cites by number."""

    def renumbered(self, items: Items, numbers: dict[int, int]) -> Items: ...


@runtime_checkable
class Checked(Protocol):
    """A store that can say in technical words what is wrong between its own tables."""

    def faults(self) -> list[str]: ...


def merge(
    database: Database, ours: Mapping[str, Any], theirs: Mapping[str, Any], *, keep: bool
) -> Generator[str, None, dict[str, Counts]]:
    """Take over what `theirs` has and `ours`, in `database`, lacks: whole or not at all. Yields the rooms as they go.

    Without `keep` nothing stays, and the counts say what would come.
    """
    movable = {room: store for room, store in ours.items() if isinstance(store, Movable)}
    taken: dict[str, Counts] = {room: {} for room in movable}
    numbers: dict[int, int] = {}
    with database.together(keep=keep):
        for room, store in sorted(movable.items(), key=lambda one: not isinstance(one[1], Named)):
            for items in theirs[room].everything():
                here = store.renumbered(items, numbers) if isinstance(store, Citing) else items
                add(taken[room], store.take(here))
                yield room
            if isinstance(store, Named):
                numbers |= {pair[0]: pair[1] for pair in store.numbers(theirs[room].named())}
    return taken


def take(rooms: Mapping[str, Any], room: str, items: Items) -> Counts:
    """Take over what an export says of one room. Raises ImportFailed when it does not read as an export of ours."""
    from sqlcipher3 import dbapi2

    store = rooms.get(room)
    if not isinstance(store, Movable):
        raise ImportFailed(f"there is no room called {room[:40]}")
    try:
        return store.take(items)
    except (KeyError, TypeError, ValueError, ArithmeticError, dbapi2.Error) as error:
        raise ImportFailed(f"{room}: something in it is not as Freehold writes it ({type(error).__name__})") from error


def add(counts: Counts, more: Mapping[str, int]) -> None:
    for name, number in more.items():
        counts[name] = counts.get(name, 0) + number


def faults_of(stores: Iterable[object]) -> list[str]:
    return [words for store in stores if isinstance(store, Checked) for words in store.faults()]
