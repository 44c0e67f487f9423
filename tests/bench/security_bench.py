"""The security issue's figures: each `security_*.py` beside this file gives its rows, what takes seconds first.

A part that cannot be measured says why, and the rest is measured all the same.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from figures import Figure

# Whole, on two quiet cores: seconds for the first four, minutes for the renders, a quarter of an hour for the kills,
# half an hour for all tests in a namespace.
PARTS = ("canaries", "memory", "sandbox", "unlock", "rendering", "storage", "packets")


def figures(*, quick: bool) -> Iterator[Figure]:
    for part in PARTS:
        try:
            yield from importlib.import_module(f"security_{part}").figures(quick=quick)
        except Exception as error:  # noqa: BLE001 - one part that breaks must not take the others' rows with it
            why = f"not measured: {type(error).__name__}: {error}"
            yield Figure(f"security: {part}", None, "", 0, "exactly", note=why)
