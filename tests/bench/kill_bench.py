"""`kill -9` of app, vault and engine at random moments: what was acknowledged must be there, with no repair.

Raw test key, so that a round does not wait for Argon2id; everything else is the real thing: SQLCipher, the starter
model, child processes.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from figures import Figure, percentile, rounds_within

from freehold import app
from freehold.assistant.household import Household
from freehold.chats.values import Turn
from freehold.foundation.errors import NotFound
from freehold.foundation.paths import Profile

CHILD = Path(__file__).parent / "kill_child.py"
TARGETS = ("app", "vault", "engine")
HANGS_AFTER = 120.0  # seconds; a round takes three on two idle cores


@dataclass
class Told:
    """What the killed program had said was saved, and the words it had shown with the time it showed them."""

    asked: dict[str, str] = field(default_factory=dict)
    answered: dict[str, str] = field(default_factory=dict)
    shown: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    pids: dict[str, int | None] = field(default_factory=dict)
    hung: bool = False

    def take(self, line: dict) -> None:
        kind = line["kind"]
        if kind == "asked":
            self.asked[line["turn"]] = line["text"]
        elif kind == "words":
            self.shown.setdefault(line["turn"], []).append((line["at"], line["text"]))
        elif kind == "answered":
            self.answered[line["turn"]] = line["text"]
        elif kind == "pids":
            self.pids = {"vault": line["vault"], "engine": line["engine"]}


@dataclass
class Verdict:
    lost: int = 0
    altered: int = 0
    repairs: int = 0
    unsaved_s: float = 0.0
    start_s: float = 0.0


def figures(*, quick: bool) -> Iterator[Figure]:
    """Rounds of three targets in turn; `quick` does fewer rounds of the same."""
    rounds, patience = (9, 25.0) if quick else (200, 3600.0)
    verdicts: list[Verdict] = []
    killed: Counter[str] = Counter()
    acknowledged = hung = 0
    with tempfile.TemporaryDirectory() as folder:
        home, key = Path(folder) / "home", secrets.token_bytes(32)
        make_vault(home, key)
        for number in rounds_within(patience, rounds):
            target = TARGETS[number % len(TARGETS)]
            told, killed_at = one_round(home, key, target, random.Random(number))
            verdicts.append(judge(home, key, told, killed_at if target == "app" else None))
            killed[target] += 1
            hung += told.hung
            acknowledged += len(told.asked) + len(told.answered)
    note = f"{len(verdicts)} kills: " + ", ".join(f"{n} {t}" for t, n in killed.items())
    yield Figure("acknowledged turns lost", sum(v.lost for v in verdicts), f"of {acknowledged} turns", 0, "exactly",
                 note=note)  # fmt: skip
    yield Figure("answers whose words on disk are not those shown", sum(v.altered for v in verdicts), "answers", 0,
                 "exactly")  # fmt: skip
    yield Figure("rounds in which the program hung", hung, "rounds", 0, "exactly")
    yield Figure("vaults that needed a repair", sum(v.repairs for v in verdicts), "vaults", 0, "exactly")
    yield Figure("oldest word on screen and not on disk when the app was killed",
                 max(v.unsaved_s for v in verdicts), "s", 1.0)  # fmt: skip
    yield Figure("opening the vault after a kill, p99", percentile([v.start_s for v in verdicts], 0.99), "s", 2.0)


def make_vault(home: Path, key: bytes) -> None:
    household = app.build(Profile(home))
    household.vault.create(raw=key)
    household.close()


def one_round(home: Path, key: bytes, target: str, dice: random.Random) -> tuple[Told, float]:
    """Run the child, kill `target` at a random moment while it answers, and collect what it had said until it ended."""
    # An app that is killed says no more; one whose vault or engine is killed goes on to a last answer.
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(home), key.hex(), "50" if target == "app" else "2"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdout is not None
    told, killed_at, wait = Told(), 0.0, dice.uniform(0.0, 1.5)

    def give_up() -> None:
        told.hung = True
        child.kill()

    patience = threading.Timer(HANGS_AFTER, give_up)
    patience.start()
    answering_since = 0.0
    for raw in child.stdout:
        line = json.loads(raw)
        told.take(line)
        if line["kind"] == "asked" and not answering_since:
            answering_since = time.monotonic()
        victim = child.pid if target == "app" else told.pids.get(target)
        if not killed_at and answering_since and victim and time.monotonic() - answering_since >= wait:
            killed_at = time.time()
            os.kill(victim, signal.SIGKILL)
    child.wait()
    patience.cancel()
    return told, killed_at


def judge(home: Path, key: bytes, told: Told, killed_at: float | None) -> Verdict:
    """Open the vault as the next start would and compare it with what was told."""
    household = app.build(Profile(home))
    verdict = Verdict()
    began = time.monotonic()
    try:
        household.holder.claim()
        household.vault.unlock(raw=key)
        household.conversations.recover()
    except Exception:  # noqa: BLE001 - anything here is a vault that does not simply open
        verdict.repairs += 1
        household.close()
        return verdict
    verdict.start_s = time.monotonic() - began
    kept = _kept(household, {*told.asked, *told.answered, *told.shown})
    for id, text in {**told.asked, **told.answered}.items():
        verdict.lost += id not in kept or kept[id].text != text
    for id, words in told.shown.items():
        verdict.unsaved_s = max(verdict.unsaved_s, _oldest_unsaved(kept.get(id), words, killed_at))
        shown = "".join(text for _, text in words)
        # What is on disk is what was shown, cut somewhere: never other words, never words twice.
        verdict.altered += id in kept and not (shown.startswith(kept[id].text) or kept[id].text.startswith(shown))
    household.close()
    return verdict


def _kept(household: Household, ids: set[str]) -> dict[str, Turn]:
    found: dict[str, Turn] = {}
    for id in ids:
        with suppress(NotFound):
            found[id] = household.conversations.turns([id])[0]
    return found


def _oldest_unsaved(turn: Turn | None, words: list[tuple[float, str]], killed_at: float | None) -> float:
    """How long before the kill the first word was shown that is not on disk."""
    if killed_at is None:
        return 0.0
    saved = len(turn.text) if turn is not None else 0
    length = 0
    for at, text in words:
        length += len(text)
        if length > saved:
            return max(0.0, killed_at - at)
    return 0.0
