"""A key file in use: opened by the vault's subkey, brought to a new state, taken over by a passphrase. Signer only."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from freehold.foundation.errors import (
    ImportFailed,
    KeyDamaged,
    KeyMissing,
    KeyPassphraseWrong,
    NeedsPassphrase,
    UsageError,
)
from freehold.foundation.ids import new_id
from freehold.foundation.paths import bytes_of
from freehold.identity import keyfile
from freehold.identity.bundle import Bundle
from freehold.identity.keyfile import KeyFile
from freehold.vault.keys import passphrase_bytes
from freehold.vault.values import Argon2Cost

Tune = Callable[[], Argon2Cost]


class Chest:
    """The file in `folder`, whose slot `vault` opens with `vault_key`; `tune` says what a passphrase shall cost."""

    def __init__(self, folder: Path, vault_key: bytes, tune: Tune) -> None:
        self._folder, self._vault_key, self._tune = folder, vault_key, tune
        self._file: KeyFile | None = None
        self._file_key = b""
        self._bundle: Bundle | None = None

    @property
    def bundle(self) -> Bundle:
        assert self._bundle is not None, "a chest is opened or begun first"
        return self._bundle

    def refuse_existing(self) -> None:
        """Raises UsageError when there is a key, damaged or not."""
        if any((self._folder / name).exists() for name in keyfile.NAMES):
            raise UsageError(
                "there is a key already", advice="Export it first; `key import --replace` then replaces it."
            )

    def open(self, kept: str = "") -> bool:
        """Open the newest file there is, the vault's copy `kept` included; whether a file was here at all.

        What is older or missing on the disk is brought up to date. Raises KeyMissing, KeyDamaged.
        """
        files, damage = self._candidates(kept)
        for file in files:
            file_key = self._unwrapped(file)
            if file_key is None:
                damage = damage or KeyDamaged("it belongs to another vault")
                continue
            self._bundle = Bundle.from_bytes(keyfile.unseal(file, file_key))
            self._file, self._file_key = file, file_key
            return self._mend()
        raise damage or KeyMissing()

    def begin(self, bundle: Bundle, passphrase: str | None) -> None:
        """A new file with these secrets. Raises DiskFull, ProfileUnusable, NeedsPassphrase; then nothing changed."""
        file, file_key = KeyFile(new_id(), self._generation(), ()), os.urandom(32)
        file = file.with_slot(keyfile.wrap(file_key, file.id, "vault", self._vault_key))
        if passphrase is not None:
            if not passphrase.strip():
                raise NeedsPassphrase("an empty passphrase protects nothing", advice="Choose a passphrase.")
            secret = passphrase_bytes(passphrase)
            file = file.with_slot(keyfile.wrap(file_key, file.id, "passphrase", secret, self._tune()))
        self._file, self._file_key = file, file_key
        self.keep(bundle)

    def take_over(self, content: str, passphrase: str) -> None:
        """Become the file of another profile, by its passphrase, which this vault then opens too.

        Raises ImportFailed, KeyPassphraseWrong, DiskFull, ProfileUnusable.
        """
        try:
            file = keyfile.decode(content.encode())
            slot = file.slot("passphrase")
        except KeyDamaged as error:
            raise ImportFailed(error.detail, advice=error.next_step) from error
        if slot is None:
            raise ImportFailed("this key file has no passphrase of its own", advice="Bring back the vault's backup.")
        file_key = keyfile.unwrap(slot, file.id, passphrase_bytes(passphrase))
        if file_key is None:
            raise KeyPassphraseWrong()
        bundle = Bundle.from_bytes(keyfile.unseal(file, file_key))
        file = file.with_slot(keyfile.wrap(file_key, file.id, "vault", self._vault_key))
        self._file, self._file_key = replace(file, generation=max(file.generation, self._generation())), file_key
        self.keep(bundle)

    def keep(self, bundle: Bundle) -> None:
        """Write `bundle` as the next generation. Raises DiskFull, ProfileUnusable; then all is as before."""
        assert self._file is not None
        newer = replace(self._file, generation=self._file.generation + 1)
        newer = keyfile.seal(newer, self._file_key, bundle.to_bytes())
        keyfile.write(self._folder, keyfile.encode(newer))
        self._file, self._bundle = newer, bundle

    def content(self) -> str:
        assert self._file is not None
        return keyfile.encode(self._file).decode("ascii")

    def _candidates(self, kept: str) -> tuple[list[KeyFile], KeyDamaged | None]:
        files: list[KeyFile] = []
        damage = None
        try:
            files += keyfile.read(self._folder)
        except KeyDamaged as error:
            damage = error
        if kept:
            try:
                files.append(keyfile.decode(kept.encode()))
            except KeyDamaged as error:
                damage = damage or error
        return sorted(files, key=lambda file: -file.generation), damage

    def _unwrapped(self, file: KeyFile) -> bytes | None:
        slot = file.slot("vault")
        return None if slot is None else keyfile.unwrap(slot, file.id, self._vault_key)

    def _mend(self) -> bool:
        assert self._file is not None
        content = keyfile.encode(self._file)
        copies = [bytes_of(self._folder / name, keyfile.MOST_BYTES) for name in keyfile.NAMES]
        if copies != [content, content]:
            keyfile.write(self._folder, content)
        return any(copy is not None for copy in copies)

    def _generation(self) -> int:
        """That of what is here: what takes its place is newer."""
        try:
            return max((file.generation for file in keyfile.read(self._folder)), default=0)
        except KeyDamaged:
            return 0
