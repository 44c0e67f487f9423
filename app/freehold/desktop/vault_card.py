"""The vault on the settings page: what opens it and how each of these is changed, the recovery kit, lock."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.passphrase import NewPassphrase
from freehold.desktop.pieces import button, column, frame, label, line, row
from freehold.desktop.recovery_code import RecoveryCode
from freehold.desktop.unlock_page import SecretField
from freehold.desktop.words import size_words
from freehold.foundation.errors import FreeholdError


class VaultCard(QFrame):
    """Shows the slots; changes open in place. `keyring_wanted` says whether the keyring shall open the vault too."""

    passphrase_given = Signal(str)
    keyring_wanted = Signal(bool)
    recovery_asked = Signal()
    code_tried = Signal(str)
    check_asked = Signal()
    lock_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self._slots, self._size = label("", "note", wraps=True), label("", "note")
        self._keyring_words = label("", "note", wraps=True)
        self._change = button(self.tr("Change passphrase…"), "small")
        self._keyring = button("", "small")
        self._code_button = button(self.tr("New recovery kit…"), "small")
        self._try = button(self.tr("Try the one I have…"), "small")
        self._lock = button(self.tr("Lock now"), "small")
        self._check, self._checked = button(self.tr("Check the vault"), "small"), label("", "note", wraps=True)
        self._noticed, self._noticed_words = label("", "heading", wraps=True), label("", "note", wraps=True)
        self._has_keyring = False
        self._fields, self.code = NewPassphrase(), RecoveryCode()
        self._save, self._cancel = (
            button(self.tr("Save passphrase"), "smallprimary"),
            button(self.tr("Cancel"), "plain"),
        )
        self._done = button(self.tr("I have kept it"), "smallprimary")
        self._written = SecretField(self.tr("The recovery code that you wrote down"))
        self._try_now, self._leave = button(self.tr("Try it"), "smallprimary"), button(self.tr("Cancel"), "plain")
        self._form = form_of(self._fields, self._save, self._cancel)
        self._shown = form_of(self.code, self._done)
        self._trial = form_of(self._written, self._try_now, self._leave)
        self.said = label("", "note", wraps=True)
        self.trouble, self.faults = Trouble(), Trouble()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        kit = label(
            self.tr(
                "A page to print, with a code that opens the vault and its backups when all else is lost. It counts "
                "only after a backup was restored with it in a trial."
            ), "note", wraps=True,
        )  # fmt: skip
        ends = label(
            self.tr("Ends the process that holds the key, and the one that shows your words."), "note", wraps=True
        )
        strip = column(self._noticed, self._noticed_words, spacing=2, margins=(12, 10, 12, 10))
        self._older = QWidget()
        self._older.setLayout(column(frame("strip", strip), margins=(0, 12, 0, 0)))
        self._faulty = form_of(self.faults)
        self.setLayout(
            column(
                self._older,
                part_of(self.tr("Protection"), self._slots, self._size, buttons=[self._change]), self._form, line(),
                part_of(self.tr("Keyring"), self._keyring_words, buttons=[self._keyring]), line(),
                part_of(self.tr("Recovery kit"), kit, buttons=[self._try, self._code_button]), self._trial, self._shown,
                self.said, self.trouble, line(),
                part_of(self.tr("Integrity"), self._checked, buttons=[self._check]), self._faulty, line(),
                part_of(self.tr("Lock"), ends, buttons=[self._lock]),
                spacing=0, margins=(18, 2, 18, 2),
            )
        )  # fmt: skip
        for one in (self._older, self._faulty, self._form, self._shown, self._trial, self.said):
            one.hide()
        self.said.setContentsMargins(0, 0, 0, 12)

    def _connect(self) -> None:
        self._change.clicked.connect(lambda: self._open(self._form, self._fields))
        self._try.clicked.connect(lambda: self._open(self._trial, self._written))
        self._keyring.clicked.connect(lambda: self.keyring_wanted.emit(not self._has_keyring))
        self._code_button.clicked.connect(self.recovery_asked)
        self._check.clicked.connect(self.check_asked)
        self._lock.clicked.connect(self.lock_asked)
        self._cancel.clicked.connect(self._form.hide)
        self._leave.clicked.connect(self._close_trial)
        self._done.clicked.connect(self._forget_code)
        self._save.clicked.connect(self._give)
        self._fields.entered.connect(self._give)
        self._fields.is_good.connect(self._save.setEnabled)
        self._save.setEnabled(False)
        self._try_now.clicked.connect(self._give_code)
        self._written.entered.connect(self._give_code)

    def show_status(self, slots: Sequence[str], size: int, keyring: str | None) -> None:
        """`keyring` is the name of the keyring that could be used on this system."""
        names = {
            "passphrase": self.tr("passphrase"), "keyring": self.tr("this computer's keyring"),
            "recovery": self.tr("recovery code"), "raw": self.tr("test key"),
        }  # fmt: skip
        self._slots.setText(
            self.tr("Opens with: {0}.").format(", ".join(names.get(one, one) for one in slots) or self.tr("a test key"))
        )
        self._size.setText(self.tr("Encrypted, {0} on disk.").format(size_words(size)))
        self._change.setText(self.tr("Change passphrase…") if "passphrase" in slots else self.tr("Add a passphrase…"))
        self._has_keyring = "keyring" in slots
        self._keyring.setText(self.tr("Stop using it") if self._has_keyring else self.tr("Open with it too"))
        self._keyring.setEnabled(self._has_keyring or keyring is not None)
        self._keyring_words.setText(self._about_keyring(keyring))

    def _about_keyring(self, keyring: str | None) -> str:
        if self._has_keyring:
            return self.tr("Your login opens the vault. A passphrase or a recovery code opens it as well.")
        if keyring is None:
            return self.tr("No keyring that is safe to use was found on this system.")
        return self.tr("{0} could open the vault when you log in. The other ways stay.").format(keyring)

    def show_noticed(self, title: str, words: str) -> None:
        """What the vault noticed when it opened; an empty title for nothing."""
        self._noticed.setText(title)
        self._noticed_words.setText(words)
        self._older.setVisible(bool(title))

    def show_unchecked(self, *, ended_badly: bool) -> None:
        words = self.tr("Reads everything, and verifies the seal of every page and the order inside. Changes nothing.")
        bad = self.tr("Freehold did not end cleanly. Nothing saved is lost. {0}").format(words)
        self._tell_check(bad if ended_badly else words)

    def show_checking(self) -> None:
        self._tell_check(self.tr("Everything is read and verified…"))
        self._check.setDisabled(True)

    def show_sound(self) -> None:
        self._tell_check(self.tr("Everything was read and verified: it is as it was written."))

    def show_faults(self, title: str, advice: str, faults: str) -> None:
        self._tell_check(self.tr("Something is not as it was written."))
        self.faults.show_words(title, advice, faults)
        self._faulty.show()

    def show_not_checked(self, error: FreeholdError) -> None:
        self._tell_check(self.tr("It could not be checked."))
        self.faults.show_error(error)
        self._faulty.show()

    def _tell_check(self, words: str) -> None:
        self._checked.setText(words)
        self._check.setEnabled(True)
        self.faults.clear()
        self._faulty.hide()

    def show_code(self, code: str, page: str) -> None:
        self.code.show_code(code, page)
        self._shown.show()
        self.say(
            self.tr("A backup was restored with this code in a trial. It counts from now on, an older one no more.")
        )

    def say(self, words: str) -> None:
        """What was done, in place."""
        self.trouble.clear()
        self.said.setText(words)
        self.said.setVisible(bool(words))

    def show_error(self, error: FreeholdError) -> None:
        self.say("")
        self.trouble.show_error(error)

    def passphrase_saved(self) -> None:
        self._fields.clear()
        self._form.hide()
        self.say(self.tr("The new passphrase opens the vault from now on."))

    def code_opens(self) -> None:
        """The code that was typed has restored a backup."""
        self._close_trial()
        self.say(self.tr("It works: a backup of the vault was restored with this code, in a trial."))

    def set_busy(self, busy: bool) -> None:
        """While a key is made or tried: a second wish would come in the middle of it."""
        for one in (self._change, self._keyring, self._code_button, self._try, self._try_now, self._save):
            one.setDisabled(busy)

    def _open(self, form: QWidget, field: QWidget) -> None:
        self.say("")
        form.show()
        field.setFocus()

    def _give(self) -> None:
        if text := self._fields.value():
            self.passphrase_given.emit(text)

    def _give_code(self) -> None:
        if text := self._written.text():
            self.code_tried.emit(text)

    def _close_trial(self) -> None:
        self._written.clear()
        self._trial.hide()

    def _forget_code(self) -> None:
        self.code.show_code("")
        self._shown.hide()
        self.say("")


def part_of(title: str, *words: QWidget, buttons: Sequence[QPushButton]) -> QWidget:
    """A name with words below it, and what can be done at its right."""
    made = QWidget()
    inside = row(column(label(title), *words, spacing=2), *buttons, margins=(0, 12, 0, 12))
    inside.setStretch(0, 1)
    made.setLayout(inside)
    return made


def form_of(content: QWidget, *buttons: QPushButton) -> QWidget:
    made = QWidget()
    made.setLayout(column(content, row(*buttons, None), margins=(0, 4, 0, 12)))
    return made


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
