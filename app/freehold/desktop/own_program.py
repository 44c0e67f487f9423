"""Opening a file of the library in the program that the system has for it; asked first where that could run code."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeyEvent
from PySide6.QtWidgets import QWidget

from freehold.desktop.library_words import name_of
from freehold.desktop.overlay import Overlay
from freehold.desktop.pieces import button, column, label, row
from freehold.rendering.visible import one_line

# Kinds whose programs show what is in them and run none of it. Pages, macros, scripts and links to programs are not.
_SHOWN_ONLY = frozenset((
    ".pdf", ".txt", ".text", ".log", ".md", ".markdown", ".rst", ".csv", ".tsv", ".json", ".docx", ".xlsx", ".pptx",
    ".odt", ".ods", ".odp", ".rtf", ".epub", ".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic",
))  # fmt: skip


def may_run_code(path: Path) -> bool:
    """Whether opening `path` could start what is in it rather than show it."""
    if path.suffix.lower() not in _SHOWN_ONLY or path.is_symlink():
        return True
    return os.name == "posix" and os.access(path, os.X_OK)


def open_file(path: Path) -> bool:
    """Hand a file of this computer to its program; whether the system took it."""
    return path.is_file() and QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))


class FilePanel(Overlay):
    """Asks before a file is opened that could run code. Showing its folder is the default."""

    opened = Signal(str)
    failed = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, 480)
        self._path = Path()
        self._name, self._place = label("", "heading", wraps=True), label("", "smallcode", wraps=True)
        self._folder, self._open = button(self.tr("Show its folder"), "primary"), button(self.tr("Open it"))
        self._leave = button(self.tr("Cancel"))
        self._words = label("", "note", wraps=True)
        self.fill(
            column(
                label(self.tr("A file of your library"), "group"), self._name, self._place, 4,
                self._words, 8, row(self._folder, self._open, None, self._leave),
                margins=(20, 18, 20, 16),
            )
        )  # fmt: skip
        self._folder.clicked.connect(self._show_folder)
        self._open.clicked.connect(self._do_open)
        self._leave.clicked.connect(self.close_panel)

    def take(self, path: Path, *, may_run: bool = True) -> None:
        """Open `path`, at once or after asking; what could run code not at all unless it `may_run`."""
        if not path.is_file():
            self.failed.emit(str(path))
        elif may_run_code(path):
            self._ask(path, may_run=may_run)
        else:
            self._open_now(path)

    def forget(self) -> None:
        self._path = Path()
        self._name.clear()
        self._place.clear()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            focused = self.window().focusWidget()
            chosen = focused if focused in (self._open, self._leave) else self._folder
            chosen.click()
        else:
            super().keyPressEvent(event)

    def _ask(self, path: Path, *, may_run: bool) -> None:
        self._path = path
        words = self.tr("A file of this kind can run programs on this computer when it is opened, or load from others.")
        self._words.setText(words if may_run else f"{words} {self.tr('Freehold does not open it from here.')}")
        self._open.setVisible(may_run)
        self._name.setText(name_of(str(path)))
        shown = one_line(str(path))
        self._place.setText("\u200b".join(shown[at : at + 24] for at in range(0, len(shown), 24)))
        self.open_at(self._folder)

    def _show_folder(self) -> None:
        self.close_panel()
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path.parent)))

    def _do_open(self) -> None:
        self.close_panel()
        self._open_now(self._path)

    def _open_now(self, path: Path) -> None:
        if open_file(path):
            self.opened.emit(str(path))
        else:
            self.failed.emit(str(path))
