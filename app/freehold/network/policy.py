"""Where a connection may go. Pure rules; the name is resolved and dialled in the network process."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LONGEST_URL = 8192
_NAME = re.compile(r"\w(?:[\w.-]{0,251}\w)?\.?", re.ASCII)
_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))


class Barred(Exception):
    """Our own rules refuse this; the argument says why, in words."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where one request goes. `local` means this exact origin on this machine was allowed by name."""

    scheme: str
    host: str
    port: int
    local: bool = False

    @classmethod
    def from_wire(cls, fields: Mapping[str, Any]) -> Route:
        return cls(str(fields["scheme"]), str(fields["host"]), int(fields["port"]), fields["local"] is True)


@dataclass(frozen=True, slots=True)
class Policy:
    """HTTPS on port 443 to public addresses, and beyond that only the origins in `local` ("http://127.0.0.1:8080").

    A local origin must resolve to a loopback address, a public one must not: the network process checks that on the
    address it dials.
    """

    local: frozenset[str] = frozenset()

    def route(self, url: str) -> Route:
        """Where `url` leads. Raises Barred."""
        scheme, host, port = _origin(url)
        if f"{scheme}://{host}:{port}" in self.local:
            return Route(scheme, host, port, local=True)
        if scheme != "https":
            raise Barred("it is not an encrypted (https) address")
        if port != 443:
            raise Barred(f"port {port} is not one Freehold connects to")
        if _is_address(host) and not is_public(host):
            raise Barred("it points into a private network")
        return Route(scheme, host, port)


def peer_route(host: str, port: int) -> Route:
    """The way to a device that its owner paired, or wants to. Raises Barred."""
    if not (_is_address(host) or _NAME.fullmatch(host)) or "%" in host or not 1 <= port <= 65535:
        raise Barred("the address is malformed")
    if _is_address(host):
        peer_addresses([host])
    return Route("https", host, port)


def peer_addresses(addresses: list[str]) -> list[str]:
    """The addresses of a device that may be dialled: those of one machine, in whatever network. Raises Barred.

    Which machine answers there is settled by its certificate, so a private address is as good as another.
    """
    fits = [address for address in dict.fromkeys(addresses) if _is_one_machine(address)]
    if not fits:
        raise Barred("its name leads to no machine")
    return fits[:4]


def _is_one_machine(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = (_hidden_ipv4(ip) if isinstance(ip, ipaddress.IPv6Address) and not ip.is_loopback else None) or ip
    return not (ip.is_multicast or ip.is_unspecified or (ip.version == 4 and ip.is_reserved))


def _origin(url: str) -> tuple[str, str, int]:
    if len(url) > LONGEST_URL or any(ord(c) <= 32 or ord(c) >= 127 for c in url) or "\\" in url:
        raise Barred("the address is malformed")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Barred("the address is malformed") from None
    if parts.scheme not in ("http", "https") or not host or "%" in host:
        raise Barred("the address is malformed")
    last = host.rstrip(".").rpartition(".")[2]
    if re.fullmatch(r"\d+|0x[0-9a-f]*", last) and not _is_address(host):
        raise Barred("the address is malformed")  # "2130706433" and "0x7f.1" are 127.0.0.1 to a resolver
    if parts.username is not None or parts.password is not None:
        raise Barred("the address carries a user name")
    return parts.scheme, host, port or {"http": 80, "https": 443}[parts.scheme]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also when it hides another one (mapped, NAT64, 6to4)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        hidden = _hidden_ipv4(ip)
        if hidden is not None:
            return is_public(str(hidden))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _hidden_ipv4(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if any(ip in network for network in _NAT64) or int(ip) >> 32 == 0:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def is_loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return (mapped or ip).is_loopback


def allowed_addresses(addresses: list[str], *, local: bool) -> list[str]:
    """The addresses that may be dialled. Raises Barred when any is of the wrong sort: a name that answers with both
    a public and a private address is an attack (DNS rebinding), not a mistake.
    """
    fits = is_loopback if local else is_public
    if not addresses or not all(fits(address) for address in addresses):
        raise Barred("its name leads to a private address" if not local else "its name leads away from this machine")
    return list(dict.fromkeys(addresses))[:4]
