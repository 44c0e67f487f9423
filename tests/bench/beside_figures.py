"""A chat while documents are read: how much of its speed it keeps. The real engine, extractor, embedder and vault."""

from __future__ import annotations

import random
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine_figures import first_token, speed
from figures import Figure, paired

from freehold import app
from freehold.assistant.household import Household
from freehold.engine.values import Message
from freehold.foundation.paths import Profile
from support.engines import drain, starter_model

_UNDER_WAY_SECONDS = 2.0
_NOUNS = ("river", "mill", "harbour", "rope", "lantern", "bridge", "ferry", "orchard", "letter", "tide", "bell")
_VERBS = ("carries", "keeps", "mends", "counts", "remembers", "follows", "leaves", "paints", "hears", "waits for")


def beside_indexing(*, quick: bool) -> Iterator[Figure]:
    """Alone and beside, in turn: the library is paused and goes on."""
    files, rounds, tokens = (300, 3, 48) if quick else (1000, 7, 120)
    with _house() as household:
        _fill(household.profile.home / "papers", files)
        household.library.add([household.profile.home / "papers"])
        drain(household.engine.prepare(starter_model(), context=4096, gpu_layers=-1, threads=0))
        pairs = [_pair(household, number, tokens) for number in range(rounds)]
        read = files - household.library.counts().get("waiting", 0)
    speeds, firsts = ([getattr(pair, name) for pair in pairs] for name in ("speeds", "firsts"))
    note = f"{read} of {files} files read at the end: what is in hand goes on, what is next waits for the answer"
    value, baseline, ratio = paired(speeds)
    yield Figure(f"tokens per second while {files} files are indexed, against alone", value, "tokens/s", 0.7,
                 "at least", baseline, ratio, note=note)  # fmt: skip
    value, baseline, ratio = paired(firsts)
    yield Figure(f"first token while {files} files are indexed, against alone", value, "s", 1.5, "at most", baseline,
                 ratio, note=note)  # fmt: skip


class _Pair:
    def __init__(self, beside: tuple[float, float], alone: tuple[float, float]) -> None:
        self.speeds, self.firsts = (beside[0], alone[0]), (beside[1], alone[1])


def _pair(household: Household, number: int, tokens: int) -> _Pair:
    library = household.library
    library.pause()
    while library.is_busy:
        time.sleep(0.05)
    alone = _chat(household, 2 * number, tokens)
    library.resume()
    library.attend()
    time.sleep(_UNDER_WAY_SECONDS)
    return _Pair(_chat(household, 2 * number + 1, tokens), alone)


def _chat(household: Household, number: int, tokens: int) -> tuple[float, float]:
    """Tokens a second, and seconds to the first token of a prompt that is new."""
    prompts = [
        household.engine.read([Message("user", f"{number} {part}. Tell me a long story. {_prose(number, 25)}")]).ids
        for part in range(3)
    ]
    return speed(household.engine, prompts[0], tokens), statistics.median(
        first_token(household.engine, prompt) for prompt in prompts[1:]
    )


@contextmanager
def _house() -> Iterator[Household]:
    with tempfile.TemporaryDirectory() as home:
        household = app.build(Profile(Path(home)))
        household.vault.create(raw=secrets.token_bytes(32))
        try:
            yield household
        finally:
            household.close()


def _fill(folder: Path, files: int) -> None:
    folder.mkdir()
    for number in range(files):
        (folder / f"{number}.txt").write_text(f"Paper {number}\n\n" + _prose(1000 + number, 80))


def _prose(seed: int, sentences: int) -> str:
    dice = random.Random(seed)
    return " ".join(
        f"The {dice.choice(_NOUNS)} {dice.choice(_VERBS)} the {dice.choice(_NOUNS)} {dice.randrange(1000)}."
        for _ in range(sentences)
    )


if __name__ == "__main__":
    import sys

    for figure in beside_indexing(quick="--quick" in sys.argv):
        print(figure.as_json("python tests/bench/run.py library"), flush=True)
