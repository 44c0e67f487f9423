"""Screenshots of the library and of searching it, for shots.py."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from freehold.foundation.errors import DiskFull
from freehold.foundation.stop import Stop
from freehold.library.values import Passage, Progress, State
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
    with tempfile.TemporaryDirectory(prefix="Contracts-") as folder:
        dropped = [folder, "/home/ada/Downloads/offer.pdf", "/home/ada/Downloads/terms.pdf"]
        stage.shell._drops.dropped.emit(dropped)
        stage.spin(0.3)


def library_forgotten(stage: Any) -> None:
    library_full(stage)
    page = stage.window._named["library"]
    page.forget_asked.emit("/home/ada/Documents/Insurance")
    stage.do("check-library")
    page.forget_asked.emit("/home/ada/Documents/Home/lease-2024.pdf")
    stage.spin(0.3)


def fill_found(stage: Any) -> None:
    fill_library(stage)
    home = "/home/ada/Documents/Home"
    texts = [
        ("lease-2024.pdf", 2, "Lease of the flat at 12 Mill Lane", "The term begins on 1 October 2024 and ends on 30 "
         "September 2027 unless it is renewed under clause 9. The tenant may end the lease before that day only by the "
         "notice that clause 9 describes, or with the landlord's consent in writing.\n\nThe rent is due on the third "
         "working day of each month. It is indexed once a year, on the first of January, by the index of consumer "
         "prices of the month of November before."),
        ("lease-2024.pdf", 6, "Lease of the flat at 12 Mill Lane", "Either party may terminate the lease by written "
         "notice of three months, received before the end of the term. Notice counts from the day on which it is "
         "received, not from the day on which it was sent."),
        ("lease-2024.pdf", 7, "Lease of the flat at 12 Mill Lane", "Without notice the lease shall renew for twelve "
         "months at the indexed rent, and again after those, as long as neither party gives notice."),
        ("handover-protocol.docx", None, "", "Keys handed over: three for the door of the house, two for the flat. "
         "The landlord gives notice of repairs in the stairwell, which begin in March."),
        ("electricity-2025.pdf", 1, "Electricity, yearly statement", "You may end this contract with a notice of four "
         "weeks. If you move, tell us the new address and the reading of the meter."),
    ]  # fmt: skip
    for number, (name, page, title, text) in enumerate(texts):
        library = stage.household.library
        library.passages.append(
            Passage(number + 1, f"{home}/{name}", page, number * 900, number * 900 + len(text), text, 1.0 - number / 9,
                    title, context="Lease, clause 9: end and renewal" if number < 3 else "")
        )  # fmt: skip


def search_found(stage: Any) -> None:
    fill_found(stage)
    stage.do("search")
    page = stage.window._named["search"]
    page._query.setText("notice to end the lease")
    stage.spin(0.6)
    page.found.setFocus()
    stage.spin(0.1)


def search_words_only(stage: Any) -> None:
    fill_found(stage)
    library = stage.household.library
    library.is_meaning_up = False
    library.meaning_gate = Stop()
    stage.do("search")
    stage.window._named["search"]._query.setText("notice to end the lease")
    stage.spin(0.6)


def search_nothing(stage: Any) -> None:
    fill_found(stage)
    stage.do("search")
    page = stage.window._named["search"]
    page._query.setText("parking permit")
    page._kinds.setCurrentIndex(1)
    stage.spin(0.6)


def search_start(stage: Any) -> None:
    fill_found(stage)
    stage.do("search")


def search_empty(stage: Any) -> None:
    stage.do("search")


def search_ask(stage: Any) -> None:
    search_found(stage)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "invoice.html"
        page.write_text("<p>Pay here</p>")
        stage.shell._pages.open_file(str(page))
        stage.spin(0.2)


def narrow(of: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same in the smallest window there is."""

    def prepare(stage: Any) -> None:
        of(stage)
        stage.window.resize(620, 480)
        stage.spin(0.2)

    return prepare


SHOTS: dict[str, tuple[Callable[[Any], None], dict[str, Any]]] = {
    "library-empty": (library_empty, {}), "library-busy": (library_busy, {}), "library": (library_full, {}),
    "library-failed": (library_failed, {}), "library-paused": (library_paused, {}),
    "library-stopped": (library_stopped, {}), "library-add": (library_add, {}),
    "library-forgotten": (library_forgotten, {}), "search-found": (search_found, {}),
    "library-narrow": (narrow(library_failed), {}), "search-narrow": (narrow(search_found), {}),
    "search-words-only": (search_words_only, {}), "search-nothing": (search_nothing, {}),
    "search-start": (search_start, {}), "search-empty": (search_empty, {}), "search-ask": (search_ask, {}),
}  # fmt: skip
