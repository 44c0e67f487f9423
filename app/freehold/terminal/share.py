"""`freehold share`: answering the owner's other devices from this computer."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from freehold.foundation.errors import FreeholdError
from freehold.market.lending.values import PORT
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import INTERRUPTED, OK
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.words import count

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.market.lending.shared import Happened, Shared, Status

_LOOK_SECONDS = 0.5
_IDLE_TURNS = 20  # of looking, between two looks at what nobody uses
_STARTED = "{address, code, invite}"
_STATUS = """\
{on, address, model, announced, jobs: [{job, client, state, tokens_in, tokens_out}], waiting, answered, tokens_per_s, \
read_per_s, code, invite}"""

page = Page(
    "share",
    "Answer your other devices with the model of this computer.",
    ("freehold share start", "freehold share status", "freehold share stop"),
)


@page.command("start", ("freehold share start", "freehold share start --port 47117 --json"), _STARTED)
def start(
    context: typer.Context,
    port: Annotated[int, typer.Option("--port", metavar="N", min=1, max=65535, help="Listen here.")] = PORT,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="Listen on this address of the computer only.")
    ] = "",
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Stay, and end sharing with Ctrl-C, where a window shares, too.")
    ] = False,
    locked: Annotated[
        str, typer.Option("--locked", hidden=True, help="Go on while the vault is locked; see replacing.py.")
    ] = "",
) -> int:
    """Share the model in use with paired devices, and show a code that pairs one more.

    Stays until Ctrl-C or `freehold share stop`, shows who pairs and who is answered, and serves other commands
    meanwhile. Where a Freehold is open on this profile, that one shares, and this returns at once. What is asked and
    answered is kept nowhere; who was answered when, and with how many tokens, is in the vault.
    """
    call = call_of(context)
    if locked:
        return _go_on_locked(call, locked)
    household = call.opened()
    shared = household.lending.start(port, host=host, stop=call.stop)
    call.output.result(shared.to_json(), _words(shared, household.lending.status()))
    if call.is_served and not foreground:
        call.output.say("The Freehold that is open shares now. `freehold share stop` ends it.")
        return OK
    return _stay(call, household)


@page.command("stop", ("freehold share stop",), "{stopped}")
def stop(context: typer.Context) -> None:
    """Share nothing any more. Answers that are being written go on elsewhere."""
    call = call_of(context)
    stopped = call.household().lending.stop()
    call.output.result({"stopped": stopped}, "Nothing is shared any more." if stopped else "Nothing was shared.")


@page.command("status", ("freehold share status --json",), _STATUS)
def status(context: typer.Context) -> None:
    """Say whether this computer is shared, and who is being answered."""
    call = call_of(context)
    found = call.household().lending.status()
    call.output.result(found.to_json(), _standing(found))


def _go_on_locked(call: Call, pipe: str) -> int:
    """In the place of the process that was locked: hold the profile and the gateway, and know nothing."""
    from freehold.processes.replacing import take

    handed = take(pipe)
    call.handed = handed.lock
    household = call.household()
    if handed.gateway is None or not household.lending.adopt(handed.gateway):
        call.output.say("The vault is locked, and nothing is shared any more.")
        return OK
    call.output.say(
        "The vault is locked. Paired devices are answered all the same; `freehold vault unlock` opens it, Ctrl-C ends "
        "sharing."
    )
    return _stay(call, household)


def _stay(call: Call, household: Household) -> int:
    """Until sharing ends: serve other commands, and show what happens."""
    from freehold.terminal.idle import Idle
    from freehold.terminal.lockscreen import CAN_REPLACE, LockWatch, leave_locked
    from freehold.terminal.served import served_commands

    lending, watch = household.lending, LockWatch(household)
    if not call.is_served:
        household.holder.serve(watch.attend if CAN_REPLACE else served_commands(household))
    shown, idle = _Shown(call, household), Idle(household, lambda: "", None)
    with stops_on_interrupt(call.stop):
        for turn in itertools.count(1):
            if not lending.is_wanted or call.stop.wait(_LOOK_SECONDS):
                break
            shown.look()
            if turn % _IDLE_TURNS == 0 and not call.is_served:
                with suppress(FreeholdError):
                    idle.look()
    if watch.was_locked and lending.is_wanted:
        leave_locked(call, household, ("share", "start"))
    lending.stop()
    shown.look()
    call.output.say("Nothing is shared any more.")
    return INTERRUPTED if call.stop.is_set() and not watch.was_locked else OK


class _Shown:
    """What the sharer's terminal shows while it stays."""

    def __init__(self, call: Call, household: Household) -> None:
        self._say, self._lending, self._vault = call.output.say, household.lending, household.vault
        self._jobs: set[str] = set()
        self._news, self._was_open = 0, household.vault.is_open

    def look(self) -> None:
        """Say what is new."""
        try:
            if self._vault.is_open and not self._was_open:
                self._lending.recover()
            self._was_open = self._vault.is_open
            standing = self._lending.status()
            self._tell_jobs(standing)
            for one in self._lending.news(self._news):
                self._news = one.number
                self._say(_told(one))
            if standing.is_on and self._was_open and not standing.code:
                self._say(f"A new code to pair a device with: {self._lending.new_code().code}")
        except FreeholdError as error:
            self._say(f"{error.title}. {error.detail}".strip())

    def _tell_jobs(self, standing: Status) -> None:
        jobs = {job.job: job for job in standing.jobs}
        for id in jobs.keys() - self._jobs:
            self._say(f"Answering {self._lending.name_of(jobs[id].client)}.")
        self._jobs = set(jobs)


def _told(one: Happened) -> str:
    if one.kind == "paired":
        return f"{one.name} was paired. Its screen must show the same words: {' '.join(one.words)}"
    if one.kind == "unpaired":
        return f"{one.name} is paired no longer, on its own wish."
    if one.kind == "job":
        broken = "" if one.ending in ("complete", "length") else f" ({one.ending})"
        return f"{one.name} was answered with {count(one.tokens_out, 'token')}{broken}."
    if one.kind == "anew":
        return "The model stopped working; it was started anew, and sharing goes on."
    return "Sharing has ended by itself. `freehold share start` starts it again."


def _words(shared: Shared, standing: Status) -> str:
    minutes = round(shared.seconds / 60)
    lines = [
        f"{standing.model} answers paired devices at {shared.address}.",
        f"To pair one, type this code there within {count(minutes, 'minute')}: {shared.code}",
        f"Or give it this invite: {shared.invite}",
    ]
    if not standing.announced:
        lines.append("The local network was not told: type the address, or use the invite.")
    return "\n".join(lines)


def _standing(found: Status) -> str:
    if not found.is_on:
        return "Nothing is shared."
    running = f"{count(len(found.jobs), 'answer')} open, {found.waiting} waiting, {found.answered} given"
    code = f"\nThe code to pair a device with: {found.code}" if found.code else ""
    return f"{found.model} is shared at {found.address}: {running}.{code}"
