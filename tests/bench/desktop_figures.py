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
