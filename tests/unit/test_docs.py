"""The documents that derive from code say what the code says, and links between documents lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from freehold.foundation.promises import PROMISES

TOP = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([TOP / "README.md", *(TOP / "docs").rglob("*.md")])


def test_errors_settings_and_promises_are_described_as_they_are():
    script = TOP / "packaging" / "write_docs.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_every_promise_has_its_proof_or_says_what_is_missing(promise):
    assert promise.tests or promise.missing
    assert [test for test in promise.tests if not (TOP / test).is_file()] == []
    script = re.match(r"python (\S+)", promise.command)
    assert script is None or (TOP / script[1]).is_file()


def test_the_errors_that_scripts_were_promised_exist():
    promised = (
        "vault-locked vault-wrong-passphrase vault-needs-passphrase vault-newer vault-damaged profile-busy "
        "model-missing model-malformed model-too-large engine-stopped disk-full offline download-failed "
        "digest-mismatch"
    )
    page = (TOP / "docs" / "errors.md").read_text(encoding="utf-8")
    assert set(promised.split()) <= set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(TOP).as_posix())
def test_links_and_pictures_inside_the_documents_lead_to_files(document):
    assert [path for path, _ in links(document) if not path.exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(TOP).as_posix())
def test_links_into_a_document_lead_to_a_heading(document):
    missing = [heading for path, heading in links(document) if heading and heading not in headings(path)]
    assert missing == []


def test_every_document_can_be_reached_from_the_readme():
    reached, ahead = set(), [TOP / "README.md"]
    while ahead:
        document = ahead.pop()
        if document not in reached:
            reached.add(document)
            ahead += [path for path, _ in links(document) if path.suffix == ".md"]
    records = (TOP / "docs" / "decisions").glob("*.md")  # the folder is linked as a whole
    assert set(DOCUMENTS) - reached - set(records) == set()


def links(document):
    """Where a document leads inside this repository: files, each with a heading or ""."""
    targets = re.findall(r"\]\(([^)\s]+)[^)]*\)", without_blocks(document))
    inside = [target.partition("#") for target in targets if "://" not in target]
    return [((document.parent / path).resolve() if path else document, heading) for path, _, heading in inside]


def headings(document):
    """The headings of a document as links name them."""
    titles = re.findall(r"^#+ (.+)$", without_blocks(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def without_blocks(document):
    return re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(TOP).as_posix())
def test_the_documents_use_plain_characters(document):
    text = document.read_text(encoding="utf-8")
    assert "\u2014" not in text
    assert not re.search("[\U0001f300-\U0001faff]", text)


@pytest.mark.parametrize("marker", ["run", "test"])
def test_the_readme_s_two_commands_are_one_line_each(marker):
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(rf"<!-- {marker} -->\n```\w*\n(.*?)```", readme, re.DOTALL)
    assert len(blocks) == 1
    assert len(blocks[0].splitlines()) == 1


@pytest.mark.parametrize("record", sorted((TOP / "docs" / "decisions").glob("*.md")), ids=lambda path: path.stem)
def test_every_decision_says_what_follows_from_it_and_what_was_refused(record):
    text = record.read_text(encoding="utf-8")
    assert re.match(r"# \d{4}: .+\n", text)
    assert text.startswith(f"# {record.stem[:4]}: ")
    for heading in ("## Decision", "## Consequences", "## Refused"):
        assert heading in text


def test_each_decision_has_a_number_of_its_own():
    numbers = [int(path.stem[:4]) for path in sorted((TOP / "docs" / "decisions").glob("*.md"))]
    assert len(numbers) == len(set(numbers))
