"""Another model that finds by meaning: fetched, taken in, refused, and put in the old one's place."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from freehold.foundation.errors import DigestMismatch, DownloadFailed, Interrupted, Offline, WorkerStopped
from freehold.foundation.stop import Stop
from freehold.library.embed import catalogue
from freehold.library.embed.catalogue import Offer
from freehold.library.embed.client import MINILM, EmbeddingModel, bundled
from freehold.library.embed.embedders import Embedders
from freehold.library.embed.folder import files_of, kind_of, prompts_of
from freehold.library.embed.models import EmbedderModels
from freehold.library.errors import EmbedderUnfit, EmbedderUnknown
from freehold.library.library import Library
from freehold.processes.frames import pack_floats
from support.hub import COMMIT, outside, result_of
from support.libraries import NoViewer, PlainExtractor, VaultInMemory, embedder_process, embedding, worker_saying

_PARTS = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
]
_FILES = {
    "modules.json": json.dumps(_PARTS).encode(),
    "config.json": b'{"model_type": "bert"}',
    "1_Pooling/config.json": b'{"pooling_mode_mean_tokens": true}',
    "model.safetensors": b"weights" * 1000,
}
_OFFER = Offer(
    id="other", name="Other", kind="embedder", repo="them/other", bytes=7000, licence="mit", languages="English",
    dimensions=26, window=256, query="query: ", passage="passage: ", files=tuple(_FILES), words="Another.",
)  # fmt: skip


def the_included() -> EmbeddingModel:
    return EmbeddingModel(MINILM, Path("/nowhere"), "00")


@pytest.fixture
def house(tmp_path):
    with outside(tmp_path) as house:
        house.hub.files = dict(_FILES)
        yield house


def models_of(house, *offers: Offer, **more) -> EmbedderModels:
    place = house.profile.models / "embedders"
    return EmbedderModels(place, house.door, offers=offers or (_OFFER,), **{"included": the_included, **more})


def a_folder(place: Path, **changed: bytes | None) -> Path:
    """A model's folder; `changed` by name, with `__` for a slash and `_dot_` for a dot, None leaves it out."""
    told = {name.replace("__", "/").replace("_dot_", "."): content for name, content in changed.items()}
    for name, content in (_FILES | told).items():
        if content is not None:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content)
    return place


def test_the_catalogue_that_ships_is_as_it_should_be():
    offers = catalogue.load()
    assert {offer.kind for offer in offers} == {"embedder", "reranker"}
    assert all("model.safetensors" in offer.files and offer.licence for offer in offers)


@pytest.mark.parametrize(
    "fault",
    [{"bytes": "much"}, {"kind": "oracle"}, {"files": ["model.bin"]}, {"files": ["../model.json"]}, {"id": "Another"}],
)
def test_a_catalogue_with_a_fault_is_refused(tmp_path, fault):
    known = {name: getattr(_OFFER, name) for name in Offer.__slots__} | {"files": list(_OFFER.files)}
    (tmp_path / "offers.json").write_text(json.dumps({"models": [known | fault]}))
    with pytest.raises(ValueError, match=r"other|Another"):
        catalogue.load(tmp_path / "offers.json")


def test_a_model_is_fetched_file_by_file_at_one_commit_and_then_is_here(house):
    models = models_of(house)
    assert [(one.id, one.state) for one in models.list()] == [(MINILM, "here"), ("other", "available")]
    assert result_of(models.get("other")).state == "here"
    model = models.model("other")
    assert {name: (model.folder / name).read_bytes() for name in _FILES} == _FILES
    assert (model.query, model.passage) == ("query: ", "passage: ")
    asked = {path for method, path, _ in house.hub.seen if method == "GET"}
    assert asked == {f"/them/other/resolve/{COMMIT}/{name}" for name in _FILES}
    house.hub.seen.clear()
    assert result_of(models.get("other")).state == "here" and not house.hub.seen
    assert [row.purpose for row in house.door.ledger()] == ["model details"] + ["model details", "model download"] * 4


def test_a_download_that_was_stopped_goes_on_with_what_is_missing(house):
    models, stop = models_of(house), Stop()
    steps = models.get("other", stop)
    for step in steps:
        if step.words == "Downloading" and sum(method == "GET" for method, _, _ in house.hub.seen) == 3:
            break
    steps.close()
    assert models.list()[-1].state == "partial" and models.model("other") is None
    house.hub.seen.clear()
    assert result_of(models_of(house).get("other")).state == "here"
    asked = [path.rpartition("/")[2] for method, path, _ in house.hub.seen if method == "GET"]
    assert asked == ["model.safetensors"], "the third was here whole already"


def test_a_stop_is_told_as_one(house):
    stop = Stop()
    stop.set()
    with pytest.raises(Interrupted):
        result_of(models_of(house).get("other", stop))


def test_nothing_is_asked_while_the_switch_is_on(house):
    house.settings.set("offline", True)
    with pytest.raises(Offline):
        result_of(models_of(house).get("other"))
    assert not house.hub.seen


@pytest.mark.parametrize("digest", ["0" * 40, "0" * 64])
def test_content_that_is_not_what_the_hub_promised_is_not_kept(house, digest):
    house.hub.manners.says_digest = digest
    models = models_of(house)
    with pytest.raises(DigestMismatch):
        result_of(models.get("other"))
    assert models.model("other") is None and not list(house.profile.models.glob("sha256-*"))


def test_a_file_without_any_digest_is_not_fetched(house):
    house.hub.manners.says_digest = "latest"
    with pytest.raises(DownloadFailed):
        result_of(models_of(house).get("other"))


def test_what_was_fetched_and_cannot_be_used_is_deleted(house):
    house.hub.files["config.json"] = b'{"auto_map": {"AutoModel": "modeling.Other"}}'
    models = models_of(house)
    with pytest.raises(EmbedderUnfit, match=r"config\.json asks to run a program"):
        result_of(models.get("other"))
    assert models.list()[-1].state == "available"


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"model_dot_safetensors": None, "pytorch_model_dot_bin": b"x"}, r"pytorch_model\.bin, a format that can run"),
        ({"model_dot_safetensors": None}, "there is no model.safetensors"),
        ({"modeling_dot_py": b"x"}, r"a program of its own \(modeling\.py\)"),
        ({"config_dot_json": b'{"auto_map": {}}'}, "asks to run a program"),
        ({"tokenizer_config_dot_json": b'{"a": {"auto_map": 1}}'}, "asks to run a program"),
        ({"modules_dot_json": b'[{"path": "", "type": "them.Module"}]'}, r"does not know \(them\.Module\)"),
        ({"modules_dot_json": json.dumps([_PARTS[0] | {"path": "../x"}]).encode()}, "out of its own folder"),
        ({"modules_dot_json": b"{"}, "modules.json cannot be read"),
        ({"modules_dot_json": b"{}"}, "modules.json is not as it should be"),
        ({"modules_dot_json": None}, "no modules.json"),
    ],
)
def test_a_folder_that_could_run_code_or_is_no_model_is_refused_in_words(house, tmp_path, changed, why):
    models = models_of(house)
    with pytest.raises(EmbedderUnfit, match=why):
        models.import_folder(a_folder(tmp_path / "theirs", **changed))
    assert len(models.list()) == 2


def test_a_folder_of_the_owner_s_is_copied_with_what_it_says_of_its_prompts(house, tmp_path):
    prompts = {"prompts": {"query": "ask: ", "document": "text: "}}
    folder = a_folder(
        tmp_path / "My Model",
        README_dot_md=b"# hello",
        data_config_dot_json=b"[]",
        config_sentence_transformers_dot_json=json.dumps(prompts).encode(),
    )
    assert prompts_of(folder) == ("ask: ", "text: ")
    assert "README.md" not in files_of(folder) and kind_of(folder) == "embedder"
    models = models_of(house)
    listed = models.import_folder(folder)
    shutil.rmtree(folder)
    model = models.model(listed.id)
    assert listed.id.startswith("my-model-") and (model.query, model.passage) == ("ask: ", "text: ")
    assert set(files_of(model.folder)) == {*_FILES, "config_sentence_transformers.json", "data_config.json"}
    models.remove(listed.id)
    assert models.model(listed.id) is None


def test_a_model_is_named_by_a_beginning_that_is_unique(house):
    models = models_of(house, _OFFER, replace(_OFFER, id="others"))
    assert models.find("all").id == MINILM and models.find("other").id == "other"
    for name in ("oth", "none"):
        with pytest.raises(EmbedderUnknown):
            models.find(name)


_LETTERS = (
    "import os\n"
    "from freehold.processes.worker import serve\n"
    "from freehold.processes.frames import pack_floats\n"
    "from support.libraries import embedding\n"
    "def load(folder: str, sha256: str) -> None: ...\n"
    "def texts(texts: list[str]):\n"
    "    for number, text in enumerate(texts):\n"
    "        if DIES and 'five' in text: os.kill(os.getpid(), 9)\n"
    "        yield [[number, pack_floats(embedding(text))]]\n"
    "def question(text: str) -> str:\n"
    "    return pack_floats(embedding(text))\n"
    "serve('embedder', {'embed.load': load, 'embed.texts': texts, 'embed.question': question})"
)


class Shelf:
    """A library whose two models are played by a worker that embeds by letters."""

    def __init__(self, house, tmp_path) -> None:
        self.models = models_of(house)
        result_of(self.models.get("other"))
        (tmp_path / "vault").mkdir()
        self.vault = VaultInMemory(tmp_path / "vault")
        self.papers, self.scratch = tmp_path / "papers", tmp_path
        self.papers.mkdir()
        for name in ("one", "two", "three", "four", "five"):
            (self.papers / f"{name}.txt").write_text(f"the {name} of them\n")
        self.started: list[str] = []
        self.dies = False
        self.library = self.opened()
        self.library.add([self.papers])
        list(self.library.work(Stop()))

    def opened(self) -> Library:
        """The library as a new process finds it."""

        def start(model: EmbeddingModel):
            self.started.append(model.id)
            head = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\nDIES = {self.dies}\n"
            return worker_saying(head + _LETTERS, self.scratch)

        return Library(self.vault, PlainExtractor(), Embedders(self.vault, self.models, start), NoViewer())

    def vectors(self) -> dict[str, int]:
        rows = self.vault.database.query("SELECT embedder, count(*) FROM library_vector GROUP BY embedder")
        return dict(rows)


@pytest.fixture
def shelf(house, tmp_path):
    shelf = Shelf(house, tmp_path)
    yield shelf
    shelf.library.close()
    shelf.vault.database.close()


def test_another_model_serves_when_it_has_read_everything_and_not_before(shelf):
    library = shelf.library
    library.use_embedder("other")
    assert library.embedder == MINILM and library.coming_embedder == ("other", 0, 5)
    assert library.search("three", mode="meaning").passages[0].text == "the three of them"
    assert shelf.started == [MINILM], "the question was embedded by the model that serves"
    steps = list(library.work(Stop()))
    assert (steps[-1].done, steps[-1].total) == (5, 5)
    assert library.embedder == "other" and library.coming_embedder is None
    assert shelf.vectors() == {"other": 5}
    assert library.search("three", mode="meaning").passages[0].text == "the three of them"
    assert {one.state.value for one in library.status()} == {"indexed"}


def test_a_change_goes_on_after_the_process_was_killed_in_the_middle(shelf):
    for number in range(40):  # shorter than "five", so that they go before it
        (shelf.papers / f"{number}.txt").write_text(f"{number}\n")
    shelf.library.rescan()
    list(shelf.library.work(Stop()))
    shelf.dies = True
    shelf.library.use_embedder("other")
    with pytest.raises(WorkerStopped):
        list(shelf.library.work(Stop()))
    shelf.library.close()
    before = shelf.vectors()
    assert before == {MINILM: 45, "other": 32}
    shelf.dies = False
    shelf.library = shelf.opened()
    assert shelf.library.embedder == MINILM
    assert shelf.library.search("three", mode="meaning").passages[0].text == "the three of them"
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == "other" and shelf.vectors() == {"other": 45}


def test_a_change_is_taken_back_by_naming_the_model_that_serves(shelf):
    shelf.library.use_embedder("other")
    rows = shelf.vault.call("library.unembedded", embedder="other", after=0, limit=2, anew=True)
    pairs = [[digest, pack_floats(embedding(text))] for _, digest, text in rows]
    shelf.vault.call("library.put_vectors", embedder="other", vectors=pairs)
    shelf.library.use_embedder(MINILM)
    assert shelf.library.coming_embedder is None and shelf.vectors() == {MINILM: 5}
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == MINILM


def test_documents_that_come_meanwhile_are_found_by_both(shelf):
    shelf.library.use_embedder("other")
    (shelf.papers / "six.txt").write_text("the sixth of them\n")
    shelf.library.rescan()
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == "other" and shelf.vectors() == {"other": 6}
    assert {one.state.value for one in shelf.library.status()} == {"indexed"}


def test_a_paused_library_does_not_change_its_model(shelf):
    shelf.library.use_embedder("other")
    shelf.library.pause()
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == MINILM
    shelf.library.resume()
    list(shelf.library.work(Stop()))
    assert shelf.library.embedder == "other"


@pytest.mark.e2e
@pytest.mark.skipif(bundled() is None, reason="the extra `library` is not installed")
def test_the_whole_path_with_real_weights_from_the_hub_to_a_search(house, tmp_path):
    source = bundled().folder
    names = [name for name in catalogue.load()[0].files if (source / name).is_file()]
    house.hub.files = {name: (source / name).read_bytes() for name in names}
    models = models_of(house, replace(_OFFER, files=tuple(names)), included=lambda: None)
    result_of(models.get("other"))
    vault = VaultInMemory(tmp_path)
    starts = Embedders(vault, models, lambda model: embedder_process(tmp_path)())
    library = Library(vault, PlainExtractor(), starts, NoViewer())
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "a.txt").write_text("The ferry leaves the harbour at dawn.\nBake the cake for an hour.\n")
    library.add([tmp_path / "papers"])
    list(library.work(Stop()))
    assert library.embedder == "" and not library.finds_meaning
    library.use_embedder("other")
    list(library.work(Stop()))
    assert library.embedder == "other"
    assert "ferry" in library.search("When does the boat go?", mode="meaning").passages[0].text
    library.close()
    weights = models.model("other").folder / "model.safetensors"
    weights.write_bytes(b"changed" + weights.read_bytes()[7:])
    with pytest.raises(DigestMismatch):
        library.search("boat", mode="meaning")
    library.close()
    vault.database.close()
