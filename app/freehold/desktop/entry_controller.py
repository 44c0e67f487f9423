"""The way in: first run for a new profile, unlock for a locked vault."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Backup, Household, VaultStatus
from freehold.desktop.window import Window
from freehold.desktop.words import long_day_words
from freehold.engine.values import Model
from freehold.foundation.errors import FreeholdError


class Locked(Enum):
    """How a window was locked: by a new process in the place of the old one, or with the old one still there."""

    ANEW = "anew"
    IN_PLACE = "in place"


@dataclass(frozen=True, slots=True)
class _Choice:
    starter: Model | None
    recommended: Model | None
    found: Sequence[Model]
    is_offline: bool


class EntryController(QObject):
    """Emits `opened` when the vault is open and `waiting` while it is not; `download_wanted` names a model chosen in
    the first run.
    """

    opened = Signal()
    waiting = Signal()
    download_wanted = Signal(str)
    failed = Signal(object)

    def __init__(self, household: Household, bridge: Bridge, window: Window) -> None:
        super().__init__()
        self._household, self._bridge, self._window = household, bridge, window
        self._locked_by: Locked | None = None

    def start(self) -> None:
        """Find out what this profile is, and show what it needs."""
        self._bridge.run(lambda _stop: self._household.vault.status(), done=self._enter, failed=self.failed.emit)

    def _enter(self, status: VaultStatus) -> None:
        if status.state == "open":
            self._recover()
        elif status.state == "new":
            self._welcome()
        else:
            self.ask_unlock(status)

    def ask_unlock(self, status: VaultStatus) -> None:
        from freehold.desktop.unlock_page import UnlockPage

        page = UnlockPage(status.slots, self._locked_words())
        vault = self._household.vault

        def unlocking(**given: Any) -> None:
            page.set_busy(True)
            self._bridge.run(
                lambda _stop: vault.unlock(**given), done=lambda _: self._recover(), failed=page.show_error,
                words=self.tr("Opening the vault"),
            )  # fmt: skip

        page.passphrase_given.connect(lambda text: unlocking(passphrase=text))
        page.recovery_given.connect(lambda text: unlocking(recovery=text))
        page.keyring_asked.connect(lambda: unlocking(keyring=True))
        self._window.show_entry(page)
        page.setFocus()
        self.waiting.emit()
        if "keyring" in status.slots and self._locked_by is None:
            unlocking(keyring=True)

    def lock_screen(self, how: Locked) -> None:
        """After locking: show the way in, without using the keyring by itself."""
        self._locked_by = how
        self.start()

    def _locked_words(self) -> str:
        """What locking has ended, and what becomes of what was going on."""
        if self._locked_by is None:
            return ""
        gone = {
            Locked.ANEW: self.tr(
                "The process that held the key has ended, and so has the one that showed your words: this window is "
                "a new one, and nothing of them is in its memory."
            ),
            Locked.IN_PLACE: self.tr(
                "The process that held the key has ended. This system cannot replace the window's own process: end "
                "Freehold to clear its memory too."
            ),
        }[self._locked_by]
        pauses = self.tr(
            "An answer that was going on has stopped and keeps what it has; a download and the reading of documents "
            "go on when you unlock."
        )
        lends = self.tr(
            "This computer goes on answering your other devices, and keeps nothing of what they ask. “Lend while "
            "locked” in the settings ends that with the lock."
        )
        nothing = self.tr("Nothing of Freehold runs on meanwhile.")
        return f"{gone}\n\n{pauses} {lends if self._household.lending.is_on else nothing}"

    def go_in(self) -> None:
        """The vault was opened by somebody else, a command for instance."""
        self._recover()

    def _recover(self) -> None:
        """Mend what a crash left unfinished, then open the house."""

        def recover() -> None:
            self._household.conversations.recover()
            self._household.lending.recover()
            self._household.library.attend()

        self._bridge.run(lambda _stop: recover(), done=lambda _: self._open(), failed=self.failed.emit)

    def _open(self) -> None:
        self._window.show_house()
        self.opened.emit()

    def _welcome(self) -> None:
        from freehold.desktop.first_run import FirstRun

        pages = FirstRun()
        vault = self._household.vault
        self._bridge.run(
            lambda _stop: vault.keyring_usable(), done=pages.welcome.show_keyring,
            failed=lambda _error: pages.welcome.show_keyring(None),
        )  # fmt: skip

        def creating(**given: Any) -> None:
            self._bridge.run(
                lambda _stop: vault.create(**given), done=lambda code: self._created(pages, code),
                failed=pages.show_error, words=self.tr("Making the vault"),
            )  # fmt: skip

        pages.passphrase_given.connect(lambda text: creating(passphrase=text))
        pages.keyring_chosen.connect(lambda: creating(keyring=True))
        pages.code_kept.connect(lambda: self._choose_model(pages))
        pages.starter_chosen.connect(self._recover)
        pages.recommended_chosen.connect(self._download)
        pages.found_chosen.connect(lambda path: self._take_in(pages, path))
        pages.welcome.backup_asked.connect(lambda: self._choose_backup(pages))
        pages.file_asked.connect(lambda: self._choose_file(pages))
        self._window.show_entry(pages)
        pages.setFocus()

    def _created(self, pages: Any, code: str | None) -> None:
        if code:
            pages.show_code(code)
        else:
            self._choose_model(pages)

    def _choose_model(self, pages: Any) -> None:
        screen = pages.show_model_choice()
        self._bridge.run(
            lambda _stop: self._look_for_models(),
            done=lambda choice: screen.show_models(
                choice.starter, choice.recommended, choice.found, is_offline=choice.is_offline
            ),
            failed=pages.show_error,
        )

    def _look_for_models(self) -> _Choice:
        """Runs on a thread. What cannot be found is not offered."""
        models = self._household.models
        return _Choice(
            _or_none(models.starter),
            _or_none(models.recommended),
            _or_none(models.elsewhere) or (),
            self._household.door.is_offline,
        )

    def _download(self, model: str) -> None:
        self._recover()
        self.download_wanted.emit(model)

    def _choose_backup(self, pages: Any) -> None:
        dialog = QFileDialog(self._window, self.tr("Choose a backup"))
        dialog.setNameFilters([self.tr("Backups (*.backup)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.look_into(pages, Path(path)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def look_into(self, pages: Any, path: Path) -> None:
        """Bring the backup at `path` back into this new profile: first what it is, then what opens it."""
        pages.welcome.set_busy(self.tr("Reading the backup…"))
        self._bridge.run(
            lambda _stop: self._household.vault.look_into(path), done=partial(self._ask_for_backup, path),
            failed=pages.show_error, words=self.tr("Reading a backup"),
        )  # fmt: skip

    def _ask_for_backup(self, path: Path, backup: Backup) -> None:
        from freehold.desktop.unlock_page import UnlockPage

        day = long_day_words(backup.made)
        becomes = self.tr("Made on {0}. What opened it then opens this vault from now on.").format(day)
        page = UnlockPage(backup.slots, becomes, title=self.tr("Open the backup"))

        def bringing(**secret: str) -> None:
            page.set_busy(True)
            self._bridge.run(
                lambda _stop: self._household.vault.bring_back(path, secret), done=lambda _: self._recover(),
                failed=page.show_error, words=self.tr("Bringing a backup back"),
            )  # fmt: skip

        page.passphrase_given.connect(lambda text: bringing(passphrase=text))
        page.recovery_given.connect(lambda text: bringing(recovery=text))
        page.left.connect(self._welcome)
        self._window.show_entry(page)
        page.setFocus()

    def _choose_file(self, pages: Any) -> None:
        dialog = QFileDialog(self._window, self.tr("Choose a model file"))
        dialog.setNameFilters([self.tr("Models (*.gguf)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._take_in(pages, path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _take_in(self, pages: Any, path: str) -> None:
        def work(_stop: object) -> Any:
            model = yield from self._household.models.import_file(Path(path))
            self._household.models.use(model.id)

        screen = pages.model
        screen.set_busy(self.tr("Checking the file…"))
        self._bridge.run(
            work, done=lambda _: self._recover(), failed=pages.show_error, words=self.tr("Checking a model")
        )


def _or_none(find: Callable[[], Any]) -> Any:
    with suppress(FreeholdError):
        return find()
    return None
