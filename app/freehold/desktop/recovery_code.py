"""A recovery code, shown once: to read, to copy, to save in a file of the owner's choice."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from freehold.desktop.pieces import button, column, frame, label, row


class RecoveryCode(QWidget):
    """Holds the code only while it is shown. `kept` says that it was copied or saved."""

    kept = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._code = label("", "secret", wraps=True, selectable=True)
        self._code.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._code.setAccessibleName(self.tr("Recovery code"))
        self._said = label("", "note", wraps=True)
        self._copy, self._save = button(self.tr("Copy"), "small"), button(self.tr("Save to a file…"), "small")
        self._copy.clicked.connect(self._do_copy)
        self._save.clicked.connect(self._choose_file)
        box = frame("secretbox", column(self._code, margins=(16, 16, 16, 16)))
        buttons = row(self._copy, self._save, self._said)
        buttons.setStretch(2, 1)
        self.setLayout(column(box, buttons))

    def show_code(self, code: str) -> None:
        """Show `code`; "" forgets it."""
        self._code.setText(code)
        self._said.setText("")

    def _do_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._code.text())
        self._said.setText(self.tr("Copied. Paste it somewhere safe, then copy something else."))
        self.kept.emit()

    def _choose_file(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Save the recovery code"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("freehold-recovery-code.txt")
        dialog.fileSelected.connect(self.save)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def save(self, path: str) -> None:
        """Write the code where the owner said, readable by them alone."""
        words = self.tr("Freehold recovery code. Whoever has it can open the vault on this computer.")
        try:
            target = Path(path)
            target.touch(mode=0o600, exist_ok=True)
            target.write_text(f"{words}\n\n{self._code.text()}\n", encoding="utf-8")
        except OSError as error:
            self._said.setText(self.tr("It could not be saved there: {0}.").format(error.strerror or str(error)))
            return
        self._said.setText(self.tr("Saved. Keep the file away from this computer."))
        self.kept.emit()
