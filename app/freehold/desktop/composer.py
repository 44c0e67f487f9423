"""Where a question is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFontMetrics, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QFrame, QMenu, QSizePolicy, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.destination import HERE, Destination, brief_words, reads_words
from freehold.desktop.drops import local_paths
from freehold.desktop.icons import icon
from freehold.desktop.message_box import Box
from freehold.desktop.pieces import Elided, button, column, frame, label, row, set_tone
from freehold.desktop.theme import LIGHT, Theme
from freehold.desktop.where_button import WhereButton
from freehold.rendering.visible import one_line

if TYPE_CHECKING:
    from freehold.chats.values import Scope, Where
    from freehold.desktop.files_row import FilesRow
    from freehold.desktop.pending_file import PendingFile
    from freehold.desktop.scope_menu import ScopeMenu
    from freehold.desktop.where_menu import WhereMenu
    from freehold.library.values import Collection

DRAFT_MS = 400
MOST_SCOPE = 190  # pixels of the names of collections
_Menu = TypeVar("_Menu", bound=QMenu)
ROOMY = 560  # pixels: below this there is no room for the promise beside what can be pressed


class Composer(QWidget):
    """Speaks of what was submitted, drafted, attached and stopped. While an answer is written Send becomes Stop."""

    submitted = Signal(str)
    edit_submitted = Signal(str, str)
    stop_asked = Signal()
    draft_changed = Signal(str)
    edit_last_asked = Signal()
    scope_asked = Signal()
    where_asked = Signal()
    edit_changed = Signal()
    attach_asked = Signal()
    files_given = Signal(list)
    file_removed = Signal(object)
    file_password_given = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self._theme = LIGHT
        self._files: FilesRow | None = None
        self._reads = self._has_files = self._waits_for_files = self._has_trouble = False
        self._scope, self._attach = button("", "chip"), button("", "plain", words=self.tr("Attach a file"))
        self._scope.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow stands behind the words
        self._scope.setToolTip(self.tr("Which documents answers are made from"))
        self._attach.setToolTip(self.tr("Attach a file to this message, or drop it here"))
        self._menu: QMenu | None = None
        self.box = Box()
        self.box.setPlaceholderText(self.tr("Ask anything, or drop a file here"))
        self.box.setAccessibleName(self.tr("Message"))
        self._is_busy, self._editing, self._kept = False, "", ""
        self._send, self._stop = button(self.tr("Send"), "primary"), button(self.tr("Stop"))
        self._stop.setAccessibleName(self.tr("Stop the answer"))
        self._stop.hide()
        self.where, self._to = WhereButton(), HERE
        self._promise = Elided("", "note")
        self._promise.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.trouble = Trouble()
        self._banner_words = label("", "note")
        self._cancel = button(self.tr("Cancel"), "plain")
        self._banner = frame("strip", row(self._banner_words, None, self._cancel, margins=(12, 4, 4, 4)))
        self._banner.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DRAFT_MS)
        self._lay_out()
        self._connect()
        self.show_scope(self.tr("No documents"), reads=False)

    def _lay_out(self) -> None:
        bottom = row(self._scope, self._attach, self.where, self._promise, None, self._send, self._stop)
        self._inside = column(self.box, bottom, spacing=10, margins=(14, 14, 14, 12))
        self._card: QFrame = frame("card", self._inside)
        self.setLayout(column(self.trouble, self._banner, self._card))

    def _connect(self) -> None:
        self.box.sent.connect(self._submit)
        self.box.up_on_nothing.connect(self.edit_last_asked)
        self.box.escaped.connect(self._escape)
        self.box.files_given.connect(self.files_given)
        self._scope.clicked.connect(self.scope_asked)
        self._attach.clicked.connect(self.attach_asked)
        self.where.clicked.connect(self.where_asked)
        self.box.textChanged.connect(self._changed)
        self._send.clicked.connect(self._submit)
        self._stop.clicked.connect(self.stop_asked)
        self._cancel.clicked.connect(self.end_edit)
        self._timer.timeout.connect(self._tell_draft)

    def set_busy(self, busy: bool) -> None:
        """While busy a question can be written, but not sent."""
        self._is_busy = busy
        had_focus = self._stop.hasFocus() or self._send.hasFocus()
        self._send.setVisible(not busy)
        self._stop.setVisible(busy)
        if had_focus:
            self.box.setFocus()
        self._refresh()

    def dress(self, theme: Theme) -> None:
        self._scope.setIcon(icon("chevron", theme.muted))
        self._attach.setIcon(icon("clip", theme.muted))
        self.where.dress(theme)
        self._theme = theme
        if self._files is not None:
            self._files.dress(theme)

    def show_scope(self, words: str, *, reads: bool) -> None:
        """Which documents answers are made from, in words; `reads`: there are some."""
        self._reads = reads
        self._scope.setText(QFontMetrics(self._scope.font()).elidedText(words, Qt.TextElideMode.ElideRight, MOST_SCOPE))
        self._scope.setAccessibleName(self.tr("Documents for this chat: {0}").format(words))
        self._refresh()

    def scope_menu(self, collections: Sequence[Collection], scope: Scope) -> ScopeMenu:
        """The menu to choose documents from, opened over their button."""
        from freehold.desktop.scope_menu import ScopeMenu

        return self._pop_up(ScopeMenu(self, collections, scope), self._scope)

    def show_destination(self, to: Destination) -> None:
        """Where the next message is answered: amber on everything that would send it away."""
        self._to = to
        self.where.show_destination(to)
        set_tone(self._send, "away" if to.leaves else "")
        self._send.setAccessibleName(self.tr("Send to {0}").format(to.name) if to.leaves else self.tr("Send"))
        self._refresh()

    def where_menu(self, where: Where, once: Where | None, to: Destination) -> WhereMenu:
        """The menu to choose where answers are made, opened over its button."""
        from freehold.desktop.where_menu import WhereMenu

        return self._pop_up(WhereMenu(self, where, once, to), self.where)

    def _pop_up(self, menu: _Menu, over: QWidget) -> _Menu:
        self.close_menu()
        self._menu = menu
        menu.destroyed.connect(self._forget_menu)
        corner = over.mapToGlobal(QPoint(0, -4))
        menu.popup(corner - QPoint(0, menu.sizeHint().height()))
        return menu

    def close_menu(self) -> None:
        if self._menu is not None:
            self._menu.close()

    def _forget_menu(self) -> None:
        self._menu = None

    @property
    def files(self) -> FilesRow:
        """What shows the files that go with a message, made for the first of them."""
        if self._files is None:
            from freehold.desktop.files_row import FilesRow

            self._files = FilesRow()
            self._files.dress(self._theme)
            self._files.removed.connect(self.file_removed)
            self._files.password_given.connect(self.file_password_given)
            self._inside.insertWidget(0, self._files)
        return self._files

    def show_files(self, files: Sequence[PendingFile]) -> None:
        """What goes with the message. It waits until all of it is read."""
        if files or self._files is not None:
            self.files.show_files(files)
        self._has_files = bool(files)
        self._waits_for_files = any(one.file is None for one in files)
        self._has_trouble = any(one.error is not None for one in files)
        self._refresh()

    def set_enter_sends(self, enter_sends: bool) -> None:
        self.box.enter_sends = enter_sends
        hint = self.tr("Enter sends, Shift+Enter starts a line")
        other = self.tr("Shift+Enter sends, Enter starts a line")
        self._send.setToolTip(hint if enter_sends else other)

    def set_draft(self, text: str) -> None:
        """Show a draft without telling about it."""
        self._timer.stop()
        self._leave_edit()
        self._put(text)

    def take_draft(self) -> str | None:
        """A draft that was not yet told about, or None; it counts as told."""
        if not self._timer.isActive():
            return None
        self._timer.stop()
        return None if self._editing else self.box.toPlainText()

    def start_edit(self, turn: str, text: str) -> None:
        """Edit the question `turn`; what was being written comes back afterwards."""
        if not self._editing:
            self._kept = self.box.toPlainText()
        self._editing = turn
        self.edit_changed.emit()
        self._banner_words.setText(self.tr("Editing your last question: the answer so far stays beside the new one."))
        self._banner.show()
        self._put(text)
        self.box.setFocus()

    def start_branch(self, turn: str) -> None:
        """The next question goes beside the question `turn`: a new branch."""
        self.start_edit(turn, self.box.toPlainText())
        self._banner_words.setText(self.tr("Your next question starts a new branch from that answer."))

    def end_edit(self) -> None:
        kept = self._kept
        self._leave_edit()
        self._put(kept)
        self.box.setFocus()

    def text(self) -> str:
        return self.box.toPlainText()

    @property
    def editing(self) -> str:
        """The question that is being asked in other words, or ""."""
        return self._editing

    def _leave_edit(self) -> None:
        was_editing, self._editing, self._kept = bool(self._editing), "", ""
        self._banner.hide()
        if was_editing:
            self.edit_changed.emit()

    def _put(self, text: str) -> None:
        self.box.blockSignals(True)
        self.box.setPlainText(text)
        self.box.blockSignals(False)
        self.box.moveCursor(QTextCursor.MoveOperation.End)
        self._refresh()

    def _submit(self) -> None:
        text = self.box.toPlainText()
        if self._is_busy or self._waits_for_files or not text.strip():
            return
        editing, kept = self._editing, self._kept
        self._timer.stop()
        self.trouble.clear()
        self._leave_edit()
        self._put(kept if editing else "")
        if editing:
            self.edit_submitted.emit(editing, text)
        else:
            self.submitted.emit(text)

    def _escape(self) -> None:
        if self._editing:
            self.end_edit()
        elif self._is_busy:
            self.stop_asked.emit()

    def _changed(self) -> None:
        self._refresh()
        if not self._editing:
            self._timer.start()

    def _tell_draft(self) -> None:
        self.draft_changed.emit(self.box.toPlainText())

    def _refresh(self) -> None:
        may_send = not (self._is_busy or self._waits_for_files or self.box.document().isEmpty())
        self._send.setEnabled(may_send)
        held = self._held_words()
        self._promise.say(held or self._promise_words(), "" if held else brief_words(self._to))
        set_tone(self._promise, "away" if self._to.leaves and not held else "")

    def _held_words(self) -> str:
        """Why the message cannot be sent yet, or ""."""
        if self._has_trouble:
            return self.tr("Give the password, or remove what cannot be read.")
        return self.tr("Reading. You can write on meanwhile.") if self._waits_for_files else ""

    def _promise_words(self) -> str:
        if self._to.leaves:
            return reads_words(self._to)
        if self._to.why:
            return one_line(self._to.why)
        if self._reads or self._has_files:
            return self.tr("Your words and documents stay on this computer.")
        return self.tr("Your words stay on this computer.")

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._promise.setVisible(self.width() >= ROOMY)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        if paths := local_paths(event.mimeData()):
            event.acceptProposedAction()
            self.files_given.emit(paths)
