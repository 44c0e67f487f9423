"""Text recognition and old office files, by engines in the very box of the extract process."""

from __future__ import annotations

import importlib.util
import sys

import pytest

from freehold.library.errors import DocumentUnsupported
from freehold.library.extract.client import Extractor, Viewer
from freehold.processes.boxes import reading
from freehold.processes.spawn import spawn, worker_command
from support.libraries import drawn, read_all, scanned, worker_saying

WORDS = "The harbour master keeps\nthe keys of the old boat."

# As on a machine that has neither engine nor LibreOffice.
_BARE = """
import ctypes, sys
sys.modules["rapidocr"] = None
load = ctypes.CDLL
def refuse(name, *args, **more):
    if name is not None and ("tesseract" in str(name) or "office" in str(name)):
        raise OSError(name)
    return load(name, *args, **more)
ctypes.CDLL = refuse
from freehold.library.extract.worker import serve_extract
serve_extract()
"""


@pytest.fixture
def boxed(tmp_path):
    """An extractor and a viewer as the app has them, that may read the papers and nothing else."""
    papers, desk = tmp_path / "papers", tmp_path / "desk"
    papers.mkdir()

    def start():
        return spawn(worker_command("extract", *reading(str(papers))), desk)

    both = Extractor(start, desk), Viewer(lambda _: start(), desk)
    yield papers, *both
    for one in both:
        one.close()
    assert list(desk.iterdir()) == []


needs_engine = pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="rapidocr is not installed here")


@needs_engine
def test_a_picture_is_read_and_its_passage_found_again(boxed):
    papers, extractor, viewer = boxed
    text, document = read_all(extractor, drawn(papers / "a.png", WORDS))
    assert " ".join(text.split()) == " ".join(WORDS.split())
    assert document.pages == 1
    assert viewer.page(papers / "a.png", 1, 500, text).boxes == ()
    boxes = viewer.find(papers / "a.png", 1, "the keys of the old boat")
    assert len(boxes) == 1 and 0.07 < boxes[0].left < 0.1 and 0.08 < boxes[0].top < boxes[0].bottom < 0.15


@needs_engine
def test_only_pages_without_text_are_recognised_and_each_keeps_its_number(boxed):
    papers, extractor, _ = boxed
    parts = extractor.read(scanned(papers / "a.pdf", "first page here", "second page here"))
    assert [(chunk.text.strip(), chunk.page) for part in parts for chunk in part] == [
        ("first page here", 1), ("second page here", 2),
    ]  # fmt: skip


@needs_engine
def test_each_page_of_a_scan_in_one_file_is_read(boxed):
    papers, extractor, viewer = boxed
    text, document = read_all(extractor, scanned(papers / "a.tiff", "first page here", "second page here"))
    assert "first page here" in text and "second page here" in text and document.pages == 2
    assert len(viewer.sizes(papers / "a.tiff")) == 2


def test_tesseract_reads_where_it_is_the_only_engine(tmp_path):
    code = "import sys; sys.modules['rapidocr'] = None\n" + _BARE.rpartition("= refuse\n")[2]
    extractor = Extractor(lambda: worker_saying(code, tmp_path))
    try:
        text, _ = read_all(extractor, drawn(tmp_path / "a.png", WORDS))
    except DocumentUnsupported:
        pytest.skip("Tesseract is not installed here")
    finally:
        extractor.close()
    assert " ".join(text.split()) == " ".join(WORDS.split())


def test_without_an_engine_a_picture_says_what_to_install(tmp_path):
    extractor = Extractor(lambda: worker_saying(_BARE, tmp_path))
    with pytest.raises(DocumentUnsupported) as told:
        read_all(extractor, drawn(tmp_path / "a.png", WORDS))
    assert "freehold[ocr]" in told.value.next_step and "Tesseract" in told.value.next_step
    _, document = read_all(extractor, scanned(tmp_path / "a.pdf", WORDS))
    assert "1 page" in document.note and "freehold[ocr]" in document.note
    extractor.close()


def test_without_libreoffice_an_old_file_says_what_to_install(tmp_path):
    (tmp_path / "a.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    extractor = Extractor(lambda: worker_saying(_BARE, tmp_path))
    with pytest.raises(DocumentUnsupported, match="before 2007") as told:
        read_all(extractor, tmp_path / "a.doc")
    assert "Install LibreOffice" in told.value.next_step
    extractor.close()


@pytest.fixture
def old_files(tmp_path):
    """A letter and a show, brought to the old formats by the LibreOffice that is here."""
    import docx
    import pptx

    letter = docx.Document()
    letter.add_paragraph("The hull is blue.")
    letter.save(str(tmp_path / "a.docx"))
    show = pptx.Presentation()
    show.slides.add_slide(show.slide_layouts[0]).shapes.title.text = "The sail is red."
    show.save(str(tmp_path / "a.pptx"))
    (tmp_path / "making").mkdir()
    code = f"""
import os, tempfile
from pathlib import Path
from freehold.library.extract.office import _office
office, here = _office(), Path({str(tmp_path)!r})
for new, old in (("docx", "doc"), ("pptx", "ppt")):
    if office is not None:
        office.convert(here / f"a.{{new}}", here / f"a.{{old}}", old)
os._exit(0)
"""
    worker_saying(code, tmp_path / "making").communicate(timeout=120)
    if not (tmp_path / "a.ppt").exists():
        pytest.skip("LibreOffice is not installed here")
    return tmp_path


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the box is Linux's")
def test_old_office_files_are_read_by_a_libreoffice_in_the_box(boxed, old_files):
    papers, extractor, _ = boxed
    for name, words in (("a.doc", "The hull is blue."), ("a.ppt", "The sail is red.")):
        old = (old_files / name).rename(papers / name)
        assert read_all(extractor, old)[0].strip() == words
    (papers / "broken.doc").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(6000))
    with pytest.raises(Exception, match="cannot open it"):
        read_all(extractor, papers / "broken.doc")
