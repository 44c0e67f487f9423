"""What crosses between the engine and those who use it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from freehold.foundation.errors import FreeholdError


class LoadingStopped(FreeholdError):
    """Somebody asked to stop before the model was ready: no failure, but there is no engine to go on with."""

    code = "loading-stopped"
    title = "Loading the model was stopped"
    advice = "Ask again to load it."


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a prompt. `tokens` are the ids an answer was made of, when this very model made it."""

    role: Literal["system", "user", "assistant"]
    text: str
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. Token i = argmax(logit/T + Gumbel(seed, i)) within top-k and top-p, so an answer
    cut anywhere continues as the same answer (design: peers.md). Temperature 0 is plain argmax.

    top_k 0 means all; top_p and min_p are probabilities; max_tokens counts the answer's tokens.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 40
    min_p: float = 0.0
    repeat_penalty: float = 1.0
    seed: int = 0
    max_tokens: int = 2048


@dataclass(frozen=True, slots=True)
class Model:
    """One model, on this machine or in the catalogue.

    `bytes` is the file's size, `context` the tokens it was trained to hold, `parameters` their count (0: unknown),
    `memory` the bytes it needs loaded with 8,192 tokens of context. `sha256` is empty until it is known.
    `path` is set when the file is here.
    """

    id: str
    name: str
    bytes: int
    quantisation: str = ""
    context: int = 0
    licence: str = ""
    sha256: str = ""
    parameters: int = 0
    architecture: str = ""
    path: str = ""
    source: str = ""
    words: str = ""
    state: Literal["here", "available", "partial"] = "available"
    fit: Literal["fits", "slow", "no"] = "fits"
    memory: int = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """The model in memory. `limit` is the context in force, in tokens; `template` says whose chat template is used."""

    id: str
    name: str
    sha256: str
    limit: int
    gpu_layers: int
    threads: int
    template: Literal["model", "freehold"]
    memory: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """A tokenizer in memory, without weights: `size` counts its tokens, `context` is the model's, as trained.
    `template` says whose chat template is used.
    """

    size: int
    context: int
    template: Literal["model", "freehold"]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """Token ids of a whole prompt; `counts[i]` is what message i takes of them, template included."""

    ids: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should be told while a model gets ready ("trying with fewer layers on the GPU")."""

    words: str


@dataclass(frozen=True, slots=True)
class Loading:
    """A model is being loaded; `done` between 0 and 1."""

    name: str
    done: float


@dataclass(frozen=True, slots=True)
class Reading:
    """The prompt is being read: `done` of `total` tokens, those already known from before included."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Written:
    """More of the answer: ids are the truth, text is derived from them (whole characters only)."""

    ids: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """How a generation ended. `reused` prompt tokens were not read again; `tail` is text held back until now."""

    ending: Literal["complete", "stopped", "length"]
    tail: str = ""
    reused: int = 0


@dataclass(frozen=True, slots=True)
class Scored:
    """One token of an answer that was checked: `position` counts from the answer's start, `chosen` is what this model
    would have written there, `margin` how far the answer's own token is from that (`scoring.weighed`), in logits.
    """

    position: int
    chosen: int
    margin: float


def to_wire(value: Any) -> dict[str, Any]:
    """A dataclass of this module as JSON fields."""
    return {name: getattr(value, name) for name in type(value).__slots__}


def sampling_from_wire(fields: Mapping[str, Any]) -> Sampling:
    """Numbers checked and brought within their ranges: they may come from a stored chat or, later, a peer."""
    given = {name: fields[name] for name in Sampling.__slots__ if isinstance(fields.get(name), int | float)}
    number = {name: value for name, value in given.items() if math.isfinite(value)}
    wish = Sampling(**number)
    return Sampling(
        temperature=min(max(float(wish.temperature), 0.0), 5.0),
        top_p=min(max(float(wish.top_p), 0.01), 1.0),
        top_k=min(max(int(wish.top_k), 0), 100_000),
        min_p=min(max(float(wish.min_p), 0.0), 1.0),
        repeat_penalty=min(max(float(wish.repeat_penalty), 0.5), 2.0),
        seed=int(wish.seed) & 0xFFFF_FFFF_FFFF_FFFF,
        max_tokens=min(max(int(wish.max_tokens), 1), 1_000_000),
    )
