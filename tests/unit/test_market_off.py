"""With offload off: no process is started for other devices, nothing of Ethereum's is imported, nothing is asked."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, sys, time
from pathlib import Path
from freehold.app import build
from freehold.assistant.reply import Wish
from freehold.foundation.errors import FreeholdError
from freehold.foundation.paths import Profile
from freehold.foundation.stop import Stop
from freehold.market.records import Paired
from freehold.market.values import Manifest, Offer

house = build(Profile(Path(sys.argv[1])))
house.vault.create(raw=bytes(range(32)))
manifest = Manifest("Large", "aa" * 32, "bb" * 32, "Q4_0", 4096, "x", parameters=10**12)
house.peers._books.pair(Paired(
    "0x" + "ab" * 20, "Studio", "00" * 32, "00" * 32, {}, "", "192.0.2.7", 4711, offers=(Offer(manifest, "00" * 32),)
))
chat = house.conversations.create()
steps, ends = [], []
for where in ("auto", "peer"):
    try:
        for step in house.assistant.reply(chat.id, "Hi", Stop(), Wish(where=where, sampling={"max_tokens": 2})):
            steps.append(type(step).__name__)
    except FreeholdError as error:
        ends.append(error.code)
placed = house.assistant.placed(chat, Wish())[0]
house.peers.all(), house.peers.allowed(), house.receipts.all(), house.peers.limits()
print(json.dumps({
    "answered": steps.count("Answered"), "ends": ends, "asked": len(placed.devices),
    "known": len(house.peers.devices()),
    "signer": house.keys.pid, "courier": house.peers._courier._pipe.pid, "network": house.door.is_busy,
    "connections": house.door.connections_since_start, "ledger": len(house.door.ledger()),
    "jobs": len(house.peers._books.jobs()),
    "imported": sorted({"web3", "eth_account", "spake2", "http_message_signatures", "cryptography"} & set(sys.modules)),
}))
house.close()
"""


def test_while_it_is_off_nothing_is_started_imported_or_asked_whatever_is_wished(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "home")], capture_output=True, text=True, check=False, timeout=120
    )
    told = json.loads(done.stdout.splitlines()[-1]) if done.stdout else done.stderr
    assert told == {
        "answered": 2, "ends": ["offload-off"], "asked": 0, "known": 1, "signer": None,
        "courier": None, "network": False, "connections": 0, "ledger": 0, "jobs": 0, "imported": [],
    }  # fmt: skip
