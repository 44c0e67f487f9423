"""The embedder's two ends: a scripted worker for its manners, the bundled model for its vectors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from freehold.foundation.errors import DigestMismatch
from freehold.library.embed.client import Embedder, EmbeddingModel, bundled
from freehold.library.embed.worker import EmbedWorker, _windows
from freehold.library.errors import EmbedderMissing
from freehold.processes.frames import unpack_floats
from support.libraries import embedder_process, worker_saying

_SCRIPTED = (
    "from freehold.processes.worker import serve\n"
    "loads = []\n"
    "def load(folder: str, sha256: str) -> None:\n"
    "    loads.append(folder)\n"
    "def texts(texts: list[str]):\n"
    "    for number in reversed(range(len(texts))):\n"
    "        yield [[number, f'{texts[number]} {len(loads)}']]\n"
    "serve('embedder', {'embed.load': load, 'embed.texts': texts})"
)


@pytest.fixture
def model(tmp_path):
    return EmbeddingModel("tiny", tmp_path, "00")


def test_vectors_come_in_the_order_of_the_texts_and_the_model_is_loaded_once(tmp_path, model):
    embedder = Embedder(lambda: worker_saying(_SCRIPTED, tmp_path), model)
    assert not embedder.is_up
    assert embedder.embed(["a", "b"]) == ["a 1", "b 1"]
    assert embedder.is_up
    assert embedder.embed(["c"]) == ["c 1"]
    embedder.close()
    assert not embedder.is_up
    assert embedder.embed(["d"]) == ["d 1"]
    embedder.close()


def test_without_a_model_it_is_said_so(tmp_path):
    embedder = Embedder(lambda: worker_saying(_SCRIPTED, tmp_path), None)
    assert embedder.id == ""
    with pytest.raises(EmbedderMissing):
        embedder.embed(["a"])


def test_weights_that_are_not_the_promised_ones_are_not_loaded(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(DigestMismatch):
        EmbedWorker().load(str(tmp_path), "00")
    with pytest.raises(EmbedderMissing):
        EmbedWorker().load(str(tmp_path / "nowhere"), "00")


def test_a_text_longer_than_the_window_is_seen_in_parts():
    assert _windows("abc", 3, 256) == ["abc"]
    parts = _windows("x" * 1000, 600, 256)
    assert "".join(parts) == "x" * 1000 and len(parts) == 3


@pytest.mark.e2e
@pytest.mark.skipif(bundled() is None, reason="the extra `library` is not installed")
def test_the_bundled_model_knows_what_means_the_same(tmp_path):
    model = bundled()
    embedder = Embedder(embedder_process(tmp_path), model)
    boat, ship, cake = (
        unpack_floats(v) for v in embedder.embed(["A small boat.", "A little ship.", "Bake a cake. " * 200])
    )
    embedder.close()
    assert len(boat) == 384 and sum(x * x for x in boat) == pytest.approx(1, abs=1e-3)
    assert (
        sum(a * b for a, b in zip(boat, ship, strict=True)) > 0.5 > sum(a * b for a, b in zip(boat, cake, strict=True))
    )
    wrong = Embedder(embedder_process(tmp_path), replace(model, sha256="00"))
    with pytest.raises(DigestMismatch):
        wrong.warm()
    wrong.close()
