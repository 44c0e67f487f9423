"""The figures of answers that come from other machines."""

from __future__ import annotations

from collections.abc import Iterator

from checking_figures import checking_figures
from figures import Figure


def figures(*, quick: bool) -> Iterator[Figure]:
    yield from checking_figures(quick=quick)
