"""Opening a vault that exists: passphrase, keyring or recovery code, with what went wrong said in place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.pieces import Mark, button, column, frame, label, row
from freehold.foundation.errors import FreeholdError

WIDTH = 400


class SecretField(QLineEdit):
    """A field for a passphrase: hidden, out of the clipboard's reach, with a warning when Caps Lock is on."""

    entered = Signal()

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setEchoMode(QLineEdit.EchoMode.Password)
        self.setAccessibleName(title)
        self.setPlaceholderText(title)
        self.setInputMethodHints(Qt.InputMethodHint.ImhSensitiveData | Qt.InputMethodHint.ImhNoPredictiveText)
        self.setMinimumHeight(38)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit()
        else:
            super().keyPressEvent(event)


class UnlockPage(QWidget):
    """`slots` says which ways in there are, and is empty while that is being asked; `locked` what locking ended.

    With a `title` it is something else than the vault that is opened, and there is a way back, which `left` tells.
    """

    passphrase_given = Signal(str)
    recovery_given = Signal(str)
    keyring_asked = Signal()
    left = Signal()

    def __init__(self, slots: Sequence[str] = (), locked: str = "", *, title: str = "") -> None:
        super().__init__()
        self._own_title = title
        self.setObjectName("entry")
        self._slots = tuple(slots)
        has_passphrase = "passphrase" in self._slots
        self._field = SecretField(self.tr("Passphrase") if has_passphrase else self.tr("Recovery code"))
        self._is_recovery = not has_passphrase
        self._unlock = button(self.tr("Unlock"), "primary")
        self._other, self._back = button("", "plain"), button(self.tr("Back"), "plain")
        self._keyring = button(self.tr("Unlock with this computer's keyring"))
        self._words = label("", "muted", wraps=True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._locked = label(locked, "note", wraps=True)
        self.trouble = Trouble()
        self._lay_out()
        self._connect()
        self._choose(self._is_recovery)
        self._show_ways()

    def _lay_out(self) -> None:
        title = label(self._title(), "title")
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside = column(
            row(None, Mark(36), None), 4, title, self._words, 8, self._field, self._unlock, self._keyring,
            row(None, self._other, self._back, None), self.trouble, spacing=10, margins=(28, 28, 28, 20),
        )  # fmt: skip
        card = frame("card", inside)
        card.setFixedWidth(WIDTH)
        self._locked.setFixedWidth(WIDTH - 56)
        self.setLayout(column(None, row(None, card, None), 6, row(None, self._locked, None), None))
        self.setFocusProxy(self._field)

    def _connect(self) -> None:
        self._unlock.clicked.connect(self._give)
        self._field.entered.connect(self._give)
        self._field.textChanged.connect(lambda text: self._unlock.setEnabled(bool(text)))
        self._keyring.clicked.connect(self.keyring_asked)
        self._back.clicked.connect(self.left)
        self._other.clicked.connect(lambda: self._choose(not self._is_recovery))

    def _title(self) -> str:
        if self._own_title:
            return self._own_title
        if not self._slots:
            return self.tr("Locking")
        return self.tr("Freehold is locked") if self._locked.text() else self.tr("Unlock your vault")

    def _show_ways(self) -> None:
        self._keyring.setVisible("keyring" in self._slots)
        if not self._slots:
            self._words.setText(self.tr("Every process that knows something of yours ends."))
            self._field.hide()
            self._unlock.hide()
        self._back.setVisible(bool(self._own_title))
        self._locked.setVisible(bool(self._locked.text()))

    def set_busy(self, busy: bool) -> None:
        """Deriving a key takes up to a second or two, on purpose."""
        for one in (self._field, self._keyring, self._other):
            one.setDisabled(busy)
        self._unlock.setDisabled(busy or not self._field.text())
        self._unlock.setText(self.tr("Opening…") if busy else self.tr("Unlock"))
        if busy:
            self.trouble.clear()

    def show_error(self, error: FreeholdError) -> None:
        self.set_busy(False)
        self.trouble.show_error(error)
        self._field.setFocus()
        self._field.selectAll()

    def _choose(self, recovery: bool) -> None:
        self._is_recovery = recovery
        self._field.clear()
        self._unlock.setEnabled(False)
        mode = QLineEdit.EchoMode.Normal if recovery else QLineEdit.EchoMode.Password
        self._field.setEchoMode(mode)
        title = self.tr("Recovery code") if recovery else self.tr("Passphrase")
        self._field.setPlaceholderText(title)
        self._field.setAccessibleName(title)
        words = self.tr("Type the code you wrote down; dashes and capitals do not matter.")
        usual = self.tr("Your chats are encrypted on this computer.")
        self._words.setText(words if recovery else usual)
        self._other.setText(self.tr("Use the passphrase") if recovery else self.tr("Use the recovery code"))
        self._other.setVisible({"passphrase", "recovery"} <= set(self._slots))
        self.trouble.clear()
        self._field.setFocus()

    def _give(self) -> None:
        text = self._field.text()
        if text:
            self.set_busy(True)
            (self.recovery_given if self._is_recovery else self.passphrase_given).emit(text)
