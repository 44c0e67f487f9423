"""Screenshots of borrowing and lending: `python tests/desktop/shots_peers.py FOLDER [NAME]... [--scale 2]`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import shots

from freehold.chats.values import ALL_DOCUMENTS, Ending
from freehold.foundation.errors import DiskFull, MandateRefused, PairingRefused
from freehold.foundation.stop import Stop
from freehold.market.errors import LendingFailed
from freehold.market.lending.shared import LentJob
from freehold.market.receipts import Verdict
from freehold.market.records import Check
from freehold.market.values import Allowed
from freehold.network.peer_values import Found
from support import desk
from support.fake_peers import CODE, DESK, LARGE, MIDDLE, STUDIO, weights_of

LAPTOP = "0x" + "ef" * 20
LETTER = """To the landlord,

I hereby give notice to end the lease of the flat at 12 Mill Lane. It ends on 30 September 2027.
"""


def job_of(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()[:32]


def with_key(stage: shots.Stage) -> None:
    stage.household.keys._has_key = True


def fill(stage: shots.Stage, *, is_on: bool = True, receipts: int = 14) -> None:
    """Two devices, a third that only asks here, and what they signed."""
    with_key(stage)
    peers, now = stage.household.peers, time.time()
    peers.put(DESK, "Study desktop", LARGE, 38.0, documents=True)
    peers.put(STUDIO, "Workshop tower", MIDDLE, 21.0)
    peers.put(LAPTOP, "Kitchen laptop", host="")
    stage.household.keys.asked = {DESK: 11, STUDIO: 1}
    for number in reversed(range(receipts)):
        device = STUDIO if number % 4 == 2 else DESK
        check = None if number % 4 == 1 else Check("", now, True, 64, 0.11)
        stage.household.receipts.sign(
            job_of(number), device, check=check, manifest=LARGE if device == DESK else MIDDLE,
            tokens_in=640 + number * 37 % 400, tokens_out=90 + number * 53 % 300, closed=now - number * 2_400 - 130,
        )  # fmt: skip
    stage.household.models.models += [weights_of(LARGE), weights_of(MIDDLE)]
    if is_on:
        peers.turn("on")
        stage.household.door.connections_since_start = 3
    stage.shell._pages.peers_state.look()
    stage.spin(0.3)


def where_away(stage: shots.Stage) -> None:
    fill(stage)
    stage.open_lease()
    stage.window.chat.composer.box.setPlainText("Write the notice letter, dated today.")
    stage.spin(0.3)


def where_empty(stage: shots.Stage) -> None:
    fill(stage)
    stage.do("new-chat")
    stage.spin(0.3)


def where_menu(stage: shots.Stage) -> None:
    where_away(stage)
    stage.do("choose-where")


def where_documents(stage: shots.Stage) -> None:
    fill(stage)
    stage.household.peers.trust(DESK, documents=False)
    stage.shell._chat._scoping.show(ALL_DOCUMENTS)
    stage.window.chat.composer.box.setPlainText("When does my lease end?")
    stage.spin(0.3)


def where_asks(stage: shots.Stage) -> None:
    fill(stage)
    stage.household.assistant.allowed = Allowed(is_on=True, asks_first=True)
    stage.open_lease()
    stage.window.chat.composer.box.setPlainText("Write the notice letter, dated today.")
    stage.spin(0.3)


def where_streaming(stage: shots.Stage) -> None:
    where_away(stage)
    stage.household.assistant.script = desk.Script([LETTER[:80]], gate=Stop())
    stage.ask("Write the notice letter, dated today.")


def peer_view(stage: shots.Stage) -> None:
    where_away(stage)
    stage.do("peer-view")
    stage.spin(0.6)


def peer_view_failed(stage: shots.Stage) -> None:
    where_away(stage)
    stage.household.assistant.preview_error = MandateRefused("the 200 answers of today are used up")
    stage.do("peer-view")
    stage.spin(0.6)


def answer_by_peer(stage: shots.Stage) -> None:
    """An answer that two devices wrote at, with everything known of it."""
    fill(stage)
    house = stage.household
    job = house.receipts.sign("c0ffee" + "51" * 13, DESK, check=Check("", time.time(), True, 64, 0.09)).receipt.job
    chat = house.say("Write the notice letter, dated today.", LETTER, chat=stage.lease)
    answer = house.conversations.branch(chat)[-1]
    note = "Study desktop went away after 61 tokens. The answer goes on here, from the next token."
    made = desk.provenance(
        where=("Study desktop", "here"), model="Qwen3 32B", model_sha256=LARGE.sha256, jobs=(job,), data_class="words",
        notes=(note,), tokens_per_s=31.4,
    )  # fmt: skip
    sealed = house.conversations.seal(answer.id, Ending.COMPLETE, made)
    stage.open_lease()
    stage.spin(0.3)
    stage.window.chat.transcript.details_asked.emit(sealed.id)
    stage.spin(0.4)


def peers_first(stage: shots.Stage) -> None:
    stage.do("peers")


def peers_first_failed(stage: shots.Stage) -> None:
    stage.do("peers")
    stage.household.keys.error = DiskFull("identity/key.json")
    stage.window._named["peers"].first.make.click()
    stage.spin(0.3)


def peers_empty(stage: shots.Stage) -> None:
    with_key(stage)
    stage.do("peers")


def peers_on(stage: shots.Stage) -> None:
    fill(stage)
    stage.do("peers")
    stage.spin(1.2)


def peers_failed(stage: shots.Stage) -> None:
    fill(stage)
    peers, now = stage.household.peers, time.time()
    peers.put(STUDIO, "Workshop tower", MIDDLE, 21.0, state="blocked")
    failed = Check("", now, False, 64, 4.2, "the named weights would have said something else at 17 of 64 places")
    stage.household.receipts.sign("dead" * 8, STUDIO, manifest=MIDDLE, check=failed, closed=now - 60)
    stage.household.receipts.verdict = Verdict(False, 0, "it is of another answer")
    stage.do("peers")
    stage.spin(0.3)
    stage.window._named["peers"].receipts.verify_asked.emit(str(Path("receipt.json")))
    stage.spin(0.4)


def pairing(stage: shots.Stage) -> None:
    fill(stage, receipts=3)
    stage.household.peers.near = [
        Found("Study desktop", "192.168.1.20", 4711, "ab" * 8), Found("Attic server", "192.168.1.31", 47017, "cd" * 8),
    ]  # fmt: skip
    stage.do("peers")
    stage.do("pair-device")
    form = stage.window._named["peers"].devices.pairing
    form._search.click()
    stage.spin(0.4)
    form._found[1][0].setChecked(True)
    form._code.setText(CODE)
    stage.spin(0.2)


def pairing_words(stage: shots.Stage) -> None:
    pairing(stage)
    stage.window._named["peers"].devices.pairing._pair.click()
    stage.spin(0.5)


def pairing_busy(stage: shots.Stage) -> None:
    pairing(stage)
    stage.household.peers.gate = Stop()
    stage.window._named["peers"].devices.pairing._pair.click()
    stage.spin(0.5)


def pairing_failed(stage: shots.Stage) -> None:
    pairing(stage)
    stage.household.peers.error = PairingRefused(
        "the code is wrong, used up or too old, or the other device shows none"
    )
    stage.window._named["peers"].devices.pairing._pair.click()
    stage.spin(0.5)


def receipts(stage: shots.Stage) -> None:
    fill(stage, receipts=120)
    stage.do("peers")
    stage.spin(0.4)
    stage.window._named["peers"].receipts.table.choose(job_of(2))
    stage.spin(0.3)


def lending(stage: shots.Stage) -> None:
    fill(stage)
    stage.do("peers")
    stage.do("lend")
    stage.spin(0.3)
    jobs = (LentJob("aa" * 16, LAPTOP, "running", 812, 128),)
    stage.household.lending.at = replace(stage.household.lending.at, jobs=jobs, seen={LAPTOP: time.time()})
    stage.household.lending.tell("job", device=LAPTOP, tokens_in=512, tokens_out=201, ending="complete")
    stage.shell._pages.peers_state.look()
    stage.spin(0.4)
    page = stage.window._named["peers"]
    page.scroll_to(page.lending)
    stage.spin(0.2)


def lending_words(stage: shots.Stage) -> None:
    lending(stage)
    stage.household.lending.tell(
        "paired", device=LAPTOP, name="Kitchen laptop", words=("orbit", "velvet", "candle", "north")
    )
    stage.shell._pages.peers_state.look()
    stage.spin(0.4)


def lending_busy(stage: shots.Stage) -> None:
    fill(stage)
    stage.household.lending.gate = Stop()
    stage.do("peers")
    stage.do("lend")
    stage.spin(0.3)
    stage.household.lending.gate.set()


def lending_failed(stage: shots.Stage) -> None:
    fill(stage)
    stage.household.lending.error = LendingFailed(
        "port 47017 cannot be used: address in use", advice="Choose another port."
    )
    stage.do("peers")
    stage.do("lend")
    stage.spin(0.3)
    page = stage.window._named["peers"]
    page.scroll_to(page.lending)


def key_export(stage: shots.Stage) -> None:
    fill(stage)
    stage.do("peers")
    stage.do("export-key")
    stage.window._named["peers"].key._new._first.setText("four words I like best")
    stage.spin(0.2)
    page = stage.window._named["peers"]
    page.scroll_to(page.key)
    stage.spin(0.2)


shots.SHOTS = {
    "where-away": (where_away, {}), "where-empty": (where_empty, {}), "where-menu": (where_menu, {}),
    "where-documents": (where_documents, {}), "where-asks": (where_asks, {}), "where-streaming": (where_streaming, {}),
    "peer-view": (peer_view, {}), "peer-view-failed": (peer_view_failed, {}), "answer-by-peer": (answer_by_peer, {}),
    "peers-first": (peers_first, {}), "peers-first-failed": (peers_first_failed, {}),
    "peers-empty": (peers_empty, {}), "peers": (peers_on, {}), "peers-failed": (peers_failed, {}),
    "pairing": (pairing, {}), "pairing-words": (pairing_words, {}), "pairing-busy": (pairing_busy, {}),
    "pairing-failed": (pairing_failed, {}), "receipts": (receipts, {}), "lending": (lending, {}),
    "lending-words": (lending_words, {}), "lending-busy": (lending_busy, {}), "lending-failed": (lending_failed, {}),
    "key-export": (key_export, {}),
}  # fmt: skip

if __name__ == "__main__":
    shots.main(sys.argv[1:])
