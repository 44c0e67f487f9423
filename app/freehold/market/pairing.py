"""Two devices become each other's: found or named, the code typed here, the words compared by their owner. Flows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Protocol

from freehold.foundation.canonical import canonical
from freehold.foundation.errors import FreeholdError, Interrupted, PairingRefused, PeerUntrusted, UsageError
from freehold.foundation.stop import Stop
from freehold.identity.pairing import Invite, parse_invite, tls_fingerprint
from freehold.market.books import Books
from freehold.market.client import Client, Keys, Line
from freehold.market.courier import Courier
from freehold.market.records import Paired
from freehold.network.peer_values import Found, Target

PURPOSE = "pairing"
LOOK_SECONDS = 5.0
_OK = 200
_CODE = re.compile(r"[0-9]{6}")
_AT = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s:\[\]/@]+):(?P<port>[1-9][0-9]{0,4})")


class OwnKeys(Keys, Protocol):
    def introduction(self) -> dict[str, Any]: ...


class Meeting(Line, Protocol):
    """network.peer_line.PeerLine, as far as devices are met that are not known yet."""

    def meet(self, host: str, port: int, *, purpose: str, stop: Stop | None = None) -> str: ...
    def discover(self, seconds: float = ..., *, stop: Stop | None = None) -> Generator[Found, None, None]: ...


@dataclass(frozen=True, slots=True)
class Looking:
    """The local network is being asked who is there."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A device was found, and is asked."""

    name: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Words:
    """Both screens show these now. Where they differ, somebody stands between the two, and `forget` undoes it."""

    device: Paired
    words: tuple[str, ...]


Step = Looking | Asking | Words


@dataclass(frozen=True, slots=True)
class Place:
    """Where a device is; `tls` is its certificate's fingerprint where an invite said so."""

    host: str
    port: int
    name: str = ""
    tls: str = ""


class Pairing:
    """`now` is seconds since 1970."""

    def __init__(
        self, line: Meeting, keys: OwnKeys, courier: Courier, books: Books, now: Callable[[], float] = time.time
    ) -> None:
        self._line, self._keys, self._courier, self._books, self._now = line, keys, courier, books, now

    def pair(self, code: str, at: str = "", stop: Stop | None = None) -> Generator[Step, None, Paired]:
        """Pair with the device that shows `code`: the one at HOST:PORT, or the only one that is found. `code` may be a
        whole invite.

        Raises PairingRefused, PeerUnreachable, PeerUntrusted, Offline, KeyMissing, Interrupted; UsageError for what is
        no code or place.
        """
        halt = stop or Stop()
        code, place = _told(code, at)
        introduction = self._keys.introduction()
        if place is None:
            yield Looking()
            place = self._only_one(halt)
        yield Asking(place.name, place.host, place.port)
        tls = self._line.meet(place.host, place.port, purpose=PURPOSE, stop=halt)
        fingerprint = tls_fingerprint(tls)
        if place.tls and not fingerprint.startswith(place.tls):
            raise PeerUntrusted("the device there is not the one that was found or that sent the invite")
        target = Target(place.host, place.port, tls, place.name)
        begun = self._courier.begin_pairing(code, fingerprint, introduction)
        confirmed = self._courier.confirm_pairing(self._step(target, begun, halt))
        met = self._courier.finish_pairing(self._step(target, confirmed, halt))
        if met.owner.lower() == str(introduction["certificate"]["owner"]).lower() and (
            met.node_key == introduction["certificate"]["node_key"]
        ):
            raise PairingRefused("that is this device itself")
        device = self._books.pair(Paired(
            met.owner.lower(), self._free_name(met.name, met.owner.lower()), met.node_key, met.hpke_key,
            met.certificate, met.tls, place.host, place.port, paired=self._now(),
        ))  # fmt: skip
        yield Words(device, met.words)
        return self._with_offers(device, halt)

    def discover(self, seconds: float = LOOK_SECONDS, stop: Stop | None = None) -> Generator[Found, None, None]:
        """Devices that announce themselves now. Where a paired one is met elsewhere than before, that is noted."""
        paired = {tls_fingerprint(one.tls)[:16]: one for one in self._books.devices() if one.tls}
        with closing(self._line.discover(seconds, stop=stop)) as found:
            for one in found:
                known = paired.get(one.tls)
                if known is not None and (known.host, known.port) != (one.host, one.port):
                    self._books.move(known.id, one.host, one.port)
                yield one

    def unpair(self, device: Paired, stop: Stop | None = None) -> bool:
        """Forget a device, then tell it so; whether it heard."""
        self._books.forget(device.id)
        if not device.host:
            return False
        with suppress(FreeholdError):
            Client(device, self._line, self._keys, self._courier).unpair(stop)
            return True
        return False

    def _only_one(self, stop: Stop) -> Place:
        found: dict[str, Found] = {}
        with closing(self._line.discover(LOOK_SECONDS, stop=stop)) as all_found:
            for one in all_found:
                found[one.tls] = one
        if stop.is_set():
            raise Interrupted
        if len(found) != 1:
            there = ", ".join(f"{one.name} at {one.host}:{one.port}" for one in found.values())
            raise PairingRefused(
                f"several devices share here: {there}" if found else "no device that shares was found here",
                advice="Say which one with --at HOST:PORT; its screen shows the address.",
            )
        (one,) = found.values()
        return Place(one.host, one.port, one.name, one.tls)

    def _step(self, target: Target, said: Mapping[str, Any], stop: Stop) -> bytes:
        answer = self._line.ask(
            target, "POST", "/v1/pair", {"Content-Type": "application/json"}, canonical(dict(said)), purpose=PURPOSE,
            data_class="keys", stop=stop,
        )  # fmt: skip
        if answer.status != _OK:
            raise PairingRefused("the code is wrong, used up or too old, or the other device shows none")
        return answer.body

    def _free_name(self, name: str, id: str) -> str:
        """What to call it: as it calls itself, unless that is this computer's name here or another device's."""
        taken = {one.name for one in self._books.devices() if one.id != id} | {"here"}
        return name if name not in taken else f"{name} {id[2:6]}"

    def _with_offers(self, device: Paired, stop: Stop) -> Paired:
        """What it offers, so that it can be chosen. A device that says so later is none the worse."""
        with suppress(FreeholdError):
            return self._books.offered(device.id, Client(device, self._line, self._keys, self._courier).offers(stop))
        return device


def _told(code: str, at: str) -> tuple[str, Place | None]:
    """The six digits, and where to go if that was said. Raises UsageError, PairingRefused."""
    if code.strip().startswith("freehold:"):
        invite: Invite = parse_invite(code)
        return invite.code, Place(invite.host, invite.port, tls=invite.tls)
    digits = re.sub(r"[\s-]", "", code)
    if not _CODE.fullmatch(digits):
        raise UsageError("a code has six digits")
    if not at:
        return digits, None
    found = _AT.fullmatch(at.strip())
    if found is None or int(found["port"]) > 65535:
        raise UsageError(f"{at[:80]} is no place; write HOST:PORT")
    return digits, Place(found["host"].strip("[]"), int(found["port"]))
