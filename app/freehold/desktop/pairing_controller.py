"""Joins the pairing form and the household. Nothing is sent into the network before the owner asks for it."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from PySide6.QtCore import QObject, Signal

from freehold.desktop.bridge import Bridge, Job
from freehold.desktop.devices_card import DevicesCard
from freehold.desktop.needs import Household
from freehold.desktop.peer_values import Agreed, Nearby
from freehold.foundation.errors import FreeholdError, PairingRefused
from freehold.foundation.stop import Stop
from freehold.market.lending.values import PORT


class PairingController(QObject):
    """`changed`: a device was paired, or is none any more."""

    changed = Signal()

    def __init__(self, household: Household, bridge: Bridge, card: DevicesCard) -> None:
        super().__init__()
        self._household, self._bridge, self._card = household, bridge, card
        self._job: Job | None = None
        self._found: list[Nearby] = []
        form = card.pairing
        form.search_asked.connect(self._search)
        form.code_given.connect(lambda place, code: self._pair(code, _at(place)))
        form.invite_given.connect(self._pair)
        form.agreed.connect(self._agree)
        form.differed.connect(self._differ)
        form.left.connect(self.end)

    def open(self) -> None:
        self._card.open_pairing(True)

    def end(self) -> None:
        """Look and wait no longer; forget who was found."""
        if self._job is not None:
            self._job.stop.set()
            self._job = None
        self._found = []
        self._card.open_pairing(False)

    def _search(self) -> None:
        form = self._card.pairing
        self._found = []
        form.show_found(())
        form.show_searching()

        def look(stop: Stop) -> Generator[Nearby, None, None]:
            for one in self._household.peers.discover(stop=stop):
                known = {(known.device.host, known.device.port) for known in self._household.peers.all()}
                yield Nearby(one.name, one.host, one.port, one.tls, (one.host, one.port) in known)

        job = self._bridge.run(
            look, steps=lambda steps: self._met(job, steps), done=lambda _: self._looked(job),
            failed=lambda error: self._failed(job, error), words=self.tr("Looking for devices"), lane="pairing",
        )  # fmt: skip
        self._job = job

    def _met(self, job: Job, steps: Sequence[Nearby]) -> None:
        if job is self._job:
            self._found += steps
            self._card.pairing.show_found(self._found)

    def _looked(self, job: Job) -> None:
        if job is self._job:
            self._card.pairing.show_found(self._found, has_ended=True)

    def _pair(self, code: str, at: str = "") -> None:
        self._card.pairing.show_pairing()
        job = self._bridge.run(
            lambda stop: self._household.peers.pair(code, at, stop), steps=lambda steps: self._came_on(job, steps),
            done=lambda _: self.changed.emit(), failed=lambda error: self._failed(job, error),
            words=self.tr("Pairing"), lane="pairing",
        )  # fmt: skip
        self._job = job

    def _came_on(self, job: Job, steps: Sequence[object]) -> None:
        """Once it is paired, only the words tell whether with the right one."""
        from freehold.market.pairing import Words

        for one in steps:
            if isinstance(one, Words) and job is self._job:
                self._card.pairing.show_agreed(Agreed(one.device.id, one.device.name, one.words))
                self.changed.emit()

    def _failed(self, job: Job, error: FreeholdError) -> None:
        if job is self._job:
            self._card.pairing.show_error(error)

    def _agree(self, _device: str) -> None:
        self._job = None
        self._card.open_pairing(False)
        self.changed.emit()

    def _differ(self, device: str) -> None:
        """Somebody stands between the two: let go of it at once."""
        self._job = None
        form = self._card.pairing
        self._bridge.run(
            lambda _stop: self._household.peers.forget(device), failed=form.show_error, lane="pairing",
            done=lambda _: self._let_go(),
        )  # fmt: skip

    def _let_go(self) -> None:
        self.changed.emit()
        self._card.pairing.show_error(
            PairingRefused(
                self.tr("the two screens showed different words"),
                advice=self.tr(
                    "Somebody may stand between the two devices. Nothing was sent, and the pairing is undone here. "
                    "Try again in a network you trust, and end it on the other device too."
                ),
            )
        )


def _at(place: Nearby) -> str:
    """Where a device is: HOST:PORT, the usual port where none was typed."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"{host}:{place.port or PORT}"
