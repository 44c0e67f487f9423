"""What is noted down while an answer is made; becomes its provenance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from freehold.assistant.evidence import Evidence
from freehold.assistant.makers import Maker
from freehold.chats.values import Context, DataClass, Provenance, Source
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
        self._maker: Maker | None = None
        self._count = 0
        self.data_class: DataClass = "words"
        self.context = Context()
        self.notes: list[str] = []
        self._tokens: list[int] = []
        self.text = ""
        self.grounded: bool | None = None
        self.evidence = Evidence()
        self.sources: Sequence[Source] = ()

    def begin(self, loaded: Loaded, sampling: Sampling, maker: Maker) -> None:
        self._loaded, self._sampling, self._maker = loaded, sampling, maker
        if maker.placed.why:
            self.notes.append(maker.placed.why)
        self.context = Context(0, loaded.limit)
        self.notes.extend(note for note in loaded.notes if note not in self.notes)

    def hear(self, step: Written) -> None:
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._count += len(step.ids)
        self._tokens.extend(step.ids)
        self._add(step.text)

    def write(self, text: str) -> None:
        """Words that no model wrote: from here on the tokens are no longer the whole answer."""
        self._tokens = []
        self._add(text)

    def provenance(self) -> Provenance | None:
        """None when neither a model nor documents were reached."""
        if self._loaded is None and self.grounded is None:
            return None
        made = Provenance(
            context=self.context, data_class=self.data_class, notes=tuple(self.notes), grounded=self.grounded,
            sources=tuple(self.sources),
            first_token_s=round(self._first - self._asked, 4) if self._first else 0.0,
        )  # fmt: skip
        return made if self._loaded is None else self._with_model(made, self._loaded)

    def _with_model(self, made: Provenance, loaded: Loaded) -> Provenance:
        sampler = to_wire(self._sampling) | {"method": "gumbel-by-position"}
        assert self._maker is not None, "what was loaded was loaded by somebody"
        relay = self._maker.relay
        return replace(
            made, where=self._maker.where, jobs=relay.jobs if relay is not None else (),
            model=loaded.name, model_sha256=loaded.sha256, seed=int(sampler.pop("seed")), sampler=sampler,
            tokens=self._count, tokens_per_s=self.tokens_per_s,
        )  # fmt: skip

    @property
    def tokens_per_s(self) -> float:
        """How fast it was written, its first token not counted: that waited for the prompt to be read."""
        seconds = self._last - self._first
        return round((self._count - 1) / seconds, 2) if seconds > 0 else 0.0

    @property
    def tokens(self) -> list[int]:
        """The ids of the whole answer; none when it is not the words of one model alone."""
        relay = self._maker.relay if self._maker is not None else None
        return self._tokens if relay is None or relay.is_one_model else []

    def _add(self, text: str) -> None:
        self.text += text
        self._saver.add(text)
