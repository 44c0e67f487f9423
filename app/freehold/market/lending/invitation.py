"""The code on the screen, and the devices that type it (docs/peers.md, "Pairing"). Runs in the gateway."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from freehold.foundation.errors import PairingRefused
from freehold.identity.pairing import GOOD_FOR, Host, Introduction, new_code
from freehold.identity.values import NodeCertificate
from freehold.market.lending.values import Refusal


class Invitation:
    """At most one code at a time. `known` checks a certificate, `paired` hears of a device that has proved itself."""

    def __init__(
        self,
        fingerprint: str,
        introduction: Callable[[], Introduction],
        *,
        known: Callable[[object], NodeCertificate],
        paired: Callable[[NodeCertificate, Introduction, tuple[str, ...]], None],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fingerprint, self._introduction = fingerprint, introduction
        self._known, self._paired, self._steady = known, paired, steady
        self._host: Host | None = None
        self._until = 0.0

    def new_code(self) -> tuple[str, float]:
        """Six digits, and for how many seconds they are good. The code before is good no longer."""
        code, now = new_code(), self._steady()
        self._host = Host(code, self._fingerprint, self._introduction(), now)
        self._until = now + GOOD_FOR
        return code, GOOD_FOR

    def withdraw(self) -> None:
        self._host = None

    @property
    def seconds_left(self) -> float:
        """For how long the code is good; 0 where there is none, or it was used up."""
        now = self._steady()
        return round(self._until - now, 1) if self._host is not None and self._host.is_open(now) else 0.0

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One step of a guest. Raises Refusal."""
        host = self._host
        if host is None:
            raise Refusal("pairing-off")
        try:
            said = host.answer(asked, self._steady())
        except PairingRefused as error:
            raise Refusal("pairing-wrong") from error
        if host.guest is not None:
            self._host = None
            self._paired(self._known(host.guest.certificate), host.guest, host.words)
        return said
