"""Backups on the settings page: everything into one encrypted file, a backup brought in, everything erased."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QFileDialog, QFrame, QLineEdit, QProgressBar, QWidget

from freehold.desktop.controls import Switch, Trouble
from freehold.desktop.pieces import button, column, label, line, row
from freehold.desktop.unlock_page import SecretField
from freehold.desktop.vault_card import form_of, part_of
from freehold.desktop.words import count_words
from freehold.foundation.errors import FreeholdError

Counts = Mapping[str, Mapping[str, int]]


class BackupCard(QFrame):
    """Tells paths and wishes. `look_asked` and `merge_asked` carry the backup's own secret where one was typed."""

    backup_asked = Signal(str)
    look_asked = Signal(str, str)
    merge_asked = Signal(str, str)
    erase_asked = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._path = ""
        self._write = button(self.tr("Back up…"), "small")
        self._choose = button(self.tr("Choose a backup…"), "small")
        self._erase = button(self.tr("Erase everything…"), "small")
        self._difference = label("", "", wraps=True)
        self._add, self._leave = button(self.tr("Add it"), "smallprimary"), button(self.tr("Cancel"), "plain")
        self._found = form_of(self._difference, self._add, self._leave)
        self._secret = SecretField(self.tr("The passphrase or the recovery code of that backup"))
        self._look, self._back = button(self.tr("Look into it"), "smallprimary"), button(self.tr("Cancel"), "plain")
        self._foreign = form_of(self._secret, self._look, self._back)
        self._models, self._word = Switch(self.tr("The models too")), QLineEdit()
        self._word.setPlaceholderText(self.tr("Type {0} to go on").format(self._confirming))
        self._word.setAccessibleName(self._word.placeholderText())
        self._really, self._keep = button(self.tr("Erase for good"), "small"), button(self.tr("Cancel"), "plain")
        self._bar, self._going = QProgressBar(), label("", "note")
        self._bar.setTextVisible(False)
        self.said, self.trouble = label("", "note", wraps=True), Trouble()
        self._lay_out()
        self._connect()

    @property
    def _confirming(self) -> str:
        return self.tr("erase")

    def _lay_out(self) -> None:
        out = label(
            self.tr(
                "Everything in one encrypted file, while you work. It opens with the passphrase and the recovery code "
                "that the vault has now. Models and settings are not in it."
            ), "note", wraps=True,
        )  # fmt: skip
        back = label(
            self.tr("What it has and is not here is added. You see how much of what first; nothing here is changed."),
            "note", wraps=True,
        )  # fmt: skip
        gone = label(
            self.tr("Keys, chats, the text of documents, settings, logs, for good. Your files and backups stay."),
            "note", wraps=True,
        )  # fmt: skip
        models = row(self._models, label(self.tr("The models too, which hold nothing of yours")), None)
        confirm = QWidget()
        confirm.setLayout(column(models, self._word))
        self._confirm = form_of(confirm, self._really, self._keep)
        self._progress = QWidget()
        self._progress.setLayout(column(self._bar, self._going, spacing=4, margins=(0, 4, 0, 12)))
        self.setLayout(
            column(
                part_of(self.tr("Back up"), out, buttons=[self._write]), line(),
                part_of(self.tr("Bring a backup in"), back, buttons=[self._choose]), self._foreign, self._found,
                self._progress, self.said, self.trouble, line(),
                part_of(self.tr("Erase everything"), gone, buttons=[self._erase]), self._confirm,
                spacing=0, margins=(18, 2, 18, 2),
            )
        )  # fmt: skip
        for one in (self._foreign, self._found, self._progress, self.said, self._confirm):
            one.hide()
        self.said.setContentsMargins(0, 0, 0, 12)

    def _connect(self) -> None:
        self._write.clicked.connect(self._choose_place)
        self._choose.clicked.connect(self._choose_backup)
        self._add.clicked.connect(lambda: self.merge_asked.emit(self._path, self._secret.text()))
        self._look.clicked.connect(lambda: self.look_asked.emit(self._path, self._secret.text()))
        self._secret.entered.connect(self._look.click)
        for one in (self._leave, self._back, self._keep):
            one.clicked.connect(self.settle)
        self._erase.clicked.connect(self._ask_twice)
        self._word.textChanged.connect(lambda text: self._really.setEnabled(text.strip() == self._confirming))
        self._really.clicked.connect(lambda: self.erase_asked.emit(self._models.isChecked()))
        self._really.setEnabled(False)

    def look_into(self, path: str) -> None:
        """Begin with the backup at `path`."""
        self.settle()
        self._path = path
        self.look_asked.emit(path, "")

    def ask_secret(self) -> None:
        """The backup is of another vault."""
        self._end_work()
        self.say(self.tr("This is a backup of another vault. What opens it?"))
        self._foreign.show()
        self._secret.setFocus()

    def show_difference(self, made: str, new: Counts) -> None:
        """What would come from a backup of the day `made`."""
        self._end_work()
        self._foreign.hide()
        words = counts_words(new)
        if not words:
            self.say(self.tr("The backup of {0} has nothing that is not here.").format(made))
            return
        self.say("")
        self._difference.setText(self.tr("The backup of {0} would add: {1}.").format(made, words))
        self._found.show()

    def show_added(self, new: Counts) -> None:
        self.settle()
        self.say(self.tr("Added: {0}.").format(counts_words(new) or self.tr("nothing")))

    def show_progress(self, words: str, done: int = 0, total: int = 0) -> None:
        """How far it is; with no total only that something is going on."""
        self.trouble.clear()
        self.said.hide()
        self._going.setText(words)
        self._bar.setRange(0, 1000 if total else 0)
        self._bar.setValue(1000 * done // total if total else 0)
        self._progress.show()
        self._set_busy(True)

    def say(self, words: str) -> None:
        """What was done, in place."""
        self._end_work()
        self.trouble.clear()
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def show_error(self, error: FreeholdError) -> None:
        self._end_work()
        self.said.hide()
        self.trouble.show_error(error)

    def settle(self) -> None:
        """Close what was opened in place, and forget what was typed."""
        self._path = ""
        self._secret.clear()
        self._word.clear()
        for one in (self._foreign, self._found, self._confirm):
            one.hide()
        self.say("")

    def _end_work(self) -> None:
        self._progress.hide()
        self._set_busy(False)

    def _set_busy(self, busy: bool) -> None:
        for one in (self._write, self._choose, self._erase, self._add, self._look):
            one.setDisabled(busy)

    def _choose_place(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Back up everything"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile("freehold.backup")
        dialog.fileSelected.connect(self.backup_asked)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _choose_backup(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Choose a backup"))
        dialog.setNameFilters([self.tr("Backups (*.backup)"), self.tr("All files (*)")])
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.look_into)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_twice(self) -> None:
        self.settle()
        self._confirm.show()
        self._word.setFocus()


def counts_words(new: Counts) -> str:
    """How many of what: "3 chats, 12 turns". Empty when there is nothing."""
    names = {
        "chats": ("1 chat", "{0} chats"), "turns": ("1 turn", "{0} turns"),
        "places": ("1 watched place", "{0} watched places"), "documents": ("1 document", "{0} documents"),
        "chunks": ("1 piece of text", "{0} pieces of text"),
        "connections": ("1 line of the ledger", "{0} lines of the ledger"),
        "settings": ("1 private setting", "{0} private settings"),
        "left_out": ("1 chat left out, whose turns stand in another one here",
                     "{0} chats left out, whose turns stand in others here"),
    }  # fmt: skip
    found = [(what, number) for room in new.values() for what, number in room.items() if number]
    return ", ".join(_words_of(number, *names.get(what, (f"1 {what}", f"{{0}} {what}"))) for what, number in found)


def _words_of(number: int, one: str, many: str) -> str:
    return QCoreApplication.translate("BackupCard", one if number == 1 else many).format(count_words(number))
