"""No packet leaves the machine while the tests run: `python tests/bench/security_packets.py [--quick | TEST...]`.

A network namespace is made whose default route, for IPv4 and IPv6, leads into a device (TUN) that this script reads:
every packet meant for another machine is counted there, whichever program or library sent it. The tests run inside,
their own guard against the internet switched off. Then, in the same namespace and with the same counter, a negative
control reaches out on purpose, by hand and through Freehold's own door, and must be counted.

Counted is what has an IP header. The device has no link layer, so there are no ARP or neighbour questions to leave
out, and none of the kernel's own IPv6 announcements: multicast and link-local addresses are off on it. Names are asked
of a server behind the device, never of a resolver on this machine that the namespace would hide. Needs Linux,
util-linux and iproute2; root or unprivileged user namespaces. Exit status: 0 proved, 1 not, 2 this machine cannot.
"""

from __future__ import annotations

import argparse
import fcntl
import ipaddress
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(Path(__file__).parent), str(TESTS)]

from figures import Figure  # noqa: E402 - also started by itself, from anywhere

WHOLE = ("tests",)
QUICK = (
    "tests/e2e/test_engine_worker.py::test_another_model_takes_its_place", "tests/unit/test_network_ledger.py",
    "tests/unit/test_library_flows.py", "tests/desktop/test_desk_start.py",
)  # fmt: skip
_MOST_SECONDS = 2100  # of the tests; what is not run then is said
DEVICE, NAME_SERVER = "counter", "192.0.2.53"  # of the addresses kept for documentation: nobody has them
_TUN_SET, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001  # linux/if_tun.h: TUNSETIFF; IFF_TUN | IFF_NO_PI
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6"}
_REACH_OUT = """
import socket
from contextlib import suppress
for kind, host, port in ((1, "198.51.100.7", 443), (2, "203.0.113.7", 53), (2, "2001:db8::7", 53)):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind) as one, suppress(OSError):
        one.settimeout(0.5)
        one.connect((host, port))
        one.send(b"x")
with suppress(OSError):
    socket.getaddrinfo("example.org", 443)
"""


class CannotMeasure(Exception):
    """This machine does not let us make such a namespace; the argument says why."""


@dataclass(frozen=True)
class Proof:
    """What was counted: destinations with their packets, during the tests and during each control."""

    during_tests: dict[str, int]
    by_hand: dict[str, int]
    through_the_door: dict[str, int]
    passed: int
    failed: int
    skipped: int
    deselected: int
    not_run: int

    @property
    def holds(self) -> bool:
        control = self.by_hand and self.through_the_door
        return bool(not self.during_tests and control and self.passed and not self.failed and not self.not_run)

    @property
    def counts(self) -> str:
        left_out = f", {self.deselected} deselected" if self.deselected else ""
        cut = f", {self.not_run} not run when the time was up" if self.not_run else ""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped{left_out}{cut}"


def figures(*, quick: bool) -> Iterator[Figure]:
    name = f"packets that left for another machine while the tests ran ({'a named part' if quick else 'all of them'})"
    try:
        proof = prove(QUICK if quick else WHOLE)
    except CannotMeasure as reason:
        yield Figure(name, None, "packets", 0, "exactly", note=f"not measured: {reason}")
        return
    yield Figure(name, sum(proof.during_tests.values()), "packets", 0, "exactly", note=_told(proof.during_tests))
    for control, found in (("by hand", proof.by_hand), ("through Freehold's own door", proof.through_the_door)):
        yield Figure(f"packets of the negative control in the same run, {control}", sum(found.values()), "packets", 1,
                     "at least", note=_told(found))  # fmt: skip
    yield Figure("tests that failed in the namespace", proof.failed, "tests", 0, "exactly", note=proof.counts)
    yield Figure("tests that were to run in the namespace and did not", proof.deselected + proof.not_run, "tests", 0,
                 "exactly", note="" if not quick else "of the named part")  # fmt: skip


def prove(tests: Sequence[str]) -> Proof:
    """Run `tests` in the namespace. Raises CannotMeasure."""
    if not sys.platform.startswith("linux"):
        raise CannotMeasure("network namespaces are Linux's")
    for tool in ("unshare", "ip", "mount"):
        if shutil.which(tool) is None:
            raise CannotMeasure(f"`{tool}` is not installed")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        inside = [sys.executable, __file__, "--inside", str(report), *tests]
        subprocess.run(["unshare", *as_root, "--net", "--mount", *inside], cwd=TESTS.parent, check=False)
        if not report.is_file():
            raise CannotMeasure("no network namespace could be made, or the tests did not end in it (see above)")
        told = json.loads(report.read_text())
    if "cannot" in told:
        raise CannotMeasure(told["cannot"])
    return Proof(**told)


def measure(report: Path, tests: Sequence[str]) -> None:
    """Runs inside the namespace."""
    try:
        counter = DeadEnd()
        ask_names_outside(report.parent)
    except (OSError, subprocess.CalledProcessError) as error:
        report.write_text(json.dumps({"cannot": str(error)}))
        return
    outcome = run_tests(tests, report.with_suffix(".tests"))
    during_tests = counter.take()
    subprocess.run([sys.executable, "-c", _REACH_OUT], check=False)
    by_hand = counter.take()
    ask_through_the_door(report.parent)
    proof = Proof(during_tests, by_hand, counter.take(), **outcome)
    report.write_text(json.dumps({name: getattr(proof, name) for name in Proof.__dataclass_fields__}))


class DeadEnd:
    """The device at the end of the default route: what comes out of it is counted and goes nowhere."""

    def __init__(self) -> None:
        self._device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._device, _TUN_SET, struct.pack("16sH22x", DEVICE.encode(), _TUN_WITHOUT_HEADER))
        self._found: Counter[str] = Counter()
        threading.Thread(target=self._read, daemon=True).start()
        for command in (
            "link set lo up", f"link set {DEVICE} multicast off", f"link set {DEVICE} addrgenmode none",
            f"link set {DEVICE} up", f"addr add 192.0.2.1/32 dev {DEVICE}", f"route add default dev {DEVICE}",
        ):  # fmt: skip
            subprocess.run(["ip", *command.split()], check=True)
        if Path("/proc/net/if_inet6").exists():
            for command in (f"addr add 2001:db8::1/128 dev {DEVICE} nodad", f"route add default dev {DEVICE}"):
                subprocess.run(["ip", "-6", *command.split()], check=True)

    def take(self) -> dict[str, int]:
        """What has come since the last time; waits for what is still on its way."""
        time.sleep(1.0)
        found, self._found = self._found, Counter()
        return dict(found)

    def _read(self) -> None:
        while packet := os.read(self._device, 65536):
            self._found[destination(packet)] += 1


def destination(packet: bytes) -> str:
    """Where an IP packet is meant to go: "udp 192.0.2.53 port 53"."""
    if packet[0] >> 4 == 4:
        start, protocol, to = (packet[0] & 15) * 4, packet[9], ipaddress.ip_address(packet[16:20])
    else:
        start, protocol, to = 40, packet[6], ipaddress.ip_address(packet[24:40])
    words = f"{_PROTOCOLS.get(protocol, f'protocol {protocol}')} {to}"
    return words + (f" port {int.from_bytes(packet[start + 2 : start + 4], 'big')}" if protocol in (6, 17) else "")


def ask_names_outside(folder: Path) -> None:
    """Names are asked of a server behind the counter, not of a helper on this machine whom nobody counts."""
    for place, words in (
        ("/etc/resolv.conf", f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:1\n"),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
    ):
        ours = folder / Path(place).name
        ours.write_text(words)
        subprocess.run(["mount", "--bind", str(ours), os.path.realpath(place)], check=True)
    if Path("/run/nscd").is_dir():
        (folder / "nobody").mkdir()
        subprocess.run(["mount", "--bind", str(folder / "nobody"), "/run/nscd"], check=True)


def run_tests(tests: Sequence[str], results: Path) -> dict[str, int]:
    """How many passed, failed, were skipped, deselected, not run. Their words go to stderr: stdout is for figures."""
    command = [sys.executable, __file__, "--outcomes", str(results), *tests]
    subprocess.run(command, env={**os.environ, "FREEHOLD_COUNTED": "1"}, stdout=sys.stderr, check=False)
    if not results.is_file():
        return {"passed": 0, "failed": 1, "skipped": 0, "deselected": 0, "not_run": 0}
    told: dict[str, int] = json.loads(results.read_text())
    return told


class Outcomes:
    """A plugin of pytest that counts: each test once, by the worst of what became of its parts."""

    def __init__(self, results: Path) -> None:
        self._results, self._worst = results, dict[str, str]()
        self._deselected = self._collected = self._broken = 0

    def pytest_deselected(self, items: Sequence[object]) -> None:
        self._deselected += len(items)

    def pytest_collectreport(self, report: Any) -> None:
        self._broken += report.failed

    def pytest_collection_finish(self, session: Any) -> None:
        self._collected = len(session.items)

    def pytest_runtest_logreport(self, report: Any) -> None:
        if self._worst.get(report.nodeid) != "failed" and (report.outcome != "passed" or report.when == "call"):
            self._worst[report.nodeid] = report.outcome

    def pytest_sessionfinish(self) -> None:
        count = Counter(self._worst.values())
        told = {
            "passed": count["passed"], "failed": count["failed"] + self._broken, "skipped": count["skipped"],
            "deselected": self._deselected, "not_run": self._collected - len(self._worst),
        }  # fmt: skip
        self._results.write_text(json.dumps(told))


def count_outcomes(results: Path, tests: Sequence[str]) -> int:
    """Runs the tests in this process, in the namespace."""
    import pytest

    told = ["-q", "-p", "no:cacheprovider", f"--session-timeout={_MOST_SECONDS}", *tests]
    return int(pytest.main(told, plugins=[Outcomes(results)]))


def ask_through_the_door(folder: Path) -> None:
    """Ask the model hub for a file, as `freehold models get` would; it cannot be reached from here."""
    from freehold.foundation.errors import DownloadFailed
    from freehold.foundation.paths import Profile
    from freehold.foundation.settings import SettingsFile
    from freehold.network.door import Door
    from freehold.network.values import Patience
    from support.hub import FakeVault

    profile = Profile(folder / "home")
    profile.prepare()
    settings = SettingsFile(profile.settings)
    door = Door(profile, FakeVault(), settings, patience=Patience(stall=2.0, tries=1, waits=()))
    with suppress(DownloadFailed):
        list(door.hub_facts("somebody/model", "model.gguf"))


def _told(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {where}" for where, count in sorted(found.items())[:12])


def main() -> int:
    match sys.argv[1:]:
        case ["--inside", report, *tests]:
            measure(Path(report), tests)
            return 0
        case ["--outcomes", results, *tests]:
            return count_outcomes(Path(results), tests)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a named part of the tests")
    parser.add_argument("tests", nargs=argparse.REMAINDER, help="what pytest shall run, then its options; all tests "
                        "when left out")  # fmt: skip
    wish = parser.parse_args()
    tests = wish.tests or (QUICK if wish.quick else WHOLE)
    try:
        proof = prove(tests)
    except CannotMeasure as reason:
        print(f"Not measured: {reason}")
        return 2
    print(f"While the tests ran ({proof.counts}):")
    print(
        f"  {sum(proof.during_tests.values())} packets left for another machine. {_told(proof.during_tests)}".rstrip()
    )
    print("Then, on purpose, in the same namespace:")
    print(f"  {sum(proof.by_hand.values())} by hand: {_told(proof.by_hand)}")
    print(f"  {sum(proof.through_the_door.values())} through Freehold's own door: {_told(proof.through_the_door)}")
    print("Proved: nothing left, and what leaves is counted." if proof.holds else "Not proved.")
    return 0 if proof.holds else 1


if __name__ == "__main__":
    sys.exit(main())
