"""`kill -9` of a program that indexes, again and again, while its files change; then what the library holds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from support.libraries import VaultInMemory, found

_CHILD = Path(__file__).with_name("indexing_child.py")
_FILES = 60
_CHANGED_EACH = 12
_HANGS_AFTER = 120.0


@dataclass
class Aftermath:
    """What came of it. `read_twice` are files read anew although their text was in and they had not changed."""

    kills: int = 0
    read_twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def kill_while_indexing(folder: Path, rounds: int, seed: int = 1) -> Aftermath:
    """`rounds` kills at random moments, each after some files changed, then one run to the end."""
    home, papers = folder / "home", folder / "papers"
    home.mkdir()
    papers.mkdir()
    dice, after = random.Random(seed), Aftermath()
    words = {f"{number}.md": _write(papers, f"{number}.md", 0, dice) for number in range(_FILES)}
    settled: set[str] = set()
    for number in range(1, rounds + 1):
        moment = dice.randrange(2 * _CHANGED_EACH + 1), dice.uniform(0.0, 0.1)
        after.kills += _run(home, papers, settled, after, moment)
        for name in dice.sample(sorted(words), _CHANGED_EACH):
            words[name] = _write(papers, name, number, dice)
            settled.discard(name)
    _run(home, papers, settled, after)
    after.wrong = _wrong(home, papers, words)
    return after


def _write(papers: Path, name: str, version: int, dice: random.Random) -> str:
    """Some sections of prose in which one word tells the file and the version; long files take several slices."""
    word = f"mark{name.removesuffix('.md')}v{version}"
    filler = " ".join("".join(dice.choice("abcdefghij") for _ in range(6)) for _ in range(80))
    sections = 120 if name == "0.md" else dice.randrange(1, 12)
    text = "\n\n".join(
        f"# Section {part}\n\nHere {word} stands. Nothing else {part} {filler}." for part in range(sections)
    )
    (papers / name).write_text(text + "\n")
    return word


def _run(
    home: Path, papers: Path, settled: set[str], after: Aftermath, moment: tuple[int, float] | None = None
) -> bool:  # fmt: skip
    """One run; killed so many seconds after it told of a file so many times. Whether it was killed before its end."""
    child = subprocess.Popen(
        [sys.executable, str(_CHILD), str(home), str(papers)], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert child.stdout is not None
    patience = threading.Timer(_HANGS_AFTER, child.kill)
    patience.start()
    told, has_ended = -1, False
    killer = threading.Timer(moment[1], child.kill) if moment else None
    for line in child.stdout:
        kind, _, name = line.rstrip("\n").partition(" ")
        told += 1  # "ready" is the first
        if killer and moment and told == moment[0]:
            killer.start()
        if kind == "begun" and name in settled:
            after.read_twice.append(name)
        elif kind == "in":
            settled.add(name)
        has_ended = has_ended or kind == "done"
    child.wait()
    child.stdout.close()
    patience.cancel()
    if killer:
        killer.cancel()
    return not has_ended


def _wrong(home: Path, papers: Path, words: dict[str, str]) -> list[str]:
    """What the library got wrong, in sentences."""
    vault = VaultInMemory(home)
    wrong = list(vault.call("library.faults"))
    for one in vault.call("library.documents"):
        name = Path(one["path"]).name
        text = "".join(part["text"] for part in vault.stream("library.text", path=one["path"]))
        if one["state"] != "indexed":
            wrong.append(f"{name} is {one['state']}")
        if text.split() != (papers / name).read_text().split():
            wrong.append(f"{name} has another text")
        if {Path(hit["path"]).name for hit in found(vault, words[name], "words")} != {name}:
            wrong.append(f"{name} is not found by its words")
    chunks, vectors = (vault.database.query(sql)[0][0] for sql in (
        "SELECT count(DISTINCT hash) FROM library_chunk", "SELECT count(*) FROM library_vector"))  # fmt: skip
    if chunks != vectors:
        wrong.append(f"{chunks} texts and {vectors} vectors")
    vault.database.close()
    return wrong
