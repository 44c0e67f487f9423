"""`freehold doctor`: whether everything Freehold stands on is well, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer

from freehold.foundation.errors import FreeholdError
from freehold.terminal.call import Call, call_of
from freehold.terminal.output import table
from freehold.terminal.values import Check

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.assistant.household import Household

EXAMPLES = ("freehold doctor", "freehold doctor --json")

_ROOM_TO_WORK = 1_000_000_000


def doctor(context: typer.Context) -> None:
    """Check everything Freehold needs on this machine, and say what to do where something is missing.

    Asks for no passphrase, opens no connection and changes nothing.
    """
    call = call_of(context)
    with call.output.progress() as progress:
        found = []
        for check in _checks(call):
            progress.update(f"Checked {check.name}")
            found.append(check)
    call.output.result({"checks": [check.to_wire() for check in found]}, lambda: _list(found))
    for check in found:
        if not check.ok and check.advice and not call.output.json:
            call.output.line(f"\n{check.name}: {check.advice}")


def _checks(call: Call) -> Iterator[Check]:
    yield _python()
    yield _guarded("profile", lambda: _profile(call.profile))
    yield _guarded("disk space", lambda: _disk(call.profile))
    household = None
    try:
        household = call.glance()
    except FreeholdError as error:
        yield Check("household", False, error.detail or error.title, error.next_step)
    if household is not None:
        for name, look in _HOUSEHOLD_CHECKS: tuple[tuple[str, Callable[[Household], Check]], ...] = (
    ("single instance", _holder),
    ("vault", _vault),
    ("keyring", _keyring),
    ("starter model", _starter),
)


def _list(found: list[Check]) -> RenderableType:
    rows = [("ok" if check.ok else "!!", check.name, check.detail) for check in found]
    return table("", "check", "found", rows=rows)
