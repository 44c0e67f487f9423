"""What the chat promises, proved from outside on the real program: no network needed, no word on disk in the clear."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

SECRET = "vermilion-otter-9471"
ENVIRONMENT = {**os.environ, "FREEHOLD_PASSPHRASE": "four quiet river stones", "PYTHONUTF8": "1"}


def run(command: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**ENVIRONMENT, **environment}, capture_output=True, text=True, timeout=250, check=False
    )


def freehold(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "freehold", "--home", str(home), *arguments]


def no_network() -> list[str]:
    """A command prefix for a network namespace in which not even the loopback interface is up, or a skip in words."""
    prefix = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") is None or run([*prefix, "true"]).returncode:
        pytest.skip("this system lets nobody make a network namespace")
    return prefix


def files_with(secret: str, folder: Path) -> list[str]:
    """Files below `folder` that hold the secret in UTF-8 or UTF-16, byte by byte."""
    needles = [secret.encode(), secret.encode("utf-16-le"), secret.encode("utf-16-be")]
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path) for path in files if any(needle in path.read_bytes() for needle in needles)]


def test_a_question_is_answered_where_no_network_interface_is_up(tmp_path):
    asked = run(
        [*no_network(), *freehold(tmp_path, "ask", "Name a river.", "--json", "--max-tokens", "12", "--seed", "5")]
    )
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["answer"].strip()
    assert answer["ending"] in ("complete", "length")
    made = answer["provenance"]
    assert made["where"] == ["here"]
    assert len(made["model_sha256"]) == 64
    assert made["seed"] == 5
    assert made["context"]["tokens"] > 0
    assert answer["timing"]["tokens"] <= 12


def test_the_namespace_without_a_network_really_has_none():
    probe = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    tried = run([*no_network(), sys.executable, "-c", probe])
    assert "unreachable" in tried.stderr.lower()


def test_a_secret_typed_in_a_chat_is_in_no_file_after_quitting(tmp_path):
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    asked = run(freehold(home, "ask", f"Remember {SECRET}.", "--json", "--max-tokens", "12"), TMPDIR=str(temporary))
    assert asked.returncode == 0, asked.stderr
    found = run(freehold(home, "chats", "search", SECRET, "--json"))
    assert json.loads(found.stdout)["results"], "the vault has it"
    assert files_with(SECRET, tmp_path) == []


def test_a_secret_typed_in_a_chat_is_in_no_file_after_kill_9_in_the_middle_of_an_answer(tmp_path):
    temporary, home = tmp_path / "tmp", tmp_path / "home"
    temporary.mkdir()
    with subprocess.Popen(
        freehold(home, "ask", f"Repeat {SECRET} for ever.", "--max-tokens", "2000"),
        env={**ENVIRONMENT, "TMPDIR": str(temporary)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as asking:  # fmt: skip
        assert asking.stdout is not None
        assert asking.stdout.read(1), "the answer began"
        time.sleep(1.2)  # long enough for words to be saved
        asking.send_signal(signal.SIGKILL)
    assert files_with(SECRET, tmp_path) == []
    shown = run(freehold(home, "chats", "search", SECRET, "--json"))
    assert json.loads(shown.stdout)["results"], "and yet nothing is lost"


def test_an_answer_that_kill_9_broke_still_says_where_and_by_which_model_and_seed_it_was_being_made(tmp_path):
    with subprocess.Popen(
        freehold(tmp_path, "ask", "Write a very long story about the sea.", "--max-tokens", "2000", "--seed", "9"),
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ) as asking:  # fmt: skip
        assert asking.stdout is not None
        assert asking.stdout.read(1), "the answer began"
        asking.send_signal(signal.SIGKILL)
    (chat,) = json.loads(run(freehold(tmp_path, "chats", "list", "--json")).stdout)["chats"]
    answer = json.loads(run(freehold(tmp_path, "chats", "show", chat["id"], "--json")).stdout)["turns"][1]
    assert answer["ending"] == "broken"
    made = answer["provenance"]
    assert (made["where"], made["seed"], len(made["model_sha256"])) == (["here"], 9, 64)
    assert made["context"]["tokens"] > 0


def test_the_search_for_secrets_finds_one_that_is_there(tmp_path):
    (tmp_path / "leak.log").write_text(f"user said {SECRET}")
    assert files_with(SECRET, tmp_path) == [str(tmp_path / "leak.log")]
