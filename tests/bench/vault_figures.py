"""What a vault with a long chat costs, through its own process: opening, asking, searching, the passphrase."""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from figures import Figure

from freehold import app
from freehold.assistant.household import Household
from freehold.chats.conversations import Conversations
from freehold.chats.values import Chat, Ending, Role, Turn
from freehold.foundation.paths import Profile

TURNS = 10_000
_KILOBYTE = "the river runs past an old mill where people once ground their corn and told each other stories. " * 10
_PASSPHRASE = "correct horse battery staple"


def vault_figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as home:
        household = app.build(Profile(Path(home)))
        household.vault.create(raw=secrets.token_bytes(32))
        try:
            yield from long_chat_figures(household.conversations)
        finally:
            household.close()
    with tempfile.TemporaryDirectory() as home:
        household = app.build(Profile(Path(home)))
        household.vault.create(passphrase=_PASSPHRASE)
        try:
            yield passphrase_figure(household)
        finally:
            household.close()


def long_chat_figures(conversations: Conversations) -> Iterator[Figure]:
    """A chat of 10,000 turns of 1 kB, one of which has a word of its own."""
    turns = [_turn(number) for number in range(TURNS)]
    conversations.adopt(Chat("c", "long", 0.0, 0.0, leaf=turns[-1].id), turns)
    last = [turn.id for turn in turns[-40:]]
    asked = iter(range(1000))

    def ask() -> None:
        conversations.ask("c", f"Question {next(asked)}?", turns[-1].id)

    for name, rounds, work in (
        (f"outline of a chat of {TURNS:,} turns", 9, lambda: conversations.outline("c")),
        ("the last 40 turns of it", 9, lambda: conversations.turns(last)),
        ("a question, until it is durable", 30, ask),
        ("search for a word in one turn of it", 9, lambda: conversations.search("waterwheel")),
        ("search for a word in every turn of it", 9, lambda: conversations.search("mill")),
    ):
        yield Figure(f"{name}, through the vault's process", 1000 * _median(work, rounds), "ms")


def passphrase_figure(household: Household) -> Figure:
    def unlock() -> None:
        household.vault.unlock(passphrase=_PASSPHRASE)

    times = []
    for _ in range(5):
        household.vault.lock()
        times.append(_seconds(unlock))
    return Figure("a vault unlocked by its passphrase, process start included", statistics.median(times), "s")


def _turn(number: int) -> Turn:
    parent = f"t{number - 1}" if number else None
    text = _KILOBYTE + ("waterwheel" if number == TURNS // 2 else "")
    if number % 2 == 0:
        return Turn(f"t{number}", "c", parent, Role.USER, text, 0.0)
    return Turn(f"t{number}", "c", parent, Role.ASSISTANT, text, 0.0, Ending.COMPLETE)


def _median(work: Callable[[], object], rounds: int) -> float:
    work()
    return statistics.median(_seconds(work) for _ in range(rounds))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
