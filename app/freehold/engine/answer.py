"""From a prompt to an answer: reading what is new, then one token after another, until an end or a wish to stop."""

from __future__ import annotations

import codecs
import time
from collections.abc import Generator, Sequence
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from freehold.engine.cache import PromptCache
from freehold.engine.sampling import PENALISED, NotNumbers, choose
from freehold.engine.values import Finished, Reading, Sampling, Written
from freehold.foundation.errors import EngineStopped, PromptTooLong
from freehold.foundation.stop import Stop

FRAME_SECONDS = 0.027  # tokens that come within this travel together: nobody reads faster than a screen is drawn
STEP_SECONDS = 1.0  # how long one native call may take while reading: progress is shown this often
# From 64 tokens on, llama.cpp computes the attention of a call in tiles, and below it another way, with slightly other
# results: no call of a longer text is shorter, so that what a text leaves behind does not hang on the machine's speed.
LEAST_STEP, MOST_STEP = 64, 512

Ending = Literal["complete", "stopped", "length"]


class Calculator(Protocol):
    """What is asked of a loaded model."""

    limit: int
    flag: Any

    @property
    def can_undo(self) -> bool: ...
    def decode(self, ids: Sequence[int], scored: Sequence[int] = (-1,)) -> Literal["done", "aborted"]: ...
    def logits(self, place: int = -1) -> NDArray[np.float32]: ...


class Pieces(Protocol):
    leads_with_space: bool

    def piece(self, number: int) -> bytes: ...
    def is_end(self, number: int) -> bool: ...


class Pace:
    """How many tokens to read in one native call: as many as take about a second on this machine."""

    def __init__(self, parameters: int) -> None:
        self._step = MOST_STEP if parameters < 3e9 else 128 if parameters < 12e9 else LEAST_STEP

    @property
    def step(self) -> int:
        return self._step

    def next(self, left: int) -> int:
        """How many of `left` tokens to read in the next call. None is below LEAST_STEP unless all are together."""
        if left <= self._step or left < 2 * LEAST_STEP:
            return left
        return min(self._step, left - LEAST_STEP) if left - self._step < LEAST_STEP else self._step

    def learn(self, tokens: int, seconds: float) -> None:
        if tokens < min(LEAST_STEP, self._step):
            return  # too few to say anything
        wanted = int(tokens / max(seconds, 1e-6) * STEP_SECONDS)
        self._step = min(max(wanted, LEAST_STEP), MOST_STEP, 2 * self._step)


class Author:
    """Writes answers with one model. What was read and written stays in `cache` for the next time."""

    def __init__(self, model: Calculator, pieces: Pieces, cache: PromptCache, pace: Pace) -> None:
        self._model, self._pieces, self._cache, self._pace = model, pieces, cache, pace

    def answer(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, replayed: int = 0
    ) -> Generator[Reading | Written, None, Finished]:
        """Read `prompt` as far as it is new, then write. Raises PromptTooLong and EngineStopped.

        The last `replayed` ids of the prompt are an answer that was begun elsewhere: they are computed one by one, as
        they were when they were written, and the text goes on where theirs ends, in the middle of a character too.
        """
        if len(prompt) >= self._model.limit:
            raise PromptTooLong(f"{len(prompt)} tokens, {self._model.limit - 1} fit")
        self._model.flag.lower()
        stop.on_set(self._model.flag.raise_it)
        try:
            return (yield from self._answer(prompt, sampling, stop, replayed))
        except EngineStopped:
            self._cache.forget()  # what a failed computation left behind is not to be built on
            raise
        finally:
            stop.forget(self._model.flag.raise_it)

    def _answer(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, replayed: int
    ) -> Generator[Reading | Written, None, Finished]:
        begun = len(prompt) - replayed
        reused = self._cache.recall(prompt, replayed)
        is_read = yield from self._read(prompt, begun, stop)
        if not is_read:
            return Finished("stopped", reused=reused)
        text = AnswerText(self._pieces)
        text.skip(prompt[begun:])
        ending = yield from self._write(sampling, stop, text)
        if waiting := text.take():
            yield waiting
        return Finished(ending, tail=text.rest(ending), reused=reused)

    def _read(self, prompt: Sequence[int], begun: int, stop: Stop) -> Generator[Reading, None, bool]:
        """Read what is not in the cells yet, one by one from the id `begun` on. False when stopped."""
        ids, total, told = self._cache.ids, len(prompt), 0.0
        while True:
            if len(ids) <= begun or len(ids) == total or time.perf_counter() - told >= FRAME_SECONDS:
                told = time.perf_counter()
                yield Reading(len(ids), total)
            if len(ids) == total:
                return True
            count = self._pace.next(begun - len(ids)) if len(ids) < begun else 1
            step = prompt[len(ids) : len(ids) + count]
            began = time.perf_counter()
            if stop.is_set() or not self._decode(step):
                return False
            self._pace.learn(len(step), time.perf_counter() - began)
            ids = self._cache.ids

    def _write(self, sampling: Sampling, stop: Stop, text: AnswerText) -> Generator[Written, None, Ending]:
        ids, is_end, limit = self._cache.ids, self._pieces.is_end, self._model.limit
        penalises = sampling.repeat_penalty != 1.0
        for left in range(sampling.max_tokens - 1, -1, -1):
            if stop.is_set():
                return "stopped"
            recent = ids[-PENALISED:] if penalises else ()
            token = self._choose(sampling, len(ids), recent)
            if is_end(token):
                return "complete"
            text.add(token)
            if text.is_due:
                yield text.take_due()
            if left == 0 or len(ids) >= limit:
                return "length"
            if not self._decode((token,)):
                return "stopped"
        return "length"

    def _choose(self, sampling: Sampling, place: int, recent: Sequence[int]) -> int:
        try:
            return choose(self._model.logits(), sampling, place, recent)
        except NotNumbers:
            raise not_numbers() from None

    def _decode(self, ids: Sequence[int]) -> bool:
        """Compute one step. False when it was aborted; then the cells are as before, or empty where that is unsure."""
        if self._model.decode(ids) == "done":
            self._cache.add(ids)
            return True
        self._cache.undo(whole=not self._model.can_undo)
        return False


def not_numbers() -> EngineStopped:
    return EngineStopped(
        "its scores are not numbers: the file is damaged, or this processor computes it wrongly",
        advice="Download the model again, or choose another.",
    )


class AnswerText:
    """Tokens on their way out: gathered into frames, as whole characters."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._ids: list[int] = []
        self._bytes: list[bytes] = []
        self._sent = 0.0  # so long ago that the first token is due at once
        self._is_first = pieces.leads_with_space

    def add(self, token: int) -> None:
        piece = self._pieces.piece(token)
        if self._is_first and piece:
            # SentencePiece writes the space before a word into the word; before the first there is none to write.
            piece, self._is_first = piece.removeprefix(b" "), False
        self._ids.append(token)
        self._bytes.append(piece)

    def skip(self, ids: Sequence[int]) -> None:
        """Go on after `ids`, whose text is known already, as far as it is whole characters."""
        self.after(ids)

    def after(self, ids: Sequence[int]) -> str:
        """The text that `ids` complete, those that wait included."""
        for one in ids:
            self.add(one)
        return self._gathered().text

    @property
    def is_due(self) -> bool:
        return time.perf_counter() - self._sent >= FRAME_SECONDS

    def take_due(self) -> Written:
        self._sent = time.perf_counter()
        return self._gathered()

    def take(self) -> Written | None:
        return self._gathered() if self._ids else None

    def rest(self, ending: Ending) -> str:
        """What is left of a character whose end never came; nothing where the answer may still go on."""
        return self._decoder.decode(b"", final=True) if ending == "complete" else ""

    def _gathered(self) -> Written:
        written = Written(tuple(self._ids), self._decoder.decode(b"".join(self._bytes)))
        self._ids, self._bytes = [], []
        return written
