"""`freehold key mandate`: what this device may ask of others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.foundation.errors import UsageError
from freehold.terminal.call import Call, call_of
from freehold.terminal.page import Page
from freehold.terminal.words import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.identity.keys import Today
    from freehold.identity.values import Mandate, PeerMandate

_TOLD = """\
{per_day, tokens, first_day, ask_first, paused, peers: [{peer, per_day, tokens, ask_first, documents, paused}], \
today: {answers, closed, peers: [{peer, answers}]}}"""

page = Page(
    "mandate",
    "What this device may ask of others. It is checked where the key is, before anything is signed.",
    ("freehold key mandate list", "freehold key mandate set --per-day 50", "freehold key mandate set --pause"),
)


@page.command("list", ("freehold key mandate list --json",), _TOLD)
def list_mandate(context: typer.Context) -> None:
    """List what is allowed, and what was asked today."""
    call = call_of(context)
    keys = call.opened().keys
    _tell(call, keys.mandate(), keys.today())


@page.command(
    "set",
    (
        "freehold key mandate set --per-day 50 --tokens 4000",
        "freehold key mandate set --peer 0x52908400098527886E0F7030069857D2E4169EE7 --documents",
        "freehold key mandate set --pause",
    ),
    _TOLD,
)
def set_mandate(  # noqa: PLR0917 - Typer passes them by name
    context: typer.Context,
    peer: Annotated[str, typer.Option("--peer", metavar="ADDRESS", help="For this device alone.")] = "",
    per_day: Annotated[int | None, typer.Option("--per-day", metavar="N", help="Answers a day (UTC).")] = None,
    tokens: Annotated[int | None, typer.Option("--tokens", metavar="N", help="Tokens of one answer, at most.")] = None,
    first_day: Annotated[
        int | None, typer.Option("--first-day", metavar="N", help="Answers of a device on its first day.")
    ] = None,
    ask_first: Annotated[
        bool | None, typer.Option("--ask-first/--no-ask-first", help="Each answer needs your own yes.")
    ] = None,
    documents: Annotated[
        bool | None, typer.Option("--documents/--no-documents", help="With --peer: it may read your documents.")
    ] = None,
    pause: Annotated[bool | None, typer.Option("--pause/--resume", help="Stop everything at once.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="With --peer: nothing is otherwise for it any more.")] = False,
) -> None:
    """Change what is allowed; what is not named stays.

    Limits of one device go before those of all; only --per-day of all counts in any case. Without options this says
    that the clock is right and, where what was counted today is lost, begins the count anew.
    """
    call = call_of(context)
    if not peer and (documents is not None or clear):
        raise UsageError("documents are released to one device: name it with --peer")
    if peer and first_day is not None:
        raise UsageError("--first-day is for all devices; --per-day with --peer takes its place for one")
    keys = call.opened().keys
    limits = {"answers_per_day": per_day, "tokens_per_answer": tokens, "first_contact": first_day}
    claims = {"ask_first": ask_first, "documents": documents, "paused": pause}
    changes: dict[str, Any] = {name: value for name, value in (limits | claims).items() if value is not None}
    cleared = dict.fromkeys(("answers_per_day", "tokens_per_answer", "ask_first")) | {
        "documents": False,
        "paused": False,
    }
    mandate = keys.set_mandate(peer=peer or None, **(cleared if clear else {}) | changes)
    _tell(call, mandate, keys.today())


def _tell(call: Call, mandate: Mandate, today: Today) -> None:
    document = {
        "per_day": mandate.answers_per_day, "tokens": mandate.tokens_per_answer, "first_day": mandate.first_contact,
        "ask_first": mandate.ask_first, "paused": mandate.paused,
        "peers": [
            {"peer": peer, "per_day": own.answers_per_day, "tokens": own.tokens_per_answer,
             "ask_first": own.ask_first, "documents": own.documents, "paused": own.paused}
            for peer, own in mandate.peers.items()
        ],
        "today": {
            "answers": sum(today.answers.values()), "closed": today.closed,
            "peers": [{"peer": peer, "answers": answers} for peer, answers in today.answers.items()],
        },
    }  # fmt: skip
    call.output.result(document, lambda: _table(mandate, today))


def _table(mandate: Mandate, today: Today) -> RenderableType:
    from freehold.terminal.tables import table

    asked = f"{sum(today.answers.values()):,}" + (" or more: what was counted is lost" if today.closed else "")
    rows = [
        (
            "asking others",
            "paused" if mandate.paused else "each time after your yes" if mandate.ask_first else "allowed",
        ),
        ("in a day", count(mandate.answers_per_day, "answer")),
        ("today so far", asked),
        ("one answer", f"at most {count(mandate.tokens_per_answer, 'token')}"),
        ("a device's first day", count(mandate.first_contact, "answer")),
        ("documents", "stay here, but for the devices below that may read them"),
        *((peer, _in_words(own)) for peer, own in mandate.peers.items()),
    ]
    return table("", " ", rows=rows, wide=" ")


def _in_words(own: PeerMandate) -> str:
    words = [
        "paused" if own.paused else "",
        "may read documents" if own.documents else "",
        "" if own.answers_per_day is None else f"{count(own.answers_per_day, 'answer')} a day",
        "" if own.tokens_per_answer is None else f"at most {count(own.tokens_per_answer, 'token')}",
        "" if own.ask_first is None else "each time after your yes" if own.ask_first else "without asking first",
    ]
    return ", ".join(word for word in words if word)
