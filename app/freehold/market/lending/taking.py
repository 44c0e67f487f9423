"""What the gateway hands to the vault: the journal of jobs done for others, and devices that were paired."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from freehold.market.lending.journal import lines_of, waiting


class Keys(Protocol):
    def open_sealed(self, lines: list[str]) -> list[bytes]: ...


class Vault(Protocol):
    def call(self, op: str, **args: Any) -> Any: ...


def take_in(folder: Path, keys: Keys, vault: Vault, *, all_of_it: bool) -> int:
    """Have the vault keep the journal's lines, then remove them; how many were new. The same line twice counts once.

    The file in use is left to its gateway unless `all_of_it`. Raises VaultLocked, KeyMissing; nothing is lost then.
    """
    new = 0
    for path in waiting(folder, all_of_it=all_of_it):
        lines = lines_of(path)
        if lines:
            rows = [json.loads(line) for line in keys.open_sealed(lines)]
            new += int(vault.call("market.absorb", lines=rows))
        path.unlink(missing_ok=True)
    return new


def device_of(told: Mapping[str, Any], known: Mapping[str, Any] | None) -> dict[str, Any]:
    """A device that was paired, as the vault keeps it. Where it is, and what may go there, stays as it was `known`."""
    certificate = told["certificate"]
    before = known or {"host": "", "port": 0, "documents": False, "offers": []}
    return {
        "id": told["address"], "name": certificate["name"], "kind": "own", "node_key": certificate["node_key"],
        "hpke_key": certificate["hpke_key"], "certificate": certificate, "tls": told["tls"], "host": before["host"],
        "port": before["port"], "documents": before["documents"], "state": "active", "paired": time.time(),
        "offers": before["offers"],
    }  # fmt: skip
