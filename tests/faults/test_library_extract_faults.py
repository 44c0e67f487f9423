"""A bad file costs one process: never a hang, never the app, never the next file."""

from __future__ import annotations

import pytest

from freehold.foundation.errors import WorkerStopped
from freehold.library.errors import DocumentGone, DocumentTooLarge, DocumentUnreadable
from freehold.library.extract.client import Extractor
from support.libraries import extractor, worker_saying

_SPEAKING = (
    "import os, sys, time\n"
    "from freehold.processes.worker import serve\n"
    "def read(path: str, password: str | None, unless: str) -> None:\n"
    "    {0}\n"
    "def ready() -> None: ...\n"
    "serve('extract', {{'document.ready': ready, 'document.read': read}})"
)


def read_all(reader, path):
    parts, texts = reader.read(path), []
    while True:
        try:
            texts.extend(chunk.text for chunk in next(parts))
        except StopIteration as end:
            return "".join(texts), end.value


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
    assert document.note == "only the first 16,000,000 characters were read"
    reader.close()


def test_a_worker_that_cannot_start_is_no_files_fault(tmp_path):
    reader = Extractor(lambda: worker_saying("raise SystemExit(3)", tmp_path))
    with pytest.raises(WorkerStopped):
        read_all(reader, tmp_path / "a.md")
    reader.close()
