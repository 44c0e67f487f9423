"""The library's rows over a real encrypted database: found by words and meaning, forgotten for good."""

from __future__ import annotations

import numpy
import pytest

from freehold.foundation.errors import UsageError
from freehold.library.errors import LibraryNotFound
from freehold.library.search import Searcher
from freehold.library.values import digest_of
from freehold.library.wording import Wording
from freehold.processes.frames import pack_floats
from support.libraries import VaultInMemory, embed_all, embedding, found, shelve


@pytest.fixture
def vault(tmp_path):
    vault = VaultInMemory(tmp_path)
    yield vault
    vault.database.close()


def test_a_word_is_found_at_once_with_the_span_where_it_stands(vault):
    shelve(vault, "/a.txt", "The hull is blue.\n\n", "  The sail is red.\n\n")
    (hit,) = found(vault, "Sails?")
    assert (hit["path"], hit["start"], hit["end"], hit["text"]) == ("/a.txt", 21, 37, "The sail is red.")
    whole = "".join(part["text"] for part in vault.stream("library.text", path="/a.txt"))
    assert whole[21:37] == "The sail is red."


def test_words_of_scripts_without_spaces_are_found(vault):
    shelve(vault, "/a.txt", "私は機械学習を勉強しています。", "天気がいいです。")
    assert [hit["text"] for hit in found(vault, "機械学習")] == ["私は機械学習を勉強しています。"]


def test_signs_in_a_question_are_no_operators(vault):
    shelve(vault, "/a.txt", "rock and roll", "salt AND pepper")
    for question in ('"unfinished', "NEAR(", "a* OR -b", "col:x", "'; DROP TABLE library_chunk;--", "", "???", "\x00"):
        found(vault, question)
    assert found(vault, 'pepper" OR "x')[0]["text"] == "salt AND pepper"


def test_meaning_finds_what_shares_no_word(vault):
    shelve(vault, "/a.txt", "listen to them", "a quick brown fox")
    embed_all(vault)
    assert found(vault, "silent", "words") == []
    assert found(vault, "silent", "meaning")[0]["text"] == "listen to them"
    assert found(vault, "silent", "hybrid")[0]["text"] == "listen to them"


def test_a_vector_that_comes_after_the_index_was_built_counts(vault):
    shelve(vault, "/a.txt", "listen to them", "zzz")
    found(vault, "silent", "meaning")
    embed_all(vault)
    assert found(vault, "silent", "meaning")[0]["meaning"] > 0.5


def test_a_search_stays_in_its_collections(vault):
    shelve(vault, "/a.txt", "the blue hull", collection="boats")
    shelve(vault, "/b.txt", "the blue whale", collection="animals")
    assert [hit["path"] for hit in found(vault, "blue", collections=["animals"])] == ["/b.txt"]
    assert {hit["path"] for hit in found(vault, "blue")} == {"/a.txt", "/b.txt"}
    assert found(vault, "blue", collections=["nothing"]) == []


def test_a_word_counts_as_rare_as_it_is_where_one_looks(vault):
    for number in range(30):
        shelve(vault, f"/{number}.txt", f"a boat of the fleet, number {number}", collection="boats")
    shelve(vault, "/a.txt", "the boat in the painting", collection="art")
    shelve(vault, "/b.txt", "a vase in the painting", collection="art")
    shelve(vault, "/c.txt", "a fleet of the painter, in the painting of the vase", collection="art")
    boat, *others = found(vault, "boat vase", collections=["art"])
    assert boat["path"] == "/a.txt" and {one["path"] for one in others} == {"/b.txt", "/c.txt"}
    assert boat["words"] == found(vault, "boat vase", collections=["art"])[0]["words"] > 0


def test_scores_within_all_chunks_are_those_of_a_search_everywhere(vault):
    shelve(vault, "/a.txt", "the blue hull", "the red hull of a boat", "blue paint and blue sails", "nothing else")
    shelve(vault, "/b.txt", "the blue whale", "whales and hulls", "a harbour")
    wording = Wording(vault.database)
    wanted = wording.weighed(["blue", "hull", "harbour"])
    everywhere = dict(zip(*(one.tolist() for one in wording.scores(wanted)), strict=True))
    chunks = numpy.asarray([row[0] for row in vault.database.query("SELECT id FROM library_chunk ORDER BY id")])
    within, counts = wording.scores_within(wanted, chunks, len(chunks))
    assert counts == wanted
    assert within.tolist() == pytest.approx([everywhere.get(chunk, 0.0) for chunk in chunks.tolist()])


def test_the_report_of_the_time_asked_for_comes_before_another_one(vault):
    begins = {"Report Q1 2023": "To our owners", "Report Q2 2023": "To our owners", "Letter": "2 May 2021"}
    for number, name in enumerate(begins, 11):
        shelve(vault, f"/{name}.txt", begins[name], f"Sales of boats were higher than before: {number}.")
    embed_all(vault)

    def first(query):
        return {found(vault, query, mode)[0]["path"] for mode in ("words", "hybrid")}

    assert first("How were sales of boats in the second quarter of 2023?") == {"/Report Q2 2023.txt"}
    assert first("How were sales of boats in Q1 2023?") == {"/Report Q1 2023.txt"}
    assert found(vault, "How were sales of boats, on 2 May 2021?")[0]["path"] == "/Letter.txt"
    assert first("How were sales of boats in the latest report?") == {"/Report Q2 2023.txt"}


def test_a_search_stays_with_the_kinds_and_the_dates_it_is_given(vault):
    shelve(vault, "/a.pdf", "the blue hull", modified=100)
    shelve(vault, "/b.TXT", "the blue whale", modified=200)
    shelve(vault, "/c", "the blue moon", modified=300, kind=".pdf")  # its name does not tell what it is

    def names(**wishes):
        return {hit["path"] for hit in found(vault, "blue", **wishes)}

    assert names(kinds=[".pdf"]) == {"/a.pdf", "/c"}
    assert names(kinds=[".txt", ".md"]) == {"/b.TXT"}
    assert names(since=200) == {"/b.TXT", "/c"} and names(until=200) == {"/a.pdf"}
    assert names(kinds=[".pdf"], since=150.5, until=1e10, collections=["documents"]) == {"/c"}
    assert names(kinds=[".doc"]) == set()


def test_until_all_chunks_are_in_memory_a_search_is_by_words_and_says_so(vault):
    for number in range(6):
        shelve(vault, f"/{number}.txt", f"the blue hull {number}", "other words", kind=".pdf" if number % 2 else ".txt")
    embed_all(vault)
    vault.store._searcher = Searcher(vault.database, at_once=3)
    vector = pack_floats(embedding("blue"))

    def search(**wishes):
        return vault.call("library.search", query="blue", vector=vector, embedder="letters", **wishes)

    cold = search(kinds=[".pdf"], k=2)
    assert cold["mode"] == "words" and {hit["path"] for hit in cold["passages"]} <= {"/1.txt", "/3.txt", "/5.txt"}
    assert len(cold["passages"]) == 2 and cold["signal"]["coverage"] == 1.0
    while vault.call("library.warm", embedder="letters"):
        pass
    warm = search()
    assert warm["mode"] == "hybrid" and warm["passages"][0]["meaning"] is not None
    vault.store._searcher = Searcher(vault.database, at_once=3)
    assert search(mode="meaning")["mode"] == "meaning"  # nothing else can be told


def test_vectors_of_a_vault_of_before_are_kept_when_their_table_is_laid_out_anew(tmp_path):
    from freehold.library.schema import FIRST, SECOND
    from freehold.library.store import LibraryStore
    from freehold.vault.database import Database
    from freehold.vault.migrations import lay_out, pending, upgrade, versions

    class Before:
        room, MIGRATIONS = "library", (FIRST, SECOND)

    database = Database(tmp_path / "old.db", bytes(32))
    lay_out(database)
    upgrade(database, pending({}, [Before]))
    with database.transaction() as execute:
        for digest in (b"b", b"a"):
            execute("INSERT INTO library_vector VALUES (?, 'letters', ?)", digest, digest * 8)
    upgrade(database, pending(versions(database), [LibraryStore]))
    rows = database.query("SELECT hash, embedder, vector FROM library_vector ORDER BY hash")
    assert rows == [(b"a", "letters", b"a" * 8), (b"b", "letters", b"b" * 8)]
    database.close()


def test_a_quoted_text_is_found_again_where_it_moved_and_else_told_as_changed(vault):
    lines = ("First words here. ", "The tide turns at noon. ", "Last words here.")
    document = shelve(vault, "/a.txt", *lines, title="Tides")
    quoted = "The tide turns at noon."
    span = [document, 18, 18 + len(quoted), digest_of(quoted)]
    assert vault.call("library.quoted", spans=[span]) == [
        {"document": document, "path": "/a.txt", "title": "Tides", "start": 18, "end": 41, "state": "here",
         "page": None, "text": quoted},
    ]  # fmt: skip
    shelve(vault, "/a.txt", "A line was put before. " + lines[0] + lines[1], lines[2])
    (moved,) = vault.call("library.quoted", spans=[span])
    assert (moved["state"], moved["start"], moved["text"]) == ("here", 41, quoted)
    shelve(vault, "/a.txt", "The tide turns at one. ", lines[2])
    (changed,) = vault.call("library.quoted", spans=[span])
    assert (changed["state"], changed["path"], changed.get("text")) == ("changed", "/a.txt", None)
    vault.call("library.forget", documents=[document], sources=[])
    assert vault.call("library.quoted", spans=[span]) == [
        {"document": document, "start": 18, "end": 41, "state": "gone"}
    ]  # fmt: skip


def test_a_quotation_over_two_chunks_and_absurd_spans_are_told(vault):
    document = shelve(vault, "/a.txt", "one two ", "three four")
    across = "two three"
    spans = [[document, 4, 13, digest_of(across)], [document, 9, 4, digest_of("")], [document, -5, 10**9, "x"]]
    assert [one["state"] for one in vault.call("library.quoted", spans=spans)] == ["here", "changed", "changed"]


def test_a_vault_of_before_kinds_were_kept_learns_them_from_the_names(tmp_path):
    from freehold.library.schema import FIRST
    from freehold.library.store import LibraryStore
    from freehold.vault.database import Database
    from freehold.vault.migrations import lay_out, pending, upgrade, versions

    class BeforeKinds:
        room, MIGRATIONS = "library", (FIRST,)

    database = Database(tmp_path / "old.db", bytes(32))
    lay_out(database)
    upgrade(database, pending({}, [BeforeKinds]))
    names = [b"/a.b/report.PDF", b"/a.b/README", b"/x/\xff.tar.gz", b"/ends.", "/größe.TxT".encode()]
    with database.transaction() as execute:
        execute("INSERT INTO library_collection (name) VALUES ('documents')")
        execute("INSERT INTO library_source (path, collection) VALUES (X'2F', 1)")
        for name in names:
            execute(
                "INSERT INTO library_document (path, collection, source, state, size, mtime, ctime, inode) "
                "VALUES (?, 1, 1, 'words', 1, 5000000000, 1, 1)", name,
            )  # fmt: skip
    upgrade(database, pending(versions(database), [LibraryStore]))
    kinds = [LibraryStore(database).document(number)["kind"] for number in range(1, 6)]
    assert kinds == [".pdf", "", ".gz", "", ".txt"]
    assert LibraryStore(database).document(1)["modified"] == 5.0
    assert LibraryStore(database).document(9) is None
    database.close()


def test_the_same_text_twice_is_embedded_once_and_shown_once(vault):
    shelve(vault, "/a.txt", "the tide table of the harbour", "other words")
    shelve(vault, "/b.txt", "the tide table of the harbour")
    assert embed_all(vault) == 2
    assert len(found(vault, "tide table", "hybrid")) < 3
    assert [hit["text"] for hit in found(vault, "tide table")] == ["the tide table of the harbour"]


def test_a_document_is_indexed_when_its_last_chunk_has_its_vector(vault):
    shelve(vault, "/a.txt", "one", "two")
    assert vault.call("library.counts") == {"words": 1, "chunks": 2}
    embed_all(vault)
    assert vault.call("library.counts") == {"indexed": 1, "chunks": 2}


def test_what_a_new_version_of_a_document_kept_is_not_embedded_again(vault):
    document = shelve(vault, "/a.txt", "kept words", "old words")
    embed_all(vault)
    assert shelve(vault, "/a.txt", "kept words", "new words") == document
    assert embed_all(vault) == 1
    assert found(vault, "old") == []
    assert vault.database.query("SELECT count(*) FROM library_vector") == [(2,)]


def test_a_document_read_in_part_is_read_again(tmp_path, vault):
    document = shelve(vault, "/a.txt", "one", "two")
    vault.call("library.enqueue", source=1, files=[["/a.txt", 11, 2, 2, 1]])
    vault.call("library.renew", document=document)
    vault.call("library.write", document=document, place=0, start=0, chunks=[["half", None, "", 1]])
    vault.database.close()
    vault.__init__(tmp_path)
    assert vault.call("library.recover") == 1
    assert [row[0] for row in vault.call("library.waiting", limit=5)] == [document]


def test_a_forgotten_document_is_in_no_page_of_the_database(vault):
    for number in range(30):
        shelve(vault, f"/keep{number}.txt", f"keptword{number} harbour")
    document = shelve(vault, "/zebrapath.txt", "plantedzebra in the harbour", title="zebratitle")
    embed_all(vault)
    assert b"plantedzebra" in _pages(vault) and b"zebrapath" in _pages(vault)
    vault.call("library.forget", documents=[document], sources=[31])
    left = _pages(vault)
    for trace in (b"plantedzebra", b"zebrapath", b"zebratitle", b"zebra"):
        assert trace not in left
    assert b"keptword7" in left  # the positive control
    assert found(vault, "plantedzebra") == []
    assert found(vault, "keptword7")[0]["path"] == "/keep7.txt"
    assert len(found(vault, "harbour", "hybrid", k=100)) == 30


def _pages(vault) -> bytes:
    """Every page decrypted, free ones included."""
    from sqlcipher3 import dbapi2

    vault.database.fold_log()
    plain = vault.path.with_name("plain.db")
    plain.unlink(missing_ok=True)
    connection = vault.database._connection
    blocks = b"".join(row[0] for row in connection.execute("SELECT block FROM library_words_data"))
    connection.execute(f"ATTACH DATABASE '{plain}' AS plain KEY ''")
    connection.execute("SELECT sqlcipher_export('plain')")
    connection.execute("DETACH DATABASE plain")
    assert dbapi2
    return plain.read_bytes() + blocks


def test_the_index_in_memory_follows_hundreds_of_deletions(vault):
    documents = [shelve(vault, f"/{n}.txt", *[f"word{n} part{m}" for m in range(4)]) for n in range(400)]
    found(vault, "word3")
    vault.call("library.forget", documents=documents[:200], sources=[])
    shelve(vault, "/new.txt", "word999 part1")
    embed_all(vault)
    assert found(vault, "word150") == []
    assert {hit["path"] for hit in found(vault, "word300", k=4)} == {"/300.txt"}
    assert found(vault, "word999 part1", "hybrid")[0]["path"] == "/new.txt"


def test_names_that_are_no_text_are_kept_as_they_are(vault):
    import os

    odd = os.fsdecode(b"/a\xff\n.txt")
    shelve(vault, odd, "the blue hull")
    assert found(vault, "blue")[0]["path"] == odd


def test_what_was_put_first_is_read_first_then_the_small_then_the_new(vault):
    one = vault.call("library.add_source", path="/one", collection="documents")["id"]
    two = vault.call("library.add_source", path="/two", collection="documents")["id"]
    vault.call("library.enqueue", source=one, files=[["/one/big", 10**7, 9, 9, 1], ["/one/old", 5, 1, 1, 2]])
    vault.call("library.enqueue", source=one, files=[["/one/new", 9, 8, 8, 3]])
    vault.call("library.enqueue", source=two, files=[["/two/huge", 10**9, 1, 1, 4]])
    vault.call("library.put_first", source=two)
    assert [row[1] for row in vault.call("library.waiting", limit=9)] == [
        "/two/huge",
        "/one/new",
        "/one/old",
        "/one/big",
    ]


def test_another_embedder_takes_over_when_every_text_has_its_vector(vault):
    shelve(vault, "/a.txt", "listen to them", "and to us")
    embed_all(vault)
    vault.call("library.embed_anew", embedder="other", serving="letters")
    assert vault.call("library.unembedded", embedder="other", after=0, limit=9) == []
    rows = vault.call("library.unembedded", embedder="other", after=0, limit=9, anew=True)
    pairs = [[digest, pack_floats(embedding(text))] for _, digest, text in rows]
    vault.call("library.put_vectors", embedder="other", vectors=pairs[:1])
    assert vault.call("library.embedded_so_far", embedder="other") == [1, 2]
    assert not vault.call("library.switch_embedder", embedder="other")
    assert found(vault, "silent", "meaning")[0]["text"] == "listen to them", "the old vectors serve"
    vault.call("library.put_vectors", embedder="other", vectors=pairs[1:])
    assert vault.call("library.switch_embedder", embedder="other")
    vault.call("library.drop_embedders")
    assert vault.database.query("SELECT DISTINCT embedder FROM library_vector") == [("other",)]
    assert vault.call("library.remembered", name="embedder") == "other"


def test_vectors_are_kept_while_no_embedder_was_ever_named(vault):
    shelve(vault, "/a.txt", "listen to them")
    embed_all(vault)
    vault.call("library.drop_embedders")
    assert vault.database.query("SELECT count(*) FROM library_vector") == [(1,)]


def test_what_is_not_there_is_said_so(vault):
    with pytest.raises(LibraryNotFound):
        vault.call("library.text", path="/nothing")
    with pytest.raises(UsageError):
        vault.call("library.add_source", path="/a", collection=" ")


def test_a_search_tells_how_well_the_best_passages_fit(vault):
    shelve(vault, "/2022 report.txt", "the harbour of Lindau has berths", *(f"plain words {n}" for n in range(20)))
    embed_all(vault)

    def signal(query, **wishes):
        vector = pack_floats(embedding(query))
        return vault.call("library.search", query=query, vector=vector, embedder="letters", **wishes)["signal"]

    good, bad = signal("Which harbour is in Lindau 2022?"), signal("Which mountain is in Peru 1999?")
    assert good["names"] == 1.0 and bad["names"] == 0.0  # the year stands in the file's name
    assert good["coverage"] > bad["coverage"] and good["standing_out"] == 1.0
    assert good["lead"] > bad["lead"] >= 0
    assert signal("harbour berths")["names"] == 1.0  # it names nothing
    assert signal("plain words")["standing_out"] < 0.1  # twenty passages say it
    assert "best_meaning" in good and "best_meaning" not in signal("harbour", mode="words")


def test_half_characters_and_zeros_are_replaced_one_for_one(vault):
    shelve(vault, "/a.txt", "a \ud83d half \x00 boat")
    assert found(vault, "boat")[0]["text"] == "a \ufffd half \ufffd boat"


def test_a_chunk_that_only_moved_is_kept_with_its_new_place(vault):
    shelve(vault, "/a.txt", "first words ", "second words ", "third words ")
    before = vault.database.query("SELECT id FROM library_chunk WHERE text = 'third words '")
    shelve(vault, "/a.txt", "first words ", "put between ", "third words ")
    assert vault.database.query("SELECT id FROM library_chunk WHERE text = 'third words '") == before
    (hit,) = found(vault, "third")
    assert (hit["start"], hit["end"]) == (24, 35)
    assert "".join(part["text"] for part in vault.stream("library.text", path="/a.txt")).index("third") == 24
    assert found(vault, "second") == []


def paths(rows):
    return [row["path"] for row in rows]


def test_documents_are_listed_in_parts_by_path(vault):
    for number in (3, 1, 2, 5, 4):
        shelve(vault, f"/papers/{number}.txt", "words")
    first = vault.call("library.listed", limit=2)
    assert paths(first) == ["/papers/1.txt", "/papers/2.txt"]
    then = vault.call("library.listed", limit=9, after=[first[-1]["path"], first[-1]["id"]])
    assert paths(then) == ["/papers/3.txt", "/papers/4.txt", "/papers/5.txt"]


def test_a_file_in_two_collections_is_listed_twice_in_parts_too(vault):
    shelve(vault, "/a.txt", "words", collection="one")
    shelve(vault, "/a.txt", "words", collection="two")
    (first,) = vault.call("library.listed", limit=1)
    (second,) = vault.call("library.listed", limit=1, after=[first["path"], first["id"]])
    assert {first["collection"], second["collection"]} == {"one", "two"}
    assert paths(vault.call("library.listed", collection="two")) == ["/a.txt"]


def test_documents_are_listed_by_place_state_and_name(vault):
    shelve(vault, "/papers/Übersicht.txt", "words", title="All that was paid")
    shelve(vault, "/papers/old/lease.txt", "words")
    shelve(vault, "/papers-2/lease.txt", "words")
    vault.call("library.finish", document=2, state="failed", reason="torn")
    assert paths(vault.call("library.listed", below="/papers")) == ["/papers/old/lease.txt", "/papers/Übersicht.txt"]
    assert paths(vault.call("library.listed", below="/papers-2/lease.txt")) == ["/papers-2/lease.txt"]
    assert paths(vault.call("library.listed", states=["failed", "empty"])) == ["/papers/old/lease.txt"]
    assert paths(vault.call("library.listed", text="übersicht paid")) == ["/papers/Übersicht.txt"]
    assert paths(vault.call("library.listed", text="lease", below="/papers")) == ["/papers/old/lease.txt"]


@pytest.mark.parametrize("text", ["100%", "a_b", "wow!", "ÜBER 100%", "Ü", "LEASE über"])
def test_signs_in_a_name_stand_for_themselves(vault, text):
    shelve(vault, "/100% über a_b wow! lease.txt", "words")
    shelve(vault, "/1000 uber axb wow.txt", "words")
    assert paths(vault.call("library.listed", text=text)) == ["/100% über a_b wow! lease.txt"]


def test_a_name_is_found_behind_thousands_of_others(vault):
    source = vault.call("library.add_source", path="/many", collection="documents")["id"]
    files = [[f"/many/{number:05}.txt", 1, 1, 1, number] for number in range(4500)]
    vault.call("library.enqueue", source=source, files=files)
    assert paths(vault.call("library.listed", text="04499")) == ["/many/04499.txt"]
    assert len(vault.call("library.listed", text="many", limit=3)) == 3


def test_pictures_wait_until_the_words_of_all_else_are_found(vault):
    source = vault.call("library.add_source", path="/papers", collection="documents")["id"]
    names = ["scan.png", "big.pdf", "photo.JPEG", "note.txt"]
    sizes = {"big.pdf": 9_000_000}
    files = [[f"/papers/{name}", sizes.get(name, 10), 1, 1, number] for number, name in enumerate(names)]
    vault.call("library.enqueue", source=source, files=files)
    waiting = [row[1].rpartition("/")[2] for row in vault.call("library.waiting", limit=9)]
    assert waiting[:2] == ["note.txt", "big.pdf"]
    assert set(waiting[2:]) == {"scan.png", "photo.JPEG"}
