"""A window with chats open in it, which is then locked; and what of them was in its memory before and after."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from freehold import app
from freehold.chats.values import Ending
from freehold.foundation.paths import Profile
from support.memory import found_in

PASSPHRASE = "river-stones-" + secrets.token_hex(8)
_SECONDS = 240.0


@dataclass(frozen=True)
class Searched:
    """How many of the planted texts stood in the window's memory, and in all of Freehold's once it was locked.

    `old_workers` counts the processes from before the lock that still ran, `keeps_passphrase` whether it stood there.
    """

    planted: int
    before: int
    after: int
    keeps_passphrase: bool
    old_workers: int


def search_a_locked_window(folder: Path, chats: int) -> Searched:
    """Open `chats` chats with a canary each in a real window, lock it by a command, and search its memory."""
    words = [f"canary{secrets.token_hex(10)}" for _ in range(chats)]
    home = folder / "home"
    _plant(home, words)
    with _window(home, chats) as window:
        _command(home, "vault", "unlock", FREEHOLD_PASSPHRASE=PASSPHRASE)
        assert window.stdout is not None
        assert window.stdout.readline() == "opened\n"
        before = found_in([window.pid], words)
        workers = psutil.Process(window.pid).children(recursive=True)
        _command(home, "vault", "lock")
        _until(lambda: "--locked" in psutil.Process(window.pid).cmdline() and (home / "socket").exists())
        _command(home, "vault", "status")  # the new one has come as far as serving commands
        now = psutil.Process(window.pid)
        alive = [now.pid, *(child.pid for child in now.children(recursive=True))]
        after = found_in(alive, [*words, PASSPHRASE])
        return Searched(
            planted=chats, before=len(before), after=len(after - {PASSPHRASE}), keeps_passphrase=PASSPHRASE in after,
            old_workers=sum(one.is_running() for one in workers),
        )  # fmt: skip


def _plant(home: Path, words: list[str]) -> None:
    household = app.build(Profile(home))
    household.holder.claim()
    try:
        household.vault.create(passphrase=PASSPHRASE)
        for word in words:
            chat = household.conversations.create(f"About {word}")
            asked = household.conversations.ask(chat.id, f"What is {word}?", None)
            answer = household.conversations.begin_answer(chat.id, asked.id)
            household.conversations.extend(answer.id, f"**{word}** is a planted word.\n\n```python\n{word} = 1\n```\n")
            household.conversations.seal(answer.id, Ending.COMPLETE, None)
    finally:
        household.close()


@contextmanager
def _window(home: Path, chats: int) -> Iterator[subprocess.Popen[str]]:
    window = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "window_child.py"), str(home), str(chats)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        _until((home / "socket").exists)
        yield window
    finally:
        window.terminate()
        window.communicate(timeout=30)


def _command(home: Path, *words: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "freehold", "--home", str(home), *words], check=True, timeout=_SECONDS,
        capture_output=True, env={**os.environ, **environment},
    )  # fmt: skip


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain for the window")
        time.sleep(0.05)
