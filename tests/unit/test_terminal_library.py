"""What `freehold library` says, over a real vault database; reading and meaning are played by fakes."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from freehold.foundation.errors import WorkerSilent
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.library.library import Library
from freehold.library.values import Passage
from freehold.terminal.library_words import passages_text, questions
from freehold.terminal.output import Screen
from support.libraries import LetterEmbedder, NoViewer, OneEmbedder, PlainExtractor, VaultInMemory
from support.terminals import House, Terminal


@pytest.fixture
def house(tmp_path):
    (tmp_path / "vault").mkdir()
    vault = VaultInMemory(tmp_path / "vault")
    house = House(Profile(tmp_path / "home"))
    house.library = Library(vault, PlainExtractor(), LetterEmbedder(), NoViewer())
    yield house
    house.library.close()
    vault.database.close()


@pytest.fixture
def terminal(house, tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "boat.txt").write_text("the hull is blue\nthe sail is red\n")
    (papers / "blank.txt").write_text(" \n")
    (papers / "photo.bin").write_text("x")
    return Terminal(house, tmp_path)


def lines(said):
    return [json.loads(line) for line in said.out.splitlines()]


def without_meaning(house):
    def nothing_to_start():
        raise AssertionError("there is no model")

    house.library = Library(house.library._vault, PlainExtractor(), OneEmbedder(nothing_to_start, None), NoViewer())


def test_adding_with_wait_tells_each_file_and_then_the_sum(terminal, tmp_path):
    said = terminal.run("library", "add", "papers", "--wait", "--json")
    *steps, result = lines(said)
    assert said.code == 0
    assert {tuple(step) for step in steps} == {("done", "total", "path", "state")}
    assert (str(tmp_path / "papers" / "boat.txt"), "indexed") in {(one["path"], one["state"]) for one in steps}
    assert result["files"] == {"indexed": 1, "empty": 1, "failed": 0, "unsupported": 1}
    assert (result["chunks"], result["waiting"]) == (2, 0)
    assert result["seconds"] >= 0


def test_adding_without_wait_leaves_words_found_and_says_what_is_left(terminal):
    said = terminal.run("library", "add", "papers")
    assert said.code == 0
    assert said.out.startswith("3 files: 1 found by words only, 1 without text, 1 of a kind that cannot be read; 2 pas")
    assert [line for line in said.err.splitlines() if "%" in line] == ["Words 25 %", "Words 50 %", "Words 100 %"]
    assert "--wait" in said.err
    assert terminal.run("library", "search", "sail", "--mode", "words", "--json").json["results"][0][
        "text"
    ].strip() == ("the sail is red")


def test_passages_are_told_with_how_well_they_fit_beside_the_best():
    found = [Passage(1, "/a.txt", None, 0, 4, "sail", 9.7), Passage(1, "/a.txt", None, 9, 13, "hull", 4.85)]
    console = Console(width=100, file=StringIO())
    console.print(passages_text([*found, replace(found[0], score=-1.0)]))
    assert [line.split()[-1] for line in console.file.getvalue().splitlines()[::2]] == ["100%", "50%", "0%"]


def test_the_same_folder_again_reads_only_what_changed(terminal, house, tmp_path):
    terminal.run("library", "add", "papers", "--wait")
    house.library._extractor.read_paths.clear()
    (tmp_path / "papers" / "boat.txt").write_text("the hull is green now\n")
    terminal.run("library", "add", "papers", "--wait")
    assert house.library._extractor.read_paths == ["boat.txt"]


def test_names_that_match_a_pattern_are_left_out(terminal):
    terminal.run("library", "add", "papers", "--exclude", "*.bin", "--exclude", "blank*")
    assert [one["path"][-8:] for one in terminal.run("library", "status", "--json").json["documents"]] == ["boat.txt"]


def test_status_is_what_the_contract_says_and_tells_people_why(terminal):
    terminal.run("library", "add", "papers", "--wait", "--collection", "sea")
    documents = terminal.run("library", "status", "--collection", "sea", "--json").json["documents"]
    assert {tuple(one) for one in documents} == {("path", "collection", "state", "reason", "pages", "chunks")}
    assert {one["state"] for one in documents} == {"indexed", "empty", "unsupported"}
    assert all(bool(one["reason"]) == (one["state"] != "indexed") for one in documents)
    said = terminal.run("library", "status")
    assert "There is no text in it." in said.out


def test_a_citation_points_into_the_text(terminal):
    terminal.run("library", "add", "papers", "--wait")
    results = terminal.run("library", "search", "sail", "--json").json["results"]
    text = terminal.run("library", "text", "papers/boat.txt", "--json").json
    assert tuple(results[0]) == ("document", "path", "page", "start", "end", "text", "score")
    assert tuple(text) == ("path", "pages", "text")
    assert all(text["text"][one["start"] : one["end"]] == one["text"] for one in results)
    assert terminal.run("library", "text", "papers/boat.txt").out == text["text"] + "\n"


def test_a_search_is_narrowed_by_type_and_date(terminal, tmp_path):
    os.utime(tmp_path / "papers" / "boat.txt", (1000, 1000))
    terminal.run("library", "add", "papers", "--wait")

    def many(*wishes):
        return len(terminal.run("library", "search", "sail", *wishes, "--json").json["results"])

    assert many("--type", "TXT") == many("--type", "*.txt", "--type", "pdf") == 2
    assert many("--type", "pdf") == 0
    assert many("--until", "1971-01-01") == 2 and many("--since", "1971-01-01") == 0


def test_a_batch_is_lines_in_and_lines_out_with_their_ids(terminal):
    terminal.run("library", "add", "papers", "--wait")
    batch = '{"id": 7, "query": "hull", "collection": "documents"}\n\n{"id": "b", "query": "sail"}\n'
    said = terminal.run("library", "search", "--batch", "-", "--k", "1", "--json", input=batch)
    assert [(one["id"], one["results"][0]["text"].strip()) for one in lines(said)] == [
        (7, "the hull is blue"), ("b", "the sail is red"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "batch",
    ["", "{", "[]", '{"id": 1}', '{"query": "x"}', '{"id": 1, "query": 2}', '{"id": 1, "query": "x", "collection": 3}'],
)
def test_a_batch_that_does_not_read_is_refused_before_anything_is_searched(terminal, batch):
    said = terminal.run("library", "search", "--batch", "-", "--json", input=batch)
    assert (said.code, said.error) == (2, "usage")


def test_a_question_of_a_batch_may_name_its_collection():
    asked = questions('{"id": 1, "query": "x"}\n{"id": 2, "query": "y", "collection": "sea"}', "home")
    assert [(one.query, one.collection) for one in asked] == [("x", "home"), ("y", "sea")]


@pytest.mark.parametrize(
    ("argv", "code", "slug"),
    [
        (("add", "nowhere"), 3, "document-gone"),
        (("forget", "nowhere"), 3, "library-not-found"),
        (("text", "nowhere"), 3, "library-not-found"),
        (("status", "--collection", "nobody"), 3, "library-not-found"),
        (("search", "x", "--collection", "nobody"), 3, "library-not-found"),
        (("search",), 2, "usage"),
        (("search", "x", "--batch", "y"), 2, "usage"),
        (("search", "--batch", "nowhere"), 2, "usage"),
        (("search", "x", "--k", "0"), 2, "usage"),
        (("search", "x", "--mode", "magic"), 2, "usage"),
        (("search", "x", "--since", "someday"), 2, "usage"),
    ],
)
def test_known_failures_have_their_code(terminal, argv, code, slug):
    said = terminal.run("library", *argv, "--json")
    assert (said.code, said.error) == (code, slug)


def test_forgetting_a_file_keeps_the_others_and_the_file(terminal, tmp_path):
    terminal.run("library", "add", "papers", "--wait")
    said = terminal.run("library", "forget", "papers/boat.txt", "--json")
    assert said.json == {"path": str(tmp_path / "papers" / "boat.txt"), "forgotten": 1}
    assert (tmp_path / "papers" / "boat.txt").exists()
    assert len(terminal.run("library", "status", "--json").json["documents"]) == 2
    assert terminal.run("library", "search", "sail").out == "Nothing was found.\n"


def test_a_paused_library_reads_nothing_until_it_is_resumed(terminal):
    assert terminal.run("library", "pause", "--json").json == {"paused": True}
    said = terminal.run("library", "add", "papers", "--wait")
    assert said.out.startswith("3 files: 3 waiting")
    assert "resume" in said.err
    assert terminal.run("library", "resume", "--json").json == {"paused": False}
    assert lines(terminal.run("library", "add", "papers", "--wait", "--json"))[-1]["waiting"] == 0


def test_collections_name_what_they_are_made_of(terminal, tmp_path):
    terminal.run("library", "add", "papers", "--collection", "sea", "--watch", "--wait")
    assert terminal.run("library", "collections", "--json").json == {
        "collections": [
            {
                "name": "sea", "documents": 3,
                "sources": [{"path": str(tmp_path / "papers"), "watched": True, "excluded": []}],
            }
        ]
    }  # fmt: skip
    assert "watched" in terminal.run("library", "collections").out


def test_collections_tell_what_is_left_out_of_a_folder(terminal):
    terminal.run("library", "add", "papers", "--exclude", "*.log", "--exclude", "drafts", "--wait")
    assert "papers, without *.log, drafts" in " ".join(terminal.run("library", "collections").out.split())


def test_without_a_model_that_finds_meaning_words_are_found_and_the_way_to_it_is_told(terminal, house):
    without_meaning(house)
    said = terminal.run("library", "add", "papers", "--wait")
    assert said.code == 0
    assert "pip install" in said.err
    said = terminal.run("library", "search", "sail", "--k", "1")
    assert "the sail is red" in said.out
    assert "pip install" in said.err
    assert terminal.run("library", "search", "sail", "--mode", "meaning", "--json").error == "embedder-missing"


def test_the_check_tells_shares_and_what_to_do(terminal, tmp_path):
    document = terminal.run("library", "check", "--json").json
    assert document["questions"] == 0 and "`freehold library add PATH`" in document["advice"]
    for number, word in enumerate(("harbour", "orchard", "lantern")):
        (tmp_path / "papers" / f"{number}.txt").write_text(
            f"The {word} of number {number} keeps a rope and a letter.\n"
        )
    terminal.run("library", "add", "papers", "--wait")
    said = terminal.run("library", "check")
    assert "Of 3 passages, among the first five results: by words 100%, by meaning 100% (letters)" in said.out
    document = terminal.run("library", "check", "--json").json
    assert document["before"] == {name: document[name] for name in document["before"]}
    assert set(document) == {"questions", "words", "meaning", "hybrid", "embedder", "advice", "before"}


def test_an_interrupted_adding_keeps_what_is_queued(terminal):
    terminal.stop.set()
    said = terminal.run("library", "add", "papers", "--wait", "--json")
    assert said.code == 130
    assert lines(said)[-1]["waiting"] == 3
    terminal.stop = Stop()
    assert lines(terminal.run("library", "add", "papers", "--wait", "--json"))[-1]["waiting"] == 0


def test_a_worker_that_had_to_be_ended_after_ctrl_c_is_no_failure(terminal, house):
    class Deaf(LetterEmbedder):
        def embed(self, texts, stop=None):
            terminal.stop.set()
            raise WorkerSilent("embedder did not stop when asked")

    house.library = Library(house.library._vault, PlainExtractor(), Deaf(), NoViewer())
    said = terminal.run("library", "add", "papers", "--wait", "--json")
    assert said.code == 130
    assert lines(said)[-1]["waiting"] == 1


def test_watching_nothing_says_so_and_leaves(terminal):
    said = terminal.run("library", "watch")
    assert said.code == 0
    assert "--watch" in said.err


def test_documents_and_passages_fit_a_narrow_terminal(terminal):
    terminal.run("library", "add", "papers", "--wait")
    terminal.screen = Screen(is_terminal=True, moves=False, columns=40)
    for argv in (("status",), ("search", "sail"), ("collections",)):
        for line in terminal.run("library", *argv).out.splitlines():
            assert len(line) <= 40, argv


def test_a_protected_file_is_read_with_a_password_that_is_kept_nowhere(terminal, house, tmp_path):
    (tmp_path / "papers" / "diary.locked").write_text("the hull is secret\n")
    terminal.run("library", "add", "papers")
    status = {one["path"][-12:]: one for one in terminal.run("library", "status", "--json").json["documents"]}
    assert status["diary.locked"]["state"] == "failed" and "--password" in status["diary.locked"]["reason"]
    said = terminal.run("library", "retry", "papers/diary.locked", "--password", input="wrong\n")
    assert "protected by a password" in said.err
    terminal.run("library", "retry", "papers/diary.locked", "--password", input="open\n")
    assert terminal.run("library", "search", "secret", "--mode", "words", "--json").json["results"]
    assert house.library._intake._passwords == {}
    (tmp_path / "papers" / "diary.locked").write_text("the hull is secret still\n")
    terminal.run("library", "add", "papers")
    assert terminal.run("library", "search", "secret", "--mode", "words", "--json").json["results"] == []
    assert "asked for again" in terminal.run("library", "status").out.replace("\n", " ")


def test_a_folder_is_read_again_where_something_was_said_of_a_file(terminal, house, tmp_path):
    terminal.run("library", "add", "papers")
    house.library._extractor.read_paths.clear()
    (tmp_path / "papers" / "blank.txt").write_text("words after all\n")
    said = terminal.run("library", "retry", "papers", "--json")
    assert sorted(house.library._extractor.read_paths) == ["blank.txt", "photo.bin"]
    assert lines(said)[-1]["files"]["unsupported"] == 1
    assert terminal.run("library", "retry", "nowhere").code == 3
    assert terminal.run("library", "retry", "papers", "--password", input="").code == 2
