"""The security issue's figures: each `security_*.py` beside this file gives its rows, in the order of their names."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

from figures import Figure


def figures(*, quick: bool) -> Iterator[Figure]:
    here = Path(__file__)
    for path in sorted(here.parent.glob("security_*.py")):
        if path != here:
            yield from importlib.import_module(path.stem).figures(quick=quick)
