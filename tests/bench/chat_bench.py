"""The chat issue's speed table: the whole path of an answer, the engine, the transcript, the window's start."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from engine_figures import ALL_ROUNDS, BareLoop, engine_figures
from figures import Figure, paired, rounds_within

from freehold import app
from freehold.assistant.household import Household
from freehold.assistant.reply import Wish
from freehold.assistant.values import Answered, Words
from freehold.engine.values import Message
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop

QUESTION = "Tell me a very long story about a river and the mills along it."


def figures(*, quick: bool) -> Iterator[Figure]:
    """The window first, in child processes, while no model is in memory; then the transcript; then the engine.

    A quick run leaves out what has no goal in the issue: the vault alone, and decoding beside another program.
    """
    from busy_figures import busy_figures
    from desktop_figures import desktop_figures
    from transcript_figures import transcript_figures
    from vault_figures import vault_figures

    yield from desktop_figures(quick=quick)
    yield from transcript_figures(quick=quick)
    if not quick:
        yield from vault_figures()
    with tempfile.TemporaryDirectory() as folder:
        yield whole_path(Path(folder), quick=quick)
    yield from engine_figures(quick=quick)
    if not quick:
        yield from busy_figures()


def whole_path(home: Path, *, quick: bool) -> Figure:
    """Tokens a second as the steps of `Assistant.reply` bring them, the vault saving meanwhile, against a bare loop."""
    household = app.build(Profile(home))
    household.holder.claim()
    household.vault.create(raw=secrets.token_bytes(32))
    try:
        count, rounds, patience = (32, 5, 4.0) if quick else (200, 9, ALL_ROUNDS)
        chat = household.conversations.create().id
        _answer(household, chat, 8, 0)
        assert household.engine.loaded is not None
        bare = BareLoop(household.engine.loaded.threads)
        prompt = household.engine.read([Message("user", QUESTION)]).ids
        pairs = []
        for number in rounds_within(patience, rounds):
            bare.read(prompt)
            baseline = bare.write(count)
            pairs.append((_answer(household, household.conversations.create().id, count, number), baseline))
        value, baseline, ratio = paired(pairs)
        return Figure(
            "tokens per second through vault and assistant, against a bare llama_cpp loop", value, "tokens/s",
            goal=0.97, better="at least", baseline=baseline, ratio=ratio,
        )  # fmt: skip
    finally:
        household.close()


def _answer(household: Household, chat: str, count: int, seed: int) -> float:
    """Tokens a second between the first and the last words of one answer of `count` tokens."""
    for attempt in range(50):
        wish = Wish(sampling={"max_tokens": count, "seed": seed + 1000 * attempt})
        times = []
        for step in household.assistant.reply(chat, QUESTION, Stop(), wish):
            if isinstance(step, Words):
                times.append(time.perf_counter())
            elif isinstance(step, Answered) and len(step.turn.tokens) == count:
                # The first words are one token; what follows came between the first and the last step.
                return (count - 1) / max(times[-1] - times[0], 1e-9)
        chat = household.conversations.create().id
    raise AssertionError("no answer was long enough")
