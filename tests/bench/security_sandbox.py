"""What a worker that was taken over could do: every forbidden action tried from inside each worker's box."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure

from freehold.processes.boxes import WORKERS
from support.boxed import MAY, MAYBE_FORBIDDEN, Surroundings


def figures(*, quick: bool) -> Iterator[Figure]:
    """The same at either size: it takes seconds."""
    name = f"forbidden actions refused, tried from inside each of {len(WORKERS)} workers"
    if not sys.platform.startswith("linux"):
        yield Figure(name, None, "%", 100, "exactly", note="not measured: the box is made of Linux's own means")
        return
    with tempfile.TemporaryDirectory() as folder:
        around = Surroundings(Path(folder))
        try:
            free = around.try_as("")[1]
            became = {worker: around.try_all(worker)[1] for worker in WORKERS}
        finally:
            around.close()
    (Path.home() / ".planted-by-a-worker").unlink(missing_ok=True)  # by the try without a box
    forbidden = {(worker, name) for worker, tries in became.items() for name in tries.keys() - MAY[worker]}
    done = sorted(f"{worker}: {name}" for worker, name in forbidden if became[worker][name] != "refused")
    kept = sum(became[worker][name] == "done" for worker in WORKERS for name in MAY[worker])
    yield Figure(name, 100 * (1 - len(done) / len(forbidden)), "%", 100, "exactly",
                 note="; ".join(done) or f"{len(forbidden)} of {len(forbidden)}")  # fmt: skip
    yield Figure("actions a worker needs that its box leaves it", kept, "actions",
                 sum(len(MAY[worker]) for worker in WORKERS), "exactly")  # fmt: skip
    possible = len(free.keys() - MAYBE_FORBIDDEN)
    control = sum(free[name] == "done" for name in free.keys() - MAYBE_FORBIDDEN)
    yield Figure(
        "the same actions that succeed without a box (control)", control, f"of {possible}", possible, "exactly"
    )
