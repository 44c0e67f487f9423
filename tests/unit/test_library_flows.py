"""Adding, following, searching and forgetting files, over a real vault database and files on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentGone, LibraryNotFound
from freehold.library.library import Library
from freehold.library.values import Quoted, Span, State, digest_of
from support.libraries import LetterEmbedder, NoViewer, PlainExtractor, VaultInMemory, extractor


class Desk:
    def __init__(self, tmp_path) -> None:
        (tmp_path / "home").mkdir()
        self.folder = tmp_path / "papers"
        self.folder.mkdir()
        self.vault = VaultInMemory(tmp_path / "home")
        self.extractor, self.embedder = PlainExtractor(), LetterEmbedder()
        self.library = Library(self.vault, self.extractor, self.embedder, NoViewer())

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def add(self, **wishes) -> list:
        self.library.add([self.folder], **wishes)
        return self.work()

    def work(self) -> list:
        return list(self.library.work(Stop()))

    def states(self) -> dict[str, str]:
        return {Path(one.path).name: one.state.value for one in self.library.status()}


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    desk.vault.database.close()


def test_words_are_found_before_meaning_is(desk):
    desk.write("a.txt", "the hull is blue\n")
    desk.write("b.txt", "the sail is red\n")
    desk.library.add([desk.folder])
    steps = desk.library.work(Stop())
    assert [next(steps).state, next(steps).state] == [State.WORDS, State.WORDS]
    assert desk.library.search("sail", mode="words").passages[0].text == "the sail is red"
    assert {(step.done, step.total, step.state) for step in steps} == {(2, 2, State.INDEXED)}


def test_reading_again_without_the_password_keeps_what_was_read_with_it(desk):
    desk.write("d.locked", "secret words\n")
    desk.add()
    desk.library.retry(desk.folder / "d.locked", "open")
    desk.work()
    assert desk.states() == {"d.locked": "indexed"}
    desk.library.retry(desk.folder / "d.locked")
    desk.work()
    assert desk.states() == {"d.locked": "indexed"}
    assert desk.library.search("secret", mode="words").passages


def test_a_forgotten_file_stays_forgotten_when_its_folder_is_added_again(desk):
    for name in ("a.txt", "b.txt", "c.tmp", "d.log"):
        desk.write(name, "words\n")
    desk.add(excluded=["*.tmp"])
    desk.library.forget(desk.folder / "a.txt")
    desk.add()
    assert desk.states() == {"b.txt": "indexed", "d.log": "indexed"}
    desk.add(excluded=["*.log"])
    assert desk.states().keys() == {"b.txt", "c.tmp"}
    desk.library.add([desk.folder / "a.txt"])
    assert "a.txt" in desk.states(), "added by itself it comes back"


def test_a_full_look_finds_what_size_and_times_hide(desk):
    desk.write("a.txt", "the hull is blue\n")
    desk.write("b.txt", "the sail is red\n")
    desk.add()
    facts = (desk.folder / "a.txt").stat()
    desk.write("a.txt", "the hull is grey\n")
    os.utime(desk.folder / "a.txt", ns=(facts.st_atime_ns, facts.st_mtime_ns))
    row = next(one for one in desk.library.status() if one.path.endswith("a.txt"))
    stamp = (desk.folder / "a.txt").stat()
    desk.vault.call(  # as on a disk whose times of change are not kept
        "library.moved", document=row.id, path=row.path, size=stamp.st_size, mtime=stamp.st_mtime_ns,
        ctime=stamp.st_ctime_ns, inode=stamp.st_ino,
    )  # fmt: skip
    assert desk.library.rescan() == 0
    assert desk.library.rescan(full=True) == 2
    desk.work()
    assert desk.states() == {"a.txt": "indexed", "b.txt": "indexed"}
    assert desk.library.search("grey", mode="words").passages[0].text == "the hull is grey"
    assert desk.embedder.embedded.count("the sail is red") == 1, "what is the same is not embedded again"


def test_reading_and_embedding_wait_while_an_answer_is_written(desk):
    desk.write("a.txt", "the hull is blue\n")
    desk.write("b.txt", "the sail is red\n")
    is_written, looks = [True], []

    def is_answering() -> bool:
        looks.append((len(desk.extractor.read_paths), len(desk.embedder.embedded)))
        if len(looks) == 3:
            is_written[0] = False
        return is_written[0]

    library = Library(desk.vault, desk.extractor, desk.embedder, NoViewer(), is_answering=is_answering)
    library.add([desk.folder])
    list(library.work(Stop()))
    assert looks[:3] == [(0, 0)] * 3, "nothing is read before the answer is there"
    assert looks[-1] == (2, 0) and len(desk.embedder.embedded) == 2, "asked before every file and every batch"


def test_a_stop_is_heeded_while_an_answer_is_written(desk):
    desk.write("a.txt", "the hull is blue\n")
    stop = Stop()

    def is_answering() -> bool:
        stop.set()
        return True

    library = Library(desk.vault, desk.extractor, desk.embedder, NoViewer(), is_answering=is_answering)
    library.add([desk.folder])
    assert list(library.work(stop)) == [] and desk.extractor.read_paths == []


def test_a_pause_is_heeded_between_two_batches(desk):
    for number in range(40):
        desk.write(f"{number}.txt", f"paper {number}\n")
    batches = []

    class Counting(LetterEmbedder):
        def embed(self, texts, stop=None):
            batches.append(len(texts))
            desk.library.pause()
            return super().embed(texts, stop)

    library = Library(desk.vault, desk.extractor, Counting(), NoViewer())
    library.add([desk.folder])
    list(library.work(Stop()))
    assert batches == [32]
    library.resume()
    list(library.work(Stop()))
    assert batches == [32, 8] and set(desk.states().values()) == {"indexed"}


def test_a_touched_file_without_text_stays_without_text(desk):
    desk.write("a.txt", " \n")
    desk.add()
    os.utime(desk.folder / "a.txt", (7, 7))
    desk.library.rescan()
    desk.work()
    assert desk.states() == {"a.txt": "empty"}


def test_a_folder_that_is_followed_no_longer_keeps_its_documents(desk):
    desk.write("a.txt", "the hull is blue\n")
    desk.add(watch=True)
    desk.library.unwatch(desk.folder)
    assert [source.watched for source in desk.library.sources()] == [False]
    assert desk.states() == {"a.txt": "indexed"}
    assert list(desk.library.watch(Stop())) == []
    with pytest.raises(LibraryNotFound):
        desk.library.unwatch(desk.folder / "elsewhere")


def test_every_file_ends_in_a_state_with_words(desk):
    for name, text in (("a.txt", "words"), ("b.txt", " \n"), ("c.bin", "x"), ("d.locked", "secret words")):
        desk.write(name, text)
    desk.add()
    assert desk.states() == {"a.txt": "indexed", "b.txt": "empty", "c.bin": "unsupported", "d.locked": "failed"}
    assert all(one.reason for one in desk.library.status() if one.state is not State.INDEXED)


def test_a_password_opens_a_file_and_is_kept_nowhere(desk):
    desk.write("d.locked", "secret words")
    desk.add()
    desk.library.retry(desk.folder / "d.locked", "open")
    desk.work()
    assert desk.states() == {"d.locked": "indexed"}
    desk.write("d.locked", "another secret")
    desk.library.rescan()
    desk.work()
    assert desk.states() == {"d.locked": "failed"}


def test_nothing_unchanged_is_read_again(desk):
    for number in range(20):
        desk.write(f"{number}.txt", f"words {number}")
    desk.add()
    desk.extractor.read_paths.clear()
    assert desk.library.rescan() == 0
    assert desk.add() == []
    assert desk.extractor.read_paths == []


def test_a_changed_file_is_read_again_and_only_its_new_text_is_embedded(desk):
    desk.write("a.txt", "kept line\nold line\n")
    desk.add()
    desk.embedder.embedded.clear()
    desk.write("a.txt", "kept line\nnew line here\n")
    assert desk.library.rescan() == 1
    desk.work()
    assert desk.embedder.embedded == ["new line here"]
    assert desk.library.search("old", mode="words").passages == ()


def test_a_touched_file_keeps_what_is_known(desk):
    desk.write("a.txt", "some words\n")
    desk.add()
    os.utime(desk.folder / "a.txt", (1, 1))
    desk.vault.calls.clear()
    assert desk.library.rescan() == 1
    desk.work()
    assert "write" not in desk.vault.calls
    assert desk.states() == {"a.txt": "indexed"}


def test_a_renamed_file_is_not_read_again(desk):
    desk.write("a.txt", "some words\n")
    desk.add()
    desk.extractor.read_paths.clear()
    (desk.folder / "a.txt").rename(desk.folder / "b.txt")
    assert desk.library.rescan() == 0
    assert desk.library.search("words", mode="words").passages[0].path.endswith("b.txt")
    assert desk.extractor.read_paths == []


def test_a_deleted_file_is_forgotten(desk):
    desk.write("a.txt", "some words\n")
    desk.write("b.txt", "other words\n")
    desk.add()
    (desk.folder / "a.txt").unlink()
    desk.library.rescan()
    assert desk.states() == {"b.txt": "indexed"}


def test_a_folder_that_is_gone_as_a_whole_is_a_disk_not_connected(desk):
    for number in range(6):
        desk.write(f"{number}.txt", f"words {number}")
    desk.add()
    away = desk.folder.with_name("away")
    desk.folder.rename(away)
    desk.library.rescan()
    desk.folder.mkdir()
    desk.library.rescan()
    assert len(desk.states()) == 6


def test_links_sockets_and_hidden_files_are_left_out(desk):
    desk.write("a.txt", "words")
    desk.write(".hidden", "words")
    desk.write("draft.tmp", "words")
    (desk.folder / "loop").symlink_to(desk.folder)
    (desk.folder / "link.txt").symlink_to(desk.folder / "a.txt")
    os.mkfifo(desk.folder / "pipe.txt")
    desk.add(excluded=["*.tmp"])
    assert desk.states() == {"a.txt": "indexed"}


def test_odd_names_are_names(desk):
    names = [b"new\nline.txt", b"\xff\xfe.txt", "\u202ecod.txt".encode(), ("\N{GRINNING FACE}" * 62).encode() + b".txt"]
    for name in names:
        (desk.folder / os.fsdecode(name)).write_text("the odd words")
    desk.add()
    assert {os.fsencode(Path(one.path).name) for one in desk.library.status()} == set(names)
    assert set(desk.states().values()) == {"indexed"}


def test_work_stopped_half_way_goes_on_later_and_reads_nothing_twice(desk):
    for number in range(30):
        desk.write(f"{number}.txt", f"words {number}")
    stop = Stop()
    desk.library.add([desk.folder])
    for count, _ in enumerate(desk.library.work(stop), 1):
        if count == 7:
            stop.set()
    assert len(desk.extractor.read_paths) == 7
    again = Library(desk.vault, desk.extractor, desk.embedder, NoViewer())
    assert again.recover() == 23
    list(again.work(Stop()))
    assert set(desk.states().values()) == {"indexed"}
    assert len(desk.extractor.read_paths) == 30


def test_a_paused_library_stays_paused_over_a_restart(desk):
    desk.write("a.txt", "words")
    desk.library.pause()
    assert desk.add() == []
    again = Library(desk.vault, desk.extractor, desk.embedder, NoViewer())
    assert again.is_paused and list(again.work(Stop())) == []
    again.resume()
    list(again.work(Stop()))
    assert desk.states() == {"a.txt": "indexed"}


def test_a_file_that_changes_while_it_is_read_is_read_again(desk):
    desk.write("a.txt", "early words")
    original, seen = desk.extractor.read, []

    def late(path, *args, **wishes):
        result = yield from original(path, *args, **wishes)
        if not seen:
            seen.append(1)
            desk.write("a.txt", "latest words of all, at last")
        return result

    desk.extractor.read = late
    desk.add()
    assert desk.library.search("latest", mode="words").passages


def test_a_file_that_vanishes_before_it_is_read_is_said_to_be_gone(desk):
    desk.write("a.txt", "words")
    desk.library.add([desk.folder])
    (desk.folder / "a.txt").unlink()
    desk.work()
    assert desk.states() == {"a.txt": "failed"}


def test_a_forgotten_file_of_a_folder_does_not_come_back(desk):
    desk.write("a.txt", "words one")
    desk.write("b.txt", "words two")
    desk.add(watch=True)
    assert desk.library.forget(desk.folder / "a.txt") == 1
    assert desk.library.rescan() == 0
    assert desk.states() == {"b.txt": "indexed"}
    assert desk.library.forget(desk.folder) == 1
    assert desk.library.collections() == []
    with pytest.raises(LibraryNotFound):
        desk.library.forget(desk.folder)


def test_while_the_embedder_is_cold_words_answer_and_it_is_said(desk):
    desk.write("a.txt", "listen to them")
    desk.add()
    desk.embedder.is_up = False
    assert desk.library.search("silent").mode == "words"
    assert desk.library.search("silent", wait=True).mode == "hybrid"
    assert desk.library.search("silent", wait=True).passages[0].text == "listen to them"


def test_without_an_embedder_the_library_is_found_by_words(desk):
    desk.embedder.id = ""
    desk.write("a.txt", "the blue hull")
    desk.add()
    assert desk.states() == {"a.txt": "words"}
    assert desk.library.search("hull").mode == "words"


def test_the_text_of_a_document_is_what_offsets_point_into(desk):
    desk.write("a.txt", "one line\n  the other line\n")
    desk.add()
    (hit,) = desk.library.search("other", mode="words").passages
    text = desk.library.text(desk.folder / "a.txt").text
    assert text[hit.start : hit.end] == hit.text == "the other line"


def test_a_search_is_narrowed_by_kind_and_date_of_the_files(desk):
    desk.write("a.txt", "the blue hull")
    desk.write("b.md", "the blue whale")
    os.utime(desk.folder / "a.txt", (1000, 1000))
    desk.add()

    def names(**wishes):
        return [Path(one.path).name for one in desk.library.search("blue", mode="words", **wishes).passages]

    assert names(kinds=[".md"]) == ["b.md"]
    assert names(until=1001) == ["a.txt"] and names(since=1001) == ["b.md"]
    assert {(one.kind, one.modified == 1000) for one in desk.library.status()} == {(".txt", True), (".md", False)}


def test_what_was_quoted_is_told_as_it_stands_now(desk):
    desk.write("a.txt", "one line\nthe tide turns at noon\n")
    desk.add()
    (hit,) = desk.library.search("tide", mode="words").passages
    span = Span(hit.document, hit.start, hit.end, digest_of(hit.text))
    (quoted,) = desk.library.passages_of([span])
    assert (quoted.state, quoted.text, quoted.path) == ("here", hit.text, hit.path)
    assert desk.library.find_document(hit.document).path == hit.path
    desk.library.forget(desk.folder)
    assert desk.library.passages_of([span]) == (Quoted(hit.document, hit.start, hit.end, "gone"),)
    assert desk.library.find_document(hit.document) is None


def test_checking_tells_how_much_is_found_again(desk):
    for number in range(12):
        words = " ".join(f"{word}{number}" for word in ("alpha", "bravo", "charlie", "delta", "echoes", "foxtrot") * 6)
        desk.write(f"{number}.txt", words)
    desk.add()
    parts = desk.library.check(10)
    with pytest.raises(StopIteration) as end:
        while True:
            next(parts)
    assert (end.value.value.questions, end.value.value.words) == (10, 1.0)


def test_a_path_that_is_not_there_is_refused(desk):
    with pytest.raises(DocumentGone):
        desk.library.add([desk.folder / "nothing"])


def test_changes_on_disk_are_followed(desk):
    import threading

    desk.write("a.txt", "words one")
    desk.library.add([desk.folder], watch=True)
    stop = Stop()
    steps = desk.library.watch(stop)
    assert {next(steps).state for _ in range(2)} == {State.WORDS, State.INDEXED}
    threading.Timer(0.3, desk.write, ("b.txt", "words two")).start()
    threading.Timer(20, stop.set).start()
    assert next(steps).path.endswith("b.txt")
    stop.set()
    steps.close()


def test_a_real_extract_process_serves_the_flow(desk, tmp_path):
    (desk.folder / "a.md").write_text("# Boat\n\nThe hull is blue.\n")
    library = Library(desk.vault, extractor(tmp_path), desk.embedder, NoViewer())
    library.add([desk.folder])
    list(library.work(Stop()))
    assert library.search("hull", mode="words").passages[0].text == "# Boat\n\nThe hull is blue."
    os.utime(desk.folder / "a.md", (5, 5))
    library.rescan()
    list(library.work(Stop()))
    assert desk.states() == {"a.md": "indexed"}
    library.close()
