"""A bad file costs one process: never a hang, never the app, never the next file."""

from __future__ import annotations

import threading

import pytest

from freehold.foundation.errors import WorkerStopped
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentGone, DocumentTooLarge, DocumentUnreadable, DocumentUnsupported
from freehold.library.extract.client import Extractor, Viewer
from freehold.library.values import Box, PagePicture
from freehold.processes.boxes import reading
from freehold.processes.spawn import spawn, worker_command
from support.libraries import a_pdf, extractor, read_all, viewer, worker_saying

_SPEAKING = (
    "import os, sys, time\n"
    "from freehold.processes.worker import serve\n"
    "def read(path: str, password: str | None, unless: str, recognises: bool) -> None:\n"
    "    {0}\n"
    "def ready() -> None: ...\n"
    "serve('extract', {{'document.ready': ready, 'document.read': read}})"
)


def doomed(tmp_path, deed, **limits):
    return Extractor(lambda: worker_saying(_SPEAKING.format(deed), tmp_path), **limits)


def test_a_file_is_read_in_a_process_of_its_own(tmp_path):
    (tmp_path / "a.md").write_text("# Boat\n\nThe hull is blue.\n")
    reader = extractor(tmp_path)
    text, document = read_all(reader, tmp_path / "a.md")
    assert text == "# Boat\n\nThe hull is blue.\n\n"
    assert document[:4] == ("Boat", 0, "", ".md")
    reader.close()


def test_five_crashes_in_a_row_do_not_keep_the_next_file_from_being_read(tmp_path):
    reader = doomed(tmp_path, "os.abort()")
    for _ in range(5):
        with pytest.raises(DocumentUnreadable, match="crashed"):
            read_all(reader, tmp_path / "a.md")
    reader.close()


def test_a_file_that_hangs_its_reader_is_given_up(tmp_path):
    reader = doomed(tmp_path, "time.sleep(600)", silence=1.0)
    with pytest.raises(DocumentTooLarge, match="too long"):
        read_all(reader, tmp_path / "a.md")
    reader.close()


def test_a_file_that_fills_the_memory_is_given_up(tmp_path):
    reader = doomed(tmp_path, "x = bytearray(os.urandom(1000) * 400_000); time.sleep(600)", most_memory=200_000_000)
    with pytest.raises(DocumentTooLarge, match="memory"):
        read_all(reader, tmp_path / "a.md")
    reader.close()


def test_a_file_that_has_gone_is_said_to_be_gone(tmp_path):
    reader = extractor(tmp_path)
    with pytest.raises(DocumentGone):
        read_all(reader, tmp_path / "nothing.txt")
    reader.close()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("deep.json", "[" * 200_000),
        ("deep.html", "<div>" * 100_000 + "words"),
        ("deep.xml", "<a>" * 100_000),
        ("laughs.xml", "<!DOCTYPE a [<!ENTITY b 'ha'>" + "".join(f"<!ENTITY c{n} '{'&b;' * 50}'>" for n in range(50))
                       + "]><a>&c1;</a>"),
        ("outside.xml", "<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/hostname'>]><a>&b;</a>"),
        ("odd.eml", "Subject: =?utf-8?b?////?=\nContent-Type: multipart/mixed\n\n--"),
        ("odd.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY"),
        ("odd.csv", '"' + "x" * 2_000_000),
        ("odd.rtf", "{\\rtf1" + "{" * 50_000),
        ("odd.md", "#" * 100_000 + "\n" + "|" * 100_000),
        ("odd.rst", "=" * 100_000 + "\n" + "=" * 100_000),
    ],
)  # fmt: skip
def test_hostile_text_ends_in_words(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    reader = extractor(tmp_path, silence=20.0)
    try:
        text, _ = read_all(reader, tmp_path / name)
        assert (name == "outside.xml") <= ("/" not in text and len(text) < 200)
    except (DocumentUnreadable, DocumentTooLarge) as error:
        assert "crashed" not in str(error)
    reader.close()


def test_a_file_longer_than_is_read_says_how_much_was(tmp_path):
    (tmp_path / "long.txt").write_text("word " * 40 + "\n\n" + "more " * 4_000_000)
    text, document = read_all(reader := extractor(tmp_path), tmp_path / "long.txt")
    assert 15_999_000 < len(text) < 16_000_100
    assert document.note == "The document is long: only the first 16,000,000 characters were read."
    reader.close()


def test_a_worker_that_cannot_start_is_no_files_fault(tmp_path):
    reader = Extractor(lambda: worker_saying("raise SystemExit(3)", tmp_path))
    with pytest.raises(WorkerStopped):
        read_all(reader, tmp_path / "a.md")
    reader.close()


def test_a_stop_in_the_middle_of_something_long_is_no_fault_of_the_file(tmp_path):
    reader, stop = doomed(tmp_path, "time.sleep(600)"), Stop()
    timer = threading.Timer(1.0, stop.set)
    timer.start()
    assert list(reader.read(tmp_path / "a.md", stop=stop)) == []
    reader.close()


def test_what_a_dead_process_left_in_its_workplace_goes(tmp_path):
    desk = tmp_path / "desk"
    reader = Extractor(lambda: worker_saying(_SPEAKING.format("open('left', 'w').write(path); os.abort()"), desk), desk)
    with pytest.raises(DocumentUnreadable):
        read_all(reader, tmp_path / "a.md")
    assert [path.name for path in desk.iterdir()] == ["left"]
    reader.close()
    assert list(desk.iterdir()) == []


def test_a_file_that_was_saved_by_putting_a_new_one_in_its_place_is_read_by_a_new_process(tmp_path):
    """Landlock knows files, not names: the process that was given the old one may not open the new one."""
    letter, desk = tmp_path / "a.txt", tmp_path / "desk"
    letter.write_text("old words")
    reader = Extractor(lambda: spawn(worker_command("extract", *reading(str(letter))), desk), desk)
    assert read_all(reader, letter)[0].strip() == "old words"
    (tmp_path / "new").write_text("new words")
    (tmp_path / "new").replace(letter)
    assert read_all(reader, letter)[0].strip() == "new words"
    (tmp_path / "b.txt").write_text("somebody else's")
    with pytest.raises(DocumentGone):
        read_all(reader, tmp_path / "b.txt")
    reader.close()


def test_a_viewer_says_when_there_are_no_pages_and_ends_with_its_window(tmp_path):
    (tmp_path / "a.md").write_text("# Boat")
    screen = viewer(tmp_path)
    with pytest.raises(DocumentUnsupported, match="no pages"):
        screen.sizes(tmp_path / "a.md")
    a_pdf(tmp_path / "a.pdf", "The hull is blue.", "The sail is red.")
    assert screen.sizes(tmp_path / "a.pdf") == ((612.0, 792.0), (612.0, 792.0))
    page = screen.page(tmp_path / "a.pdf", 2, 300, "sail is red")
    assert (page.width, len(page.rgb), len(page.boxes)) == (300, 300 * page.height * 3, 1)
    assert screen.find(tmp_path / "a.pdf", 2, "sail is red") == ()
    screen.close()


def test_a_page_that_hangs_its_painter_is_given_up_and_the_next_is_shown_while_a_file_is_read(tmp_path):
    """The painter is another process than the reader, which is deep in a file that does not end."""
    code = (
        "import time\n"
        "from freehold.processes.worker import serve\n"
        "def page(path: str, number: int, width: int, passage: str, password: str | None) -> dict:\n"
        "    time.sleep(600 if number == 1 else 0)\n"
        "    return {'width': 1, 'height': 1, 'rgb': 'AAAA', 'boxes': [[0.1, 0.2, 0.3, 0.4]]}\n"
        "def ready() -> None: ...\n"
        "serve('extract', {'document.ready': ready, 'document.page': page})"
    )
    reader, stop = doomed(tmp_path, "time.sleep(600)"), Stop()
    reading_on = threading.Thread(target=lambda: list(reader.read(tmp_path / "a.md", stop=stop)))
    reading_on.start()
    screen = Viewer(lambda _: worker_saying(code, tmp_path), silence=1.0)
    with pytest.raises(DocumentTooLarge, match="too long"):
        screen.page(tmp_path / "a.pdf", 1, 100)
    assert screen.page(tmp_path / "a.pdf", 2, 100) == PagePicture(1, 1, bytes(3), (Box(0.1, 0.2, 0.3, 0.4),))
    assert reading_on.is_alive()
    stop.set()
    reading_on.join()
    screen.close()
    reader.close()
