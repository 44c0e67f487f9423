"""Decoding while another program takes a core: threads that follow the load, against a number that stays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from engine_figures import BareLoop, speed, starter_engine
from figures import Figure, paired, rounds_within

from freehold.engine.values import Message

COUNT, ROUNDS, PATIENCE = 24, 5, 60.0  # tokens, pairs, seconds: fixed threads may write one token in ten seconds


def busy_figures() -> Iterator[Figure]:
    """Tokens a second with the starter, in pairs, against the bare loop with all cores' threads, then with one."""
    with starter_engine() as engine:
        assert engine.loaded is not None
        prompt = engine.read([Message("user", "Tell me a very long story about a river.")]).ids
        for threads, words in ((engine.loaded.threads, "a thread a core"), (1, "one thread")):
            bare = BareLoop(threads)
            pairs = []
            with another_program():
                speed(engine, prompt, COUNT)  # by its end the threads have followed
                for _ in rounds_within(PATIENCE, ROUNDS):
                    bare.read(prompt)
                    baseline = bare.write(COUNT)
                    pairs.append((speed(engine, prompt, COUNT), baseline))
            value, baseline, ratio = paired(pairs)
            yield Figure(
                f"tokens per second beside a program that takes a core, against {words}", value, "tokens/s",
                baseline=baseline, ratio=ratio,
            )  # fmt: skip


@contextmanager
def another_program() -> Iterator[None]:
    """One that computes without end, at ordinary priority."""
    program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        program.kill()
        program.wait()
