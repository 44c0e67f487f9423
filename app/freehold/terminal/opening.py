"""Getting at the vault: making it the first time, opening it every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from freehold.foundation.errors import (
    KeyringUnavailable,
    NeedsPassphrase,
    VaultLocked,
    VaultMissing,
    WrongPassphrase,
)
from freehold.terminal.output import Output
from freehold.terminal.passphrases import NEW_PASSPHRASE, PASSPHRASE, Secrets

if TYPE_CHECKING:
    from freehold.assistant.household import Household
    from freehold.vault.keeper import Vault

TRIES = 3
CODE_LENGTH = 28  # a recovery code without its dashes

_FIRST_WORDS = """\
Everything you say here is kept encrypted on this computer, and only you can open it.
Choose a passphrase: a sentence that only you would say is good. There is no way to
recover it except the recovery code, which `freehold vault recovery` makes."""

_CODE_WORDS = """\
This is the recovery code. Write it down and keep it away from this computer: it opens
the vault when the passphrase or the keyring cannot. It is shown only now."""


OpenBy = Callable[..., Any]  # takes `passphrase` or `recovery`, raises WrongPassphrase


_OLDER = {
    "database": """\
The vault's database is older than its header says: an older copy of it was put back.
It opens all the same. What was saved since that copy is not in it.""",
    "header": """\
The vault's header is older than its database says: an older copy of it was put back.
It opens all the same, with the passphrase and the recovery code of that time.""",
    "vault": """\
The vault is older than when this system's keyring last opened it: a copy was put back.
It opens all the same. What was saved since that copy is not in it.""",
}
_CHECK_DUE = """\
Freehold did not end cleanly. Nothing saved is lost.
`freehold vault check` reads and verifies everything."""


class Opening(Protocol):
    """What opening a vault needs of a call."""

    output: Output
    secrets: Secrets
    is_served: bool


def open_vault(call: Opening, household: Household) -> None:
    """Make or unlock the vault where needed, mend what a crash left unfinished, empty the trash of what is due.

    Raises NeedsPassphrase, WrongPassphrase and the vault's own failures; VaultLocked or VaultMissing where another
    process holds the profile, since only its owner's explicit wish opens or makes a vault there.
    """
    state = household.vault.status().state
    if state == "open":
        return
    if call.is_served:
        raise VaultMissing if state == "new" else VaultLocked(advice="Run `freehold vault unlock`, or use the window.")
    if state == "new":
        create(call, household.vault)
    else:
        unlock(call, household.vault)
    _tell_what_was_noticed(call, household.vault)
    household.conversations.recover()
    household.lending.recover()
    household.conversations.empty_trash(household.settings.whole("trash_days"))


def create(call: Opening, vault: Vault) -> None:
    """Make the vault: with the passphrase given, or with what the person at the terminal chooses."""
    given = call.secrets.given(PASSPHRASE)
    if given is None and call.secrets.can_ask:
        backend = vault.keyring_usable()
        call.output.say(_FIRST_WORDS)
        if backend is not None and _prefers_keyring(call, backend):
            code = vault.create(keyring=True)
            assert code is not None
            show_code(call.output, code)
            return
    vault.create(passphrase=given or new_passphrase(call.secrets, call.output))


def unlock(call: Opening, vault: Vault) -> None:
    """Open a locked vault with the keyring, the secret given, or up to three typed ones."""
    slots = vault.status().slots
    given = call.secrets.given(PASSPHRASE)
    if given is None and "keyring" in slots:
        try:
            vault.unlock(keyring=True)
            return
        except (KeyringUnavailable, WrongPassphrase) as error:
            call.output.say(f"{error.title}. {error.next_step}")
    try_secrets(call, slots, vault.unlock, given)


def try_secrets(
    call: Opening, slots: Sequence[str], open_by: OpenBy, given: str | None, name: str = PASSPHRASE
) -> None:
    """Open something by the secret `given`, or by up to three typed ones, asked for as `name`."""
    if given is not None:
        _try(open_by, given, slots)
        return
    words = "Passphrase or recovery code:" if "passphrase" in slots else "Recovery code:"
    for attempt in range(1, TRIES + 1):
        try:
            _try(open_by, call.secrets.ask(name, words), slots)
            return
        except WrongPassphrase as error:
            if attempt == TRIES:
                raise
            call.output.say(f"{error.title}. {error.next_step}")


def new_passphrase(secrets: Secrets, output: Output, name: str = NEW_PASSPHRASE, words: str = "New passphrase:") -> str:
    """A passphrase given beforehand as `name`, or typed twice alike. Raises NeedsPassphrase."""
    given = secrets.given(name)
    if given is not None:
        return given
    while True:
        first = secrets.ask(name, words)
        if not first:
            raise NeedsPassphrase("nothing was typed")
        if secrets.ask(name, "The same again:") == first:
            return first
        output.say("These two differ. Once more:")


def show_code(output: Output, code: str) -> None:
    output.say(_CODE_WORDS)
    output.say(f"\n    {code}\n")


def _tell_what_was_noticed(call: Opening, vault: Vault) -> None:
    found = vault.status()
    if found.older:
        call.output.say(_OLDER[found.older])
    if found.check_due:
        call.output.say(_CHECK_DUE)


def _prefers_keyring(call: Opening, backend: str) -> bool:
    call.output.say(f"Or leave it empty to use this system's keyring ({backend}) with a recovery code.")
    first = call.secrets.ask(NEW_PASSPHRASE, "New passphrase, or Enter for the keyring:")
    if not first:
        return True
    if call.secrets.ask(NEW_PASSPHRASE, "The same again:") == first:
        call.secrets.learn(NEW_PASSPHRASE, first)
    else:
        call.output.say("These two differ. Once more:")
    return False


def _try(open_by: OpenBy, secret: str, slots: Sequence[str]) -> None:
    """Open with `secret` as what it looks like. A passphrase of a code's length is tried as a passphrase first."""
    looks_like_code = sum(character.isalnum() for character in secret) == CODE_LENGTH
    if "passphrase" in slots:
        try:
            open_by(passphrase=secret)
            return
        except WrongPassphrase:
            if not looks_like_code or "recovery" not in slots:
                raise
    open_by(recovery=secret)
