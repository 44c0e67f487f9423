"""`freehold receipts`: what other devices signed about their answers, and whether that holds."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from freehold.foundation.errors import ReceiptInvalid
from freehold.terminal.call import Call, call_of
from freehold.terminal.exits import FAILED, OK
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.page import Page
from freehold.terminal.words import count, moment, short_ids

if TYPE_CHECKING:
    from rich.console import RenderableType

    from freehold.market.receipts import Verdict
    from freehold.market.records import Kept

_RECEIPT = '{id, time, peer, model_sha256, tokens_in, tokens_out, paid, check: "passed"|"failed"|null}'
ReceiptId = Annotated[str, typer.Argument(metavar="ID", help="The receipt's id, or a unique beginning of it.")]

page = Page(
    "receipts",
    "What other devices signed about their answers.\n\nA receipt goes with its chat when that is erased.",
    ("freehold receipts list", "freehold receipts export 0193f2ab lease.receipt", "freehold receipts verify FILE"),
)


@page.command("list", ("freehold receipts list --json",), f"{{receipts: [{_RECEIPT}]}}")
def list_receipts(context: typer.Context) -> None:
    """List receipts, the newest first."""
    call = call_of(context)
    household = call.opened()
    kept = household.receipts.all()
    names = {one.device.id: one.device.name for one in household.peers.all()}
    document = {"receipts": [_document(one) for one in kept]}
    call.output.result(document, (lambda: _table(kept, names)) if kept else "No receipts yet.")


@page.command("show", ("freehold receipts show 0193f2ab",), f"{_RECEIPT} and {{chat, ending, receipt}}")
def show(context: typer.Context, id: ReceiptId) -> None:
    """Show one receipt, as it was signed."""
    call = call_of(context)
    kept = call.opened().receipts.find(id)
    document = {
        **_document(kept),
        "chat": kept.chat or None,
        "ending": kept.receipt.ending,
        "receipt": kept.receipt.to_wire(),
    }
    call.output.result(document, lambda: _facts(kept))


@page.command("export", ("freehold receipts export 0193f2ab lease.receipt",), "{exported, file}")
def export(
    context: typer.Context, id: ReceiptId, file: Annotated[str, typer.Argument(metavar="FILE", help="A new file.")]
) -> None:
    """Write a receipt with what it is about to a file that anybody can verify.

    The question and the answer are in it, as tokens: whoever has the model can read them.
    """
    call = call_of(context)
    path = call.path(file)
    kept = call.opened().receipts.export(id, path)
    call.output.result({"exported": kept.receipt.job, "file": str(path)}, f"Written to {path}.")


@page.command("verify", ("freehold receipts verify lease.receipt",), "{valid, checked_tokens, reason}")
def verify(
    context: typer.Context, file: Annotated[str, typer.Argument(metavar="FILE", help="An exported receipt.")]
) -> int:
    """Check an exported receipt on this computer, asking nobody.

    Hashes, counts, signature and certificate; and where the model is here, whether its weights write these tokens.
    """
    call = call_of(context)
    verdict = _follow(call, file)
    document = verdict.to_json()
    if not verdict.valid:
        call.output.fail(ReceiptInvalid(verdict.reason), document)
        return FAILED
    call.output.result(document, f"It holds. {verdict.reason}")
    return OK


def _follow(call: Call, file: str) -> Verdict:
    steps = call.household().receipts.verify(call.path(file), call.stop)
    with stops_on_interrupt(call.stop), closing(steps), call.output.progress() as progress:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                verdict: Verdict = end.value
                return verdict
            words = getattr(step, "words", "") or f"Loading {getattr(step, 'name', '')}"
            progress.update(words, getattr(step, "done", 0.0), 1)


def _document(kept: Kept) -> dict[str, Any]:
    receipt = kept.receipt
    return {
        "id": receipt.job, "time": receipt.closed, "peer": receipt.provider.lower(),
        "model_sha256": receipt.manifest.sha256, "tokens_in": receipt.tokens_in, "tokens_out": receipt.tokens_out,
        "paid": receipt.charged, "check": None if kept.check is None else _CHECKED[kept.check.passed],
    }  # fmt: skip


def _table(kept: list[Kept], names: dict[str, str]) -> RenderableType:
    from freehold.terminal.tables import table

    short = short_ids([one.receipt.job for one in kept])
    rows = [
        (
            moment(one.receipt.closed), names.get(one.receipt.provider.lower(), one.receipt.provider[:8]),
            one.receipt.manifest.model, count(one.receipt.tokens_out, "token"),
            "" if one.check is None else _CHECKED[one.check.passed], short[one.receipt.job],
        )
        for one in kept
    ]  # fmt: skip
    return table("time", "device", "model", "answer", "check", "id", rows=rows, wide="device")


def _facts(kept: Kept) -> RenderableType:
    from freehold.terminal.tables import table

    receipt = kept.receipt
    rows = [
        ("job", receipt.job), ("device", receipt.provider), ("model", receipt.manifest.model),
        ("file", receipt.manifest.sha256), ("read", count(receipt.tokens_in, "token")),
        ("written", count(receipt.tokens_out, "token")), ("ending", receipt.ending),
        ("closed", moment(receipt.closed)), ("check", "not checked" if kept.check is None else kept.check.reason
         or _CHECKED[kept.check.passed]), ("signature", receipt.signature),
    ]  # fmt: skip
    return table("", "value", rows=rows, wide="value")


_CHECKED = {True: "passed", False: "failed"}
