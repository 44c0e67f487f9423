"""The engine's figures: speed against a bare llama_cpp loop, reading only what is new, returning to a chat, stopping.

Each function measures with the starter model and returns figures; `quick` is the same at a smaller size.
"""

from __future__ import annotations

import ctypes
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from figures import Figure, paired, rounds_within

from freehold.engine.local import LocalEngine
from freehold.engine.values import Message, Reading, Sampling, Written
from freehold.foundation.stop import Stop
from support.engines import drain, real_engine, starter_model, starter_path, written

CONTEXT = 8192
ALL_ROUNDS = 3600.0  # seconds: a full run does not hurry
_WORDS = "the river runs past an old mill where people once ground their corn and told each other long stories "


@contextmanager
def starter_engine() -> Iterator[LocalEngine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = real_engine(Path(folder))
        drain(engine.prepare(starter_model(), context=CONTEXT, gpu_layers=-1, threads=0))
        try:
            yield engine
        finally:
            engine.unload()


class BareLoop:
    """The least that writes an answer with llama_cpp: decode, its own sampler chain, one token after another."""

    def __init__(self, threads: int) -> None:
        import llama_cpp.llama_cpp as lib

        self._lib = lib
        self._quiet = lib.llama_log_callback(lambda *_: None)
        lib.llama_log_set(self._quiet, None)
        self._model = lib.llama_model_load_from_file(str(starter_path()).encode(), lib.llama_model_default_params())
        parameters = lib.llama_context_default_params()
        parameters.n_ctx, parameters.n_batch, parameters.n_ubatch = CONTEXT, 512, 512
        parameters.n_threads = parameters.n_threads_batch = threads
        self._context = lib.llama_init_from_model(self._model, parameters)
        self._chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
        for sampler in (
            lib.llama_sampler_init_top_k(40), lib.llama_sampler_init_top_p(0.95, 1),
            lib.llama_sampler_init_temp(0.7), lib.llama_sampler_init_dist(1),
        ):  # fmt: skip
            lib.llama_sampler_chain_add(self._chain, sampler)

    def read(self, ids: Sequence[int]) -> float:
        """Seconds to read `ids` from nothing, the first token sampled."""
        self._lib.llama_memory_clear(self._lib.llama_get_memory(self._context), True)
        began = time.perf_counter()
        for start in range(0, len(ids), 512):
            self._decode(ids[start : start + 512])
        self._lib.llama_sampler_sample(self._chain, self._context, -1)
        return time.perf_counter() - began

    def write(self, count: int) -> float:
        """Tokens a second while `count` tokens are written."""
        token = self._lib.llama_sampler_sample(self._chain, self._context, -1)
        began = time.perf_counter()
        for _ in range(count):
            self._decode((token,))
            token = self._lib.llama_sampler_sample(self._chain, self._context, -1)
        return count / (time.perf_counter() - began)

    def _decode(self, ids: Sequence[int]) -> None:
        batch = (ctypes.c_int32 * len(ids))(*ids)
        assert self._lib.llama_decode(self._context, self._lib.llama_batch_get_one(batch, len(ids))) == 0


def tokens_per_second(engine: LocalEngine, *, quick: bool = False) -> Figure:
    """As they reach whoever iterates `generate`, against the bare loop; pairs in turn, the order changing."""
    assert engine.loaded is not None
    bare = BareLoop(engine.loaded.threads)
    prompt = engine.read([Message("user", "Tell me a very long story about a river. " + _WORDS)]).ids
    count, rounds, patience = (32, 5, 4.0) if quick else (200, 9, ALL_ROUNDS)

    def ours() -> float:
        return speed(engine, prompt, count)

    def theirs() -> float:
        bare.read(prompt)
        return bare.write(count)

    ours(), theirs()
    pairs = []
    for number in rounds_within(patience, rounds):
        if number % 2:
            baseline = theirs()
            pairs.append((ours(), baseline))
        else:
            value = ours()
            pairs.append((value, theirs()))
    value, baseline, ratio = paired(pairs)
    return Figure(
        "tokens per second reaching the transcript, against a bare llama_cpp loop", value, "tokens/s",
        goal=0.97, better="at least", baseline=baseline, ratio=ratio,
    )  # fmt: skip


def second_turn(engine: LocalEngine, *, quick: bool = False) -> Figure:
    """Time to first token of a second turn after a long chat, against reading only its new tokens."""
    length, rounds, patience = (400, 2, 4.0) if quick else (2000, 5, ALL_ROUNDS)
    pairs = []
    for number in rounds_within(patience, rounds):
        first = [Message("user", f"Round {number}. " + _text(engine, length))]
        prompt = engine.read(first).ids
        ids, text = written(drain(engine.generate(prompt, Sampling(seed=number, max_tokens=40), Stop()))[0])
        question = Message("user", _WORDS * 6 + f"What came of round {number}?")
        second = engine.read([*first, Message("assistant", text, ids), question]).ids
        seconds = first_token(engine, second)
        # The same number of new tokens after as many old ones, these in the cells already: one native read, no more.
        new = second[len(prompt) + len(ids) - 1 :]
        pairs.append((seconds, _only_new(engine, second[: -len(new)], new, number)))
    value, baseline, ratio = paired(pairs)
    return Figure(
        f"second turn after {length} tokens: first token, against reading only the new tokens", value, "s",
        goal=1.3, baseline=baseline, ratio=ratio,
    )  # fmt: skip


def return_to_chat(engine: LocalEngine, *, quick: bool = False) -> Figure:
    """Time to first token on returning to the previous of three chats, against a cold read of the same prompt."""
    length, rounds = (300, 1) if quick else (1500, 3)
    pairs = []
    for number in range(rounds):
        prompts = [
            engine.read([Message("user", f"Chat {number}{name}. " + _text(engine, length))]).ids for name in "abc"
        ]
        cold = [first_token(engine, prompt) for prompt in prompts]
        pairs.append((first_token(engine, prompts[1]), cold[1]))
    value, baseline, ratio = paired(pairs)
    return Figure(
        f"returning to the previous of three chats of {length} tokens: first token, against a cold read", value, "s",
        goal=0.25, baseline=baseline, ratio=ratio,
    )  # fmt: skip


def stop_while_writing(engine: LocalEngine, *, quick: bool = False) -> Figure:
    prompt = engine.read([Message("user", "Tell me a very long story about a river.")]).ids
    seconds = [
        _stop_after(engine, prompt, lambda step: isinstance(step, Written), 0.2 + 0.03 * number, seed=number)
        for number in range(3 if quick else 15)
    ]
    return Figure("Stop while an answer is written, median", statistics.median(seconds) * 1000, "ms", goal=150)


def stop_while_reading(engine: LocalEngine, *, quick: bool = False) -> Figure:
    seconds = []
    for number in range(2 if quick else 7):
        prompt = engine.read([Message("user", f"Stop {number}. " + _text(engine, 4000))]).ids
        seconds.append(_stop_after(engine, prompt, lambda step: isinstance(step, Reading), 0.5 + 0.1 * number))
    return Figure("Stop while 4,000 tokens are read, median", statistics.median(seconds), "s", goal=1.0)


def engine_figures(*, quick: bool = False) -> Iterator[Figure]:
    """All of them, one process for all."""
    measures: tuple[Callable[..., Figure], ...] = (
        tokens_per_second, second_turn, return_to_chat, stop_while_writing, stop_while_reading,
    )  # fmt: skip
    with starter_engine() as engine:
        for measure in measures:
            yield measure(engine, quick=quick)


def first_token(engine: LocalEngine, prompt: Sequence[int]) -> float:
    """Seconds from asking until the first token is here."""
    began = time.perf_counter()
    steps: Any = engine.generate(prompt, Sampling(max_tokens=1, temperature=0.0), Stop())
    for step in steps:
        if isinstance(step, Written):
            break
    seconds = time.perf_counter() - began
    drain(steps)
    return seconds


def _only_new(engine: LocalEngine, before: Sequence[int], new: Sequence[int], number: int) -> float:
    """Seconds to read `new` where all of `before` was read a moment ago; other words, so that they are new again."""
    changed = [*new]
    changed[1] = changed[1] + 1 + number  # differs at its first new token: everything after must be read again
    return first_token(engine, [*before, *changed])


def speed(engine: LocalEngine, prompt: Sequence[int], count: int) -> float:
    """Tokens a second between the first and the last token of an answer."""
    for seed in range(100):
        steps: Any = engine.generate(prompt, Sampling(max_tokens=count, seed=seed, temperature=0.7), Stop())
        times = [(time.perf_counter(), len(step.ids)) for step in steps if isinstance(step, Written)]
        total = sum(number for _, number in times)
        if total == count:
            return (total - times[0][1]) / (times[-1][0] - times[0][0])
    raise AssertionError("no answer was long enough")


def _stop_after(
    engine: LocalEngine, prompt: Sequence[int], begun: Callable[[Any], bool], seconds: float, seed: int = 0
) -> float:
    """Seconds from the wish to stop until the answer has ended."""
    stop, wished = Stop(), []

    def wish() -> None:
        wished.append(time.perf_counter())
        stop.set()

    timer = threading.Timer(seconds, wish)
    is_running = False
    steps = engine.generate(prompt, Sampling(max_tokens=2000, seed=seed), stop)
    for step in steps:
        if not is_running and begun(step):
            is_running = True
            timer.start()
    ended = time.perf_counter()
    timer.join()
    return max(ended - wished[0], 0.0)


def _text(engine: LocalEngine, tokens: int) -> str:
    """Words that take about `tokens` tokens."""
    one = len(engine.read([Message("user", _WORDS * 10)]).ids) / 10
    return _WORDS * int(tokens / one)


if __name__ == "__main__":
    import sys

    for figure in engine_figures(quick="--quick" in sys.argv):
        print(figure.as_json("engine_figures"), flush=True)
