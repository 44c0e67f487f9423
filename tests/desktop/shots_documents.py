"""Screenshots of what is shown of documents: `python tests/desktop/shots_documents.py FOLDER [NAME]... [--scale 2]`."""

from __future__ import annotations

import sys

import shots

from freehold.assistant.values import Reading, Reference
from freehold.chats.values import Scope, Use
from freehold.desktop.viewer.values import Place
from freehold.foundation.stop import Stop
from freehold.library.errors import DocumentUnsupported
from support import desk
from support.papers import Papers, lend

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


ANSWER = """The lease ends on **30 September 2027**. You must give notice in writing at least **three months** before, \
so no later than 30 June 2027.

Two details that matter:

- Notice counts from the day the landlord receives it, not the day you send it.
- Without notice, the lease renews for twelve months at the indexed rent.
"""
QUESTION = "When does my flat lease end, and how much notice do I have to give?"


def marks(*sentences: str) -> tuple[tuple[int, int], ...]:
    return tuple((ANSWER.index(one), ANSWER.index(one) + len(one)) for one in sentences)


def cited() -> list[Reference]:
    """What the answer was made from: three cited, one read, one for which there was no room."""
    term, notice, counts, renewal = (PAGE.split("\n\n")[place] for place in (1, 2, 3, 5))
    ends = marks("The lease ends on **30 September 2027**.")
    written = marks(
        ANSWER[ANSWER.index("You must") : ANSWER.index("\n\n")],
        "Notice counts from the day the landlord receives it, not the day you send it.",
    )
    renews = marks("Without notice, the lease renews for twelve months at the indexed rent.")
    return [
        desk.reference(1, LEASE_PATH, term, page=2, marks=ends),
        desk.reference(2, LEASE_PATH, notice + "\n" + counts, page=6, marks=written),
        desk.reference(3, LEASE_PATH, renewal, page=7, marks=renews),
        desk.reference(0, GUIDE_PATH, f"Who moves out {KEYS}.", use=Use.USED, document=2),
        desk.reference(0, LEASE_PATH, PAGE.split("\n\n")[6], page=6, use=Use.LEFT_OUT),
    ]


def papers() -> Papers:
    return Papers({LEASE_PATH: PAGES, GUIDE_PATH: GUIDE})


def furnish(stage: shots.Stage) -> None:
    """A library with three collections, and documents that can be shown."""
    library = stage.household.library
    lend(library, papers())
    for number, (name, count) in enumerate((("Flat", 12), ("Letters", 148), ("Contracts & offers", 31))):
        library.source(f"/home/ada/Documents/{name}", collection=name)
        for place in range(count):
            library.put(f"/home/ada/Documents/{name}/{number}-{place}.pdf", collection=name)
    stage.shell._pages.library_state.look()


def grounded(stage: shots.Stage, script: desk.Script, question: str = QUESTION) -> None:
    furnish(stage)
    stage.household.assistant.script = script
    stage.shell._chat._scoping.show(Scope(True, ("Flat",)))
    stage.ask(question)
    stage.spin(0.6)


def answer_cited(stage: shots.Stage) -> None:
    grounded(stage, desk.Script([ANSWER], grounded=True, references=cited()))


def answer_viewed(stage: shots.Stage) -> None:
    answer_cited(stage)
    turn = stage.shell._chat.last_answer
    stage.window.chat.transcript.source_asked.emit(turn, 1)
    stage.spin(1.0)


def answer_found(stage: shots.Stage) -> None:
    before = [Reading(1_024, 4_096)]
    grounded(stage, desk.Script([], before=before, grounded=True, references=cited(), gate=Stop()))


def refusal(stage: shots.Stage) -> None:
    near = [
        desk.reference(0, LEASE_PATH, PAGE.split("\n\n")[6], page=6),
        desk.reference(0, GUIDE_PATH, GUIDE[:300], document=2),
        desk.reference(0, "", "", state="gone", document=3),
    ]
    script = desk.Script(["Your documents do not say."], grounded=False, references=near)
    grounded(stage, script, "How high is the deposit that I paid?")


def details(stage: shots.Stage) -> None:
    answer_cited(stage)
    stage.window.chat.transcript.details_asked.emit(stage.shell._chat.last_answer)
    stage.spin(0.3)


def attachments(stage: shots.Stage) -> None:
    furnish(stage)
    assistant = stage.household.assistant
    assistant.files["scan.bin"] = DocumentUnsupported("it is not text")
    assistant.passwords["payslip-october.pdf"] = "sesame"
    stage.open_lease()
    composer = stage.window.chat.composer
    composer.files_given.emit(["/home/ada/offer-2027.pdf", "/home/ada/payslip-october.pdf", "/home/ada/scan.bin"])
    stage.spin(0.3)
    assistant.file_gate = Stop()
    composer.files_given.emit(["/home/ada/handbook.docx"])
    composer.box.setPlainText("Is the new offer better than what I have?")
    stage.spin(0.3)


def scope_menu(stage: shots.Stage) -> None:
    furnish(stage)
    stage.open_lease()
    stage.shell._chat._scoping.show(Scope(True, ("Flat", "Letters")))
    stage.window.chat.composer.files_given.emit(["/home/ada/offer-2027.pdf"])
    stage.window.chat.composer.box.setPlainText("Is the new offer better than what I have?")
    stage.do("choose-documents")
    stage.spin(0.3)


def sent_files(stage: shots.Stage) -> None:
    furnish(stage)
    stage.open_lease()
    stage.window.chat.composer.files_given.emit(["/home/ada/offer-2027.pdf", "/home/ada/terms.docx"])
    stage.spin(0.3)
    stage.ask("Is the new offer better than what I have?")
    stage.spin(0.3)


def lease_place() -> Place:
    return Place(1, LEASE_PATH, page=6, text=PAGE.split("\n\n")[2])


def viewer_text(stage: shots.Stage) -> None:
    answer_cited(stage)
    start = GUIDE.index(KEYS, 1_400)
    stage.shell._documents.open(Place(2, GUIDE_PATH, "House rules", None, start, start + len(KEYS), KEYS))
    stage.spin(0.6)


def viewer_password(stage: shots.Stage) -> None:
    answer_cited(stage)
    stage.household.library.papers.passwords[LEASE_PATH] = "sesame"
    stage.shell._documents.open(lease_place())
    stage.spin(0.5)


def viewer_changed(stage: shots.Stage) -> None:
    answer_cited(stage)
    stage.shell._documents.open(Place(1, LEASE_PATH, page=6, state="changed"))
    stage.spin(0.8)


shots.SHOTS = {
    "answer-cited": (answer_cited, {}), "answer-found": (answer_found, {}), "answer-viewed": (answer_viewed, {}),
    "answer-refused": (refusal, {}), "answer-details": (details, {}), "composer-files": (attachments, {}),
    "composer-scope": (scope_menu, {}), "question-files": (sent_files, {}),
    "viewer-text": (viewer_text, {}), "viewer-password": (viewer_password, {}), "viewer-changed": (viewer_changed, {}),
}  # fmt: skip

if __name__ == "__main__":
    shots.main(sys.argv[1:])
