"""Two hosts on one cable: network namespaces with a virtual link between them, and the counter of what crosses it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.program import Freehold

ADDRESSES = ("10.77.0.1", "10.77.0.2")
_DEVICE = "cable"


class NoHosts(Exception):
    """This machine does not let us make network namespaces; the argument says why."""


class Host:
    """One namespace. Its only way to anywhere is the cable, and IPv6, which would talk by itself, is off."""

    def __init__(self, holder: int, address: str) -> None:
        self.address = address
        self._enter = ["nsenter", *([] if os.geteuid() == 0 else ["--user"]), "--net", "--target", str(holder), "--"]

    def run(self, *command: str) -> str:
        return subprocess.run([*self._enter, *command], check=True, capture_output=True, text=True).stdout

    @property
    def sent(self) -> int:
        """Packets that have left for the other end."""
        (link,) = json.loads(self.run("ip", "-j", "-s", "link", "show", _DEVICE))
        return int(link["stats64"]["tx"]["packets"])

    def freehold(self, top: Path) -> Freehold:
        """The program, run on this host, its profile below `top`."""
        top.mkdir(parents=True, exist_ok=True)
        return _Placed(top, self._enter)

    def cut(self) -> None:
        self.run("ip", "link", "set", _DEVICE, "down")

    def mend(self) -> None:
        self.run("ip", "link", "set", _DEVICE, "up")


class _Placed(Freehold):
    def __init__(self, top: Path, enter: list[str]) -> None:
        super().__init__(top)
        self.prefix = enter


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Raises NoHosts."""
    if not sys.platform.startswith("linux"):
        raise NoHosts("network namespaces are Linux's")
    for tool in ("unshare", "nsenter", "ip"):
        if shutil.which(tool) is None:
            raise NoHosts(f"`{tool}` is not installed")
    with ExitStack() as while_open:
        as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        first = while_open.enter_context(_holder(["unshare", *as_root, "--net"]))
        one = Host(first, ADDRESSES[0])
        inside = [] if os.geteuid() == 0 else ["nsenter", "--user", "--target", str(first), "--"]
        second = while_open.enter_context(_holder([*inside, "unshare", "--net"]))
        other = Host(second, ADDRESSES[1])
        try:
            one.run("ip", "link", "add", _DEVICE, "type", "veth", "peer", "name", _DEVICE, "netns", str(second))
            for host in (one, other):
                host.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 || true")
                host.run("ip", "link", "set", "lo", "up")
                host.run("ip", "addr", "add", f"{host.address}/24", "dev", _DEVICE)
                host.run("ip", "link", "set", _DEVICE, "up")
                host.run("ip", "route", "add", "default", "dev", _DEVICE)
        except subprocess.CalledProcessError as error:
            raise NoHosts(f"{error.cmd[-1]}: {error.stderr.strip()}") from error
        yield one, other


@contextmanager
def _holder(command: list[str]) -> Iterator[int]:
    """A process that keeps a namespace alive, by its id."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "cat"], stdin=pipe, stdout=pipe, stderr=pipe) as one:
        assert one.stdin is not None and one.stdout is not None and one.stderr is not None
        try:
            one.stdin.write(b"x\n")
            one.stdin.flush()
            if one.stdout.readline() != b"x\n":
                raise NoHosts(one.stderr.read().decode().strip() or "no namespace was made")
            yield one.pid
        finally:
            one.stdin.close()
