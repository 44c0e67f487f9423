"""The vault process: holds the data key and the database, and answers for every room's store."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from freehold.foundation.errors import BadRequest, KeyringUnavailable, VaultLocked
from freehold.foundation.paths import Profile
from freehold.processes.worker import Op, serve
from freehold.vault import moving
from freehold.vault.handover import Misdirected, Receiver, seal
from freehold.vault.keys import passphrase_bytes
from freehold.vault.recovery import secret_of
from freehold.vault.safe import Safe
from freehold.vault.settings_store import SettingsStore
from freehold.vault.slots import FindKey, by_raw_key, by_slot
from freehold.vault.unpacked import Unpacked
from freehold.vault.values import Slot


def serve_vault(stores: Sequence[type[Any]]) -> None:
    """Run as the vault worker. `stores` are the rooms' store classes; the vault adds its own."""
    vault = VaultOps((*stores, SettingsStore))
    serve("vault", vault.ops(), leaving=vault.close)


class VaultOps:
    """What may be asked of the vault process. Everything but status, create and unlock needs it open."""

    def __init__(self, stores: Sequence[type[Any]]) -> None:
        self._stores = tuple(stores)
        self._safe: Safe | None = None
        self._receiver: Receiver | None = None

    def ops(self) -> dict[str, Op]:
        """Every op by name: the vault's own, and `room.method` for each public method of each store."""
        own: dict[str, Op] = {
            f"vault.{name}": getattr(self, name)
            for name in (
                "status", "create", "create_raw", "unlock", "unlock_raw", "unlock_by_keyring", "keyring_place",
                "public_key", "change_passphrase", "propose_recovery", "accept_recovery", "try_recovery",
                "add_keyring", "remove_slot",
                "check", "hold", "let_go", "seal", "restore", "merge", "take", "hand_over",
            )
        }  # fmt: skip
        for store in self._stores:
            for name, method in inspect.getmembers(store, inspect.isfunction):
                if not name.startswith("_"):
                    own[f"{store.room}.{name}"] = self._op(store.room, name, method)
        return own

    def status(self, home: str) -> dict[str, Any]:
        status = self._at(home).status()
        return {**asdict(status), "slots": list(status.slots)}

    def create(self, home: str, passphrase: str | None = None, keyring: dict[str, str] | None = None) -> str | None:
        safe = self._at(home)
        if keyring is None:
            return safe.create(passphrase=passphrase)
        slot, secret = self._kept(keyring)
        return safe.create(passphrase=passphrase, keyring=slot, keyring_secret=secret)

    def create_raw(self, home: str, data_key: str) -> None:
        self._at(home).create(raw=bytes.fromhex(data_key))

    def unlock(self, home: str, passphrase: str | None = None, recovery: str | None = None) -> None:
        if recovery is not None:
            self._at(home).unlock("recovery", secret_of(recovery))
        else:
            self._at(home).unlock("passphrase", passphrase_bytes(passphrase or ""))

    def unlock_raw(self, home: str, data_key: str) -> None:
        self._at(home).unlock_raw(bytes.fromhex(data_key))

    def unlock_by_keyring(self, home: str, sealed: str, seen: int) -> int:
        """Open; the new generation, for the keyring to remember as `seen` the next time."""
        safe = self._at(home)
        safe.unlock("keyring", self._open_sealed(sealed), seen=seen)
        return safe.grow()

    def keyring_place(self, home: str) -> dict[str, str]:
        """Which keyring holds this vault's secret, and under which account."""
        slot = self._at(home).keyring_slot()
        return {"backend": slot.backend, "account": slot.account}

    def public_key(self) -> str:
        """A key to seal one keyring secret to."""
        self._receiver = Receiver()
        return self._receiver.public.hex()

    def change_passphrase(self, new: str) -> None:
        self._open_safe().change_passphrase(new)

    def propose_recovery(self) -> str:
        return self._open_safe().propose_recovery()

    def accept_recovery(self) -> None:
        self._open_safe().accept_recovery()

    def try_recovery(self, home: str, code: str) -> None:
        self._at(home).try_recovery(code)

    def add_keyring(self, keyring: dict[str, str]) -> None:
        self._open_safe().add_keyring(*self._kept(keyring))

    def remove_slot(self, kind: str) -> None:
        self._open_safe().remove_slot(kind)

    def check(self) -> list[str]:
        """Verify everything; what is wrong, empty when nothing is."""
        return self._open_safe().check()

    def hold(self, proposed: bool = False) -> dict[str, Any]:
        """Leave the database's file alone until `let_go`: a backup reads it meanwhile."""
        header, size = self._open_safe().hold(proposed=proposed)
        return {"header": header.decode("ascii"), "bytes": size}

    def let_go(self) -> None:
        self._open_safe().let_go()

    def seal(self, digest: str) -> str:
        return self._open_safe().seal(bytes.fromhex(digest)).hex()

    def restore(self, home: str, backup: dict[str, str], secret: dict[str, str]) -> None:
        self._at(home).restore(_unpacked(backup), _find_key(secret))

    def merge(
        self, backup: dict[str, str], secret: dict[str, str], keep: bool, from_another: bool
    ) -> Generator[str, None, dict[str, dict[str, int]]]:
        """Take over what this vault lacks; without `keep` only count it."""
        safe = self._open_safe()
        return (yield from safe.merge(_unpacked(backup), _find_key(secret), keep=keep, from_another=from_another))

    def take(self, room: str, items: list[dict[str, Any]]) -> dict[str, int]:
        """Take over what an export says of one room, as far as it is not here."""
        return moving.take(self._open_safe().rooms, room, items)

    def hand_over(self, purpose: Literal["identity"], public_key: str) -> str:
        """The vault's key for one purpose, sealed to whoever has the private half of `public_key`."""
        try:
            return seal(bytes.fromhex(public_key), self._open_safe().subkey(purpose)).hex()
        except ValueError as error:
            raise BadRequest("vault.hand_over: not a key to seal to") from error

    def close(self) -> None:
        if self._safe is not None:
            self._safe.close()

    def _op(self, room: str, name: str, method: Callable[..., Any]) -> Op:
        def run(**args: Any) -> Any:
            return getattr(self._open_safe().rooms[room], name)(**args)

        # The worker loop checks arguments against the method's own signature.
        signature = inspect.signature(method)
        run.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
        run.__annotations__ = typing.get_type_hints(method)
        return run

    def _at(self, home: str) -> Safe:
        """The vault of the profile `home`; one process serves one profile."""
        if self._safe is None:
            self._safe = Safe(Profile(Path(home)), self._stores)
        return self._safe

    def _open_safe(self) -> Safe:
        if self._safe is None or not self._safe.is_open:
            raise VaultLocked()
        return self._safe

    def _kept(self, keyring: dict[str, str]) -> tuple[Slot, bytes]:
        secret = self._open_sealed(keyring["sealed"])
        return Slot("keyring", b"", b"", b"", backend=keyring["backend"], account=keyring["account"]), secret

    def _open_sealed(self, sealed: str) -> bytes:
        receiver, self._receiver = self._receiver, None
        if receiver is None:
            raise KeyringUnavailable("nobody asked the keyring")
        try:
            return receiver.open(bytes.fromhex(sealed))
        except Misdirected as error:
            raise KeyringUnavailable("the keyring's answer was not for this vault") from error


def _unpacked(backup: dict[str, str]) -> Unpacked:
    return Unpacked(Path(backup["folder"]), bytes.fromhex(backup["digest"]), bytes.fromhex(backup["seal"]))


def _find_key(secret: dict[str, str]) -> FindKey:
    """How the one secret that was given (passphrase, recovery or raw) finds a data key."""
    if "raw" in secret:
        return by_raw_key(bytes.fromhex(secret["raw"]))
    if "recovery" in secret:
        return by_slot("recovery", secret_of(secret["recovery"]))
    return by_slot("passphrase", passphrase_bytes(secret.get("passphrase", "")))
