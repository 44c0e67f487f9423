"""Joins the vault's cards on the settings page and the household: what opens it, the recovery kit, backups, erasing."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from freehold.desktop.backup_card import BackupCard
from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Backup, Vault, VaultStatus
from freehold.desktop.vault_card import VaultCard
from freehold.desktop.vault_watch import VaultWatch, faulty_words, older_words
from freehold.desktop.words import long_day_words, size_words
from freehold.foundation.errors import BackupForeign, FreeholdError, WrongPassphrase

_CODE_LENGTH = 28  # a recovery code without its dashes


class VaultController(QObject):
    """`changed` tells that another thing opens the vault now; `added` that a backup was merged."""

    changed = Signal()
    added = Signal()
    lock_asked = Signal()
    erase_asked = Signal(bool)

    def __init__(self, vault: Vault, bridge: Bridge, keys: VaultCard, backups: BackupCard, watch: VaultWatch) -> None:
        super().__init__()
        self._vault, self._bridge, self._keys, self._backups = vault, bridge, keys, backups
        self._watch = watch
        keys.check_asked.connect(watch.check)
        watch.checking.connect(keys.show_checking)
        watch.sound.connect(keys.show_sound)
        watch.faulty.connect(self._show_faults)
        watch.failed.connect(keys.show_not_checked)
        keys.lock_asked.connect(self.lock_asked)
        keys.passphrase_given.connect(self._change_passphrase)
        keys.keyring_wanted.connect(self._use_keyring)
        keys.recovery_asked.connect(self._new_kit)
        keys.code_tried.connect(self._try_code)
        backups.backup_asked.connect(self._back_up)
        backups.look_asked.connect(partial(self._take_in, False))
        backups.merge_asked.connect(partial(self._take_in, True))
        backups.erase_asked.connect(self.erase_asked)

    def tell(self) -> tuple[VaultStatus, str | None]:
        """Runs on a thread: what there is to show, with the keyring that could be used."""
        return self._vault.status(), self._vault.keyring_usable()

    def show(self, told: tuple[VaultStatus, str | None]) -> None:
        status, keyring = told
        self._keys.show_status(status.slots, status.bytes, keyring)
        self._keys.show_noticed(*older_words(status.older) if status.older else ("", ""))
        if self._watch.is_checking:
            self._keys.show_checking()
        elif self._watch.faults:
            self._show_faults(self._watch.faults)
        elif self._watch.faults is None:
            self._keys.show_unchecked(ended_badly=status.check_due)
        else:
            self._keys.show_sound()

    def _show_faults(self, faults: list[str]) -> None:
        self._keys.show_faults(*faulty_words(), "\n".join(faults))

    def _change_passphrase(self, new: str) -> None:
        self._with_keys(
            partial(self._vault.change_passphrase, new), lambda _: self._keys.passphrase_saved(),
            self.tr("Changing the passphrase"),
        )  # fmt: skip

    def _use_keyring(self, wanted: bool) -> None:
        work = self._vault.add_keyring if wanted else partial(self._vault.remove_slot, "keyring")
        said = (
            self.tr("The keyring opens the vault too, from now on.")
            if wanted
            else self.tr("The keyring no longer does.")
        )
        self._with_keys(work, lambda _: self._keys.say(said), self.tr("Asking the keyring"))

    def _new_kit(self) -> None:
        def make() -> tuple[str, str]:
            from freehold.vault.recovery import kit

            code = self._vault.new_recovery_code()
            return code, kit(code, self._vault.status().vault, time.strftime("%Y-%m-%d"))

        self._keys.say(self.tr("A code is made, and a backup restored with it in a trial…"))
        self._with_keys(make, lambda made: self._keys.show_code(*made), self.tr("Making a recovery kit"))

    def _try_code(self, code: str) -> None:
        self._keys.say(self.tr("A backup is restored with this code, in a trial…"))
        self._with_keys(
            partial(self._vault.try_restore, code),
            lambda _: self._keys.code_opens(),
            self.tr("Trying the recovery code"),
        )

    def _with_keys(self, work: Callable[[], Any], done: Callable[[Any], None], words: str) -> None:
        def after(result: Any) -> None:
            done(result)
            self.changed.emit()

        self._keys.set_busy(True)
        job = self._bridge.run(lambda _stop: work(), done=after, failed=self._keys.show_error, words=words)
        job.ended.connect(partial(self._keys.set_busy, False))

    def _back_up(self, path: str) -> None:
        words, done = self.tr("Backing up"), self.tr("{0} written, encrypted, to {1}.")
        self._backups.show_progress(words)
        self._bridge.run(
            lambda _stop: self._vault.back_up(Path(path)), steps=partial(self._show_steps, words),
            done=lambda size: self._backups.say(done.format(size_words(size), path)),
            failed=self._backups.show_error, words=words,
        )  # fmt: skip

    def _take_in(self, keep: bool, path: str, secret: str) -> None:
        words = self.tr("Adding from the backup") if keep else self.tr("Comparing with the backup")
        self._backups.show_progress(words)
        self._bridge.run(
            lambda _stop: self._merge(Path(path), secret, keep), steps=partial(self._show_steps, words),
            done=self._added if keep else self._looked, failed=self._not_taken_in, words=words,
        )  # fmt: skip

    def _merge(self, path: Path, typed: str, keep: bool) -> Generator[Any, None, Any]:
        """Runs on a thread. What was typed is tried as a passphrase first, then as a code where it looks like one."""
        secrets: list[Mapping[str, str]] = [{"passphrase": typed}] if typed else [{}]
        if sum(one.isalnum() for one in typed) == _CODE_LENGTH:
            secrets.append({"recovery": typed})
        for secret in secrets[:-1]:
            try:
                return (yield from self._vault.take_in(path, secret, keep=keep))
            except WrongPassphrase:
                continue
        return (yield from self._vault.take_in(path, secrets[-1], keep=keep))

    def _show_steps(self, words: str, steps: list[Any]) -> None:
        numbers = [step for step in steps if isinstance(step, tuple)]
        self._backups.show_progress(words, *(numbers[-1] if numbers and steps[-1] == numbers[-1] else ()))

    def _looked(self, found: tuple[Backup, Mapping[str, Mapping[str, int]]]) -> None:
        backup, new = found
        self._backups.show_difference(long_day_words(backup.made), new)

    def _added(self, found: tuple[Any, Mapping[str, Mapping[str, int]]]) -> None:
        self._backups.show_added(found[1])
        self.added.emit()

    def _not_taken_in(self, error: FreeholdError) -> None:
        if isinstance(error, BackupForeign):
            self._backups.ask_secret()
        else:
            self._backups.show_error(error)
