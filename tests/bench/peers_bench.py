"""The figures of answers that come from other machines (docs/peers.md)."""

from __future__ import annotations

from collections.abc import Iterator

from checking_figures import checking_figures
from figures import Figure
from lending_figures import kill_figures, quiet_figures, signing_figure, speed_figures, two_devices


def figures(*, quick: bool) -> Iterator[Figure]:
    yield from signing_figure(quick=quick)
    with two_devices() as devices:
        yield from speed_figures(devices, quick=quick)
        yield from kill_figures(devices, quick=quick)
    yield from quiet_figures()
    yield from checking_figures(quick=quick)
