"""The embedder's two ends: a scripted worker for its manners, the bundled model for its vectors."""

from __future__ import annotations

import copy
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.foundation.errors import DigestMismatch
from freehold.library.embed.bert import PackedBert, packed
from freehold.library.embed.client import Embedder, EmbeddingModel, bundled
from freehold.library.embed.encode import encoder
from freehold.library.embed.worker import EmbedWorker, _batches
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


def test_texts_of_like_length_go_together_and_none_is_left_out():
    assert list(_batches([5, 1500, 400, 600, 3000])) == [[4], [1], [3, 2, 0]]
    assert list(_batches([])) == []


@pytest.fixture(scope="module")
def plain():
    """The bundled model as sentence-transformers runs it."""
    if bundled() is None:
        pytest.skip("the extra `library` is not installed")
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(bundled().folder), device="cpu", local_files_only=True)


def test_the_fast_way_gives_the_vectors_of_the_plain_one(plain):
    texts = ["", "A boat.", "A harbour at night. " * 30, "x" * 90, "A boat.", "Rope and weed"]
    vectors = packed(plain)(plain.tokenizer(texts)["input_ids"])
    cosines = (vectors.numpy() * plain.encode(texts, normalize_embeddings=True)).sum(axis=1)
    assert min(cosines) > 0.99999
    assert isinstance(encoder(plain), PackedBert)


def test_a_model_of_another_kind_goes_the_plain_way_with_the_same_vectors(plain):
    other = copy.copy(plain)
    other._modules = {**plain._modules, "9": copy.copy(plain[2])}  # one part more than is known
    encode = encoder(other)
    assert not isinstance(encode, PackedBert)
    vectors = encode(plain.tokenizer(["A boat.", "Rope and weed in the harbour"])["input_ids"])
    theirs = plain.encode(["A boat.", "Rope and weed in the harbour"], normalize_embeddings=True)
    assert (vectors.numpy() * theirs).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_a_fast_way_that_says_something_else_is_not_taken(plain):
    changed = copy.deepcopy(plain)
    changed[0].auto_model.config.num_attention_heads = 6  # read by the fast way only
    assert packed(changed) is not None
    assert not isinstance(encoder(changed), PackedBert)


def test_a_text_longer_than_the_window_is_seen_to_its_end(plain):
    worker = EmbedWorker()
    worker.load(str(bundled().folder), bundled().sha256)
    sea = "The harbour is full of boats and rope. " * 40
    found = {
        number: unpack_floats(v) for part in worker.texts([sea, sea + "Bake a cake. " * 200]) for number, v in part
    }
    assert sum(a * b for a, b in zip(found[0], found[1], strict=True)) < 0.9


@pytest.mark.e2e
@pytest.mark.skipif(bundled() is None, reason="the extra `library` is not installed")
def test_the_bundled_model_knows_what_means_the_same(tmp_path):
    model = bundled()
    embedder = Embedder(embedder_process(tmp_path), model)
    boat, ship, cake = (
        unpack_floats(v) for v in embedder.embed(["A small boat.", "A little ship.", "Bake a cake. " * 200])
    )
    if sys.platform == "linux":
        own, *hands = _niceness_of_threads(embedder._link.pid)
        assert own == os.nice(0) < max(hands), "documents give way, a question does not"
    embedder.close()
    assert len(boat) == 384 and sum(x * x for x in boat) == pytest.approx(1, abs=1e-3)
    assert (
        sum(a * b for a, b in zip(boat, ship, strict=True)) > 0.5 > sum(a * b for a, b in zip(boat, cake, strict=True))
    )
    wrong = Embedder(embedder_process(tmp_path), replace(model, sha256="00"))
    with pytest.raises(DigestMismatch):
        wrong.warm()
    wrong.close()


def _niceness_of_threads(process: int) -> list[int]:
    """The main thread's first."""
    tasks = sorted(Path(f"/proc/{process}/task").iterdir(), key=lambda task: int(task.name))
    return [int((task / "stat").read_text().rpartition(")")[2].split()[16]) for task in tasks]
