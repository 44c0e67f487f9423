"""Checking's figures: other weights are caught, honest machines never are, and what going on elsewhere costs.

The starter is quantised with llama.cpp's own quantiser to Q4_0 and to what it makes of Q2_K (its rows do not divide by
256: mostly Q4_0, some Q3_K), and each of them answers in the starter's name. Honest answers come from the starter
itself in every setting. The calibration uses SUBJECTS[:8], everything that is judged the other ones: held out. The
constants of `market.checking` were set by looking at answers about the calibration's subjects only.
"""

from __future__ import annotations

import ctypes
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

from figures import Figure, paired

from freehold.engine.answer import Author, Pace
from freehold.engine.cache import PromptCache
from freehold.engine.dialogue import Dialogue
from freehold.engine.gguf import inspect
from freehold.engine.native import NativeModel, Wanted, library
from freehold.engine.scoring import Scorer
from freehold.engine.values import Message, Sampling, Written
from freehold.foundation.stop import Stop
from freehold.market.checking import ASSUMED, CAP, ENOUGH, Calibration, calibrated, evidence, failed_after
from support.engines import drain, starter_path, written

CONTEXT = 1024
SETTINGS: dict[str, dict[str, Any]] = {
    f"{threads} thread{'s' * (threads > 1)}, {name}": {"threads": threads, **options}
    for threads in (1, 2)
    for name, options in {
        "f16": {"flash": True}, "f16 without flash attention": {"flash": False},
        "q8_0": {"flash": True, "kv_type": "q8_0"},
    }.items()
}  # fmt: skip
OTHERS = {"Q4_0": 2, "Q2_K mix": 10}  # llama_ftype
SUBJECTS = (
    "a river", "bread", "the moon", "winter", "trains", "bees", "mountains", "clocks",
    "a lighthouse", "glass", "the desert", "horses", "printing", "salt", "a violin", "maps", "the north", "tea",
    "a harbour", "wool", "storms", "chess",
)  # fmt: skip
FORMS = (
    "Tell me a long story about {}.", "Explain {} to a child, in many sentences.", "Write a long letter about {}.",
    "List what one should know about {}, with reasons.", "Describe a whole day with {}.",
    "Why do people care about {}? Give many reasons.",
)  # fmt: skip
CALIBRATING = 8  # subjects


class Steady(Pace):
    """Reads in the same steps however fast the machine is at the moment."""

    def __init__(self, step: int) -> None:
        super().__init__(1)
        self._step = step

    def learn(self, tokens: int, seconds: float) -> None:
        pass


class Machine:
    """One file in one setting, as a provider or as the one who checks."""

    def __init__(self, path: Path, *, threads: int = 1, pace: Pace | None = None, **options: Any) -> None:
        self.model = NativeModel(Wanted(path, CONTEXT, 0, threads, **options))
        self.cache = PromptCache(self.model, budget=0, token_bytes=1)
        pace = pace or Pace(self.model.parameters)
        self.author = Author(self.model, self.model.vocabulary, self.cache, pace)
        self._scorer = Scorer(self.model, self.cache, pace)

    def answer(self, prompt: Sequence[int], wish: Sampling, replayed: int = 0) -> tuple[int, ...]:
        self.cache.forget()
        return written(drain(self.author.answer(prompt, wish, Stop(), replayed))[0])[0]

    def margins(self, prompt: Sequence[int], ids: Sequence[int], wish: Sampling) -> list[float]:
        self.cache.forget()
        parts = self._scorer.scores([*prompt, *ids], len(prompt), range(len(ids)), wish, Stop())
        return [one.margin for part in parts for one in part]

    def free(self) -> None:
        self.model.free()


class Prompts:
    """Questions by number, in the starter's own template."""

    def __init__(self, checker: Machine) -> None:
        words = checker.model.vocabulary
        self._dialogue = Dialogue(inspect(starter_path()).template, words, bos=words.bos_text, eos=words.eos_text)

    def calibrating(self, number: int) -> tuple[int, ...]:
        return self.of(FORMS[number % len(FORMS)].format(SUBJECTS[number % CALIBRATING]))

    def judged(self, number: int) -> tuple[int, ...]:
        held_out = SUBJECTS[CALIBRATING:]
        return self.of(FORMS[number // len(held_out) % len(FORMS)].format(held_out[number % len(held_out)]))

    def of(self, question: str) -> tuple[int, ...]:
        return self._dialogue.prompt([Message("user", question)], datetime(2026, 1, 1)).ids


@dataclass(slots=True)
class Times:
    """Seconds for writing answers and for checking them, by pair."""

    pairs: list[tuple[float, float]]


def one_check(
    provider: Machine, checker: Machine, prompt: Sequence[int], number: int, times: Times | None = None
) -> list[float]:
    """The margins of an answer of ENOUGH tokens; a shorter one is drawn again with another seed. Every other answer is
    written without a temperature, and drawn again with one.
    """
    for again in range(50):
        temperature = 0.0 if number % 2 and not again else 0.7
        wish = Sampling(temperature=temperature, seed=number + 1000 * again, max_tokens=ENOUGH)
        began = time.perf_counter()
        ids = provider.answer(prompt, wish)
        if len(ids) == ENOUGH:
            wrote = time.perf_counter()
            margins = checker.margins(prompt, ids, wish)
            if times is not None:
                times.pairs.append((time.perf_counter() - wrote, wrote - began))
            return margins
    raise AssertionError("no answer was long enough")


def checking_figures(*, quick: bool = False) -> Iterator[Figure]:
    """All of them; one who checks, on one thread with what llama.cpp chooses by itself."""
    checker = Machine(starter_path())
    prompts = Prompts(checker)
    settings = {name: SETTINGS[name] for name in (("1 thread, f16", "1 thread, q8_0") if quick else SETTINGS)}
    calibrating, honest, substituted, replays = (2, 2, 3, 2) if quick else (CALIBRATING, 84, 100, 20)
    runs: dict[str, list[float]] = {}
    judged: list[list[float]] = []
    times = Times([])
    for name, options in settings.items():
        provider = Machine(starter_path(), **options)
        runs[name] = [
            margin
            for number in range(calibrating)
            for margin in one_check(provider, checker, prompts.calibrating(number), number)
        ]
        judged += [
            one_check(provider, checker, prompts.judged(number), number, times if options["threads"] == 1 else None)
            for number in range(honest)
        ]
        provider.free()
    calibration, own = calibrated(runs), calibrated({"own": runs["1 thread, f16"]})
    yield from _honest(judged, calibration, own, len(settings))
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in OTHERS.items():
            provider = Machine(quantised(Path(folder) / "other.gguf", kind))
            found = [
                one_check(provider, checker, prompts.judged(number), 5000 + number) for number in range(substituted)
            ]
            provider.free()
            yield _caught(name, found, calibration, own)
    yield _cost(times)
    yield from replay_figures(prompts, replays)
    checker.free()


def quantised(to: Path, kind: int) -> Path:
    """The starter as llama.cpp's own quantiser writes it."""
    lib = library()
    wish = lib.llama_model_quantize_default_params()
    wish.ftype, wish.allow_requantize, wish.nthread = kind, True, 1
    assert lib.llama_model_quantize(bytes(starter_path()), bytes(to), ctypes.byref(wish)) == 0
    return to


def _honest(
    judged: Sequence[Sequence[float]], calibration: Calibration, own: Calibration, settings: int
) -> Iterator[Figure]:
    def alarms(used: Calibration) -> int:
        return sum(failed_after(margins, used) is not None for margins in judged)

    seen = [one for margins in judged for one in margins]
    most = max(
        evidence(total, count, calibration)
        for margins in judged
        for count, total in enumerate(accumulate(min(one, CAP) for one in margins), 1)
    )
    exact = sum(one == 0.0 for one in seen) / len(seen)
    yield Figure(
        f"false alarms in {len(judged)} honest checks of {ENOUGH} tokens over {settings} settings", alarms(calibration),
        "checks", goal=0, better="exactly",
        note=f"{exact:.1%} of the tokens exact, largest margin {max(seen):.2f}; most evidence e^{most:.1f}; with a "
        f"calibration by own runs alone {alarms(own)}, with the assumed one {alarms(ASSUMED)}; moments "
        f"{', '.join(f'{one:.4f}' for one in calibration.moments)}",
    )  # fmt: skip


def _caught(name: str, found: Sequence[Sequence[float]], calibration: Calibration, own: Calibration) -> Figure:
    after = [failed_after(margins, calibration) for margins in found]
    caught = sorted(one for one in after if one is not None)
    others = [sum(failed_after(margins, used) is not None for margins in found) for used in (own, ASSUMED)]
    seen = [one for margins in found for one in margins]
    exact = sum(one == 0.0 for one in seen) / len(seen)
    spread = f"after {statistics.median(caught):g} tokens in the median, {caught[-1]} at most; " if caught else ""
    return Figure(
        f"a {name} file in the model's place: caught within {ENOUGH} checked tokens, of {len(found)} answers",
        len(caught), "answers", goal=len(found), better="at least",
        note=f"{spread}{exact:.1%} of the tokens exact; with a calibration by own runs alone {others[0]}, with the "
        f"assumed one {others[1]}",
    )  # fmt: skip


def _cost(times: Times) -> Figure:
    value, baseline, ratio = paired(times.pairs)
    return Figure(
        f"checking {ENOUGH} tokens, prompt and all, against writing them, one thread each", value, "s",
        baseline=baseline, ratio=ratio,
    )  # fmt: skip


def replay_figures(prompts: Prompts, count: int) -> Iterator[Figure]:
    """An answer that began elsewhere: is it the same one, and what does computing it one by one cost?"""
    machine, slower = Machine(starter_path(), pace=Steady(512)), Machine(starter_path(), pace=Steady(96))
    same = {"replayed": 0, "read as one prompt": 0, "replayed, the prompt read in other steps": 0}
    pairs = []
    for number in range(count):
        story = " ".join(FORMS[0].format(one) for one in SUBJECTS[number % 5 : number % 5 + 9])
        prompt, wish = prompts.of(f"{number}. {story}"), Sampling(seed=number, max_tokens=ENOUGH)
        whole = machine.answer(prompt, wish)
        cut = max(len(whole) * (1 + number % 7) // 9, 1)
        rest = Sampling(seed=number, max_tokens=ENOUGH - cut)
        so_far = (*prompt, *whole[:cut])
        same["replayed"] += machine.answer(so_far, rest, cut) == whole[cut:]
        same["read as one prompt"] += machine.answer(so_far, rest) == whole[cut:]
        same["replayed, the prompt read in other steps"] += slower.answer(so_far, rest, cut) == whole[cut:]
        pairs.append((_reading(machine, (*prompt, *whole), len(whole)), _reading(machine, (*prompt, *whole), 0)))
    machine.free()
    slower.free()
    others = ", ".join(f"{name}: {found}" for name, found in same.items() if name != "replayed")
    yield Figure(
        f"an answer that is replayed goes on as the uninterrupted one, of {count}", same["replayed"], "answers",
        goal=count, better="at least", note=others,
    )  # fmt: skip
    value, baseline, ratio = paired(pairs)
    yield Figure(
        f"going on after {ENOUGH} tokens and a prompt of about 100: first token, replayed against read as one prompt",
        value, "s", baseline=baseline, ratio=ratio,
    )  # fmt: skip


def _reading(machine: Machine, prompt: Sequence[int], replayed: int) -> float:
    machine.cache.forget()
    began = time.perf_counter()
    steps = machine.author.answer(prompt, Sampling(max_tokens=1), Stop(), replayed)
    for step in steps:
        if isinstance(step, Written):
            break
    seconds = time.perf_counter() - began
    drain(steps)
    return seconds
