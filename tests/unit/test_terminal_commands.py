"""What each command says to people and to programs, and with which exit code it leaves."""

import hashlib
import json
import re
import sys

import pytest

from freehold.chats.values import Ending
from freehold.foundation.errors import EngineStopped
from freehold.foundation.paths import Profile
from freehold.network.values import Connection
from freehold.processes.boxes import LAYERS, Boxed
from freehold.terminal.doctor import _in_words
from freehold.terminal.output import Screen
from support.answering import OnePeer, ScriptedEngine
from support.terminals import CODE, PASSPHRASE, House, MemoryVault, Terminal


@pytest.fixture
def house(tmp_path):
    return House(Profile(tmp_path / "home"))


@pytest.fixture
def terminal(house, tmp_path):
    return Terminal(house, tmp_path)


def house_of(tmp_path, *words):
    return House(Profile(tmp_path / "home"), engine=ScriptedEngine(*words))


def seen(text):
    """What is left of `text` on a screen: no codes, lines joined."""
    return " ".join(re.sub("\x1b\\[[0-9;?]*[a-zA-Z]", "", text).split())


def test_ask_prints_the_answer_and_below_it_where_it_was_made(terminal):
    said = terminal.run("ask", "Hello")
    assert (said.code, said.out) == (0, "Good day.\n")
    assert "made here by Tiny (aaaaaaaaaaaa)" in said.err
    assert "saw everything" in said.err


def test_ask_as_json_is_one_document_with_its_full_provenance(terminal):
    said = terminal.run("ask", "Hello", "--seed", "7", "--temperature", "0", "--max-tokens", "9", "--json")
    document = said.json
    assert said.code == 0
    assert list(document) == [
        "chat", "turn", "answer", "grounded", "ending", "citations", "nearest", "provenance", "timing",
    ]  # fmt: skip
    assert (document["answer"], document["ending"], document["grounded"]) == ("Good day.", "complete", None)
    made = document["provenance"]
    assert (made["where"], made["model"], made["model_sha256"], made["seed"]) == (["here"], "Tiny", "aa" * 32, 7)
    assert made["context"] == {"tokens": 4, "limit": 100, "dropped_turns": 0, "passages": 0}
    assert (made["sampler"]["temperature"], made["sampler"]["max_tokens"]) == (0.0, 9)
    assert document["timing"]["tokens"] == 2


def test_ask_goes_on_with_a_chat_named_by_the_beginning_of_its_id(terminal, house):
    first = terminal.run("ask", "Hello", "--json").json
    second = terminal.run("ask", "And you?", "--chat", first["chat"][:31], "--json").json
    assert second["chat"] == first["chat"]
    assert len(house.conversations.branch(first["chat"])) == 4


def test_an_answer_broken_half_way_exits_3_with_the_partial_answer_beside_the_error(tmp_path):
    said = Terminal(house_of(tmp_path, "Hel", EngineStopped("killed")), tmp_path).run("ask", "hi", "--json")
    assert said.code == 3
    assert (said.json["answer"], said.json["ending"]) == ("Hel", "broken")
    assert said.json["error"]["code"] == "engine-stopped"


def test_an_interrupted_answer_is_kept_and_exits_130(tmp_path):
    house = house_of(tmp_path, "One ", "two ")
    terminal = Terminal(house, tmp_path)
    terminal.stop.set()
    said = terminal.run("ask", "count", "--json")
    assert (said.code, said.json["ending"]) == (130, "stopped")
    assert house.conversations.all_turns["t1"].ending is Ending.STOPPED


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("ask", "x", "--where", "peer"), "offload-off"),
        (("ask", "x", "--collection", "taxes"), "library-not-found"),
        (("ask", "x", "--model", "gone"), "model-missing"),
        (("ask", "x", "--model", "big-7b"), "model-missing"),
        (("ask", "x", "--chat", "ffff"), "not-found"),
        (("chats", "show", "ffff"), "not-found"),
        (("models", "use", "gone"), "model-missing"),
        (("models", "inspect", "missing.gguf"), "model-malformed"),
    ],
)
def test_known_failures_exit_3_with_a_stable_code_and_save_no_question(terminal, house, argv, code):
    said = terminal.run(*argv, "--json")
    assert (said.code, said.error) == (3, code)
    assert set(said.json["error"]) == {"code", "title", "advice", "detail"}
    assert house.conversations.all_turns == {}


@pytest.mark.parametrize(
    "argv",
    [
        ("ask",),
        ("ask", ""),
        ("ask", "x", "--max-tokens", "0"),
        ("ask", "x", "--temperature", "9"),
        ("ask", "x", "--where", "mars"),
        ("ask", "x", "--bogus"),
        ("asq", "x"),
        ("chats",),
        ("chats", "export", "a", "b", "c"),
        ("ledger", "--since", "yesterday"),
    ],
)
def test_wrong_usage_exits_2_in_words_and_in_json(terminal, argv):
    said = terminal.run(*argv)
    assert (said.code, said.out) == (2, "")
    assert "--help" in said.err or "write 2h" in said.err
    assert terminal.run(*argv, "--json").error == "usage"


def test_a_failure_is_told_in_words_with_the_next_step(terminal):
    said = terminal.run("ask", "x", "--where", "peer")
    assert (said.code, said.out) == (3, "")
    assert said.err.splitlines()[-1] == (
        "Ask with `--where here`, or leave --where out. `freehold peers offload on` lets paired devices answer."
    )


def test_a_question_may_be_answered_by_a_paired_device_and_both_makers_are_named(terminal, house):
    house.peers = OnePeer()
    said = terminal.run("ask", "Hello", "--where", "peer", "--json")
    made = said.json["provenance"]
    assert (said.code, said.json["answer"]) == (0, "Good day.")
    assert (made["where"], made["jobs"], made["data_class"]) == (["Desk", "here"], ["j1"], "words")
    aloud = terminal.run("ask", "Hello", "--where", "peer")
    assert "made by Desk, here by Tiny" in seen(aloud.err)


def test_a_preview_shows_all_that_would_be_read_and_saves_nothing(terminal, house):
    house.peers = OnePeer()
    said = terminal.run("ask", "Hello there", "--where", "peer", "--preview", "--json")
    assert said.json == {
        "where": ["Desk"], "why": "You chose Desk.", "data_class": "words",
        "messages": [{"role": "user", "text": "Hello there"}], "tokens": 5, "bytes": 11,
    }  # fmt: skip
    aloud = terminal.run("ask", "Hello there", "--where", "peer", "--preview")
    assert seen(aloud.err).endswith(
        "Desk would read this and nothing else (5 tokens, 11 bytes: words alone). You chose Desk."
    )
    assert aloud.out == "\n[user]\nHello there\n"
    assert house.conversations.all_turns == {}
    assert house.conversations.chats == {}


def test_a_preview_of_what_stays_says_so(terminal):
    said = terminal.run("ask", "Hello", "--preview")
    assert (said.code, said.out) == (0, "")
    assert "Nothing of it would leave." in said.err


def test_a_bug_exits_1_and_quotes_nothing_the_owner_wrote(terminal, house):
    def broken(*_):
        raise RuntimeError("secret words")

    house.conversations.search = broken
    said = terminal.run("chats", "search", "secret words", "--json")
    assert (said.code, said.error) == (1, "bug")
    assert "secret" not in said.out
    assert "RuntimeError at test_terminal_commands.py" in said.json["error"]["detail"]


def test_a_question_can_come_from_standard_input(terminal, house):
    assert terminal.run("ask", "-", input="What is on\nthis list?\n").code == 0
    assert house.conversations.all_turns["t0"].text == "What is on\nthis list?\n"


def test_hidden_characters_of_an_answer_are_shown_instead_of_obeyed(tmp_path):
    said = Terminal(house_of(tmp_path, "a\x1b[2Jb", "\u202ec"), tmp_path).run("ask", "x")
    assert said.out == "a[U+001B][2Jb[U+202E]c\n"


def test_hidden_characters_stay_exact_in_json_but_are_written_as_escapes(tmp_path):
    said = Terminal(house_of(tmp_path, "a\x9b\u202eé"), tmp_path).run("ask", "x", "--json")
    assert said.json["answer"] == "a\x9b\u202eé"
    assert "\\u009b\\u202eé" in said.out


def test_thinking_is_left_out_of_a_piped_answer(tmp_path):
    house = house_of(tmp_path, "<thi", "nk>hm", " hm</th", "ink>\n\nYes", ".")
    terminal = Terminal(house, tmp_path)
    assert terminal.run("ask", "x").out == "Yes.\n"
    assert terminal.run("ask", "x", "--json").json["answer"] == "Yes."


def test_an_answer_that_only_looks_like_thinking_is_shown_whole(tmp_path):
    assert Terminal(house_of(tmp_path, "<th", "e end>"), tmp_path).run("ask", "x").out == "<the end>\n"


def test_on_a_terminal_thinking_is_muted_and_what_was_left_out_is_told(tmp_path):
    house = house_of(tmp_path, "<think>hm</think>", "Yes.")
    house.engine.limit = 40
    terminal = Terminal(house, tmp_path)
    chat = terminal.run("ask", "word " * 20, "--max-tokens", "4", "--json").json["chat"]
    terminal.screen = Screen(is_terminal=True, moves=True, colour=True, columns=60)
    said = terminal.run("ask", "word " * 20, "--chat", chat, "--max-tokens", "4")
    assert "\x1b[2mhm\x1b[0m" in said.out
    assert said.out.endswith("Yes.\n")
    assert "the oldest 2 turns were left out" in seen(said.err)


def test_chats_are_listed_shown_searched_renamed_and_deleted(terminal, house):
    chat = terminal.run("ask", "How loud is a heat pump?", "--json").json["chat"]
    listed = terminal.run("chats", "list", "--json").json["chats"]
    assert listed == [{"id": chat, "title": "How loud is a heat pump?", "turns": 2, "updated": 1_700_000_000.0}]

    shown = terminal.run("chats", "show", chat, "--json").json
    assert (shown["id"], shown["title"]) == (chat, "How loud is a heat pump?")
    assert [turn["role"] for turn in shown["turns"]] == ["user", "assistant"]
    assert set(shown["turns"][1]) == {"id", "parent", "role", "text", "ending", "provenance"}

    found = terminal.run("chats", "search", "heat pump", "--json").json["results"]
    assert found == [{"chat": chat, "turn": "t0", "role": "user", "text": "How loud is a heat pump?"}]
    assert "heat pump" in terminal.run("chats", "search", "heat pump").out

    assert terminal.run("chats", "rename", chat, "Heating").code == 0
    assert house.conversations.chats[chat].title == "Heating"
    assert terminal.run("chats", "delete", chat, "--json").json == {"deleted": chat, "forever": False}
    assert house.conversations.trash == [chat]
    assert terminal.run("chats", "delete", chat, "--forever").code == 0
    assert house.conversations.chats == {}


def test_a_shown_chat_has_its_markdown_drawn_for_people(tmp_path):
    terminal = Terminal(house_of(tmp_path, "**Yes**\n\n- one\n- two"), tmp_path)
    chat = terminal.run("ask", "x", "--json").json["chat"]
    said = terminal.run("chats", "show", chat)
    assert "**" not in said.out
    assert "Yes" in said.out


def test_nothing_yet_is_said_in_words(terminal):
    assert terminal.run("chats", "list").out == "There are no chats yet.\n"
    assert terminal.run("chats", "search", "x").out == "Nothing was found.\n"
    assert terminal.run("ledger").out == "No connections yet.\n"


def test_models_are_listed_while_the_vault_is_locked_and_nothing_is_opened(terminal, house):
    house.vault.state = "locked"
    models = terminal.run("models", "list", "--json").json["models"]
    assert set(models[0]) == {
        "id", "name", "bytes", "quantisation", "context", "licence", "sha256", "state", "fit", "in_use",
    }  # fmt: skip
    assert [(model["id"], model["in_use"]) for model in models] == [("tiny", True), ("big-7b", False)]
    assert house.vault.state == "locked"


def test_a_download_shows_its_progress_on_stderr_and_its_model_on_stdout(terminal):
    said = terminal.run("models", "get", "big-7b", "--json")
    assert (said.code, said.json["state"]) == (0, "here")
    assert said.err.splitlines() == ["Downloading big-7b 25 %", "Downloading big-7b 100 %"]


def test_a_download_that_is_interrupted_exits_130_and_does_not_go_on_by_itself(terminal, house):
    terminal.stop.set()
    said = terminal.run("models", "get", "big-7b", "--json")
    assert (said.code, said.error) == (130, "interrupted")
    assert house.models.paused == ["big-7b"]


def test_a_model_file_is_inspected_and_imported_from_the_callers_folder(terminal, house, tmp_path):
    (tmp_path / "mine.gguf").write_bytes(b"GGUF and more")
    facts = terminal.run("models", "inspect", "mine.gguf", "--json").json
    assert list(facts) == [
        "architecture", "layers", "context", "quantisation", "parameters", "licence", "template", "sha256",
    ]  # fmt: skip
    assert facts["sha256"] == hashlib.sha256(b"GGUF and more").hexdigest()
    assert terminal.run("models", "import", "mine.gguf").code == 0
    assert "mine" in house.models.all
    assert terminal.run("models", "use", "mine").code == 0
    assert house.models.used == "mine"
    assert terminal.run("models", "remove", "mine").code == 0
    assert "mine" not in house.models.all


def test_the_ledger_tells_each_connection_in_the_fields_of_the_contract(terminal, house):
    house.connections += [Connection(1, 100.0, "model download", "hub.example", 443, 10, 20)]
    house.connections += [Connection(2, 200.0, "model download", "hub.example", 443, refused=True)]
    rows = terminal.run("ledger", "--since", "150", "--json").json["connections"]
    assert rows == [
        {
            "time": 200.0, "purpose": "model download", "host": "hub.example", "port": 443, "bytes_out": 0,
            "bytes_in": 0, "data_class": "public-file", "refused": True,
        }
    ]  # fmt: skip
    assert "refused" in terminal.run("ledger").out


def test_the_offline_switch_is_kept(terminal):
    assert terminal.run("offline", "status", "--json").json == {"offline": False}
    assert terminal.run("offline", "on", "--json").json == {"offline": True}
    assert terminal.run("offline", "status", "--json").json == {"offline": True}
    assert terminal.run("offline", "off").out == "Connections are allowed when you ask for them.\n"


def test_doctor_tells_each_check_and_asks_for_nothing(terminal, house):
    house.vault.state = "locked"
    said = terminal.run("doctor", "--json")
    checks = {check["name"]: check for check in said.json["checks"]}
    assert said.code == 0
    assert set(checks["python"]) == {"name", "ok", "detail", "advice"}
    assert checks["vault"]["detail"] == "locked, opens with passphrase, recovery"
    assert checks["engine"]["detail"] == "llama.cpp 1; 2 threads; this build uses the processor alone"
    assert not checks["starter model"]["ok"]  # the fake's file does not exist
    assert "single instance" in terminal.run("doctor").out


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the boxes are made of Linux's own means")
def test_doctor_says_what_each_worker_is_kept_from(terminal):
    boxes = {box["worker"]: box for box in terminal.run("doctor", "--json").json["boxes"]}
    assert set(boxes["vault"]) == {"worker", "kept_from", "needs", "open"}
    assert (boxes["network"]["needs"], boxes["keyring"]["needs"]) == (["internet"], ["sockets"])
    assert boxes["engine"]["kept_from"] + boxes["engine"]["open"] != []
    said = terminal.run("doctor").out
    assert "engine" in said and "the internet" in said


def test_a_box_that_does_not_hold_is_said_in_words():
    box = Boxed("engine", LAYERS, ("privileges", "memory"))
    assert (
        _in_words(box)
        == "new rights, debuggers; NOT kept from other files, other programs, the internet, other programs' sockets"
    )
    assert _in_words(Boxed("keyring", LAYERS[:-1], LAYERS[:-1])).endswith("the internet; needs other programs' sockets")


def test_a_fresh_profile_with_a_passphrase_given_gets_its_vault_without_questions(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("new"))
    said = Terminal(house, tmp_path).run("ask", "Hello", given={"passphrase": PASSPHRASE})
    assert (said.code, said.out) == (0, "Good day.\n")
    assert house.vault.slots == ("passphrase",)


def test_on_a_terminal_a_new_passphrase_is_asked_for_twice(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("new"))
    terminal = Terminal(house, tmp_path, answers=("one", "two", "three", "three"))
    assert terminal.run("ask", "Hello").code == 0
    assert house.vault.passphrase == "three"


def test_on_a_terminal_the_keyring_comes_with_a_recovery_code_shown_once(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("new"))
    house.vault.keyring = "Secret Service"
    said = Terminal(house, tmp_path, answers=("",)).run("ask", "Hello")
    assert said.code == 0
    assert CODE in said.err
    assert house.vault.slots == ("keyring", "recovery")


@pytest.mark.parametrize("state", ["new", "locked"])
def test_without_a_passphrase_and_without_a_terminal_the_vault_stays_shut(tmp_path, state):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault(state))
    said = Terminal(house, tmp_path).run("chats", "list", "--json")
    assert (said.code, said.error) == (3, "vault-needs-passphrase")
    assert house.vault.state == state


def test_a_wrong_passphrase_given_is_tried_once(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
    said = Terminal(house, tmp_path).run("chats", "list", "--json", given={"passphrase": "wrong"})
    assert (said.code, said.error) == (3, "vault-wrong-passphrase")
    assert house.vault.tried == ["wrong"]


def test_at_a_terminal_a_typing_mistake_is_forgiven_twice(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
    assert Terminal(house, tmp_path, answers=("no", "nor", PASSPHRASE)).run("chats", "list").code == 0
    house.vault.state = "locked"
    assert Terminal(house, tmp_path, answers=("no", "nor", "never")).run("chats", "list").code == 3


def test_the_recovery_code_opens_the_vault_where_the_passphrase_is_asked(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
    assert Terminal(house, tmp_path).run("chats", "list", given={"passphrase": CODE}).code == 0
    assert house.vault.tried == [CODE, CODE]


def test_answers_left_open_by_a_crash_are_mended_when_the_vault_opens(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
    Terminal(house, tmp_path).run("chats", "list", given={"passphrase": PASSPHRASE})
    assert house.conversations.recovered == 1


def test_vault_status_needs_no_passphrase(tmp_path):
    house = House(Profile(tmp_path / "home"), vault=MemoryVault("locked"))
    said = Terminal(house, tmp_path).run("vault", "status", "--json")
    assert said.json == {"state": "locked", "slots": ["passphrase", "recovery"], "schema": 3, "bytes": 4096}


def test_a_new_passphrase_can_be_given_beforehand(terminal, house):
    said = terminal.run("vault", "passphrase", "--json", given={"new-passphrase": "better"})
    assert (said.code, house.vault.passphrase) == (0, "better")
    assert terminal.run("vault", "passphrase", "--json").error == "vault-needs-passphrase"


def test_a_new_recovery_code_is_the_only_thing_in_its_json(terminal):
    assert terminal.run("vault", "recovery", "--json").json == {"recovery_code": CODE}
    said = terminal.run("vault", "recovery")
    assert CODE in said.err


def test_the_version_is_one_line(terminal):
    assert terminal.run("--version").out.startswith("freehold ")
    assert json.loads(terminal.run("--version", "--json").out).keys() == {"version"}


def test_a_table_fits_a_narrow_terminal(terminal):
    terminal.run("ask", "A question whose title is long enough to need two lines of a narrow terminal")
    terminal.screen = Screen(is_terminal=True, moves=False, columns=60)
    for line in terminal.run("chats", "list").out.splitlines():
        assert len(line) <= 60
