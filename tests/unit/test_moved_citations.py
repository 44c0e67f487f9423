"""What an answer cites, after its chat came into another vault: the same document, or none. Never another one."""

from __future__ import annotations

import json

import pytest

from freehold.assistant.belongings import cited_here, export_all, import_all
from freehold.assistant.librarian import _of_file
from freehold.chats.conversations import Conversations
from freehold.chats.exchange import export_chats, import_chats
from freehold.chats.values import Source, Use
from support.furnished import WORKER, citations, cite, say, shelve
from support.steps import drained
from support.vaults import RAW_KEY, opened, profile_in

LEASE, LETTER = "The lease begins in May.", "Dear Ada, the boat is sold."
HERE_LEASE, HERE_LETTER = ("here", "/theirs/lease.txt"), ("here", "/theirs/letter.txt")
NOT_HERE = ("not here", "")


@pytest.fixture
def vault(tmp_path):
    """A vault whose documents have the numbers that the other's have, and are other ones."""
    with opened(tmp_path, WORKER) as vault:
        for name in ("diary", "taxes", "will"):
            shelve(vault, f"/mine/{name}.txt", f"My {name}. " * 20)
        yield vault


@pytest.fixture
def other(tmp_path):
    with opened(tmp_path / "other", WORKER) as vault:
        yield vault


@pytest.fixture
def answer(other):
    """An answer there that cites two documents and an attached file."""
    rows = [(shelve(other, "/theirs/lease.txt", LEASE), LEASE), (shelve(other, "/theirs/letter.txt", LETTER), LETTER)]
    return cite(other, say(other, "Papers"), *rows, attached=True)


def merged(vault, other, tmp_path):
    path = tmp_path / "other.backup"
    drained(other.back_up(path))
    _, new = drained(vault.take_in(path, {"raw": RAW_KEY.hex()}, keep=True))
    return new


def taken_over(vault, other, tmp_path):
    drained(export_all(other, Conversations(other), tmp_path / "export", profile_in(tmp_path / "other").settings))
    return drained(import_all(vault, Conversations(vault), tmp_path / "export")).new


@pytest.mark.parametrize("move", [merged, taken_over])
def test_citations_follow_their_documents_into_a_vault_that_gives_them_other_numbers(
    vault, other, answer, tmp_path, move
):
    move(vault, other, tmp_path)
    (tmp_path / "again").mkdir()
    assert citations(vault, answer)[:2] == [HERE_LEASE, HERE_LETTER]
    assert Conversations(vault).turns([answer])[0].provenance.sources[2].document == -1
    assert not any(number for room in move(vault, other, tmp_path / "again").values() for number in room.values())


@pytest.mark.parametrize("move", [merged, taken_over])
def test_a_citation_whose_document_was_forgotten_there_opens_none_here(vault, other, answer, tmp_path, move):
    drained(other.stream("library.forget", documents=[1], sources=[]))
    move(vault, other, tmp_path)
    assert citations(vault, answer)[:2] == [NOT_HERE, HERE_LETTER]


@pytest.mark.parametrize("move", [merged, taken_over])
def test_a_document_that_is_here_already_is_the_one_that_is_cited(vault, other, answer, tmp_path, move):
    row = shelve(vault, "/theirs/lease.txt", LEASE)
    move(vault, other, tmp_path)
    assert Conversations(vault).turns([answer])[0].provenance.sources[0].document == row
    assert citations(vault, answer)[0] == HERE_LEASE


@pytest.mark.parametrize("move", [merged, taken_over])
def test_what_was_cited_here_and_forgotten_is_not_taken_for_a_document_that_comes(vault, other, answer, tmp_path, move):
    """Its number is free, and a citation of it still stands in a chat."""
    gone = shelve(vault, "/mine/gone.txt", "Gone. " * 9)
    mine = cite(vault, say(vault, "Mine"), (gone, "Gone. "))
    drained(vault.stream("library.forget", documents=[gone], sources=[]))
    for number in range(2):
        shelve(other, f"/theirs/{number}.txt", f"another {number}")  # up to that number and past it
    move(vault, other, tmp_path)
    assert citations(vault, mine) == [("gone", "")]


def test_a_file_of_chats_cites_what_says_just_that_and_nothing_else(vault, other, answer, tmp_path):
    export_chats(Conversations(other), tmp_path / "chats.json")
    import_chats(Conversations(vault), tmp_path / "chats.json", cited_here(vault))
    assert citations(vault, answer)[:2] == [NOT_HERE, NOT_HERE]
    chat = Conversations(other).list()[0].id
    Conversations(other).erase(chat)
    import_chats(Conversations(other), tmp_path / "chats.json", cited_here(other))
    assert citations(other, answer)[:2] == [HERE_LEASE, HERE_LETTER]


def test_who_asks_no_library_gets_no_citation_of_it(vault, other, answer, tmp_path):
    export_chats(Conversations(other), tmp_path / "chats.json")
    import_chats(Conversations(vault), tmp_path / "chats.json")
    assert citations(vault, answer)[:2] == [NOT_HERE, NOT_HERE]


@pytest.mark.parametrize(
    "sources",
    [
        "all", [None, 7, {}, {"document": "1"}], [{"document": 1, "start": 0, "end": 4, "digest": "x", "use": "told"}],
        [{"document": 2**80, "start": 0, "end": 4, "digest": "x", "use": "cited"}],
    ],
)  # fmt: skip
def test_sources_that_are_none_come_to_nothing(vault, other, answer, tmp_path, sources):
    export_chats(Conversations(other), tmp_path / "chats.json")
    document = json.loads((tmp_path / "chats.json").read_text())
    document["chats"][0]["turns"][-1]["provenance"]["sources"] = sources
    (tmp_path / "chats.json").write_text(json.dumps(document))
    assert import_chats(Conversations(vault), tmp_path / "chats.json", cited_here(vault)).imported == 1
    assert citations(vault, answer) == []


def test_a_source_without_a_document_is_said_to_be_elsewhere():
    assert _of_file(Source(0, 0, 4, None, "", Use.CITED), []).state == "elsewhere"
