"""All commands, as one tree. docs/cli.md is derived from it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from freehold.terminal import (
    ask,
    backup,
    chat,
    chats,
    doctor,
    embedders,
    export,
    keys,
    library,
    mandates,
    models,
    network,
    peers,
    receipts,
    searching,
    selftest,
    share,
    vault,
)
from freehold.terminal.call import call_of
from freehold.terminal.exits import OK
from freehold.terminal.page import Page

_EXAMPLES = ('freehold ask "What is a heat pump?"', "freehold chat", "freehold models list", "freehold doctor")

_HELP = """\
A personal AI that you hold outright.

The model, your words and your keys live on this computer. Without a command the window opens, or the chat in the
terminal where there is no display.
"""

_root = Page("freehold", _HELP, _EXAMPLES, is_root=True)


@_root.app.callback(invoke_without_command=True)
def freehold(
    context: typer.Context,
    # Read by arguments.py wherever they stand on the command line; declared here for the help text alone.
    _home: Annotated[
        str, typer.Option("--home", metavar="DIR", envvar="FREEHOLD_HOME", help="The profile folder.")
    ] = "",
    _json: Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")] = False,
    _descriptor: Annotated[
        int | None,
        typer.Option("--passphrase-fd", metavar="N", help="Read the passphrase from this open file descriptor."),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
    self_test: Annotated[
        bool, typer.Option("--self-test", help="Prove this installed copy from end to end, and leave.")
    ] = False,
) -> int:
    """What is asked of the program itself rather than of a command."""
    call = call_of(context)
    if context.invoked_subcommand is not None:
        return OK
    if version:
        from freehold import __version__

        call.output.result({"version": __version__}, f"freehold {__version__}")
        return OK
    if self_test:
        return selftest.self_test(call.output, call.build)
    help = context.get_help()
    call.output.line(help)
    return OK


_root.command("ask", ask.EXAMPLES, ask.JSON)(ask.ask)
_root.command("chat", chat.EXAMPLES)(chat.chat)
vault.page.command("backup", backup.BACKUP_EXAMPLES, backup.BACKUP_JSON)(backup.backup)
vault.page.command("restore", backup.RESTORE_EXAMPLES, backup.RESTORE_JSON)(backup.restore)
vault.page.command("export", export.EXPORT_EXAMPLES, export.EXPORT_JSON)(export.export)
vault.page.command("import", export.IMPORT_EXAMPLES, export.IMPORT_JSON)(export.take_in)
library.page.command("search", searching.SEARCH_EXAMPLES, searching.SEARCH_JSON)(searching.search)
library.page.command("text", searching.TEXT_EXAMPLES, searching.TEXT_JSON)(searching.text)
library.page.app.add_typer(embedders.page.app, name=embedders.page.name)
keys.page.app.add_typer(mandates.page.app, name=mandates.page.name)
peers.page.app.add_typer(peers.offload_page.app, name=peers.offload_page.name)
for _page in (chats.page, models.page, library.page, vault.page, keys.page, peers.page, receipts.page):
    _root.app.add_typer(_page.app, name=_page.name)
_root.command("ledger", network.LEDGER_EXAMPLES, network.LEDGER_JSON)(network.ledger)
_root.app.add_typer(network.page.app, name=network.page.name)
_root.app.add_typer(share.page.app, name=share.page.name)
_root.command("doctor", doctor.EXAMPLES, doctor.JSON)(doctor.doctor)


def tree() -> Any:
    """The command tree, in the form Typer runs."""
    return typer.main.get_command(_root.app)
