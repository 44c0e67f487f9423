"""Chroma in memory beside the exact scan: it follows the index, is checked against it and dropped when it errs."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time

import numpy
import pytest

from freehold.library.index import Index
from freehold.library.nearest import Nearest
from freehold.library.search import Searcher
from freehold.processes.frames import pack_floats
from support.libraries import VaultInMemory, embed_all, embedding, found, shelve

pytest.importorskip("chromadb")
PATIENCE = 60.0


def until(is_so) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    assert is_so()


def an_index(many: int) -> Index:
    vectors = numpy.random.default_rng(1).normal(size=(many, 16)).astype("<f4")
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    index = Index(16)
    index.add([(number, 1, vector.tobytes()) for number, vector in enumerate(vectors, 1)])
    return index


@pytest.fixture
def nearest():
    made = []

    def make(index: Index) -> Nearest:
        made.append(Nearest(index.rows))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_it_finds_what_the_exact_scan_finds_once_it_has_caught_up(nearest):
    index = an_index(1000)
    question = index.rows([500])[1][0]
    chroma = nearest(index)
    chroma.put(index.ids.tolist())
    until(lambda: chroma.is_ready)
    exact = index.ids[numpy.argsort(-index.cosines(question.tobytes()))[:10]].tolist()
    assert chroma.ask(question, 10) == exact and exact[0] == 500


def test_it_answers_only_when_all_was_taken_in():
    index, may_read = an_index(300), threading.Event()

    def rows(chunks):
        assert may_read.wait(PATIENCE)
        return index.rows(chunks)

    chroma = Nearest(rows)
    chroma.put(index.ids.tolist())
    question = index.rows([1])[1][0]
    assert chroma.ask(question, 10) is None
    may_read.set()
    until(lambda: chroma.is_ready)
    assert chroma.ask(question, 10)[0] == 1
    chroma.end()


def test_what_is_removed_is_gone_from_it_and_a_new_vector_counts(nearest):
    index = an_index(300)
    one, other = index.rows([7])[1][0], index.rows([8])[1][0]
    chroma = nearest(index)
    chroma.put(index.ids.tolist())
    index.remove([7])
    chroma.remove([7])
    index.set_vector([9], (-other).tobytes())
    chroma.put([9])
    until(lambda: chroma.is_ready)
    assert 7 not in chroma.ask(one, 299)
    assert chroma._collection.count() == 299
    assert chroma.ask(-other, 1) == [9]


def test_one_that_has_ended_answers_no_more(nearest):
    index = an_index(50)
    chroma = nearest(index)
    chroma.put(index.ids.tolist())
    until(lambda: chroma.is_ready)
    chroma.end()
    chroma.put([1])
    assert chroma.ask(index.rows([1])[1][0], 5) is None


@pytest.fixture
def vault(tmp_path):
    """400 chunks, of which Chroma knows where 100 are enough."""
    vault = VaultInMemory(tmp_path)
    chance = numpy.random.default_rng(2)
    letters = list("abcdefghijklmnopqrstuvwxyz")
    for number in range(40):
        texts = [" ".join("".join(chance.choice(letters, 5)) for _ in range(12)) for _ in range(10)]
        shelve(vault, f"/{number}.txt", *texts)
    embed_all(vault)
    searcher = Searcher(vault.database, nearest_from=100)
    vault.store._searcher = vault.store._memory = searcher
    yield vault
    searcher._let_go()
    vault.database.close()


def with_chroma(vault) -> Nearest:
    found(vault, "warm up", "hybrid")
    nearest = vault.store._searcher._nearest
    until(lambda: nearest.is_ready)
    return nearest


def test_a_search_by_candidates_finds_what_a_search_of_all_finds(vault):
    questions = ["abcde fghij", "zebra quick", "lorem ipsum dolor", "hello there"]
    plain = Searcher(vault.database)
    exact = []
    for question in questions:
        vault.store._searcher, kept = plain, vault.store._searcher
        exact.append([hit["text"] for hit in found(vault, question, "hybrid", k=5)])
        vault.store._searcher = kept
    with_chroma(vault)
    assert [[hit["text"] for hit in found(vault, question, "hybrid", k=5)] for question in questions] == exact
    assert vault.store._searcher._asked == len(questions)


def test_a_forgotten_document_is_gone_from_chroma_too(vault):
    nearest = with_chroma(vault)
    assert nearest._collection.count() == 400
    vault.call("library.forget", documents=[3], sources=[])
    until(lambda: nearest.is_ready)
    assert nearest._collection.count() == 390
    gone = {str(number) for number in range(21, 31)}
    assert not gone & set(nearest._collection.get()["ids"])


def test_a_search_in_few_documents_scans_them_exactly(vault):
    shelve(vault, "/one.txt", "only this one", collection="few")
    embed_all(vault)
    with_chroma(vault)
    asked = vault.store._searcher._asked
    assert [hit["text"] for hit in found(vault, "only", "meaning", collections=["few"])] == ["only this one"]
    assert vault.store._searcher._asked == asked


@pytest.mark.parametrize("answer", [[1, 2, 3], [10**9], []])
def test_one_that_does_not_agree_with_the_exact_scan_is_dropped(vault, answer):
    class Wrong:
        def ask(self, question, many):
            return answer

        def end(self):
            self.has_ended = True

        def put(self, chunks): ...

    with_chroma(vault).end()
    question = "abcde fghij"
    exact = vault.store._searcher
    wrong = exact._nearest = Wrong()
    vector = numpy.asarray(embedding(question), dtype="<f4")
    best = max(found(vault, question, "meaning", k=100), key=lambda hit: hit["meaning"])
    assert best["meaning"] == pytest.approx(exact._index.cosines(vector.tobytes()).max(), abs=1e-5)
    assert wrong.has_ended and exact._nearest_from == float("inf")


_BOXED = """
import json, os, sys, time
from pathlib import Path
from freehold.processes.boxes import box_of, close_in
layers = close_in(box_of("vault", Path.cwd()))
import numpy
from freehold.library.index import Index
from freehold.library.nearest import Nearest
index = Index(16)
vectors = numpy.eye(16, dtype="<f4")
index.add([(n + 1, 1, vectors[n].tobytes()) for n in range(16)])
nearest = Nearest(index.rows)
nearest.put(index.ids.tolist())
end = time.monotonic() + 100
while not nearest.is_ready and time.monotonic() < end:
    time.sleep(0.05)
print(json.dumps([layers, nearest.ask(vectors[4], 1), sorted(os.listdir())]), flush=True)
os._exit(0)
"""


def test_it_works_in_the_vaults_box_leaves_nothing_on_disk_and_heeds_nobody_elses_settings(tmp_path):
    scratch = tmp_path / "home" / "scratch"
    scratch.mkdir(parents=True)
    (scratch / ".env").write_text(f"IS_PERSISTENT=TRUE\nPERSIST_DIRECTORY={tmp_path}/planted\n")
    settings = {"IS_PERSISTENT": "TRUE", "PERSIST_DIRECTORY": f"{tmp_path}/planted", "CHROMA_API_IMPL": "no.such.thing"}
    child = subprocess.run(
        [sys.executable, "-E", "-P", "-c", _BOXED], cwd=scratch, env=settings, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip
    assert child.returncode == 0, child.stderr.decode()
    layers, answer, files = json.loads(child.stdout)
    assert answer == [5]
    assert files == [".env"] and not (tmp_path / "planted").exists()
    assert sys.platform != "linux" or "sockets" in layers


def test_a_vector_of_another_size_than_expected_is_no_match(vault):
    vector = pack_floats([1.0, 0.0])
    answer = vault.call("library.search", query="abcde", vector=vector, embedder="letters", mode="hybrid")
    assert answer["passages"] is not None
