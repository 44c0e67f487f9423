"""What holds for every test: nothing outside the test's own folder is written, and nothing leaves the machine."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

_LOCAL_NAMES = {None, "", b"", "localhost", b"localhost"}


def _stays_here(host: Any) -> bool:
    if host in _LOCAL_NAMES:
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _refuse_the_outside(event: str, args: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _stays_here(host):
        raise AssertionError(f"a test reached for {host!r}: no test may need the internet")


if "FREEHOLD_COUNTED" not in os.environ:  # tests/bench/security_packets.py counts instead: no guard may help it
    sys.addaudithook(_refuse_the_outside)


@pytest.fixture(scope="session", autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds, or touches, what the person who runs the tests has in their home."""
    home = tmp_path_factory.mktemp("home")
    kept = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("FREEHOLD_", "XDG_", "HF_"))]:
        del os.environ[name]
    os.environ.update(HOME=str(home), FREEHOLD_HOME=str(home / "freehold"), HF_HUB_OFFLINE="1")
    yield
    os.environ.clear()
    os.environ.update(kept)
