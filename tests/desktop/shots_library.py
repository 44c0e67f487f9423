"""Screenshots of the library and of searching it, for shots.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freehold.foundation.errors import DiskFull
from freehold.library.values import Progress, State
from support.fake_library import NEEDS_PASSWORD


def fill_library(stage: Any, *, waiting: int = 0) -> None:
    library = stage.household.library
    library.source("/home/ada/Documents/Home", watched=True, collection="Home", excluded=("*.tmp", "drafts"))
    library.source("/home/ada/Documents/Insurance", watched=True, collection="Home")
    library.source("/home/ada/Downloads/boiler-manual.pdf", collection="Home")
    library.source("/media/ada/Archive/Studies", watched=True, collection="Studies")
    facts: dict[str, Any] = {"collection": "Home", "bytes": 184_320, "pages": 12, "chunks": 40}
    home = "/home/ada/Documents/Home"
    for name in ("lease-2024.pdf", "handover-protocol.docx", "electricity-2025.pdf", "neighbours.vcf"):
        library.put(f"{home}/{name}", **facts)
    library.put(f"{home}/bank-statement-2025-03.pdf", State.FAILED, reason=NEEDS_PASSWORD, **facts)
    library.put(f"{home}/scan-0042.pdf", State.EMPTY, collection="Home", bytes=8_204_000, pages=12,
                reason="No text on 12 pages. They may be pictures of text.")  # fmt: skip
    library.put(f"{home}/old-letter.doc", State.UNSUPPORTED, collection="Home", bytes=40_960,
                reason="Freehold cannot read this kind of file. Save it as PDF, text or an office format.")  # fmt: skip
    library.put("/home/ada/Documents/Insurance/policy-household.pdf", State.WORDS, **facts)
    library.put("/home/ada/Downloads/boiler-manual.pdf", **facts)
    studies = {**facts, "collection": "Studies"}
    for number in range(1195):
        state = State.WAITING if number >= 1195 - waiting else State.INDEXED
        library.put(f"/media/ada/Archive/Studies/lecture-{number + 1:04}.md", state, **studies)


def library_empty(stage: Any) -> None:
    stage.do("library")


def library_full(stage: Any) -> None:
    fill_library(stage)
    stage.do("library")
    stage.spin(0.4)


def library_busy(stage: Any) -> None:
    fill_library(stage, waiting=312)
    library = stage.household.library
    library.is_busy = True
    library.progress = Progress(892, 1204, "/media/ada/Archive/Studies/lecture-0884.md", State.WORDS, 252.0)
    stage.do("library")
    stage.spin(1.2)


def library_paused(stage: Any) -> None:
    fill_library(stage, waiting=312)
    stage.household.library.is_paused = True
    stage.household.library.finds_meaning = False
    stage.do("library")
    stage.spin(0.4)


def library_failed(stage: Any) -> None:
    fill_library(stage)
    stage.do("library")
    stage.spin(0.3)
    page = stage.window._named["library"]
    page._states._buttons["troubled"].click()
    stage.spin(0.4)
    page.files.choose(page.files.documents.documents[0].id)
    stage.spin(0.2)


def library_stopped(stage: Any) -> None:
    fill_library(stage)
    stage.household.library.failure = DiskFull("vault.db")
    stage.do("library")
    stage.spin(1.2)


def library_add(stage: Any) -> None:
    fill_library(stage)
    stage.do("library")
    folder = Path(tempfile.gettempdir())
    dropped = [str(folder), "/home/ada/Downloads/offer.pdf", "/home/ada/Downloads/b.pdf"]
    stage.shell._drops.dropped.emit(dropped)
    stage.spin(0.3)


def library_forgotten(stage: Any) -> None:
    library_full(stage)
    page = stage.window._named["library"]
    page.forget_asked.emit("/home/ada/Documents/Insurance")
    stage.do("check-library")
    page.forget_asked.emit("/home/ada/Documents/Home/lease-2024.pdf")
    stage.spin(0.3)


SHOTS: dict[str, tuple[Callable[[Any], None], dict[str, Any]]] = {
    "library-empty": (library_empty, {}), "library-busy": (library_busy, {}), "library": (library_full, {}),
    "library-failed": (library_failed, {}), "library-paused": (library_paused, {}),
    "library-stopped": (library_stopped, {}), "library-add": (library_add, {}),
    "library-forgotten": (library_forgotten, {}),
}  # fmt: skip
