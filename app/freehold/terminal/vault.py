"""`freehold vault`: whether it is open, and what opens it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from freehold.foundation.errors import (
    DiskFull,
    FreeholdError,
    PlaceUnusable,
    ProfileBusy,
    ProfileUnusable,
    UsageError,
    VaultDamaged,
)
from freehold.foundation.paths import write_atomically
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import FAILED, OK
from freehold.terminal.opening import create, new_passphrase, show_code, unlock
from freehold.terminal.page import Page
from freehold.terminal.passphrases import RECOVERY_CODE
from freehold.terminal.words import moment, size

if TYPE_CHECKING:
    from freehold.assistant.household import Household

page = Page(
    "vault",
    "Lock and unlock the vault, its keys, its backups.",
    ("freehold vault status", "freehold vault backup /media/stick/freehold.backup", "freehold vault check"),
)

_STATUS = '{state: "new"|"locked"|"open", slots, schema, bytes, older?, check_due?}'
_STATES = {"new": "There is no vault yet.", "locked": "The vault is locked.", "open": "The vault is open."}


@page.command("status", ("freehold vault status",), _STATUS)
def status(context: typer.Context) -> None:
    """Say whether the vault is open.

    Tells what can open it, too. Asks for nothing.
    """
    call = call_of(context)
    call.household()
    _tell(call)


@page.command("lock", ("freehold vault lock",), _STATUS)
def lock(context: typer.Context) -> None:
    """Lock it in the Freehold that is running."""
    call = call_of(context)
    call.lock()
    _tell(call)


@page.command("unlock", ("freehold vault unlock", "freehold vault unlock --passphrase-fd 3 3< secret.txt"), _STATUS)
def unlock_vault(context: typer.Context) -> None:
    """Unlock it in the Freehold that is running.

    Where none is running, this only tells whether the passphrase is right: each command opens the vault for itself
    and closes it at its end.
    """
    call = call_of(context)
    household = call.household()
    state = household.vault.status().state
    if state == "new":
        create(call, household.vault)
    if state == "locked":
        unlock(call, household.vault)
        household.conversations.recover()
        household.lending.recover()
    _tell(call)
    if not call.is_served:
        call.output.say("No Freehold is running, so the vault closes again now.")


@page.command("passphrase", ("freehold vault passphrase",), "{slots}")
def passphrase(context: typer.Context) -> None:
    """Choose a new passphrase.

    The old one, if there was one, no longer opens the vault. Without a terminal the new one is read from
    FREEHOLD_NEW_PASSPHRASE.
    """
    call = call_of(context)
    vault = call.opened().vault
    vault.change_passphrase(new_passphrase(call.secrets, call.output))
    call.output.result({"slots": list(vault.status().slots)}, "The new passphrase opens the vault from now on.")


@page.command(
    "recovery",
    ("freehold vault recovery", "freehold vault recovery --kit kit.txt", "freehold vault recovery --try"),
    "{recovery_code, kit?}, with --try {opens}",
)
def recovery(
    context: typer.Context,
    kit: Annotated[
        str, typer.Option("--kit", metavar="FILE", help="Also write a page to print, with the code on it.")
    ] = "",
    is_trial: Annotated[
        bool, typer.Option("--try", help="Make no code; try the one you have, in a real restore.")
    ] = False,
) -> int:
    """Make a new recovery code, shown once.

    It counts once a backup of the vault was restored with it in a trial. From then on an older code no longer opens
    the vault. Without a terminal the code to try is read from FREEHOLD_RECOVERY_CODE.
    """
    call = call_of(context)
    household = call.opened()
    if is_trial:
        _try_recovery(call, household)
        return OK
    page = call.path(kit) if kit else None
    if page is not None and page.exists():
        raise PlaceUnusable(f"{page} is there already", advice="Choose another name.")
    code = household.vault.new_recovery_code()
    if not call.output.json:
        show_code(call.output, code)
    if page is not None and (failed := _write_kit(page, code, household.vault.status().vault)):
        call.output.fail(failed, {"recovery_code": code})  # the code counts already: it must be told
        return FAILED
    words = "The new recovery code opens the vault from now on."
    if page is not None:
        words += f"\n{page} holds it and is not encrypted: print it, then delete it."
    call.output.result({"recovery_code": code} | ({"kit": str(page)} if page else {}), words)
    return OK


@page.command("check", ("freehold vault check",), "{checked: {bytes}, faults: [words]}")
def check(context: typer.Context) -> None:
    """Read and verify everything the vault holds.

    The seal of every page, the order inside, the indexes of words, and that nothing refers to what is not there.
    Nothing is changed.
    """
    call = call_of(context)
    vault = call.opened().vault
    faults = vault.check()
    if faults:
        raise VaultDamaged("\n".join(faults))
    size_on_disk = vault.status().bytes
    document = {"checked": {"bytes": size_on_disk}, "faults": faults}
    call.output.result(document, f"{size(size_on_disk)} were read and verified. Everything is as it was written.")


@page.command("erase", ("freehold vault erase --yes", "freehold vault erase --yes --models"), "{erased, models}")
def erase(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Really erase. It cannot be undone.")] = False,
    models: Annotated[bool, typer.Option("--models", help="The models too, which hold nothing of yours.")] = False,
) -> None:
    """Erase everything in the profile for good.

    Keys, chats, documents' text, ledger, settings, logs, and copies kept before upgrades. Documents stay where you
    keep them, and so do backups and exports outside the profile. Needs no passphrase.
    """
    call = call_of(context)
    if not yes:
        raise UsageError("erasing cannot be undone", advice="Add --yes if you mean it.")
    if call.is_served:
        raise ProfileBusy(advice="Close Freehold first. Nothing was erased.")
    call.household().vault.erase(models=models)
    words = "Everything was erased." if models else "Everything but the models was erased."
    call.output.result({"erased": True, "models": models}, words)


def _try_recovery(call: Call, household: Household) -> None:
    from freehold.vault.trial import try_restore

    code = call.secrets.given(RECOVERY_CODE) or call.secrets.ask(RECOVERY_CODE, "Recovery code:")
    try_restore(household.vault, household.profile, code)
    call.output.result({"opens": True}, "It works: a backup of the vault was restored with this code, in a trial.")


def _write_kit(page: Path, code: str, vault: str) -> FreeholdError | None:
    """Why it could not be written."""
    from freehold.vault.recovery import kit as kit_of

    try:
        write_atomically(page, kit_of(code, vault, moment(time.time())[:10]).encode())
    except ProfileUnusable as error:
        return PlaceUnusable(error.detail)
    except DiskFull as error:
        return error
    return None


def _tell(call: Call) -> None:
    found = call.household().vault.status()
    told = {"state": found.state, "slots": list(found.slots), "schema": found.schema, "bytes": found.bytes}
    noticed = {"older": found.older, "check_due": found.check_due}
    document = {**told, **{name: value for name, value in noticed.items() if value}}
    opens = f" It opens with: {', '.join(found.slots)}." if found.slots else ""
    on_disk = f" {size(found.bytes)} on disk." if found.bytes else ""
    call.output.result(document, _STATES[found.state] + opens + on_disk)
