"""What to try, in which order, when a model does not load: gentler each time. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

SMALLEST_CONTEXT = 2048


@dataclass(frozen=True, slots=True)
class Rung:
    """One attempt. `context` is in tokens, `gpu_layers` -1 means all; `words` tell a person why it is made."""

    context: int
    gpu_layers: int
    words: str = ""


def rungs(*, context: int, gpu_layers: int, layers: int) -> Iterator[Rung]:
    """As asked; then with half the layers on the graphics card, with none, then with half the context down to 2,048.

    `gpu_layers` is 0 where this build or machine has no graphics card to use.
    """
    yield Rung(context, gpu_layers)
    if gpu_layers:
        half = (layers if gpu_layers < 0 else min(gpu_layers, layers)) // 2
        if half:
            yield Rung(context, half, f"Trying with {half} of {layers} layers on the graphics card.")
        yield Rung(context, 0, "Trying on the processor alone, which is slower.")
    while context > SMALLEST_CONTEXT:
        context = max(context // 2, SMALLEST_CONTEXT)
        yield Rung(context, 0, f"Trying with a smaller context of {context:,} tokens.")


def gentle(context: int) -> Rung:
    """The attempt for a model that ended the engine last time."""
    return Rung(
        min(context, SMALLEST_CONTEXT), 0,
        "This model ended the engine when it was last loaded, so it is loaded with care: on the processor, "
        "with a small context.",
    )  # fmt: skip
