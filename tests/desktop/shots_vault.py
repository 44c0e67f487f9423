"""Screenshots of the lock screen, the recovery kit and the backups, for shots.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def lock_screen(stage: Any) -> None:
    """What stands there after locking, once the new process has come up."""
    from freehold.desktop.entry_controller import Locked

    stage.shell._entry.lock_screen(Locked.ANEW)
    stage.spin(0.4)


def locking(stage: Any) -> None:
    from freehold.desktop.unlock_page import UnlockPage

    stage.window.show_entry(UnlockPage())
    stage.spin(0.2)


def recovery_kit(stage: Any) -> None:
    _settings(stage).vault.recovery_asked.emit()
    stage.spin(0.5)
    _scroll(stage, "vault")


def backup_found(stage: Any) -> None:
    _settings(stage).backups.look_into("/media/ada/stick/freehold.backup")
    stage.spin(0.5)
    _scroll(stage, "backups")


def older(stage: Any) -> None:
    """What is said at opening, over the chat."""
    stage.household.vault.older = "database"
    stage.shell._pages.vault_watch.look()
    stage.spin(0.3)


def older_card(stage: Any) -> None:
    stage.household.vault.older = "vault"
    _settings(stage).vault._check.click()
    stage.spin(0.3)
    _scroll(stage, "vault")


def damaged(stage: Any) -> None:
    stage.household.vault.faults = ["found_words: not the words of the turns"]
    stage.household.vault.check_due = True
    stage.shell._pages.vault_watch.look()
    stage.spin(0.3)
    stage.window.notice._act.click()
    stage.spin(0.4)
    _scroll(stage, "backups")


def erase(stage: Any) -> None:
    _settings(stage).backups._erase.click()
    _scroll(stage, "backups")


def _settings(stage: Any) -> Any:
    stage.household.vault.keyring = "GNOME Keyring"
    stage.do("settings")
    stage.spin(0.3)
    return stage.window._named["settings"]


def _scroll(stage: Any, card: str) -> None:
    page = stage.window._named["settings"]
    page.scroll_to(getattr(page, card))
    stage.spin(0.3)


SHOTS: dict[str, tuple[Callable[[Any], None], dict[str, Any]]] = {
    "recovery-kit": (recovery_kit, {}), "backup-found": (backup_found, {}), "erase": (erase, {}),
    "vault-older": (older, {}), "vault-older-card": (older_card, {}), "vault-damaged": (damaged, {}),
}  # fmt: skip
LOCKED_SHOTS = {"lock-screen": lock_screen, "locking": locking}
