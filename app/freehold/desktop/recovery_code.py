"""A recovery code, shown once: to read, to print, to copy, to save in a file of the owner's choice."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QPagedPaintDevice
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

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
        self._page = ""
        self._print = button(self.tr("Print…"), "small")
        self._copy, self._save = button(self.tr("Copy"), "small"), button(self.tr("Save to a file…"), "small")
        self._print.clicked.connect(self._choose_printer)
        self._copy.clicked.connect(self._do_copy)
        self._save.clicked.connect(self._choose_file)
        box = frame("secretbox", column(self._code, margins=(16, 16, 16, 16)))
        buttons = row(self._print, self._save, self._copy, self._said)
        buttons.setStretch(3, 1)
        self.setLayout(column(box, buttons))

    def show_code(self, code: str, page: str = "") -> None:
        """Show `code`; "" forgets it. `page` is what is printed and saved, the code and a line about it by default."""
        words = self.tr("Freehold recovery code. Whoever has it can open the vault on this computer.")
        self._page = page or (f"{words}\n\n{code}\n" if code else "")
        self._code.setText(code)
        self._said.setText(
            self.tr("Print it and keep the paper away from this computer. A saved file is not encrypted.")
            if page
            else ""
        )

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
        try:
            target = Path(path)
            target.touch(mode=0o600, exist_ok=True)
            target.write_text(self._page, encoding="utf-8")
        except OSError as error:
            self._said.setText(self.tr("It could not be saved there: {0}.").format(error.strerror or str(error)))
            return
        self._said.setText(self.tr("Saved, not encrypted. Print it and delete it, or keep it away from this computer."))
        self.kept.emit()

    def _choose_printer(self) -> None:
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self.window())
        dialog.setWindowTitle(self.tr("Print the recovery kit"))
        dialog.accepted.connect(lambda: self.print_on(printer))
        dialog.finished.connect(dialog.deleteLater)
        QDialog.open(dialog)  # its own takes a receiver and the name of a slot

    def print_on(self, device: QPagedPaintDevice) -> None:
        """Put the page on paper, in letters of one width."""
        from PySide6.QtGui import QFont, QTextDocument

        document = QTextDocument()
        document.setDefaultFont(QFont("monospace", 11))
        document.setPlainText(self._page)
        document.print_(device)
        self._said.setText(self.tr("Sent to the printer. Keep the paper away from this computer."))
        self.kept.emit()
