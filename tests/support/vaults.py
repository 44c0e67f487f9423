"""Real vaults for tests: the real process and database, a raw key instead of a passphrase so that opening is quick.

with opened(tmp_path) as vault: ...      # a new vault in tmp_path/home, locked at the end
vault = open_vault(tmp_path)             # the same, made on the first call and opened again on later ones
safe = open_safe(tmp_path)               # the same inside this process, for what a pipe would hide
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freehold.chats.store import ChatStore
from freehold.foundation.paths import Profile
from freehold.processes.spawn import spawn
from freehold.vault.keeper import Start, Vault
from freehold.vault.safe import Safe
from freehold.vault.settings_store import SettingsStore
from freehold.vault.values import Argon2Cost

RAW_KEY = bytes(range(32))
CHEAP = Argon2Cost(64 * 1024, 1)  # the least a header may ask for
STORES = (ChatStore, SettingsStore)

WORKER = """
from freehold.chats.store import ChatStore
from freehold.market.store import MarketStore
from freehold.network.store import LedgerStore
from freehold.vault.worker import serve_vault
serve_vault([ChatStore, LedgerStore, MarketStore])
"""


def profile_in(folder: Path) -> Profile:
    profile = Profile(folder / "home")
    profile.prepare()
    return profile


def python_worker(profile: Profile, source: str = WORKER, also: tuple[str, ...] = ()) -> Start:
    """What a Vault wants as `start`: Python on `source`."""
    return lambda: spawn([sys.executable, "-c", source], profile.scratch, also)


def vault_in(folder: Path, source: str = WORKER, **options: Any) -> Vault:
    """A vault of tmp_path/home, not opened."""
    profile = profile_in(folder)
    return Vault(profile, start=python_worker(profile, source), **options)


def open_vault(folder: Path, source: str = WORKER) -> Vault:
    vault = vault_in(folder, source)
    if vault.status().state == "new":
        vault.create(raw=RAW_KEY)
    else:
        vault.unlock(raw=RAW_KEY)
    return vault


@contextmanager
def opened(folder: Path, source: str = WORKER) -> Iterator[Vault]:
    vault = open_vault(folder, source)
    try:
        yield vault
    finally:
        vault.lock()


def closed_safe(folder: Path, stores: tuple[type[Any], ...] = STORES) -> Safe:
    return Safe(profile_in(folder), stores, tune=lambda: CHEAP)


def open_safe(folder: Path, stores: tuple[type[Any], ...] = STORES) -> Safe:
    safe = closed_safe(folder, stores)
    if safe.is_new:
        safe.create(raw=RAW_KEY)
    else:
        safe.unlock_raw(RAW_KEY)
    return safe


class InProcess:
    """A vault without its process: ops go straight to the stores of an open Safe."""

    def __init__(self, safe: Safe) -> None:
        self.safe = safe

    def call(self, op: str, **args: Any) -> Any:
        room, _, method = op.partition(".")
        return getattr(self.safe.rooms[room], method)(**args)

    def stream(self, op: str, **args: Any) -> Any:
        return (yield from self.call(op, **args))
