"""One file of the library: what became of it, why, and the next step."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QLineEdit

from freehold.desktop.library_words import (
    facts_words,
    may_be_picture,
    name_of,
    needs_password,
    state_advice,
    state_words,
)
from freehold.desktop.pieces import Elided, button, column, label, row, set_tone
from freehold.library.values import Document, State

_AGAIN = (State.FAILED, State.EMPTY, State.UNSUPPORTED)
_READ = (State.WORDS, State.INDEXED)


class DocumentCard(QFrame):
    """Shows one document at a time; every wish carries it. A password goes with `again_asked`, empty for none."""

    again_asked = Signal(object, str)
    recognise_asked = Signal(object)
    open_asked = Signal(object)
    own_program_asked = Signal(object)
    forget_asked = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self._document: Document | None = None
        self.recognises = True  # whether text in pictures is read, as the settings say
        self._name, self._state = Elided("", "heading"), label("")
        self._state.setProperty("kind", "note")
        self._advice, self._facts = label("", "muted", wraps=True), label("", "note")
        self._password = QLineEdit()
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._password.setAccessibleName(self.tr("Password of this file"))
        self._password.setPlaceholderText(self.tr("Password of this file"))
        self._password.setMaximumWidth(240)
        self._again = button(self.tr("Read again"), "small")
        self._recognise = button(self.tr("Turn on text recognition"), "small")
        self._open = button(self.tr("Open"), "small")
        self._own = button(self.tr("In its own program"), "plain")
        self._forget = button(self.tr("Forget"), "plain")
        self._again.clicked.connect(self._tell_again)
        self._password.returnPressed.connect(self._tell_again)
        self._recognise.clicked.connect(lambda: self.recognise_asked.emit(self._document))
        self._open.clicked.connect(lambda: self.open_asked.emit(self._document))
        self._own.clicked.connect(lambda: self.own_program_asked.emit(self._document))
        self._forget.clicked.connect(lambda: self.forget_asked.emit(self._document))
        head = row(self._name, self._state, spacing=16)
        head.setStretch(0, 1)
        acts = row(self._password, self._recognise, self._again, self._open, self._own, self._forget, None, spacing=8)
        self.setLayout(column(head, self._advice, self._facts, 2, acts, spacing=4, margins=(14, 10, 14, 10)))
        self.hide()

    def show_document(self, document: Document | None) -> None:
        """None hides the card. What was typed stays while the same document is shown."""
        if document is None or self._document is None or document.id != self._document.id:
            self._password.clear()
        self._document = document
        self.setVisible(document is not None)
        if document is None:
            return
        name, is_locked = name_of(document.path), needs_password(document)
        self._name.say(name)
        self._state.setText(state_words(document))
        set_tone(self._state, "failed" if document.state is State.FAILED else "off")
        self._advice.setText(state_advice(document))
        self._facts.setText(facts_words(document))
        self._password.setVisible(is_locked)
        can_recognise = not self.recognises and may_be_picture(document)
        self._recognise.setVisible(can_recognise)
        self._again.setVisible(document.state in _AGAIN and not can_recognise)
        self._open.setVisible(document.state in _READ)
        for one in (self._again, self._open, self._own, self._forget):
            one.setAccessibleName(f"{one.text()}: {name}")
        self.setAccessibleName(f"{name}, {state_words(document)}. {state_advice(document)}")

    def act(self) -> None:
        """The next step: its password, another reading, or the file itself."""
        if self._document is None:
            return
        if needs_password(self._document):
            self._password.setFocus()
        elif not self._recognise.isHidden():
            self.recognise_asked.emit(self._document)
        elif self._document.state in _AGAIN:
            self._tell_again()
        else:
            self.open_asked.emit(self._document)

    def _tell_again(self) -> None:
        password = self._password.text()
        if self._document is not None and (password or not needs_password(self._document)):
            self._password.clear()
            self.again_asked.emit(self._document, password)
        else:
            self._password.setFocus()
