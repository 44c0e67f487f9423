"""What the vault noticed when it opened: an older copy put back, an end that was none. Said once; checked where due."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, QObject, Signal

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Vault, VaultStatus
from freehold.desktop.notice import Notice
from freehold.desktop.while_open import WhileOpen
from freehold.desktop.window import Window
from freehold.foundation.errors import FreeholdError


class VaultWatch(QObject):
    """Looks after each opening, and checks. `checking`, then one of `sound`, `faulty` with technical words, `failed`.

    `asked`: the notice's button was pressed, which leads to the vault's card.
    """

    checking = Signal()
    sound = Signal()
    faulty = Signal(list)
    failed = Signal(object)
    asked = Signal()

    def __init__(self, vault: Vault, bridge: Bridge, window: Window) -> None:
        super().__init__()
        self._vault, self._bridge, self._window = vault, bridge, window
        self._work = WhileOpen(bridge, lambda _error: None)
        self._notice: Notice | None = None
        self.is_checking = False
        self.faults: list[str] | None = None  # None: not checked since it opened

    def look(self) -> None:
        """The vault has opened."""
        self._work = WhileOpen(self._bridge, lambda _error: None)  # what could not be asked is asked by the card again
        self._work.run(self._vault.status, done=self._told)

    def end(self) -> None:
        """The vault is closed."""
        self._work.end()
        self.is_checking, self.faults = False, None
        if self._notice is not None:
            self._notice.hide()

    def check(self) -> None:
        """Read and verify everything. Takes seconds for each gigabyte; what is saved meanwhile waits."""
        if self.is_checking:
            return
        self.is_checking = True
        self.checking.emit()
        self._work.run(
            self._vault.check, done=self._checked, failed=self._not_checked, words=self.tr("Checking the vault")
        )

    def _told(self, status: VaultStatus) -> None:
        if status.older:
            self._say(*older_words(status.older), self.tr("Show"))
        if status.check_due:
            self.check()

    def _checked(self, faults: list[str]) -> None:
        self.is_checking, self.faults = False, faults
        if faults:
            self._say(*faulty_words(), self.tr("What to do"))
            self.faulty.emit(faults)
        else:
            self.sound.emit()

    def _not_checked(self, error: FreeholdError) -> None:
        self.is_checking = False
        self.failed.emit(error)

    def _say(self, title: str, words: str, act: str) -> None:
        if self._notice is None:
            self._notice = self._window.notice
            self._notice.acted.connect(self.asked)
        self._notice.say(title, words, act)


def older_words(older: str) -> tuple[str, str]:
    """What is older than something else that was written with it (vault/age.py), and what now."""
    lost = _tr("What was saved since that copy is not in it. If that was not you, bring in a newer backup.")
    old_keys = _tr("It opens with the passphrase and the recovery code of that time. Change them if that was not you.")
    return {
        "database": (_tr("An older copy of the vault's database was put back"), lost),
        "header": (_tr("An older copy of the vault's keys was put back"), old_keys),
        "vault": (_tr("An older copy of the vault was put back"), lost),
    }[older]


def faulty_words() -> tuple[str, str]:
    """What is wrong, and what now."""
    return (
        _tr("The vault is damaged"),
        _tr(
            "What can be read still opens, and nothing was changed. Export what is newer than your last backup; then "
            "erase everything here, and bring that backup back on the first screen."
        ),
    )


def _tr(text: str) -> str:
    return QCoreApplication.translate("VaultWatch", text)
