"""What the Peers page shows, gathered from the household. Everything here runs on a thread."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from freehold.desktop.needs import Household
from freehold.desktop.peer_values import (
    CheckShown,
    DeviceShown,
    DeviceState,
    Guest,
    KeyShown,
    LendingShown,
    LimitsShown,
    Overview,
    ReceiptShown,
)
from freehold.desktop.peer_words import short_address
from freehold.identity.values import Mandate, PeerMandate
from freehold.market.records import Kept, Paired

if TYPE_CHECKING:
    from freehold.market.lending.shared import Happened, Shared, Status
    from freehold.market.peers import Known

_PRESENT_SECONDS = 60.0
_SAME_SECONDS = 3.0


def overview(household: Household) -> Overview:
    """Raises VaultLocked, KeyDamaged."""
    keys, peers = household.keys, household.peers
    if not keys.has_key():
        return Overview()
    shown, mandate, today, allowed = keys.show(), keys.mandate(), keys.today(), peers.allowed()
    known, signed = peers.all(), household.receipts.all()
    limits = LimitsShown(
        mandate.answers_per_day, mandate.tokens_per_answer, mandate.ask_first or allowed.asks_first, mandate.paused,
        sum(today.answers.values()), today.closed,
    )  # fmt: skip
    return Overview(
        KeyShown(shown.address, shown.node_key, shown.certified_until), allowed.is_on,
        tuple(_devices(known, signed, mandate)), limits, _receipts(household, known, signed),
    )  # fmt: skip


def receipts_of(household: Household, jobs: Sequence[str]) -> tuple[ReceiptShown, ...]:
    """What was signed about these jobs, in their order."""
    found = {one.job: one for one in _receipts(household, household.peers.all(), household.receipts.all())}
    return tuple(found[job] for job in jobs if job in found)


def _devices(known: Sequence[Known], signed: Sequence[Kept], mandate: Mandate) -> Iterator[DeviceShown]:
    seen = {one.receipt.provider.lower(): one.receipt.closed for one in reversed(signed)}
    for one in known:
        device, told = one.device, one.to_json()
        manifest = next(
            (offer.manifest for offer in device.offers if offer.manifest.sha256 == told["model_sha256"]), None
        )
        model = f"{manifest.model} {manifest.quantisation}" if manifest is not None else ""
        yield DeviceShown(
            device.id, device.name, model, one.tokens_per_s, seen.get(device.id, 0.0),
            _state(device, mandate.peers.get(device.id)), device.documents, one.score.passed, one.score.failed,
        )  # fmt: skip


def _receipts(household: Household, known: Sequence[Known], signed: Sequence[Kept]) -> tuple[ReceiptShown, ...]:
    names = {one.device.id: one.device.name for one in known}
    weights = {one.sha256 for one in household.models.list() if one.state == "here"}
    return tuple(_receipt(one, names, weights) for one in signed)


def _receipt(kept: Kept, names: Mapping[str, str], weights: Set[str]) -> ReceiptShown:
    told, check = kept.receipt, kept.check
    device = told.provider.lower()
    return ReceiptShown(
        told.job, told.closed, device, names.get(device, str(told.provider_certificate.get("name", ""))),
        told.manifest.model, told.manifest.sha256, told.tokens_in, told.tokens_out, told.ending, bool(kept.chat),
        CheckShown(check.passed, check.tokens, check.margin, check.reason) if check is not None else None,
        told.manifest.sha256 in weights,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """How lending stands and what happened since the last time; `number` is that of the last thing."""

    lending: LendingShown
    happened: tuple[Happened, ...] = ()
    number: int = 0
    answered: int = 0


def lending(household: Household, before: Told, shared: Shared | None, shared_until: float) -> Told:
    """Asks the gateway. `shared` holds the code that was made here, good until then (time.monotonic)."""
    told = household.lending.status()
    while_locked = household.settings.is_on("lend_while_locked")
    happened = tuple(household.lending.news(before.number))
    number = happened[-1].number if happened else before.number
    answered = before.answered + sum(one.kind == "job" for one in happened)
    if not told.is_on:
        return Told(LendingShown(while_locked=while_locked), happened, number, 0)
    names = {one.device.id: one.device.name for one in household.peers.all()}
    left = shared_until - time.monotonic()
    # Another command may have made a code meanwhile, which is not known here.
    is_ours = shared is not None and abs(told.code_seconds - left) < _SAME_SECONDS
    shown = LendingShown(
        "on", told.model, shared.code if shared is not None and is_ours else "", told.code_seconds,
        shared.invite if shared is not None and is_ours else "", told.address, tuple(_guests(told, names)), answered,
        while_locked,
    )  # fmt: skip
    return Told(shown, happened, number, answered)


def _guests(told: Status, names: Mapping[str, str]) -> Iterator[Guest]:
    """Who has an answer open, and who asked for anything in the last minute."""
    jobs = {job.client: job for job in told.jobs}
    recent = {id for id, at in (told.seen or {}).items() if time.time() - at < _PRESENT_SECONDS}
    for id in sorted(recent | set(jobs)):
        job = jobs.get(id)
        name = names.get(id, "") or short_address(id)
        yield Guest(name, job.state if job else "", job.tokens_out if job else 0)


def _state(one: Paired, own: PeerMandate | None) -> DeviceState:
    if one.state == "blocked":
        return "blocked"
    if not one.host:  # it was paired from over there, and never lent anything
        return "guest"
    return "paused" if own is not None and own.paused else "ready"
