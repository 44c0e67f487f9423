"""llama.cpp through the low-level API of llama-cpp-python: the only file that touches it.

Every pointer lives here. The high-level API has no way to stop a running computation; this one has.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from freehold.engine.threads import Crew
from freehold.engine.vocabulary import NativeVocabulary
from freehold.foundation.errors import EngineStopped

BATCH = 512  # tokens that one native call takes at most; one call is then one step, whole or not at all
_WARNING, _CONTINUED = 3, 5  # ggml's log levels
_KV_TYPES = {"f16": 1, "q8_0": 8}  # ggml_type


class AbortFlag:
    """A byte in memory that native code looks at between two nodes of its graph, some thousand times a second.

    llama.cpp asks a callback `bool (*)(void *)`. A Python function there would take the interpreter's lock at every
    node and slow decoding down, so the callback is the C library's strlen and its argument these two bytes: the length
    of an empty string is 0, false, and that of one byte 1 is 1, true. Raising the flag is one store, from any thread.
    """

    def __init__(self, callback_type: Any) -> None:
        self._bytes = ctypes.create_string_buffer(2)
        self.argument = ctypes.cast(self._bytes, ctypes.c_void_p)
        try:
            # Kept as an attribute, as is whatever it was made of: ctypes does not keep callbacks alive.
            self._libc = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None)
            self.callback = ctypes.cast(self._libc.strlen, callback_type)
        except (OSError, AttributeError):
            self.callback = callback_type(lambda _: self.is_up)  # right, only slower

    @property
    def is_up(self) -> bool:
        return self._bytes.raw[0] != 0

    def raise_it(self) -> None:
        self._bytes[0] = b"\x01"

    def lower(self) -> None:
        self._bytes[0] = b"\x00"


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a model is to be loaded. `context` is in tokens; `gpu_layers` -1 means as many as there are.

    `kv_type` is how keys and values are kept, `flash` whether attention is computed in one go; None leaves that to
    llama.cpp.
    """

    path: Path
    context: int
    gpu_layers: int
    threads: int
    kv_type: Literal["f16", "q8_0"] = "f16"
    flash: bool | None = None


class NativeModel:
    """A loaded model with one context of one sequence. Not for use from several threads at once.

    Raises EngineStopped, with llama.cpp's last words, when it cannot be loaded.
    """

    def __init__(self, wanted: Wanted, progress: Callable[[float], bool] = lambda _: True) -> None:
        self._lib = library()
        self.flag = AbortFlag(self._lib.ggml_abort_callback)
        self.gpu_layers = wanted.gpu_layers if self._lib.llama_supports_gpu_offload() else 0
        self._model = self._load(wanted.path, progress)
        self._context: Any = None
        try:
            self._prepare_context(wanted)
            self.vocabulary = NativeVocabulary(self._lib, self._model)
        except BaseException:
            self.free()
            raise

    def _load(self, path: Path, progress: Callable[[float], bool]) -> Any:
        parameters = self._lib.llama_model_default_params()
        parameters.n_gpu_layers = self.gpu_layers
        told = self._lib.llama_progress_callback(lambda done, _: progress(done))
        parameters.progress_callback = told
        model = self._lib.llama_model_load_from_file(os.fsencode(path), parameters)
        if not model:
            raise EngineStopped(f"the model was not loaded: {last_words()}")
        return model

    def _prepare_context(self, wanted: Wanted) -> None:
        lib = self._lib
        parameters = lib.llama_context_default_params()
        parameters.n_ctx = wanted.context
        parameters.n_batch = parameters.n_ubatch = min(BATCH, wanted.context)
        parameters.n_threads = parameters.n_threads_batch = wanted.threads
        # Sliding windows keep only their window: a full cache would take several times the memory (Gemma).
        parameters.swa_full = False
        parameters.no_perf = True
        parameters.type_k = parameters.type_v = _KV_TYPES[wanted.kv_type]
        parameters.flash_attn_type = -1 if wanted.flash is None else int(wanted.flash)
        self._context = lib.llama_init_from_model(self._model, parameters)
        if not self._context:
            raise EngineStopped(f"there is no memory for {wanted.context} tokens of context: {last_words()}")
        context = self._context
        self._crew = Crew(wanted.threads, lambda threads: lib.llama_set_n_threads(context, threads, threads))
        lib.llama_set_abort_callback(self._context, self.flag.callback, self.flag.argument)
        self._memory = lib.llama_get_memory(self._context)
        self.limit = min(int(lib.llama_n_ctx(self._context)), wanted.context)
        self._window = int(lib.llama_model_n_swa(self._model))
        self._keeps_state = bool(lib.llama_model_is_recurrent(self._model) or lib.llama_model_is_hybrid(self._model))
        self._words = int(lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self._model)))
        self._ids = (ctypes.c_int32 * BATCH)()
        self._scored = (ctypes.c_int8 * BATCH)()
        self._logits: tuple[int, NDArray[np.float32] | None] = (0, None)

    @property
    def parameters(self) -> int:
        return int(self._lib.llama_model_n_params(self._model))

    def decode(self, ids: Sequence[int], scored: Sequence[int] = (-1,)) -> Literal["done", "aborted"]:
        """Compute `ids` (at most BATCH) after what is there, and scores after those of them at the places `scored`.

        Aborted: nothing of them counts. Raises EngineStopped.
        """
        self._crew.adapt()
        count = len(ids)
        self._ids[:count] = list(ids)
        batch = self._lib.llama_batch_get_one(self._ids, count)
        if tuple(scored) != (-1,):  # the last one's alone is what a batch without flags asks for
            self._scored[:count] = [0] * count
            for place in scored:
                self._scored[place] = 1
            batch.logits = ctypes.cast(self._scored, ctypes.POINTER(ctypes.c_int8))
        answer = self._lib.llama_decode(self._context, batch)
        self._crew.rest()
        if answer == 0:
            return "done"
        if answer == 2:
            return "aborted"
        raise EngineStopped(f"the computation failed with {answer}: {last_words()}")

    def logits(self, place: int = -1) -> NDArray[np.float32]:
        """The scores of all tokens after the id at `place` of the last `decode`, which must have asked for them: by
        itself after its last. A view, valid until the next `decode`.
        """
        pointer = self._lib.llama_get_logits_ith(self._context, place)
        address = ctypes.cast(pointer, ctypes.c_void_p).value
        if not address:
            raise EngineStopped("the model gave no scores")
        if self._logits[0] != address:
            # Making an array of a pointer costs as much as looking at all of it, and the pointer rarely changes.
            self._logits = (address, np.ctypeslib.as_array(pointer, (self._words,)))
        view = self._logits[1]
        assert view is not None
        return view

    def trim(self, keep: int) -> bool:
        """Forget all but the first `keep` tokens. False when this model cannot: then everything is forgotten."""
        if keep <= 0:
            self.clear()
            return keep == 0
        last = self._lib.llama_memory_seq_pos_max(self._memory, 0)
        if last + 1 < keep:
            self.clear()
            return False
        if last + 1 > keep and not self._lib.llama_memory_seq_rm(self._memory, 0, keep, -1):
            self.clear()
            return False
        # A sliding window forgets its past: what the next token looks back at must still be there.
        first = self._lib.llama_memory_seq_pos_min(self._memory, 0)
        if not self._keeps_state and first > max(0, keep - self._window if self._window > 0 else 0):
            self.clear()
            return False
        return True

    @property
    def can_undo(self) -> bool:
        """False for models with a running state, which an aborted step leaves half changed."""
        return not self._keeps_state

    def clear(self) -> None:
        self._lib.llama_memory_clear(self._memory, False)

    def snapshot(self) -> NDArray[np.uint8]:
        """What the model remembers, as bytes. Empty when llama.cpp gives none."""
        size = int(self._lib.llama_state_seq_get_size(self._context, 0))
        state = np.empty(size, np.uint8)
        written = self._lib.llama_state_seq_get_data(self._context, _bytes_of(state), size, 0)
        return state if written == size else np.empty(0, np.uint8)

    def restore(self, state: NDArray[np.uint8]) -> bool:
        """Remember what `snapshot` gave, and nothing else. False: everything is forgotten."""
        self.clear()
        if not self._lib.llama_state_seq_set_data(self._context, _bytes_of(state), state.size, 0):
            self.clear()
            return False
        return True

    def free(self) -> None:
        if self._context:
            self._lib.llama_free(self._context)
        if self._model:
            self._lib.llama_model_free(self._model)
        self._context = self._model = None


class VocabularyOnly:
    """The tokenizer of a GGUF file, which needs no weights. Raises EngineStopped when it cannot be loaded."""

    def __init__(self, path: Path) -> None:
        self._lib = library()
        parameters = self._lib.llama_model_default_params()
        parameters.vocab_only, parameters.n_gpu_layers = True, 0
        self._model = self._lib.llama_model_load_from_file(os.fsencode(path), parameters)
        if not self._model:
            raise EngineStopped(f"the vocabulary was not loaded: {last_words()}")
        self.vocabulary = NativeVocabulary(self._lib, self._model)

    def free(self) -> None:
        self._lib.llama_model_free(self._model)


def _bytes_of(array: NDArray[np.uint8]) -> Any:
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


_words: deque[bytes] = deque(maxlen=8)
_words_lock = threading.Lock()
_kept: list[Any] = []  # the log callback, for as long as the process lives


def library() -> Any:
    """The library, initialised once: only its warnings and errors go to stderr."""
    # A failed assertion would start a debugger to print a backtrace, and bury the assertion's own words under it.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    import llama_cpp.llama_cpp as lib

    if not _kept:
        callback = lib.llama_log_callback(_log)
        lib.llama_log_set(callback, None)
        lib.llama_backend_init()
        _kept.append(callback)
    return lib


def last_words() -> str:
    """What llama.cpp said last, on one line."""
    with _words_lock:
        said = b" ".join(_words)
        _words.clear()
    return " ".join(said.decode("utf-8", "replace").split())[-600:] or "it gave no reason"


def _log(level: int, text: bytes, _: Any) -> None:
    if level < _WARNING or level == _CONTINUED:
        return
    with _words_lock:
        _words.append(text)
    os.write(2, text)
