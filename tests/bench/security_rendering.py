"""Hostile Markdown at every split point of its stream, in every place it is shown: what did it reach?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def figures(*, quick: bool) -> Iterator[Figure]:
    """A million renders; `quick` does 10,000 of the same."""
    from support.qt import application
    from support.renders import PLACES, render_carelessly, render_hostile

    application()
    wanted = 10_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        control_place, place = Path(folder) / "control", Path(folder) / "real"
        control_place.mkdir()
        place.mkdir()
        control = render_carelessly(control_place)
        reached = render_hostile(place, wanted)
    yield Figure("hostile text rendered at every split point", reached.renders, "renders", wanted, "at least",
                 note=f"in turn: {', '.join(PLACES)}")  # fmt: skip
    yield Figure("sockets opened meanwhile", reached.sockets, "sockets", 0, "exactly", note=reached.first)
    yield Figure("files opened meanwhile", reached.files, "files", 0, "exactly", note=reached.first)
    yield Figure("things a document wanted to load", reached.loads, "things", 0, "exactly")
    yield Figure("decoys opened by a text browser without our care (control)", control.files, "files", 1, "at least")
    yield Figure("calls of our own that the decoys' server counted (control)", control.sockets, "calls", 1, "at least")
