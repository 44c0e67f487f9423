"""Screenshots of what is shown of documents: `python tests/desktop/shots_documents.py FOLDER [NAME]... [--scale 2]`."""

from __future__ import annotations

import sys

import shots

from freehold.desktop.viewer.values import Place
from support.papers import Keeper, Papers

LEASE_PATH = "/home/ada/Documents/Flat/lease-2024.pdf"
GUIDE_PATH = "/home/ada/Documents/Flat/house-rules.md"
NOTICE = "Either party may terminate by written notice of three months,\nreceived before the end of the term."
PAGE = """# 9  Notice

9.1 The term begins on 1 October 2024 and ends on 30 September
2027 unless it is renewed under clause 10.

9.2 Either party may terminate by written notice of three months,
received before the end of the term.

9.3 Notice counts from the day on which it is received, not from
the day on which it is sent. A registered letter counts as received
when the post first tries to hand it over.

# 10  Renewal

10.1 Where no notice is given, this lease shall renew for twelve
months at the indexed rent.

10.2 The indexed rent is the rent of the month before, times the
consumer price index of that month over that of the month in which
the term began. It is rounded to full cents.
"""
PAGES = ["# Lease of a flat\n\nBetween the parties named below.\n", "# 2  Term\n", "# 3  Rent\n", "# 5  Repairs\n",
         "# 7  Guests\n", PAGE, "# 12  Keys\n", "# 13  Signatures\n"]  # fmt: skip
GUIDE = "".join(
    f"{number}. {rule}\n\n" for number, rule in enumerate((
        "The stairwell is cleaned by turns, a week each, from the top floor down.",
        "Bicycles stand in the yard or in the cellar, not in the hall.",
        "Between ten at night and six in the morning music stays inside the flat.",
        "Washing machines may run until nine in the evening.",
        "Who moves out hands over all keys, those of the cellar and the letter box included, on the last day of the "
        "lease at noon. A key that is lost is replaced at the cost of who lost it.",
        "Parcels for neighbours are kept for a week.", "Pets are welcome when they are quiet.",
        "The meter for cold water is in the kitchen, under the sink.",
    ) * 4, 1)
)  # fmt: skip
KEYS = "hands over all keys, those of the cellar and the letter box included, on the last day of the lease at noon"


def papers() -> Papers:
    return Papers({LEASE_PATH: PAGES, GUIDE_PATH: GUIDE})


def lease_place() -> Place:
    return Place(1, LEASE_PATH, page=6, text=PAGE.split("\n\n")[2])


def viewer_page(stage: shots.Stage) -> None:
    stage.household.library = Keeper(papers())
    stage.open_lease()
    stage.shell._documents.open(lease_place())
    stage.spin(0.8)


def viewer_text(stage: shots.Stage) -> None:
    stage.household.library = Keeper(papers())
    stage.open_lease()
    start = GUIDE.index(KEYS, 1_400)
    stage.shell._documents.open(Place(2, GUIDE_PATH, "House rules", None, start, start + len(KEYS), KEYS))
    stage.spin(0.6)


def viewer_password(stage: shots.Stage) -> None:
    found = papers()
    found.passwords[LEASE_PATH] = "sesame"
    stage.household.library = Keeper(found)
    stage.open_lease()
    stage.shell._documents.open(lease_place())
    stage.spin(0.5)


def viewer_changed(stage: shots.Stage) -> None:
    stage.household.library = Keeper(papers())
    stage.open_lease()
    stage.shell._documents.open(Place(1, LEASE_PATH, page=6, state="changed"))
    stage.spin(0.8)


shots.SHOTS = {
    "viewer-page": (viewer_page, {}), "viewer-text": (viewer_text, {}), "viewer-password": (viewer_password, {}),
    "viewer-changed": (viewer_changed, {}),
}  # fmt: skip

if __name__ == "__main__":
    shots.main(sys.argv[1:])
