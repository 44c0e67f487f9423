"""Started in a network namespace of its own: counts what is multicast while devices look for each other, and not."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from freehold.network.nearby import Announcer
from support.devices import device, until
from support.hub import outside

MULTICAST = "224.0.0.0/4"


class Ear:
    """Reads every packet of the namespace, and counts those that are for many."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self._line = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0003))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while packet := self._line.recv(65536)[14:]:
            if packet[0] >> 4 == 4 and packet[16] >> 4 == 14:
                self.heard[socket.inet_ntoa(packet[16:20])] += 1

    def during(self, seconds: float = 0.0) -> int:
        """How many since the last time, after so many seconds."""
        time.sleep(seconds)
        heard, self.heard = self.heard, Counter()
        return sum(heard.values())


def main(folder: Path) -> None:
    try:
        for command in ("link set lo up", "addr add 192.168.77.1/24 dev lo", f"route add {MULTICAST} dev lo"):
            subprocess.run(["ip", *command.split()], check=True)
        ear = Ear()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(str(error))
        sys.exit(3)
    told: dict[str, object] = {}
    with device(folder) as desk, outside(folder / "house", start=None) as world:
        line = world.door.peer_line()
        announcers = [Announcer("desk", letter * 64, port) for letter, port in (("a", 8470), ("b", 8471))]
        line.ask(desk.target, "GET", "/v1/offers", {}, b"", purpose="peer", data_class="numbers")
        told["before"] = ear.during(1.0)
        list(line.discover(1.0))
        told["looking"] = ear.during(0.5)
        assert all(announcer.start() for announcer in announcers)
        told["sharing"] = ear.during(0.5)
        told["found"] = [[one.name, one.host, one.port, one.tls] for one in line.discover(3.0)]
        for announcer in announcers:
            announcer.stop()
        world.door.close()
        until(lambda: ear.during(1.0) == 0)
        told["after"] = ear.during(2.0)
        rows = [row for row in world.door.ledger() if row.port == 5353][-1:]
        told["rows"] = [
            [row.purpose, row.host, row.port, row.data_class, row.bytes_out, row.error] for row in rows
        ]  # fmt: skip
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
