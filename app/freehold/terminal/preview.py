"""Who would answer a message, and every word that would be read there: shown before anything is sent."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any

from freehold.assistant.values import Notice, Preview, Step
from freehold.foundation.stop import Stop
from freehold.rendering.visible import visible
from freehold.terminal.exits import INTERRUPTED, OK
from freehold.terminal.interrupts import stops_on_interrupt
from freehold.terminal.output import Output
from freehold.terminal.words import count

_STAYS = "This message would be answered on this computer. Nothing of it would leave."


def show_preview(steps: Generator[Step, None, Preview], output: Output, stop: Stop) -> int:
    """Follow `steps` to the preview and print it; the exit code."""
    with stops_on_interrupt(stop), closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                preview: Preview = end.value
                break
            if isinstance(step, Notice):
                output.say(step.words, "dim")
    if stop.is_set():
        return INTERRUPTED
    if output.json:
        output.document(preview_document(preview))
    else:
        _print(preview, output)
    return OK


def preview_document(preview: Preview) -> dict[str, Any]:
    """The result of `ask --preview --json`."""
    return {
        "where": list(preview.where), "why": preview.why, "data_class": preview.data_class,
        "messages": [{"role": one.role, "text": one.text} for one in preview.messages],
        "tokens": preview.tokens, "bytes": preview.size,
    }  # fmt: skip


def _print(preview: Preview, output: Output) -> None:
    if not preview.messages:
        output.say(f"{_STAYS} {preview.why}".strip())
        return
    names = " or ".join(map(visible, preview.where))
    kind = "documents of yours, and words" if preview.data_class == "documents" else "words alone"
    sizes = f"{count(preview.tokens, 'token')}, {count(preview.size, 'byte')}: {kind}"
    output.say(f"{names} would read this and nothing else ({sizes}). {preview.why}")
    for one in preview.messages:
        output.line("")
        output.line(f"[{one.role}]")
        output.line(one.text)
