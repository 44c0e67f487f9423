"""`freehold key`: the key that this device asks others with, as a file of its owner's and as what is public of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.foundation.errors import NeedsPassphrase
from freehold.terminal.call import Call, call_of
from freehold.terminal.opening import new_passphrase
from freehold.terminal.page import Page
from freehold.terminal.passphrases import KEY_PASSPHRASE, NEW_KEY_PASSPHRASE, PASSPHRASE
from freehold.terminal.words import moment

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.identity.keys import Shown

_SHOWN = "{address, node_key, certified_until}, the last in seconds since 1970"

page = Page(
    "key",
    "The key that this device asks others with, and what it may ask.\n\nIt never leaves its own process but as a file "
    "that you export.",
    ("freehold key create", "freehold key show", "freehold key mandate list"),
)


@page.command("create", ("freehold key create", "freehold key create --with-passphrase"), _SHOWN)
def create(
    context: typer.Context,
    with_passphrase: Annotated[
        bool,
        typer.Option(
            "--with-passphrase",
            help="A passphrase opens the key file too, so that `key import` brings this device to another profile.",
        ),
    ] = False,
) -> None:
    """Make a key, once.

    It is kept in the profile, opened by the vault, and comes with every backup. Without a terminal its passphrase is
    read from FREEHOLD_KEY_PASSPHRASE, or else it is the vault's.
    """
    call = call_of(context)
    keys = call.opened().keys
    keys.refuse_existing()
    _show(call, keys.create(_chosen(call) if with_passphrase else None))


@page.command("show", ("freehold key show --json",), _SHOWN)
def show(context: typer.Context) -> None:
    """Show what is public of it.

    The owner's address, this device's key, and until when the address vouches for the device. It is renewed by itself.
    """
    call = call_of(context)
    _show(call, call.opened().keys.show())


@page.command("export", ("freehold key export owner.json",), "{file}")
def export(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A new file, which only you can read.")],
) -> None:
    """Write the owner's key to a file under a passphrase.

    An Ethereum keystore (version 3), which other programs read too. Without a terminal its passphrase is read from
    FREEHOLD_KEY_PASSPHRASE, or else it is the vault's. Keep the file away from this computer.
    """
    call = call_of(context)
    path = call.path(file)
    keys = call.opened().keys
    keys.check_export(path)
    keys.export(path, _chosen(call))
    call.output.result({"file": str(path)}, f"{path} holds the key. Keep it, and its passphrase, elsewhere.")


@page.command("import", ("freehold key import owner.json", "freehold key import owner.json --replace"), _SHOWN)
def take_in(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="An Ethereum keystore, or a key file of Freehold's.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Even where there is a key: that one is then gone.")
    ] = False,
) -> None:
    """Take the owner's key from a file.

    An Ethereum keystore (version 3) brings the owner; this device makes keys of its own. The file identity/key.json of
    another profile, if it has a passphrase, brings the whole device. Without a terminal the passphrase is read from
    FREEHOLD_KEY_PASSPHRASE, or else it is the vault's.
    """
    call = call_of(context)
    keys = call.opened().keys
    if not replace:
        keys.refuse_existing()
    path = call.path(file)
    secret = call.secrets.given(KEY_PASSPHRASE)
    if secret is None and call.secrets.can_ask:
        secret = call.secrets.ask(KEY_PASSPHRASE, "The file's passphrase:")
    _show(call, keys.import_(path, secret or _fallback(call), replace=replace))


def _chosen(call: Call) -> str:
    """A passphrase for a file, typed twice alike where somebody can be asked."""
    if call.secrets.given(NEW_KEY_PASSPHRASE) is None and not call.secrets.can_ask:
        return _fallback(call)
    return new_passphrase(call.secrets, call.output, NEW_KEY_PASSPHRASE, "A passphrase for the file:")


def _fallback(call: Call) -> str:
    if (given := call.secrets.given(PASSPHRASE)) is None:
        raise NeedsPassphrase(advice="Run this in a terminal, or set FREEHOLD_KEY_PASSPHRASE.")
    return given


def _show(call: Call, shown: Shown) -> None:
    document: dict[str, Any] = {
        "address": shown.address, "node_key": shown.node_key, "certified_until": shown.certified_until,
    }  # fmt: skip
    call.output.result(document, lambda: _table(shown))


def _table(shown: Shown) -> RenderableType:
    from freehold.terminal.tables import table

    rows = [
        ("owner's address", shown.address),
        ("this device's key", shown.node_key),
        ("certified until", moment(shown.certified_until)),
    ]
    return table("", " ", rows=rows, wide=" ")
