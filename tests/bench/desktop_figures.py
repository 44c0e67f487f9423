"""The window's figures: how soon it is painted, and what an idle one weighs. Real processes, offscreen."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure, paired

_BARE = """
import os, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QWidget

class Bare(QWidget):
    def paintEvent(self, event):
        QTimer.singleShot(0, lambda: (print(time.monotonic(), flush=True), os._exit(0)))

app = QApplication([])
bare = Bare()
bare.resize(1280, 800)
bare.show()
app.exec()
"""
# What `freehold` runs when nothing is asked, with an end after the first frame.
_PAINTED = """
import os, time
from freehold import app
app.main([], painted=lambda: (print(time.monotonic(), flush=True), os._exit(0)))
"""
_IDLE = """
import secrets, sys
from pathlib import Path
from freehold import app
from freehold.foundation.paths import Profile

def build(profile):
    household = app.build(profile)
    household.vault.create(raw=secrets.token_bytes(32))
    return household

from freehold.desktop.main import run
from PySide6.QtCore import QTimer

HEAVY = ("torch", "llama_cpp", "chromadb", "web3", "eth_account", "transformers", "sqlcipher3", "keyring", "httpx",
         "huggingface_hub", "numpy")

def tell():
    status = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(line for line in status if line.startswith("VmRSS")).split()[1]
    print(kilobytes, ",".join(name for name in HEAVY if name in sys.modules), flush=True)
    from PySide6.QtWidgets import QApplication
    for widget in QApplication.topLevelWidgets():
        widget.close()

run(build, Profile(Path(sys.argv[1])), painted=lambda: QTimer.singleShot(int(sys.argv[2]), tell))
"""
# The same with a long chat in view, whose reader goes up through it. Made in pieces: this process never holds it whole.
_LONG = """
import secrets, sys
from pathlib import Path
from freehold import app
from freehold.chats.values import Chat, Ending, Role, Turn
from freehold.desktop.main import run
from freehold.desktop.transcript.view import TranscriptView
from freehold.desktop.window import Window
from freehold.foundation.paths import Profile
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

TURNS, SCREENS = 10_000, 300

def turn(number):
    parent = f"t{number - 1}" if number else None
    if number % 2 == 0:
        return Turn(f"t{number}", "c", parent, Role.USER, "and what came of the mill after that?", 0.0)
    words = "the river runs past an old mill where people once ground their corn. " * (5 + number % 40)
    return Turn(f"t{number}", "c", parent, Role.ASSISTANT, words, 0.0, Ending.COMPLETE)

def build(profile):
    household = app.build(profile)
    household.vault.create(raw=secrets.token_bytes(32))
    for first in range(0, TURNS, 200):
        turns = [turn(number) for number in range(first, first + 200)]
        household.conversations.adopt(Chat("c", "long", 0.0, 0.0, leaf=turns[-1].id), turns)
    return household

def window():
    return next(one for one in QApplication.topLevelWidgets() if isinstance(one, Window))

def open_it():
    if not window().actions_by_name or not window().actions_by_name["new-chat"].isEnabled():
        QTimer.singleShot(200, open_it)  # the house is still being built
        return
    window().sidebar.chats.opened.emit("c")
    QTimer.singleShot(3000, lambda: go_up(window().findChild(TranscriptView), 0))

def go_up(view, screens):
    if screens == 0:
        tell()
    if screens == SCREENS:
        tell()
        window().close()
        return
    view.verticalScrollBar().setValue(view.verticalScrollBar().value() - 600)
    QTimer.singleShot(15, lambda: go_up(view, screens + 1))

def tell():
    status = Path("/proc/self/status").read_text().splitlines()
    print(next(line for line in status if line.startswith("VmRSS")).split()[1], flush=True)

run(build, Profile(Path(sys.argv[1])), painted=lambda: QTimer.singleShot(1000, open_it))
"""


def desktop_figures(*, quick: bool) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        # As installed: with compiled modules, and a profile that was used before.
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPYCACHEPREFIX": f"{folder}/compiled"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        environment.pop("FREEHOLD_HOME", None)
        environment |= {"HOME": folder, "XDG_DATA_HOME": folder}
        home = Path(folder) / "freehold"
        yield from idle(environment, home, seconds=3 if quick else 6)
        (home / "settings.json").write_text('{"text_size": 15}')
        if not quick:
            yield from long_chat(environment, Path(folder) / "long")
        yield start(environment, rounds=5 if quick else 21)


def start(environment: dict[str, str], rounds: int) -> Figure:
    """Process start to first painted frame, in seconds, against a bare PySide6 window, in pairs."""
    _seconds_to_paint(environment, [_PAINTED])  # compiles both and warms the disk
    _seconds_to_paint(environment, [_BARE])
    pairs = []
    for _ in range(rounds):
        baseline = _seconds_to_paint(environment, [_BARE])
        pairs.append((_seconds_to_paint(environment, [_PAINTED]), baseline))
    value, baseline, ratio = paired(pairs)
    return Figure(
        "process start to painted window, against a bare PySide6 window", value, "s", goal=1.5, baseline=baseline,
        ratio=ratio,
    )  # fmt: skip


def idle(environment: dict[str, str], home: Path, seconds: int) -> Iterator[Figure]:
    """Resident memory of the app process with an open vault and an empty chat, and which heavy modules it has."""
    told = _run(environment, [_IDLE, str(home), str(seconds * 1000)]).split()
    yield Figure("app process, idle with an empty chat", int(told[0]) * 1024 / 1e6, "MB resident", goal=120.0)
    heavy = told[1].split(",") if len(told) > 1 else []
    yield Figure(
        "heavy libraries in the app process", len(heavy), "modules", goal=0, better="exactly", note=" ".join(heavy)
    )


def long_chat(environment: dict[str, str], home: Path) -> Iterator[Figure]:
    """Resident memory of the app process with a chat of 10,000 turns in view, and after reading up through it."""
    opened, read = (int(told) * 1024 / 1e6 for told in _run(environment, [_LONG, str(home)]).split())
    yield Figure("app process, a chat of 10,000 turns in view", opened, "MB resident")
    yield Figure("the same after 300 screens of it were read upwards", read, "MB resident")


def _seconds_to_paint(environment: dict[str, str], code: Sequence[str]) -> float:
    begun = time.monotonic()  # the child prints the same clock: on Linux it is the system's
    return float(_run(environment, code)) - begun


def _run(environment: dict[str, str], code: Sequence[str]) -> str:
    source, *arguments = code
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments], env=environment, cwd=Path.cwd(), capture_output=True, text=True,
        check=True, timeout=120,
    )  # fmt: skip
    return done.stdout.strip()
