"""Where a question is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QMimeData, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QResizeEvent,
    QTextCursor,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QPlainTextEdit, QSizePolicy, QWidget

from freehold.desktop.controls import Trouble
from freehold.desktop.drops import local_paths
from freehold.desktop.icons import icon
from freehold.desktop.pieces import Elided, Pill, button, column, frame, label, row
from freehold.desktop.theme import LIGHT, Theme

if TYPE_CHECKING:
    from freehold.chats.values import Scope
    from freehold.desktop.files_row import FilesRow
    from freehold.desktop.pending_file import PendingFile
    from freehold.desktop.scope_menu import ScopeMenu
    from freehold.library.values import Collection

MOST_LINES = 10
DRAFT_MS = 400
MOST_SCOPE = 190  # pixels of the names of collections
ROOMY = 560  # pixels: below this there is no room for the promise beside what can be pressed


class Box(QPlainTextEdit):
    """A text box that grows with its text and says which key was meant as "send"."""

    sent = Signal()
    up_on_nothing = Signal()
    escaped = Signal()
    files_given = Signal(list)
    focused = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "bare")
        self.enter_sends = True
        self.setTabChangesFocus(True)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            with_shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            with_control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            if with_control or with_shift != self.enter_sends:
                self.sent.emit()
                return
            self.insertPlainText("\n")
            self.ensureCursorVisible()
        elif event.key() == Qt.Key.Key_Up and self.document().isEmpty():
            self.up_on_nothing.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:  # noqa: N802 - Qt's name
        return bool(local_paths(source)) or super().canInsertFromMimeData(source)

    def insertFromMimeData(self, source: QMimeData) -> None:  # noqa: N802 - Qt's name
        if paths := local_paths(source):
            self.files_given.emit(paths)
        elif source.hasText():
            self.insertPlainText(source.text())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        self.focused.emit(False)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, self.height())

    def _fit(self) -> None:
        line_height = self.fontMetrics().lineSpacing()
        lines = max(1, round(self.document().size().height()))  # a plain text document is measured in lines
        shown = min(lines, MOST_LINES)
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > shown else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        if self.verticalScrollBarPolicy() != policy:
            self.setVerticalScrollBarPolicy(policy)
        height = shown * line_height + 6
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)


class Composer(QWidget):
    """Speaks of what was submitted, drafted, attached and stopped. While an answer is written Send becomes Stop."""

    submitted = Signal(str)
    edit_submitted = Signal(str, str)
    stop_asked = Signal()
    draft_changed = Signal(str)
    edit_last_asked = Signal()
    scope_asked = Signal()
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
        self._menu: ScopeMenu | None = None
        self.box = Box()
        self.box.setPlaceholderText(self.tr("Ask anything, or drop a file here"))
        self.box.setAccessibleName(self.tr("Message"))
        self._is_busy, self._editing, self._kept = False, "", ""
        self._send, self._stop = button(self.tr("Send"), "primary"), button(self.tr("Stop"))
        self._stop.setAccessibleName(self.tr("Stop the answer"))
        self._stop.hide()
        self.where = Pill(self.tr("Here"), "here")
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

        self.close_menu()
        self._menu = ScopeMenu(self, collections, scope)
        self._menu.destroyed.connect(self._forget_menu)
        corner = self._scope.mapToGlobal(QPoint(0, -4))
        self._menu.popup(corner - QPoint(0, self._menu.sizeHint().height()))
        return self._menu

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

    def _leave_edit(self) -> None:
        self._editing, self._kept = "", ""
        self._banner.hide()

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
        self._promise.say(self._promise_words())

    def _promise_words(self) -> str:
        if self._has_trouble:
            return self.tr("Give the password, or remove what cannot be read.")
        if self._waits_for_files:
            return self.tr("Reading. You can write on meanwhile.")
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
