"""The engine process: one model, its prompt caches, and the ops with which the app uses them.

llama.cpp ends the whole process when one of its assertions fails, so it never runs anywhere else.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil

from freehold.engine import gguf
from freehold.engine.answer import Author, Pace
from freehold.engine.asking import answered
from freehold.engine.cache import PromptCache
from freehold.engine.dialogue import Dialogue
from freehold.engine.native import NativeModel, Wanted, library
from freehold.engine.scoring import Scorer
from freehold.engine.values import Reading, Written, sampling_from_wire
from freehold.engine.vocabulary_worker import VocabularyOps
from freehold.foundation.errors import EngineStopped, ModelMalformed
from freehold.foundation.stop import Stop
from freehold.processes.frames import pack_floats, pack_ids, unpack_ids
from freehold.processes.worker import serve

_WARM_STEP = 32 * 1024 * 1024
_PATIENCE = 600.0  # seconds that native loading may say nothing

Part = dict[str, Any]


def serve_engine() -> None:
    """Answer the app until it goes."""
    engine, vocabulary = _Engine(), VocabularyOps()
    serve(
        "engine",
        {
            "engine.facts": engine.facts,
            "engine.load": engine.load,
            "engine.read": engine.read,
            "engine.tokens": engine.tokens,
            "engine.generate": engine.generate,
            "engine.score": engine.score,
            "engine.unload": engine.unload,
            **vocabulary.ops,
        },
    )


class _Engine:
    """What is loaded, if anything."""

    def __init__(self) -> None:
        self._model: NativeModel | None = None
        self._dialogue: Dialogue | None = None
        self._author: Author | None = None
        self._scorer: Scorer | None = None

    def facts(self) -> Part:
        """What this build and this machine can do; `build` is llama.cpp's own description of it."""
        from importlib.metadata import version

        lib = library()
        build = f"llama-cpp-python {version('llama-cpp-python')}, {lib.llama_print_system_info().decode().strip(' |')}"
        return {"gpu": bool(lib.llama_supports_gpu_offload()), "threads": usable_cores(), "build": build}

    def load(self, path: str, context: int, gpu_layers: int, threads: int, stop: Stop) -> Generator[Part, None, Part]:
        """Replace the model. Parts: {"done"} from 0 to 1. Raises ModelMalformed, EngineStopped."""
        self.unload()
        file = Path(path)
        facts = gguf.inspect(file)  # again, here: the app's look at it may be old
        for done in _warm(file, stop):
            yield {"done": done * 0.7}
        wanted = Wanted(file, min(context, facts.context), gpu_layers, threads or usable_cores())
        model = yield from _load_in_thread(wanted, stop)
        self._model = model
        words = model.vocabulary
        dialogue = Dialogue(facts.template, words, bos=words.bos_text, eos=words.eos_text)
        budget = psutil.virtual_memory().total // 8
        cache = PromptCache(model, budget=budget, token_bytes=facts.kv_width * 2)
        pace = Pace(model.parameters)
        self._dialogue, self._author = dialogue, Author(model, words, cache, pace)
        self._scorer = Scorer(model, cache, pace)
        yield {"done": 1.0}
        return {
            "limit": model.limit, "gpu_layers": model.gpu_layers, "threads": wanted.threads,
            "template": dialogue.whose, "notes": [*facts.notes, *dialogue.notes],
        }  # fmt: skip

    def read(self, messages: list[dict[str, str]], now: float) -> Part:
        """The prompt for `messages`; see `asking.answered`."""
        return answered(self._loaded()[0], messages, now)

    def tokens(self, text: str) -> str:
        """The ids (packed) of plain text; names of control tokens in it are only text."""
        if self._model is None:
            raise EngineStopped("no model is loaded")
        return pack_ids(self._model.vocabulary.tokens(text))

    def generate(self, prompt: str, replayed: int, sampling: dict[str, Any], stop: Stop) -> Generator[Part, None, Part]:
        """Answer `prompt` (packed ids). Parts: {"done", "total"} while reading, then {"ids", "text"}."""
        author, ids = self._loaded()[1], self._known(unpack_ids(prompt))
        if not 0 <= replayed <= len(ids):
            raise EngineStopped("more tokens are to be replayed than the prompt has")
        steps = author.answer(ids, sampling_from_wire(sampling), stop, replayed)
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                finished = end.value
                return {"ending": finished.ending, "tail": finished.tail, "reused": finished.reused}
            yield _part(step)

    def score(
        self, prompt: str, answer: str, positions: str, sampling: dict[str, Any], stop: Stop
    ) -> Generator[Part, None, None]:
        """What this model would have written at `positions` of `answer` (all packed). Parts: {"positions", "chosen",
        "margins"}, packed, in order.
        """
        before, ids, wanted = unpack_ids(prompt), unpack_ids(answer), sorted(set(unpack_ids(positions)))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < len(ids):
            raise EngineStopped("the answer has no such place")
        self._loaded()
        assert self._scorer is not None
        whole = self._known([*before, *ids])
        for part in self._scorer.scores(whole, len(before), wanted, sampling_from_wire(sampling), stop):
            yield {
                "positions": pack_ids(one.position for one in part), "chosen": pack_ids(one.chosen for one in part),
                "margins": pack_floats(one.margin for one in part),
            }  # fmt: skip

    def unload(self) -> None:
        """Give the model's memory back. Does nothing when none is loaded."""
        model, self._model, self._dialogue, self._author, self._scorer = self._model, None, None, None, None
        if model is not None:
            model.free()

    def _loaded(self) -> tuple[Dialogue, Author]:
        if self._dialogue is None or self._author is None:
            raise EngineStopped("no model is loaded")
        return self._dialogue, self._author

    def _known(self, ids: list[int]) -> list[int]:
        """`ids`, all of which the model has."""
        if self._model is None:
            raise EngineStopped("no model is loaded")
        if not ids or not all(0 <= one < self._model.vocabulary.size for one in ids):
            raise EngineStopped("the prompt holds tokens that this model does not have")
        return ids


def usable_cores() -> int:
    """The processor cores this process may use: its affinity, and the share that a container grants."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, max(1, -(-int(quota) // int(period))))
    except (OSError, ValueError):
        pass  # no such limit here ("max"), or another system
    return count


def _part(step: Reading | Written) -> Part:
    if isinstance(step, Reading):
        return {"done": step.done, "total": step.total}
    return {"ids": pack_ids(step.ids), "text": step.text}


def _warm(file: Path, stop: Stop) -> Generator[float, None, None]:
    """Read the file once, so that a cold disk shows as progress here and not as minutes of silence in native code.

    A file larger than the memory that is free would only push itself out again: then it is left to the system.
    """
    try:
        size = file.stat().st_size
        if size > psutil.virtual_memory().available:
            return
        space = memoryview(bytearray(min(_WARM_STEP, size)))
        with file.open("rb", buffering=0) as raw:
            while not stop.is_set() and (count := raw.readinto(space)):
                yield min(raw.tell() / size, 1.0) if count else 1.0
    except OSError as error:
        raise ModelMalformed(f"{file.name}: it cannot be read ({error.strerror})") from error


def _load_in_thread(wanted: Wanted, stop: Stop) -> Generator[Part, None, NativeModel]:
    """The native call blocks whoever makes it, so a thread makes it and its progress is told from here."""
    told: queue.SimpleQueue[float | NativeModel | BaseException] = queue.SimpleQueue()

    def progress(done: float) -> bool:
        told.put(done)
        return not stop.is_set()

    def load() -> None:
        try:
            told.put(NativeModel(wanted, progress))
        except BaseException as error:  # noqa: BLE001 - carried to the op, which raises it
            told.put(error)

    threading.Thread(target=load, name="load", daemon=True).start()
    last = -1.0
    while True:
        try:
            news = told.get(timeout=_PATIENCE)
        except queue.Empty:
            raise EngineStopped(f"loading said nothing for {_PATIENCE:g} s") from None
        if isinstance(news, NativeModel):
            return news
        if isinstance(news, BaseException):
            raise news
        if news - last >= 0.02:  # a model has hundreds of tensors; nobody needs to see each
            last = news
            yield {"done": 0.7 + 0.29 * news}
