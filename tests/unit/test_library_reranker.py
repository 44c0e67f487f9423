"""A model that puts results in order: played by a fake for the order, built anew and tiny for the real path."""

from __future__ import annotations

import pytest

from freehold.foundation.stop import Stop
from freehold.library.embed.client import bundled
from freehold.library.embed.models import EmbedderModels
from freehold.library.embed.reranker import READ, Reranker
from freehold.library.library import Library
from support.libraries import LetterEmbedder, NoViewer, PlainExtractor, VaultInMemory, embedder_process, worker_saying
from support.terminals import House, Terminal

_BY_LENGTH = (
    "from freehold.processes.worker import serve\n"
    "from freehold.foundation.errors import DigestMismatch\n"
    "def scores(folder: str, sha256: str, question: str, texts: list[str]) -> list[float]:\n"
    "    if question == 'fail': raise DigestMismatch('model.safetensors')\n"
    "    return [float(len(text)) for text in texts]\n"
    "serve('embedder', {'rerank.scores': scores})"
)


@pytest.fixture(scope="module")
def a_cross_encoder(tmp_path_factory):
    """A cross-encoder of some random weights, the same ones each time, as sentence-transformers saves them."""
    if bundled() is None:
        pytest.skip("the extra `library` is not installed")
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    folder = tmp_path_factory.mktemp("models") / "tiny order"
    tokenizer = AutoTokenizer.from_pretrained(str(bundled().folder))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=tokenizer.vocab_size, num_labels=1, initializer_range=1.0, **shape)
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


class Desk:
    def __init__(self, tmp_path, folder) -> None:
        (tmp_path / "vault").mkdir()
        self.vault = VaultInMemory(tmp_path / "vault")
        self.models = EmbedderModels(tmp_path / "models", None, offers=())
        self.id = self.models.import_folder(folder).id
        self.reranker = Reranker(self.vault, self.models, lambda model: worker_saying(_BY_LENGTH, tmp_path))
        self.library = Library(
            self.vault, PlainExtractor(), LetterEmbedder(), NoViewer(), reranker=self.reranker
        )  # fmt: skip
        (tmp_path / "papers").mkdir()
        lines = [f"the ship {'sails far ' * number}" for number in range(30)]
        (tmp_path / "papers" / "a.txt").write_text("\n".join(lines) + "\n")
        self.library.add([tmp_path / "papers"])
        list(self.library.work(Stop()))

    def lengths(self, query: str, k: int = 10) -> list[int]:
        return [len(one.text) for one in self.library.search(query, k=k, mode="meaning").passages]


@pytest.fixture
def desk(tmp_path, a_cross_encoder):
    desk = Desk(tmp_path, a_cross_encoder)
    yield desk
    desk.library.close()
    desk.vault.database.close()


def test_the_best_passages_come_in_the_order_of_the_model_that_is_switched_on(desk):
    plain = desk.lengths("ship", 30)
    assert desk.library.reranker == "" and plain != sorted(plain, reverse=True)
    desk.library.use_reranker(desk.id)
    ordered = desk.lengths("ship", 30)
    assert ordered[:READ] == sorted(plain[:READ], reverse=True) and ordered[READ:] == plain[READ:]
    assert desk.lengths("ship", 3) == ordered[:3], "the best of twenty, however few are wanted"
    desk.library.use_reranker("")
    assert desk.lengths("ship", 30) == plain


def test_a_model_that_fails_or_is_gone_costs_no_search(desk):
    plain = desk.lengths("fail")
    desk.library.use_reranker(desk.id)
    assert desk.lengths("fail") == plain
    desk.models.remove(desk.id)
    assert desk.lengths("ship")


def test_the_command_switches_it_on_and_off(desk, tmp_path):
    from freehold.foundation.paths import Profile

    house = House(Profile(tmp_path / "home"))
    house.library, house.embedder_models = desk.library, desk.models
    terminal = Terminal(house, tmp_path)
    assert "puts the best results in order" in terminal.run("library", "embedder", "use", desk.id).out
    rows = terminal.run("library", "embedder", "list", "--json").json["models"]
    assert next(one["in_use"] for one in rows if one["id"] == desk.id)
    assert terminal.run("library", "embedder", "remove", desk.id).code == 2
    assert terminal.run("library", "embedder", "use", desk.id, "--off").code == 0
    assert desk.library.reranker == ""


@pytest.mark.e2e
def test_the_real_worker_gives_the_scores_of_the_cross_encoder(tmp_path, desk, a_cross_encoder):
    from sentence_transformers import CrossEncoder

    texts = ["The ferry leaves at dawn.", "Bake the cake.", "A ship sails far."]
    plain = CrossEncoder(str(a_cross_encoder), device="cpu", local_files_only=True)
    theirs = plain.predict([("boat", text) for text in texts])
    desk.library.use_reranker(desk.id)
    real = Reranker(desk.vault, desk.models, lambda model: embedder_process(tmp_path)())
    assert real.order("boat", texts) == sorted(range(3), key=lambda place: -theirs[place])
    assert real._scores("boat", texts) == pytest.approx(list(theirs), abs=1e-4)
    real.close()
