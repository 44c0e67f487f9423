"""What the app's process remembers of opened chats once it is locked: its memory is searched from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from figures import Figure

from support.locked_window import search_a_locked_window


def figures(*, quick: bool) -> Iterator[Figure]:
    """The one figure, with its positive control as the baseline: what the same search finds before locking."""
    with tempfile.TemporaryDirectory() as folder:
        found = search_a_locked_window(Path(folder), 20 if quick else 100)
    if not found.before:
        raise AssertionError("the search finds nothing in an unlocked window either, so it proves nothing")
    yield Figure(
        "memory after lock", found.after, f"of {found.planted} canaries of opened chats found in the app's memory",
        0, "exactly", found.before, absolute=True,
        note=f"the same search found {found.before} before; {found.old_workers} processes from before still run",
    )  # fmt: skip
