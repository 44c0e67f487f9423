"""Run as a program: reads and embeds a folder into a vault, telling each file when it is begun and when it is in.

`python indexing_child.py HOME PAPERS`. Real database, real extract process; meaning is played by letters. To be killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from freehold.foundation.stop import Stop
from freehold.library.library import Library
from freehold.library.values import State
from support.libraries import LetterEmbedder, NoViewer, VaultInMemory, extractor


def say(kind: str, path: str) -> None:
    print(kind, Path(path).name, flush=True)


class Telling:
    """An extractor that says what it begins to read."""

    def __init__(self, inner) -> None:
        self._inner = inner

    def read(self, path, password=None, stop=None, *, unless=""):
        say("begun", str(path))
        return self._inner.read(path, password, stop, unless=unless)

    def close(self) -> None:
        self._inner.close()


def main(home: Path, papers: Path) -> None:
    library = Library(VaultInMemory(home), Telling(extractor(home)), LetterEmbedder(), NoViewer())
    library.recover()
    library.add([papers])
    say("ready", "")
    for step in library.work(Stop()):
        if step.state is State.WORDS:
            say("in", step.path)
    library.close()
    say("done", "")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
