"""Chats out to a file of the owner's choice, and in from one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog

from freehold.desktop.bridge import Bridge
from freehold.desktop.needs import Household
from freehold.desktop.window import Window


class Exchange(QObject):
    """Asks where, does it, and says how it went. `imported` tells that there are chats more than before."""

    imported = Signal()

    def __init__(self, household: Household, bridge: Bridge, window: Window) -> None:
        super().__init__()
        self._household, self._bridge, self._window = household, bridge, window

    def export(self, chat: str) -> None:
        dialog = QFileDialog(self._window, self.tr("Export chats"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters([self.tr("Freehold export (*.json)"), self.tr("Markdown (*.md)")])
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(lambda path: self._export_to(path, chat))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _export_to(self, path: str, chat: str) -> None:
        def export(_stop: object) -> Any:
            from freehold.chats.exchange import export_chats

            return export_chats(self._household.conversations, Path(path), chat or None)  # type: ignore[arg-type]

        self._bridge.run(
            export,
            done=lambda _: self._window.toast.say(self.tr("Exported. The file is not encrypted.")),
            words=self.tr("Exporting chats"),
        )

    def choose_import(self) -> None:
        dialog = QFileDialog(self._window, self.tr("Import chats"))
        dialog.setNameFilters([self.tr("Exports (*.json *.zip)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self._import_from)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _import_from(self, path: str) -> None:
        def take_in(_stop: object) -> Any:
            from freehold.assistant.belongings import cited_here
            from freehold.chats.exchange import import_chats

            household = self._household
            return import_chats(household.conversations, Path(path), cited_here(household.vault))  # type: ignore[arg-type]

        self._bridge.run(take_in, done=self._imported, words=self.tr("Importing chats"))

    def _imported(self, imported: Any) -> None:
        skipped: Sequence[Any] = imported.skipped
        words = self.tr("{0} chats imported.").format(imported.imported)
        if skipped:
            words += " " + self.tr("{0} could not be read; the first: {1}.").format(len(skipped), skipped[0].reason)
        self._window.toast.say(words)
        self.imported.emit()
