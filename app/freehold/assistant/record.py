"""What is noted down while an answer is made; becomes its provenance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from freehold.assistant.evidence import Evidence
from freehold.chats.values import Context, Provenance, Source
from freehold.engine.values import Loaded, Sampling, Written, to_wire


class Saver(Protocol):
    def add(self, text: str) -> None: ...


class Record:
    """The words of an answer, which go on to the saver, and how they came about."""

    def __init__(self, asked: float, saver: Saver) -> None:
        self._asked, self._first, self._last = asked, 0.0, 0.0
        self._saver = saver
        self._loaded: Loaded | None = None
        self._sampling = Sampling()
        self._where = "here"
        self._count = 0
        self.context = Context()
        self.notes: list[str] = []
        self.tokens: list[int] = []
        self.text = ""
        self.grounded: bool | None = None
        self.evidence = Evidence()
        self.sources: Sequence[Source] = ()

    def begin(self, loaded: Loaded, sampling: Sampling, leaves_device: bool) -> None:
        self._loaded, self._sampling = loaded, sampling
        self._where = "peer" if leaves_device else "here"
        self.context = Context(0, loaded.limit)
        self.notes.extend(note for note in loaded.notes if note not in self.notes)

    def hear(self, step: Written) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._count += len(step.ids)
        self.tokens.extend(step.ids)
        self._add(step.text)

    def write(self, text: str) -> None:
        """Words that no model wrote: from here on the tokens are no longer the whole answer."""
        self.tokens = []
        self._add(text)

    def provenance(self) -> Provenance | None:
        """None when neither a model nor documents were reached."""
        if self._loaded is None and self.grounded is None:
            return None
        made = Provenance(
            where=(self._where,), context=self.context, notes=tuple(self.notes), grounded=self.grounded,
            sources=tuple(self.sources),
            first_token_s=round(self._first - self._asked, 4) if self._first else 0.0,
        )  # fmt: skip
        return made if self._loaded is None else self._with_model(made, self._loaded)

    def _with_model(self, made: Provenance, loaded: Loaded) -> Provenance:
        sampler = to_wire(self._sampling) | {"method": "gumbel-by-position"}
        seconds = self._last - self._first
        return replace(
            made, model=loaded.name, model_sha256=loaded.sha256, seed=int(sampler.pop("seed")), sampler=sampler,
            tokens=self._count, tokens_per_s=round((self._count - 1) / seconds, 2) if seconds > 0 else 0.0,
        )  # fmt: skip

    def _add(self, text: str) -> None:
        self.text += text
        self._saver.add(text)
