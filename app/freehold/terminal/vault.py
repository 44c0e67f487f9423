"""`freehold vault`: whether it is open, and what opens it."""

from __future__ import annotations

import typer

from freehold.foundation.errors import VaultDamaged
from freehold.terminal.call import Call, call_of
from freehold.terminal.opening import create, new_passphrase, show_code, unlock
from freehold.terminal.page import Page
from freehold.terminal.words import size

page = Page(
    "vault",
    "Lock and unlock the vault, its keys, its backups.",
    ("freehold vault status", "freehold vault backup /media/stick/freehold.backup", "freehold vault check"),
)

_STATUS = '{state: "new"|"locked"|"open", slots, schema, bytes}'
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


@page.command("recovery", ("freehold vault recovery",), "{recovery_code}")
def recovery(context: typer.Context) -> None:
    """Make a new recovery code, shown once.

    An older code no longer opens the vault.
    """
    call = call_of(context)
    code = call.opened().vault.new_recovery_code()
    if call.output.json:
        call.output.document({"recovery_code": code})
    else:
        show_code(call.output, code)


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


def _tell(call: Call) -> None:
    found = call.household().vault.status()
    document = {"state": found.state, "slots": list(found.slots), "schema": found.schema, "bytes": found.bytes}
    opens = f" It opens with: {', '.join(found.slots)}." if found.slots else ""
    on_disk = f" {size(found.bytes)} on disk." if found.bytes else ""
    call.output.result(document, _STATES[found.state] + opens + on_disk)
