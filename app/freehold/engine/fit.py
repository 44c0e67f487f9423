"""Whether a model fits this machine, before a byte of it is downloaded. Pure."""

from __future__ import annotations

from typing import Literal, Protocol

from freehold.engine.machine import Machine

Fit = Literal["fits", "slow", "no"]

USUAL_CONTEXT = 8192
BATCH = 512  # tokens per native call, as the engine sets it
PROCESS = 100_000_000  # bytes of the engine process itself: Python, numpy, llama.cpp
SCRATCH = 32_000_000  # bytes of the compute graph besides its logits
RESERVE = 1_000_000_000  # bytes that the system and its owner's other programs keep in any case
CORE_BANDWIDTH = 5_000_000_000  # bytes of weights that one core reads in a second; 4 to 6 were measured
MOST_BANDWIDTH = 40_000_000_000  # what the memory of a common desktop gives to all cores together
SLOW = 3.0  # tokens a second, about the pace of reading aloud

# The share of layers that see only a sliding window, by architecture (from the models' published configurations).
WINDOWED = {"gemma2": 1 / 2, "gemma3": 5 / 6, "gemma3n": 4 / 5, "cohere2": 3 / 4, "gpt-oss": 1 / 2}


class Sized(Protocol):
    """What a model's file says of its size; GgufFacts and a catalogue entry both do. See GgufFacts for the units."""

    @property
    def architecture(self) -> str: ...
    @property
    def weights(self) -> int: ...
    @property
    def kv_width(self) -> int: ...
    @property
    def window(self) -> int: ...
    @property
    def context(self) -> int: ...
    @property
    def vocabulary(self) -> int: ...


def memory_needed(model: Sized, context: int) -> int:
    """Bytes of memory that `model` takes with `context` tokens (its own limit counts): weights, key-value cache in
    half precision, compute buffers, and the process around them.
    """
    tokens = min(context, model.context) if model.context else context
    compute = BATCH * (4 * model.vocabulary + 2 * tokens) + SCRATCH
    return model.weights + _cache(model, tokens) + compute + PROCESS


def _cache(model: Sized, tokens: int) -> int:
    windowed = WINDOWED.get(model.architecture, 0.0) if model.window else 0.0
    short = min(tokens, model.window + BATCH)
    return int(2 * model.kv_width * (tokens * (1 - windowed) + short * windowed))


def judge(needed: int, weights: int, machine: Machine) -> Fit:
    """no: it would not fit even with everything else closed. slow: it would crowd out what runs now, or answer
    slower than `SLOW`. A card that holds all of it makes it fit.
    """
    if machine.gpu_memory is not None and needed <= machine.gpu_memory:
        return "fits"
    if needed > machine.memory - min(RESERVE, machine.memory // 4):
        return "no"
    if needed > max(machine.available, machine.memory // 2):
        return "slow"
    return "slow" if tokens_per_second(weights, machine) < SLOW else "fits"


def tokens_per_second(weights: int, machine: Machine) -> float:
    """A guess, from above: every token reads all weights once."""
    return min(machine.cores * CORE_BANDWIDTH, MOST_BANDWIDTH) / max(1, weights)
