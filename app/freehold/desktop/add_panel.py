"""What is asked before files and folders are added: where they belong, whether to follow them, what to leave out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from freehold.desktop.controls import Switch
from freehold.desktop.library_words import chosen_words, collection_words
from freehold.desktop.overlay import Overlay
from freehold.desktop.pieces import Elided, button, column, label, row
from freehold.library.values import GENERAL
from freehold.rendering.visible import one_line

_SHOWN = 4


class AddPanel(Overlay):
    """`added` carries paths, collection, whether folders are watched, and the patterns to leave out."""

    added = Signal(list, str, bool, list)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, 480)
        self._paths: list[str] = []
        self._title = label("", "heading")
        self._what = [Elided("", "note") for _ in range(_SHOWN)]
        for one in self._what:
            one.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._collection, self._excluded = QComboBox(), QLineEdit()
        self._collection.setEditable(True)
        self._collection.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._collection.setAccessibleName(self.tr("Collection"))
        self._excluded.setAccessibleName(self.tr("Leave out"))
        self._excluded.setPlaceholderText(self.tr("for example *.tmp, drafts"))
        self._watch = Switch(self.tr("Follow the folders"))
        self._add, self._leave = button(self.tr("Add"), "primary"), button(self.tr("Cancel"))
        self._add.clicked.connect(self._tell)
        self._leave.clicked.connect(self.close_panel)
        self._folders_only = QWidget()
        self._lay_out()

    def _lay_out(self) -> None:
        watch = row(
            column(
                label(self.tr("Follow the folders")),
                label(self.tr("Files that change, come or go are followed."), "note", wraps=True), spacing=2,
            ), self._watch, spacing=24,
        )  # fmt: skip
        watch.setStretch(0, 1)
        leave_out = column(
            label(self.tr("Leave out")), self._excluded,
            label(self.tr("Names of files and folders, with * for any letters, separated by commas."), "note",
                  wraps=True), spacing=4,
        )  # fmt: skip
        self._folders_only.setLayout(column(watch, 4, leave_out, spacing=8))
        self.fill(
            column(
                self._title, column(*self._what, spacing=2), 6,
                column(label(self.tr("Collection")), self._collection,
                       label(self.tr("A chat can be asked about one collection. Type a name to begin another."), "note",
                             wraps=True), spacing=4),
                4, self._folders_only, 8, row(None, self._leave, self._add), spacing=6, margins=(20, 18, 20, 16),
            )
        )  # fmt: skip

    def ask(self, paths: Sequence[str], collections: Sequence[str], wanted: str = GENERAL) -> None:
        """Ask about `paths`; `wanted` is the collection to offer first."""
        self._paths = list(paths)
        folders = sum(Path(one).is_dir() for one in paths)
        self._title.setText(self.tr("Add {0} to the library").format(chosen_words(paths, folders)))
        self._show_paths()
        self._collection.clear()
        self._collection.addItems([collection_words(one) for one in dict.fromkeys([GENERAL, *collections])])
        self._collection.setCurrentText(collection_words(wanted))
        self._watch.setChecked(True)
        self._excluded.clear()
        self._folders_only.setVisible(folders > 0)
        self.open_at(self._collection)

    def forget(self) -> None:
        self._paths = []
        self._show_paths()
        self._collection.clear()
        self._excluded.clear()
        self.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            (self._leave if self._leave.hasFocus() else self._add).click()
        else:
            super().keyPressEvent(event)

    def _show_paths(self) -> None:
        for place, shown in enumerate(self._what):
            is_last = place == _SHOWN - 1 and len(self._paths) > _SHOWN
            more = self.tr("and {0} more").format(len(self._paths) - _SHOWN + 1)
            text = more if is_last else one_line(self._paths[place]) if place < len(self._paths) else ""
            shown.say(text)
            shown.setVisible(bool(text))

    def _tell(self) -> None:
        name = " ".join(self._collection.currentText().split())
        collection = GENERAL if name in ("", collection_words(GENERAL)) else name
        self.close_panel()
        self.added.emit(self._paths, collection, self._watch.isChecked(), patterns(self._excluded.text()))


def patterns(text: str) -> list[str]:
    """The patterns that a person wrote, separated by commas or lines; a folder's closing slash is not part of one."""
    return [one.rstrip("/\\") for one in (part.strip() for part in re.split(r"[,;\n]", text)) if one.rstrip("/\\")]
