"""Signers for tests: the real process beside a real vault, and the same inside this process with a clock to turn.

with keys_in(tmp_path) as keys: ...     # Keys over real processes, of tmp_path/home
signer = open_signer(tmp_path, clock)   # a Signer with a key, in this process; the same key on later calls
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from freehold.foundation.errors import KeyMissing
from freehold.foundation.paths import Profile
from freehold.identity.keys import Keys
from freehold.identity.signer_worker import Signer
from freehold.vault.handover import seal
from freehold.vault.keeper import Vault
from support.vaults import CHEAP, open_vault, profile_in

WORKER = """
from freehold.chats.store import ChatStore
from freehold.identity.store import IdentityStore
from freehold.network.store import LedgerStore
from freehold.vault.worker import serve_vault
serve_vault([ChatStore, LedgerStore, IdentityStore])
"""
PEER, OTHER = "0x" + "aB" * 20, "0x" + "cd" * 20
NOON = 20_000 * 86_400 + 43_200.0  # of some day
KEY = bytes(range(32))  # what a vault would hand over
AT = "https://192.168.1.7:8443"


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@contextmanager
def keys_in(folder: Path, **options: Any) -> Iterator[Keys]:
    """Keys of an open vault; locked at the end."""
    vault = open_vault(folder, WORKER)
    try:
        yield keys_of(folder, vault, **options)
    finally:
        vault.lock()


def keys_of(folder: Path, vault: Vault, **options: Any) -> Keys:
    return Keys(profile_in(folder), vault, **{"name": lambda: "desk", **options})


def handed(signer: Signer, key: bytes = KEY) -> str:
    """The vault's subkey, sealed for this signer."""
    return seal(bytes.fromhex(signer.public_key()), key).hex()


def open_signer(folder: Path, clock: Callable[[], float] | None = None, **options: Any) -> Signer:
    """A signer of folder/home with its key open, made on the first call."""
    profile = Profile(folder / "home")
    profile.identity.mkdir(parents=True, exist_ok=True)
    signer = Signer(clock=clock or Clock(), tune=lambda: CHEAP, **options)
    try:
        signer.open(str(profile.home), handed(signer), "")
    except KeyMissing:
        signer.create(str(profile.home), handed(signer))
    return signer


def ask(
    signer: Signer, number: int, peer: str = PEER, tokens: int = 64, salt: str = "", **options: Any
) -> dict[str, str]:
    """Have the signer sign the opening of job `number`; `salt` makes it another request."""
    body = {"job": f"{number:032x}", "quote": "q", "sealed": f"sealed{salt}"}
    return request(signer, "POST", "/v1/jobs", body, peer, tokens=tokens, **options)


def request(
    signer: Signer, method: str, path: str, body: object = None, peer: str = PEER, **options: Any
) -> dict[str, str]:
    sent = b"" if body is None else json.dumps(body).encode()
    return signer.sign(
        peer=peer, method=method, url=AT + path, body=base64.b64encode(sent).decode(), name="desk", **options
    )
