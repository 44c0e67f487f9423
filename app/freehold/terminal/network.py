"""`freehold ledger` and `freehold offline`: what left this machine, and the switch that stops it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from freehold.terminal.call import Call, call_of
from freehold.terminal.page import Page
from freehold.terminal.words import moment, since, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from freehold.network.values import Connection

LEDGER_EXAMPLES = ("freehold ledger", "freehold ledger --since 7d", "freehold ledger --since 2026-11-01 --json")

LEDGER_JSON = "{connections: [{time, purpose, host, port, bytes_out, bytes_in, data_class, refused}]}, times in seconds"

page = Page(
    "offline",
    "The offline switch.\n\nWith it on, Freehold opens no connection at all.",
    ("freehold offline on", "freehold offline status"),
)


def ledger(
    context: typer.Context,
    after: Annotated[
        str, typer.Option("--since", metavar="T", help="Only from then on: 2h, 7d, a date, or a date with a time.")
    ] = "",
) -> None:
    """List every connection, made or refused.

    Oldest first: when, what for, to which host, and how much left this computer.
    """
    call = call_of(context)
    start = since(after, time.time()) if after else 0.0
    rows = call.opened().door.ledger(start)
    words = "No connections" + (" since then." if after else " yet.")
    call.output.result({"connections": [row.to_json() for row in rows]}, (lambda: _list(rows)) if rows else words)


@page.command("on", ("freehold offline on",), "{offline}")
def on(context: typer.Context) -> None:
    """Refuse every connection from now on, downloads included."""
    _set(call_of(context), is_offline=True)


@page.command("off", ("freehold offline off",), "{offline}")
def off(context: typer.Context) -> None:
    """Allow connections again, such as downloads that you start."""
    _set(call_of(context), is_offline=False)


@page.command("status", ("freehold offline status --json",), "{offline}")
def status(context: typer.Context) -> None:
    """Say whether the switch is on."""
    _tell(call_of(context), is_offline=call_of(context).glance().settings.is_on("offline"))


def _set(call: Call, *, is_offline: bool) -> None:
    call.household().settings.set("offline", is_offline)
    _tell(call, is_offline=is_offline)


def _tell(call: Call, *, is_offline: bool) -> None:
    words = "Offline: every connection is refused." if is_offline else "Connections are allowed when you ask for them."
    call.output.result({"offline": is_offline}, words)


def _list(rows: Sequence[Connection]) -> RenderableType:
    cells = [
        (
            moment(row.time),
            row.purpose,
            f"{row.host}:{row.port}",
            size(row.bytes_out),
            size(row.bytes_in),
            "refused" if row.refused else "",
        )
        for row in rows
    ]
    from freehold.terminal.tables import table

    return table("time", "purpose", "host", "sent", "received", "", rows=cells, wide="host")
