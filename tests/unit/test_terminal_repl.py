"""A chat in the terminal: what is typed is asked, what starts with a slash is done."""

import pytest

from freehold.chats.values import Ending
from freehold.foundation.errors import EngineStopped
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.market.values import Allowed
from freehold.terminal.call import Call
from freehold.terminal.output import Output, Screen
from freehold.terminal.passphrases import Secrets
from freehold.terminal.repl import Repl
from support.answering import OnePeer, ScriptedEngine
from support.terminals import PASSPHRASE, House


class Typed:
    """Lines of a person; a class in the script is raised, a function is called first."""

    is_person = True

    def __init__(self, *script):
        self.script = list(script)
        self.prompts = []
        self.before = []
        self.history = []

    def read(self, prompt, before=""):
        self.prompts.append(prompt)
        self.before.append(before)
        line = self.script.pop(0) if self.script else EOFError
        if callable(line) and not isinstance(line, type):
            line = line()
        if isinstance(line, type):
            raise line
        return line

    def remember(self, lines):
        self.history += lines

    def forget(self):
        self.history.clear()


@pytest.fixture
def house(tmp_path):
    house = House(Profile(tmp_path / "home"))
    house.profile.prepare()
    return house


@pytest.fixture
def chat(house, tmp_path):
    """Runs a chat over the lines given; the value is what was written on stdout and stderr, and the exit code."""

    def run(*script, json=False, is_person=True, chat="", columns=80, was_locked=lambda: False):
        out, err = [], []
        screen = Screen(columns=columns)
        output = Output(out.append, err.append, json=json, out_screen=screen, err_screen=screen)
        secrets = Secrets({"passphrase": PASSPHRASE})
        call = Call(output, Stop(), secrets, profile=house.profile, build=house.build, cwd=tmp_path)
        lines = Typed(*script)
        lines.is_person = is_person
        run.lines = lines
        try:
            code = Repl(call, call.opened(), lines, chat, was_locked).run()
        finally:
            house.vault.state = "open"
            call.household().holder.release()
        return "".join(out), "".join(err), code

    return run


def questions(house):
    return [turn.text for turn in house.conversations.all_turns.values() if turn.role.value == "user"]


def test_each_line_is_asked_and_answered_in_one_chat(chat, house):
    out, err, code = chat("Hello", "And you?")
    assert (out, code) == ("Good day.\nGood day.\n", 0)
    assert err.count("made here by Tiny") == 2
    assert len(house.conversations.chats) == 1


def test_a_chat_that_was_left_at_once_leaves_nothing_behind(chat, house):
    assert chat("/help", "/quit")[2] == 0
    assert house.conversations.chats == {}


def test_a_backslash_goes_on_in_the_next_line(chat, house):
    chat("first\\", "second")
    assert questions(house) == ["first\nsecond"]


def test_ctrl_c_at_the_prompt_drops_the_line_and_stays(chat, house):
    _, err, code = chat("half a thought\\", KeyboardInterrupt, KeyboardInterrupt, "Hello")
    assert (questions(house), code) == (["Hello"], 0)
    assert "Ctrl-D leaves." in err


def test_a_question_may_begin_with_a_slash_when_it_is_doubled(chat, house):
    chat("//etc is what?")
    assert questions(house) == ["/etc is what?"]


def test_an_unknown_command_is_told_and_not_asked(chat, house):
    _, err, code = chat("/bogus", "Hello")
    assert "there is no /bogus" in err
    assert (questions(house), code) == (["Hello"], 0)


def test_retry_and_edit_make_branches_and_branch_goes_between_them(chat, house):
    out, err, _ = chat("Hello", "/retry", "/edit Good evening", "/branch", "/branch 1", "/branch")
    assert questions(house) == ["Hello", "Good evening"]
    assert out.count("Good day.") >= 4
    assert "/branch NUMBER goes to that version." in err
    view = house.conversations.branch(next(iter(house.conversations.chats)))
    assert view[0].text == "Hello"


def test_edit_without_words_lets_the_person_change_the_last_question(chat, house):
    chat("Hello", "/edit", "Hello there")
    assert chat.lines.before[2] == "Hello"
    assert questions(house) == ["Hello", "Hello there"]


def test_a_new_chat_begins_with_the_next_question(chat, house):
    chat("Hello", "/new", "Another matter")
    assert len(house.conversations.chats) == 2


def test_a_chat_is_listed_opened_and_gone_on_with(chat, house):
    chat("Hello")
    out, _, _ = chat("/list", "/list 1", "Go on", "/list 7")
    assert "Hello" in out
    assert len(house.conversations.chats) == 1
    assert questions(house) == ["Hello", "Go on"]


def test_title_instructions_and_model_are_of_the_chat(chat, house):
    _, err, _ = chat("Hello", "/title Greetings", "/system Be brief", "/model tiny", "/model gone", "/system -")
    kept = next(iter(house.conversations.chats.values()))
    assert (kept.title, kept.system_prompt, kept.model) == ("Greetings", None, "tiny")
    assert "Instructions: Be brief" in err
    assert "That model is not on this machine" in err


def test_the_context_is_told_once_it_is_more_than_half_full(chat, house):
    house.engine.limit = 40
    _, err, _ = chat("word " * 8, "word " * 8)
    assert err.count("% full") == 1


def test_an_answer_that_breaks_is_told_and_the_chat_goes_on(chat, house):
    house.engine.words = ("Hel", EngineStopped("killed"))
    _, err, code = chat("Hello", "/help")
    assert "The model stopped working" in err
    assert code == 0
    assert house.conversations.all_turns["t1"].ending is Ending.BROKEN


def test_piped_questions_are_answered_without_a_prompt_and_a_broken_one_exits_3(chat, house):
    out, err, code = chat("Hello", is_person=False)
    assert (out, code) == ("Good day.\n", 0)
    assert "/help" not in err
    house.engine = ScriptedEngine(EngineStopped())
    house.engine.unload = lambda: None
    assert chat("Hello", is_person=False)[2] == 3


def test_a_piped_chat_as_json_is_one_document(chat):
    out, _, _ = chat("Hello", "And you?", is_person=False, json=True)
    assert out.count("\n") == 1
    assert '"text": "And you?"' in out


def test_a_vault_locked_from_elsewhere_is_opened_again_before_the_next_question(chat, house):
    def lock_and_type():
        house.vault.lock()
        return "Still there?"

    out, _, _ = chat("Hello", lock_and_type)
    assert out == "Good day.\nGood day.\n"
    assert house.vault.tried == [PASSPHRASE]


def test_going_on_with_a_chat_brings_its_questions_into_reach_and_forgets_them_at_the_end(chat, house):
    chat("Hello", "And you?")
    held = []
    earlier = next(iter(house.conversations.chats.values()))
    out, _, _ = chat(lambda: held.extend(chat.lines.history) or "/quit", chat=earlier.id[:31])
    assert held == ["Hello", "And you?"]
    assert chat.lines.history == []
    assert "> And you?" in out


def test_a_chat_that_is_to_be_locked_leaves_and_neither_asks_nor_unlocks(chat, house):
    locked = []

    def lock():
        locked.append(True)
        house.vault.lock()
        return "Still there?"

    out, _, code = chat("Hello", lock, was_locked=lambda: bool(locked))
    assert (out, code) == ("Good day.\n", 0)
    assert house.vault.tried == []
    assert chat.lines.history == []


def test_a_locked_chat_that_waits_for_a_line_leaves_when_woken(chat):
    locked = []
    out, _, code = chat("Hello", lambda: locked.append(True) or KeyboardInterrupt, was_locked=lambda: bool(locked))
    assert (out, code) == ("Good day.\n", 0)


def test_a_last_line_that_ends_in_a_backslash_is_asked(chat, house):
    chat("first\\", "second\\")
    assert questions(house) == ["first\nsecond"]


def test_ctrl_c_ends_a_piped_chat(chat):
    with pytest.raises(KeyboardInterrupt):
        chat("Hello", KeyboardInterrupt, is_person=False)


def test_the_prompt_names_the_device_that_would_read_the_next_question(chat, house):
    house.peers = OnePeer()
    _, err, _ = chat("/where here", "/where peer", "Hello", "/where")
    assert chat.lines.prompts == ["Desk > ", "> ", "Desk > ", "Desk > ", "Desk > "]
    assert "here: answers are made on this computer. Your next question stays on this computer." in err
    assert "peer: a paired device answers. Your next question goes to Desk. You chose Desk." in err
    assert next(iter(house.conversations.chats.values())).where == "peer"


def test_with_nobody_to_ask_the_prompt_stays_and_where_says_why(chat, house):
    house.peers = OnePeer(allowed=Allowed())
    _, err, _ = chat("/where peer", "/where mars")
    assert chat.lines.prompts == ["> ", "> ", "> "]
    assert "Your next question stays on this computer. Devices of yours are not asked" in err
    assert "/where takes auto, here or peer" in err


def test_a_preview_in_the_chat_asks_nothing(chat, house):
    house.peers = OnePeer()
    out, err, _ = chat("/preview What now?", "/preview")
    assert "[user]\nWhat now?" in out
    assert "Desk would read this and nothing else" in err
    assert "write the question behind /preview" in err
    assert house.conversations.all_turns == {}
