"""What is shown before a link is opened: the whole address, its host, and a choice. Copying is the default."""

from __future__ import annotations

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QWidget

from freehold.desktop.overlay import Overlay
from freehold.desktop.pieces import button, column, label, row

_OPENABLE = ("http", "https", "mailto")
WIDTH = 480


class LinkPanel(Overlay):
    """Lies over the window until the owner decided. Nothing is opened without a yes."""

    copied = Signal()
    opened = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent, WIDTH)
        self._url = ""
        self._host = label("", "heading", wraps=True)
        self._address = label("", "smallcode", wraps=True, selectable=True)
        self._words = label("", "note", wraps=True)
        self._copy, self._open = button(self.tr("Copy address"), "primary"), button(self.tr("Open in the browser"))
        self._leave = button(self.tr("Cancel"))
        self.fill(
            column(
                label(self.tr("A link in this chat"), "group"), self._host, self._address, 4, self._words, 8,
                row(self._copy, self._open, None, self._leave), margins=(20, 18, 20, 16),
            )
        )  # fmt: skip
        self._copy.clicked.connect(self._do_copy)
        self._open.clicked.connect(self._do_open)
        self._leave.clicked.connect(self.close_panel)

    def ask(self, url: str) -> None:
        """Show `url` and wait for the owner's choice."""
        self._url = url
        host, may_open = host_of(url), urlsplit(url).scheme.lower() in _OPENABLE
        self._host.setText(host or self.tr("This link names no host"))
        self._address.setText("\u200b".join(url[at : at + 24] for at in range(0, min(len(url), 2000), 24)))
        self._open.setVisible(may_open)
        if may_open:
            words = self.tr("Opening it hands the address to your browser, which connects to this host.")
        else:
            words = self.tr("Freehold does not open links of this kind.")
        self._words.setText(words)
        self.open_at(self._copy)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            focused = self.window().focusWidget()
            chosen = focused if focused in (self._open, self._leave) else self._copy
            chosen.click()
        else:
            super().keyPressEvent(event)

    def _do_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._url)
        self.close_panel()
        self.copied.emit()

    def _do_open(self) -> None:
        self.close_panel()
        if urlsplit(self._url).scheme.lower() in _OPENABLE:
            QDesktopServices.openUrl(QUrl(self._url))
            self.opened.emit(self._url)


def host_of(url: str) -> str:
    """The host a link leads to, without a user name that may pretend to be one; a mail address for mailto."""
    try:
        parts = urlsplit(url)
        return parts.path.split("?")[0] if parts.scheme.lower() == "mailto" else (parts.hostname or "")
    except ValueError:
        return ""
