"""The key of this computer: what is public of it, a copy of it elsewhere, and the first one."""

from __future__ import annotations

import time

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QFrame, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.passphrase import NewPassphrase
from freehold.desktop.peer_values import KeyShown
from freehold.desktop.peer_words import certified_words
from freehold.desktop.pieces import Elided, button, column, label, row
from freehold.desktop.unlock_page import SecretField
from freehold.desktop.vault_card import form_of
from freehold.foundation.errors import FreeholdError


class KeyCard(QFrame):
    """`export_asked` carries path and passphrase; `import_asked` too, for a file whose key takes this one's place."""

    export_asked = Signal(str, str)
    import_asked = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._path, self._full = "", ""
        self._address, self._until = Elided("", "smallcode"), label("", "note", wraps=True)
        self._copy = button(self.tr("Copy"), "plain", words=self.tr("Copy the address"))
        self._out, self._in = button(self.tr("Export…"), "small"), button(self.tr("Import…"), "small")
        self._new = NewPassphrase()
        self._write, self._leave = button(self.tr("Choose a file…"), "smallprimary"), button(self.tr("Cancel"), "plain")
        self._write.setEnabled(False)
        self._exporting = form_of(self._new, self._write, self._leave)
        self.taking = KeyImport(self.tr("It takes the place of the key here, and your devices have to be paired anew."))
        self.said, self.trouble = label("", "note", wraps=True), Trouble()
        self._lay_out()
        self._connect()
        self.settle()

    def _lay_out(self) -> None:
        about = label(
            self.tr("It signs what this computer asks of others. Keep a copy: it is encrypted, and opens elsewhere."),
            "note", wraps=True,
        )  # fmt: skip
        address = row(self._address, self._copy)
        address.setStretch(0, 1)
        self.setLayout(
            column(
                label(self.tr("Your key"), "heading"), address, self._until, about, row(self._out, self._in, None),
                self._exporting, self.taking, self.said, self.trouble, spacing=8, margins=(18, 14, 18, 14),
            )
        )  # fmt: skip

    def _connect(self) -> None:
        self._copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._full))
        self._out.clicked.connect(self.open_export)
        self._in.clicked.connect(self.choose_import)
        self._new.is_good.connect(self._write.setEnabled)
        self._new.entered.connect(self._write.click)
        self._write.clicked.connect(self._choose_place)
        self._leave.clicked.connect(self.settle)
        self.taking.left.connect(self.settle)
        self.taking.given.connect(self.import_asked)

    def show_key(self, key: KeyShown) -> None:
        self._full = key.address
        self._address.say(key.address)
        self._until.setText(certified_words(key.certified_until, time.time()))

    def open_export(self) -> None:
        """Ask for the passphrase that the copy opens with."""
        self.settle()
        self._exporting.show()
        self._new.setFocus()

    def choose_import(self) -> None:
        self.settle()
        self.taking.choose_file()

    def settle(self) -> None:
        """Close what was opened in place, and forget what was typed."""
        self._new.clear()
        self._exporting.hide()
        self.taking.settle()
        self.say("")

    def say(self, words: str) -> None:
        self.trouble.clear()
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def show_error(self, error: FreeholdError) -> None:
        self.taking.set_busy(False)
        self.said.hide()
        self.trouble.show_error(error)

    def _choose_place(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Export the key"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("freehold-key.json")
        dialog.fileSelected.connect(self.export_to)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def export_to(self, path: str) -> None:
        """Write the copy to `path`, under the passphrase that was typed."""
        if passphrase := self._new.value():
            self.export_asked.emit(path, passphrase)


class KeyImport(QWidget):
    """A key file and its passphrase. Closed until a file was chosen."""

    given = Signal(str, str)
    left = Signal()

    def __init__(self, becomes: str = "") -> None:
        super().__init__()
        self._path = ""
        self._name = Elided("", "note")
        self._secret = SecretField(self.tr("The passphrase of that key file"))
        self._take, self._leave = button(self.tr("Import"), "smallprimary"), button(self.tr("Cancel"), "plain")
        becomes_words = label(becomes, "note", wraps=True)
        becomes_words.setVisible(bool(becomes))
        self.setLayout(column(self._name, becomes_words, self._secret, row(self._take, self._leave, None)))
        self._secret.textChanged.connect(lambda text: self._take.setEnabled(bool(text)))
        self._secret.entered.connect(self._take.click)
        self._take.clicked.connect(self._give)
        self._leave.clicked.connect(self.left)
        self.settle()

    def choose_file(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Choose a key file"))
        dialog.setNameFilters([self.tr("Key files (*.json)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.take_file)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def take_file(self, path: str) -> None:
        self._path = path
        self._name.say(path)
        self._secret.clear()
        self._take.setEnabled(False)
        self.show()
        self._secret.setFocus()

    def settle(self) -> None:
        self._path = ""
        self._secret.clear()
        self.set_busy(False)
        self.hide()

    def set_busy(self, busy: bool) -> None:
        """A keystore's passphrase takes seconds to try, on purpose."""
        self._secret.setDisabled(busy)
        self._take.setDisabled(busy or not self._secret.text())
        self._take.setText(self.tr("Opening…") if busy else self.tr("Import"))

    def _give(self) -> None:
        if text := self._secret.text():
            self.set_busy(True)
            self.given.emit(self._path, text)
