"""The vault on the settings page: how it is protected, another passphrase, a new recovery code, lock."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.passphrase import NewPassphrase
from freehold.desktop.pieces import button, column, frame, label, line, row
from freehold.desktop.recovery_code import RecoveryCode
from freehold.desktop.words import size_words
from freehold.foundation.errors import FreeholdError


class VaultCard(QFrame):
    """Shows the slots; changes open in place."""

    passphrase_given = Signal(str)
    recovery_asked = Signal()
    lock_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._slots, self._size = label("", "note", wraps=True), label("", "note")
        self._change = button(self.tr("Change passphrase…"), "small")
        self._code_button = button(self.tr("New recovery code…"), "small")
        self._lock = button(self.tr("Lock now"), "small")
        self._fields, self._code = NewPassphrase(), RecoveryCode()
        self._save, self._cancel = (
            button(self.tr("Save passphrase"), "smallprimary"),
            button(self.tr("Cancel"), "plain"),
        )
        self._done = button(self.tr("I have kept it"), "smallprimary")
        self._form = QWidget()
        self._form.setLayout(column(self._fields, row(self._save, self._cancel, None), margins=(0, 4, 0, 12)))
        self._shown = QWidget()
        self._shown.setLayout(column(self._code, row(self._done, None), margins=(0, 4, 0, 12)))
        self.said = label("", "note", wraps=True)
        self.trouble = Trouble()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        lock = row(
            column(
                label(self.tr("Lock")),
                label(self.tr("Ends the process that holds the key; what is open here is closed."), "note"),
                spacing=2,
            ),
            self._lock,
        )
        lock.setStretch(0, 1)
        protection = row(
            column(label(self.tr("Protection")), self._slots, self._size, spacing=2), self._change, self._code_button
        )
        protection.setStretch(0, 1)
        protection.setContentsMargins(0, 12, 0, 12)
        lock.setContentsMargins(0, 12, 0, 12)
        self.setLayout(
            column(
                protection,
                self._form,
                self._shown,
                self.said,
                self.trouble,
                line(),
                lock,
                spacing=0,
                margins=(18, 2, 18, 2),
            )
        )
        for one in (self._form, self._shown, self.said):
            one.hide()

    def _connect(self) -> None:
        self._change.clicked.connect(self._open_form)
        self._code_button.clicked.connect(self.recovery_asked)
        self._lock.clicked.connect(self.lock_asked)
        self._cancel.clicked.connect(self._form.hide)
        self._done.clicked.connect(self._forget_code)
        self._save.clicked.connect(self._give)
        self._fields.entered.connect(self._give)
        self._fields.is_good.connect(self._save.setEnabled)
        self._save.setEnabled(False)

    def show_status(self, slots: Sequence[str], size: int) -> None:
        names = {
            "passphrase": self.tr("passphrase"), "keyring": self.tr("this computer's keyring"),
            "recovery": self.tr("recovery code"), "raw": self.tr("test key"),
        }  # fmt: skip
        self._slots.setText(
            self.tr("Opens with: {0}.").format(", ".join(names.get(one, one) for one in slots) or self.tr("a test key"))
        )
        self._size.setText(self.tr("Encrypted, {0} on disk.").format(size_words(size)))
        self._change.setText(self.tr("Change passphrase…") if "passphrase" in slots else self.tr("Add a passphrase…"))

    def show_code(self, code: str) -> None:
        self._code.show_code(code)
        self._shown.show()
        self.say("")

    def say(self, words: str) -> None:
        """What was done, in place."""
        self.trouble.clear()
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def show_error(self, error: FreeholdError) -> None:
        self.trouble.show_error(error)

    def passphrase_saved(self) -> None:
        self._fields.clear()
        self._form.hide()
        self.say(self.tr("The new passphrase opens the vault from now on."))

    def _open_form(self) -> None:
        self.say("")
        self._form.show()
        self._fields.setFocus()

    def _give(self) -> None:
        if text := self._fields.value():
            self.passphrase_given.emit(text)

    def _forget_code(self) -> None:
        self._code.show_code("")
        self._shown.hide()


def labelled_card(title: str, card: QFrame) -> QWidget:
    """A card below its group's name."""
    made = QWidget()
    made.setLayout(column(label(title, "group"), card, spacing=8, margins=(0, 0, 0, 20)))
    return made


def card_of(rows: Sequence[QWidget]) -> QFrame:
    """Rows in one card, with lines between."""
    inside = column(spacing=0, margins=(18, 2, 18, 2))
    for place, one in enumerate(rows):
        if place:
            inside.addWidget(line())
        inside.addWidget(one)
    return frame("card", inside)
