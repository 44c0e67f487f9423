"""Decides which addresses may become links, and rebuilds them from checked parts."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from urllib.parse import quote

from freehold.rendering.values import Link
from freehold.rendering.visible import is_plain

_MOST_CHARACTERS = 2_000
_WEB = re.compile(r"(https?)://([^/?#\\\s]+)(/[^?#]*)?(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
_MAIL = re.compile(r"mailto:([A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@([^@?\s]+)(?:\?.*)?", re.IGNORECASE | re.DOTALL)
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_.])?")
_KEPT = "%/:@!$&'()*+,;=~-._"


def safe_link(target: str) -> Link | None:
    """The link that `target` may become, or None when it must stay text.

    Only http, https and mailto; user names and passwords are dropped, hosts are written in ASCII (punycode), mail
    links lose everything but the address (a mailto link could attach files).
    """
    target = target.strip()
    if len(target) > _MOST_CHARACTERS or not is_plain(target):
        return None
    if mail := _MAIL.fullmatch(target):
        host = _ascii_host(mail[2])
        return Link(f"mailto:{mail[1]}@{host}", host) if host else None
    if web := _WEB.fullmatch(target):
        return _web_link(web)
    return None


def names_itself(label: str, link: Link) -> bool:
    """A reader of `label` already sees the host that `link` leads to."""
    if not label.isascii():
        return False
    if link.url.startswith("mailto:"):
        return f"mailto:{label.removeprefix('mailto:')}" == link.url
    return "@" not in label.split("://", 1)[-1].split("/", 1)[0] and safe_link(label) == link


def _web_link(web: re.Match[str]) -> Link | None:
    place, colon, port = web[2].rpartition("@")[2], "", ""
    if (end := re.search(r":(\d{0,5})$", place)) and not place.endswith("]"):
        place, colon, port = place[: end.start()], ":" if end[1] else "", end[1]
    host = _ascii_host(place)
    if not host or (port and int(port) > 65_535):
        return None
    rest = (
        quote(web[3] or "", safe=_KEPT) + quote(web[4] or "", safe=_KEPT + "?") + quote(web[5] or "", safe=_KEPT + "?#")
    )
    return Link(f"{web[1].lower()}://{host}{colon}{port}{rest}", host)


def _ascii_host(place: str) -> str:
    """`place` as a lower-case ASCII host, or empty when it is none."""
    if len(place) > 253:
        return ""
    try:
        if place.startswith("["):
            return f"[{IPv6Address(place.removeprefix('[').removesuffix(']'))}]"
        host = place.encode("idna").decode("ascii").lower()
    except (AddressValueError, UnicodeError):
        return ""
    return host if _HOST.fullmatch(host) and ".." not in host else ""
