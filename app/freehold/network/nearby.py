"""Devices on the local network (mDNS): looking around when asked to, and being found while sharing; else silence.

zeroconf is imported by the functions that need it: the first in the network process, the others where Freehold serves.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from freehold.network.peer_values import MOST_FOUND, Counts, Found

SERVICE = "_freehold._tcp.local."
GROUP = ("224.0.0.251", 5353)  # where everybody is asked and answers (RFC 6762)
LONGEST_NAME = 40  # characters of a device's name
_LOOK_SECONDS = 0.1
_ASK_MILLISECONDS = 300  # for what an announcement left out


def browse(
    found: Callable[[Found], None], *, wait: Callable[[float], bool], counts: Counts, own: Sequence[str] = ()
) -> None:
    """Ask all networks of this machine for devices until `wait` (told the seconds to wait) says that it is over.

    `own` are the addresses to ask from, those of `own_addresses` if none are given. `counts` learns what was sent; what
    comes in is everybody's talk to everybody, and is not counted. Raises OSError where multicast cannot be used.
    """
    _load()
    from zeroconf import Error, IPVersion, ServiceBrowser, ServiceInfo, Zeroconf

    class Counting(Zeroconf):
        def async_send(
            self, out: Any, addr: Any = None, port: int = GROUP[1], v6_flow_scope: Any = (), transport: Any = None
        ) -> None:
            counts.sent += sum(map(len, out.packets())) * (1 if transport else len(self.engine.senders))
            super().async_send(out, addr, port, v6_flow_scope, transport)

    heard: dict[str, bool] = {}  # instance names, and whether their device was told

    def hear(*, name: str, **_: object) -> None:
        if len(heard) < MOST_FOUND:
            heard.setdefault(name, False)

    here = list(own or own_addresses())
    if not here:
        return
    try:
        with Counting(interfaces=here, ip_version=IPVersion.V4Only, use_asyncio=False) as network:
            ServiceBrowser(network, SERVICE, handlers=[hear])
            while not wait(_LOOK_SECONDS):
                for name in [name for name, is_told in tuple(heard.items()) if not is_told]:
                    info = ServiceInfo(SERVICE, name)
                    if info.load_from_cache(network) or info.request(network, _ASK_MILLISECONDS):
                        heard[name] = True
                        if (device := device_of(info, here)) is not None:
                            found(device)
    except Error as error:
        raise OSError("the network cannot be asked") from error


def device_of(info: Any, here: Sequence[str]) -> Found | None:
    """The device that an announcement tells of; None where it is none of ours, or leads out of the local network."""
    said = {key: value or b"" for key, value in info.properties.items()}
    tls = said.get(b"tls", b"").decode("latin-1")
    addresses = local_addresses(info.parsed_addresses())
    if not re.fullmatch(r"[0-9a-f]{16}", tls) or not addresses or not 0 < (info.port or 0) < 65536:
        return None
    return Found(cleaned(said.get(b"name", b"").decode("utf-8", "replace")), nearest(addresses, here), info.port, tls)


def cleaned(name: str) -> str:
    """A stranger's name for a device, fit to be shown on one line: printable, cut, never empty."""
    plain = "".join(letter if letter.isprintable() else " " for letter in unicodedata.normalize("NFC", name[:255]))
    return " ".join(plain.split())[:LONGEST_NAME].strip() or "?"


def own_addresses() -> list[str]:
    """The IPv4 addresses that this machine has in local networks."""
    import psutil

    cards = psutil.net_if_addrs().values()
    return local_addresses(one.address for card in cards for one in card if one.family == socket.AF_INET)


def local_addresses(addresses: Iterable[str]) -> list[str]:
    """Those of a local network that lead to one machine there; never loopback or the public internet."""
    found = [address for address in dict.fromkeys(addresses) if ":" not in address]
    return [address for address in found if _is_local(ipaddress.IPv4Address(address))]


def nearest(addresses: Sequence[str], here: Sequence[str]) -> str:
    """Of a device's addresses the one that shares most with an address of ours.

    An address that is ours comes last: two machines may each have the same one on a network of their own.
    """

    def shared(address: str) -> int:
        other = int(ipaddress.IPv4Address(address))
        bits = [32 - (other ^ int(ipaddress.IPv4Address(one))).bit_length() for one in here]
        return -1 if 32 in bits else max(bits, default=0)

    return max(addresses, key=shared)


class Announcer:
    """Says on the local network that this device can be paired with, from `start` until `stop`.

    `tls` is the certificate's fingerprint (hex), of which 16 digits are told, `port` where it answers. The machine's
    own name is not told. Both methods take up to two seconds and must not be called on an event loop.
    """

    def __init__(self, name: str, tls: str, port: int, addresses: Sequence[str] = ()) -> None:
        self._name, self._tls, self._port = cleaned(name), tls[:16], port
        self._addresses = list(addresses)
        self._network: Any = None

    def start(self) -> bool:
        """Whether it could be announced: not without a local network, nor where multicast is forbidden."""
        _load()
        from zeroconf import Error, IPVersion, Zeroconf

        here = self._addresses or own_addresses()
        if not here:
            return False
        try:
            self._network = Zeroconf(interfaces=here, ip_version=IPVersion.V4Only, use_asyncio=False)
            self._network.register_service(self._service(here))
        except (OSError, Error):
            self.stop()
            return False
        return True

    def stop(self) -> None:
        """Say good-bye and fall silent."""
        network, self._network = self._network, None
        if network is not None:
            network.close()

    def _service(self, addresses: Sequence[str]) -> Any:
        from zeroconf import ServiceInfo

        # Named by its key, so that two devices of one name are two; the name for people is a property.
        return ServiceInfo(
            SERVICE, f"{self._tls}.{SERVICE}", port=self._port, parsed_addresses=list(addresses),
            server=f"freehold-{self._tls}.local.", properties={"name": self._name, "tls": self._tls},
        )  # fmt: skip


def _is_local(ip: ipaddress.IPv4Address) -> bool:
    strange = ip.is_loopback or ip.is_unspecified or ip.is_multicast or ip.is_reserved
    return not (ip.is_global or strange)


def _load() -> None:
    """Import zeroconf in a box. Its ifaddr looks for the C library by starting ldconfig and gcc and writing a temporary
    file, which a box refuses; without a name it takes what this process has loaded already.
    """
    import ctypes.util

    def nothing(name: str) -> None:  # noqa: ARG001 - as it is called
        return None

    asked, ctypes.util.find_library = ctypes.util.find_library, nothing
    try:
        import zeroconf  # noqa: F401
    finally:
        ctypes.util.find_library = asked
