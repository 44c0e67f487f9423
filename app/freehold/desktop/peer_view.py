"""The peer view: every word that a device would read of the next message, before it is sent."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QFont, QPalette, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QWidget

from freehold.assistant.values import Preview
from freehold.desktop.controls import Trouble
from freehold.desktop.pieces import Pill, announce, column, label, row
from freehold.desktop.words import count_words, size_words
from freehold.foundation.errors import FreeholdError
from freehold.rendering.visible import one_line, visible_lines


def _tr(text: str) -> str:
    return QCoreApplication.translate("PeerView", text)


def role_words(role: str) -> str:
    """Who says a part of the prompt."""
    return {"system": _tr("Instructions"), "user": _tr("You"), "assistant": _tr("Answer")}.get(role, one_line(role))


def class_words(data_class: str) -> str:
    return _tr("words and documents") if data_class == "documents" else _tr("words, no documents")


class PeerView(QWidget):
    """Shows what it is given. The text can be read and copied with the keyboard."""

    def __init__(self) -> None:
        super().__init__()
        self._where, self._facts = Pill(self.tr("Looking…"), "off"), label("", "note", wraps=True)
        self._why = label("", "muted", wraps=True)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setProperty("kind", "peerview")
        self.text.setAccessibleName(self.tr("What would be read"))
        self.text.setTabChangesFocus(True)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setMinimumHeight(160)
        self.trouble = Trouble()
        self._note = label("", "note", wraps=True)
        layout = column(
            row(self._where, None), self._why, self._facts, 4, self.trouble, spacing=6, margins=(20, 4, 20, 20)
        )
        layout.addWidget(self.text, 1)
        layout.addWidget(self._note)
        self._space = QWidget()
        layout.addWidget(self._space)
        layout.setStretchFactor(self._space, 0)
        self.setLayout(layout)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFocusProxy(self.text)
        self.show_looking()

    def show_looking(self) -> None:
        """What is shown may no longer be what would be read."""
        self.trouble.clear()
        self._facts.show()
        self._facts.setText(self.tr("Putting together what would be read…"))

    def show_preview(self, preview: Preview) -> None:
        leaves = bool(preview.messages)
        name = one_line(preview.where[0]) if leaves else self.tr("Here")
        self._where.say(name, "away" if leaves else "here")
        self._why.setText(one_line(preview.why))
        self._why.setVisible(bool(preview.why))
        self.trouble.clear()
        self._show_text(leaves)
        self._fill(preview)
        if leaves:
            facts = (
                self.tr("{0} tokens").format(count_words(preview.tokens)), size_words(preview.size),
                class_words(preview.data_class),
            )  # fmt: skip
            self._facts.setText("  ·  ".join(facts))
            others = ", ".join(map(one_line, preview.where[1:]))
            told = self.tr("{0} reads this in clear while it computes. A check proves the model, not its discretion.")
            after = self.tr("Where it cannot be reached, {0} is asked and reads the same.").format(others)
            self._note.setText(f"{told.format(name)} {after}" if others else told.format(name))
        else:
            self._facts.setText(self.tr("Nothing of this message leaves this computer."))
            self._note.setText("")
        announce(self, f"{name}. {self._facts.text()}")

    def show_error(self, error: FreeholdError) -> None:
        self._where.say(self.tr("Not known"), "off")
        self._facts.hide()
        self._why.hide()
        self._note.setText("")
        self._show_text(False)
        self.trouble.show_error(error)

    def _show_text(self, leaves: bool) -> None:
        if not leaves and self.text.hasFocus():
            self.setFocusProxy(None)  # type: ignore[arg-type] # Qt takes none
            self.setFocus()  # else the keyboard would go somewhere else in the window
        if leaves:
            self.setFocusProxy(self.text)
        self.text.setVisible(leaves)
        layout = self.layout()
        assert layout is not None
        self._space.setVisible(not leaves)
        layout.setStretchFactor(self._space, 0 if leaves else 1)  # type: ignore[attr-defined] # a QVBoxLayout

    def _fill(self, preview: Preview) -> None:
        """Roles stand above their words, which are shown as they are: hidden characters are written out."""
        bar = self.text.verticalScrollBar()
        place = bar.value()
        self.text.clear()
        cursor = QTextCursor(self.text.document())
        cursor.beginEditBlock()
        role, said = _role_format(), QTextCharFormat()
        for number, message in enumerate(preview.messages):
            cursor.insertText(("\n\n" if number else "") + role_words(message.role) + "\n", role)
            cursor.insertText(visible_lines(message.text), said)
        cursor.endEditBlock()
        bar.setValue(place)


def _role_format() -> QTextCharFormat:
    made = QTextCharFormat()
    made.setFontWeight(QFont.Weight.DemiBold)
    made.setForeground(QApplication.palette().color(QPalette.ColorRole.PlaceholderText))
    return made
