"""A command on a profile that another process holds is run by that process, for the caller."""

import os
import threading

import pytest

from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.processes.holder import Holder, ask_holder
from freehold.terminal import main
from freehold.terminal.main import run
from freehold.terminal.served import served_commands
from support.answering import ScriptedEngine
from support.terminals import PASSPHRASE, House, MemoryVault

pytestmark = pytest.mark.skipif(os.name != "posix", reason="commands are served over Unix sockets")


@pytest.fixture
def held(tmp_path):
    """A fake household that holds its profile and serves; `held(**parts)` makes it."""
    holders = []

    def make(**parts):
        house = House(Profile(tmp_path / "home"), **parts)
        house.profile.prepare()
        household = house.build(house.profile)
        household.holder.claim()
        household.holder.serve(served_commands(household))
        holders.append(household.holder)
        return house

    yield make
    for holder in holders:
        holder.release()


@pytest.fixture
def command(tmp_path, capsys, monkeypatch):
    """Runs a real command line in this process; its own household must never be touched."""
    monkeypatch.delenv("FREEHOLD_PASSPHRASE", raising=False)
    monkeypatch.chdir(tmp_path)

    def go(*argv, **environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        own = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
        code = run(["--home", str(tmp_path / "home"), *argv], own.build)
        assert own.vault.tried == []
        said = capsys.readouterr()
        return code, said.out, said.err

    return go


def test_a_question_is_asked_in_the_process_that_holds_the_profile(held, command):
    house = held()
    code, out, err = command("ask", "Hello")
    assert (code, out) == (0, "Good day.\n")
    assert "made here by Tiny" in err
    assert house.conversations.all_turns["t0"].text == "Hello"


def test_json_comes_whole_and_alone(held, command):
    held()
    code, out, _ = command("ask", "Hello", "--json")
    assert (code, out.count("\n")) == (0, 1)
    assert '"answer": "Good day."' in out


def test_failures_keep_their_codes_and_exit_codes(held, command):
    held()
    code, out, _ = command("chats", "show", "ffff", "--json")
    assert code == 3
    assert '"code": "not-found"' in out
    assert command("ask", "x", "--max-tokens", "0")[0] == 2


def test_standard_input_is_passed_on(held, command, monkeypatch, tmp_path):
    house = held()
    (tmp_path / "question").write_text("from a pipe")
    with (tmp_path / "question").open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert command("ask", "-")[0] == 0
    assert house.conversations.all_turns["t0"].text == "from a pipe"


def test_relative_paths_count_from_the_callers_folder(held, command, tmp_path):
    house = held()
    (tmp_path / "mine.gguf").write_bytes(b"GGUF")
    assert command("models", "import", "mine.gguf")[0] == 0
    assert "mine" in house.models.all


def test_a_locked_vault_is_opened_only_by_unlock(held, command):
    house = held(vault=MemoryVault("locked"))
    code, out, _ = command("chats", "list", "--json", FREEHOLD_PASSPHRASE=PASSPHRASE)
    assert code == 3
    assert '"code": "vault-locked"' in out
    assert house.vault.state == "locked"
    assert command("vault", "unlock", "--json")[0] == 0
    assert house.vault.state == "open"
    assert command("chats", "list", "--json")[0] == 0
    assert '"state": "locked"' in command("vault", "lock", "--json")[1]
    assert house.vault.state == "locked"


def test_unlocking_without_a_passphrase_asks_the_callers_terminal(held, command, monkeypatch):
    house = held(vault=MemoryVault("locked"))
    assert command("vault", "unlock", "--json")[0] == 3
    asked = []

    def prompt(name, words):
        asked.append(words)
        return PASSPHRASE

    monkeypatch.setattr("freehold.terminal.passphrases.terminal_prompt", lambda: prompt)
    assert command("vault", "unlock")[0] == 0
    assert asked == ["Passphrase or recovery code:"]
    assert house.vault.state == "open"


def test_a_new_passphrase_is_typed_twice_at_the_callers_terminal(held, command, monkeypatch):
    house = held()
    typed = ["new one", "new one"]
    monkeypatch.setattr("freehold.terminal.passphrases.terminal_prompt", lambda: lambda *_: typed.pop(0))
    assert command("vault", "passphrase")[0] == 0
    assert house.vault.passphrase == "new one"


def test_a_vault_that_is_not_made_yet_is_not_made_for_a_caller(held, command):
    house = held(vault=MemoryVault("new"))
    code, out, _ = command("chats", "list", "--json", FREEHOLD_PASSPHRASE=PASSPHRASE)
    assert code == 3
    assert '"code": "vault-missing"' in out
    assert house.vault.state == "new"


def test_a_second_chat_is_refused_in_words(held, command):
    held()
    code, _, err = command("chat")
    assert code == 3
    assert "Another Freehold is using this profile" in err


def test_a_caller_that_wishes_to_stop_stops_the_answer_there(held, tmp_path):
    stop = Stop()

    class Slow(ScriptedEngine):
        def generate(self, prompt, sampling, their_stop, chat=""):
            steps = super().generate(prompt, sampling, their_stop, chat)
            while True:
                try:
                    yield next(steps)
                except StopIteration as end:
                    return end.value
                their_stop.wait(0.05)

    house = held(engine=Slow(*(["word "] * 200)))
    request = {"argv": ["ask", "count"], "cwd": str(tmp_path), "json": True}
    frames = []
    for frame in ask_holder(house.profile, request, stop):
        frames.append(frame)
        stop.set()
    assert frames[-1] == {"exit": 130}
    assert '"ending": "stopped"' in "".join(frame.get("out", "") for frame in frames)


def test_several_callers_are_served_at_once(held, tmp_path):
    house = held()
    codes = []

    def go(number):
        request = {"argv": ["ask", f"question {number}"], "cwd": str(tmp_path), "json": True}
        codes.append(list(ask_holder(house.profile, request, Stop()))[-1])

    threads = [threading.Thread(target=go, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [{"exit": 0}] * 4


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"argv": "ask x", "cwd": "/"},
        {"argv": [1], "cwd": "/"},
        {"argv": ["ask", "x"]},
        {"argv": ["--self-test"], "cwd": "/"},
        {"argv": ["doctor"], "cwd": "/", "out": {"columns": "many"}},
    ],
)
def test_requests_that_make_no_sense_are_refused(held, request_):
    house = held()
    last = list(ask_holder(house.profile, request_, Stop()))[-1]
    assert last["exit"] in (2, 3)


def test_a_command_waits_for_another_one_that_serves_nobody(tmp_path, command, monkeypatch):
    monkeypatch.setenv("FREEHOLD_PASSPHRASE", "")
    house = House(Profile(tmp_path / "home"))
    house.profile.prepare()
    other = Holder(house.profile)
    other.claim()
    told = []

    def release_when_told(text):
        told.append(text)
        other.release()

    monkeypatch.setattr("sys.stderr.write", release_when_told)
    code, out, _ = command("vault", "status")
    assert code == 0
    assert told == ["Another command is using this profile; waiting for it.\n"]
    assert "The vault is locked" in out


def test_a_command_that_waited_in_vain_says_so(tmp_path, command, monkeypatch):
    monkeypatch.setattr(main, "_TURN_SECONDS", 0.2)
    house = House(Profile(tmp_path / "home"))
    house.profile.prepare()
    other = Holder(house.profile)
    other.claim()
    try:
        code, out, _ = command("chats", "list", "--json")
    finally:
        other.release()
    assert code == 3
    assert '"code": "profile-busy"' in out
