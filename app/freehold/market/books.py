"""What the vault keeps about other devices, as the app meets it. Everything is on disk when a method returns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from freehold.foundation.errors import NotFound
from freehold.market.records import Check, Job, Kept, Lent, Paired
from freehold.market.values import Offer

LEAST_ID = 4


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


Ids: TypeAlias = list[str]


class Books:
    """Devices, jobs, receipts, checks. Methods raise NotFound for ids that are not there, VaultLocked, DiskFull.

    `now` is seconds since 1970.
    """

    def __init__(self, vault: Vault, now: Callable[[], float] = time.time) -> None:
        self._vault, self._now = vault, now

    def devices(self) -> list[Paired]:
        """Paired ones, blocked ones too; the oldest first."""
        return [Paired.from_wire(fields) for fields in self._vault.call("market.devices")]

    def device(self, id: str) -> Paired:
        return Paired.from_wire(self._vault.call("market.device", id=id.lower()))

    def find(self, part: str) -> Paired:
        """The one paired device with this name, or whose id begins like this, `0x` or not."""
        wanted, devices = part.strip().lower(), self.devices()
        named = [one for one in devices if one.name.lower() == wanted]
        digits = wanted.removeprefix("0x")
        found = named or [
            one for one in devices if len(digits) >= LEAST_ID and one.id.removeprefix("0x").startswith(digits)
        ]
        if len(found) != 1:
            raise NotFound(f"{'more than one device is' if found else 'no device is'} called {part[:60]}")
        return found[0]

    def pair(self, device: Paired) -> Paired:
        """Keep a device that has proved who it is."""
        self._vault.call("market.put_device", device=device.to_wire())
        return device

    def release_documents(self, device: str, released: bool) -> Paired:
        """Whether documents may go to it from now on."""
        return self._change(device, documents=released)

    def trust(self, device: str) -> Paired:
        """Ask it again after it was blocked."""
        return self._change(device, state="active")

    def block(self, device: str) -> Paired:
        return self._change(device, state="blocked")

    def move(self, device: str, host: str, port: int) -> Paired:
        """It was met elsewhere."""
        return self._change(device, host=host, port=port)

    def renew(self, device: str, certificate: Mapping[str, Any], hpke_key: str) -> Paired:
        """A newer certificate of the same owner and node key."""
        return self._change(device, certificate=dict(certificate), hpke_key=hpke_key)

    def offered(self, device: str, offers: Sequence[Offer]) -> Paired:
        return self._change(device, offers=[one.to_wire() for one in offers])

    def forget(self, device: str) -> None:
        self._vault.call("market.forget_device", id=device)

    def wish(self, job: Job) -> bool:
        """Write a job down before it is asked for. False when this very job is here already."""
        return bool(self._vault.call("market.wish", job=job.to_wire()))

    def begin(self, job: str) -> None:
        self._vault.call("market.begin", job=job)

    def note(self, job: str, tokens_out: int) -> None:
        self._vault.call("market.note", job=job, tokens_out=tokens_out)

    def close(
        self, job: str, ending: str, tokens_out: int, *, first_token_s: float = 0.0, tokens_per_s: float = 0.0,
        kept: Kept | None = None,
    ) -> None:  # fmt: skip
        """End a job. `kept` is what was signed about it."""
        self._vault.call(
            "market.close", job=job, ending=ending, tokens_out=tokens_out, at=self._now(),
            first_token_s=first_token_s, tokens_per_s=tokens_per_s, kept=None if kept is None else kept.to_wire(),
        )  # fmt: skip

    def recover(self) -> Ids:
        """Close as broken what a crash left open; the jobs' ids."""
        return [str(id) for id in self._vault.call("market.recover", at=self._now())]

    def jobs(self, device: str = "", limit: int = 1000) -> list[Job]:
        """The newest first."""
        return [Job.from_wire(fields) for fields in self._vault.call("market.jobs", device=device, limit=limit)]

    def receipts(self, limit: int = 1000) -> list[Kept]:
        """The newest first, without prompts and answers."""
        return [Kept.from_wire(fields) for fields in self._vault.call("market.receipts", limit=limit)]

    def receipt(self, part: str) -> Kept:
        """The one receipt whose job's id begins like this."""
        return Kept.from_wire(self._vault.call("market.receipt", part=part))

    def unchecked(self, device: str) -> Ids:
        """Jobs of a device whose answers could be compared with the weights and were not, oldest first."""
        return [str(id) for id in self._vault.call("market.unchecked", device=device)]

    def add_check(self, check: Check) -> None:
        """A failed one blocks the device."""
        self._vault.call("market.add_check", check=check.to_wire())

    def checks(self) -> dict[str, tuple[int, int]]:
        """By device: how many checks passed and how many failed."""
        return {str(id): (passed, failed) for id, (passed, failed) in self._vault.call("market.checks").items()}

    def absorb(self, lines: Sequence[Lent]) -> int:
        """Take over what the gateway did while the vault was locked; how many lines were new."""
        return int(self._vault.call("market.absorb", lines=[line.to_wire() for line in lines]))

    def lent(self, since: float = 0.0) -> list[Lent]:
        """Jobs done for others, newest first."""
        return [Lent.from_wire(fields) for fields in self._vault.call("market.lent", since=since)]

    def _change(self, device: str, **fields: Any) -> Paired:
        return Paired.from_wire(self._vault.call("market.change_device", id=device, fields=fields))
