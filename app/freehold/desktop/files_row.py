"""The files that go with a message, above its words: being read, read, or not to be read and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QSizePolicy, QWidget

from freehold.desktop.icons import icon
from freehold.desktop.pending_file import PendingFile
from freehold.desktop.pieces import Elided, button, label, row
from freehold.desktop.rows import in_rows
from freehold.desktop.source_words import length_words
from freehold.desktop.theme import LIGHT, Theme

_MOST_NAME = 220  # pixels


class FilesRow(QWidget):
    """Shows what it is given. `password_given` and `removed` carry the file."""

    removed = Signal(object)
    password_given = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._theme = LIGHT
        self._chips: dict[PendingFile, _Chip] = {}
        self.hide()

    def dress(self, theme: Theme) -> None:
        self._theme = theme
        for chip in self._chips.values():
            chip.dress(theme)

    def show_files(self, files: Sequence[PendingFile]) -> None:
        for gone in [one for one in self._chips if one not in files]:
            chip = self._chips.pop(gone)
            chip.hide()
            chip.deleteLater()
        for one in files:
            if one not in self._chips:
                chip = _Chip(self, one.name, partial(self.removed.emit, one), partial(self.password_given.emit, one))
                chip.dress(self._theme)
                chip.show()
                self._chips[one] = chip
            self._chips[one].show_file(one)
        self.setVisible(bool(files))
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        high = in_rows(list(self._chips.values()), max(self.width(), 160))
        if self.minimumHeight() != high:
            self.setFixedHeight(high)


class _Chip(QFrame):
    """One file."""

    def __init__(self, parent: QWidget, name: str, remove: Callable[[], object], give: Callable[[str], object]) -> None:
        super().__init__(parent)
        self.setProperty("kind", "filechip")
        self._give = give
        self._clip, self._name, self._note = label(""), Elided(name), label("", "note")
        self._name.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._name.setMaximumWidth(_MOST_NAME)
        self._field = QLineEdit()
        self._field.setEchoMode(QLineEdit.EchoMode.Password)
        self._field.setPlaceholderText(self.tr("Password"))
        self._field.setAccessibleName(self.tr("Password of {0}").format(name))
        self._field.setFixedWidth(120)
        self._open = button(self.tr("Open"), "plain")
        self._remove = button("", "plain", words=self.tr("Remove {0}").format(name))
        self._remove.setToolTip(self.tr("Remove this file"))
        self.setLayout(
            row(self._clip, self._name, self._note, self._field, self._open, self._remove, spacing=6,
                margins=(8, 2, 2, 2))
        )  # fmt: skip
        self._remove.clicked.connect(lambda _checked=False: remove())
        self._field.returnPressed.connect(self._tell)
        self._open.clicked.connect(self._tell)

    def dress(self, theme: Theme) -> None:
        self._clip.setPixmap(icon("clip", theme.muted).pixmap(QSize(14, 14), self.devicePixelRatioF()))
        self._remove.setIcon(icon("close", theme.muted))

    def show_file(self, one: PendingFile) -> None:
        asks = one.needs_password
        has_failed = one.error is not None and not asks
        self._note.setText(_note(self, one))
        self._note.setProperty("tone", "failed" if has_failed else "")
        self._note.style().unpolish(self._note)
        self._note.style().polish(self._note)
        self.setToolTip(one.error.next_step if has_failed and one.error is not None else "")
        self.setAccessibleName(f"{one.name}, {self._note.text()}")
        self._note.setVisible(not asks or bool(self._note.text()))
        was_asking = not self._field.isHidden()
        self._field.setVisible(asks)
        self._open.setVisible(asks)
        if asks and not was_asking:
            self._field.setFocus(Qt.FocusReason.OtherFocusReason)
        layout = self.layout()
        if layout is not None:
            layout.activate()

    def _tell(self) -> None:
        password = self._field.text()
        self._field.clear()
        if password:
            self._give(password)


def _note(widget: QWidget, one: PendingFile) -> str:
    if one.file is not None:
        return length_words(one.file.length)
    if one.error is None:
        return widget.tr("being read")
    if one.needs_password:
        return widget.tr("is protected") if one.error.detail in ("", one.error.title) else widget.tr("not this one")
    return one.error.title
