"""Screenshots of borrowing and lending: `python tests/desktop/shots_peers.py FOLDER [NAME]... [--scale 2]`."""

from __future__ import annotations

import sys

import shots

from freehold.chats.values import ALL_DOCUMENTS
from freehold.market.values import Allowed, Device

DESK = Device("0x" + "ab" * 20, "Desk", "Qwen3 32B", 32_762_123_264, 38.0)
STUDIO = Device("0x" + "cd" * 20, "Studio", "Qwen3 14B", 14_768_307_200, 21.0, takes_documents=True)


def allow(stage: shots.Stage, *, asks_first: bool = False) -> None:
    assistant = stage.household.assistant
    assistant.allowed, assistant.devices = Allowed(is_on=True, asks_first=asks_first), [DESK, STUDIO]
    stage.do("new-chat")


def where_away(stage: shots.Stage) -> None:
    allow(stage)
    stage.open_lease()
    stage.window.chat.composer.box.setPlainText("Write the notice letter, dated today.")
    stage.spin(0.3)


def where_empty(stage: shots.Stage) -> None:
    allow(stage)
    stage.spin(0.3)


def where_menu(stage: shots.Stage) -> None:
    where_away(stage)
    stage.do("choose-where")


def where_documents(stage: shots.Stage) -> None:
    allow(stage)
    stage.household.assistant.devices = [DESK]
    stage.shell._chat._scoping.show(ALL_DOCUMENTS)
    stage.window.chat.composer.box.setPlainText("When does my lease end?")
    stage.spin(0.3)


def peer_view(stage: shots.Stage) -> None:
    where_away(stage)
    stage.do("peer-view")
    stage.spin(0.6)


shots.SHOTS = {
    "where-away": (where_away, {}), "where-empty": (where_empty, {}), "where-menu": (where_menu, {}),
    "where-documents": (where_documents, {}), "peer-view": (peer_view, {}),
}  # fmt: skip

if __name__ == "__main__":
    shots.main(sys.argv[1:])
