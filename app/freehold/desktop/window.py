"""The main window: side bar, pages, bottom line, and what lies over them. It holds widgets and knows no flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QTimer, Signal
from PySide6.QtWidgets import QFrame, QStackedWidget, QVBoxLayout, QWidget

from freehold.desktop.pieces import column, row
from freehold.desktop.sidebar import Sidebar
from freehold.desktop.status_bar import StatusBar
from freehold.desktop.stylesheet import stylesheet
from freehold.desktop.theme import LIGHT, Theme

if TYPE_CHECKING:
    from PySide6.QtCore import QObject
    from PySide6.QtGui import QAction, QCloseEvent, QPaintEvent, QResizeEvent

    from freehold.desktop.chat_page import ChatPage
    from freehold.desktop.link_panel import LinkPanel
    from freehold.desktop.notice import Notice
    from freehold.desktop.palette import CommandPalette
    from freehold.desktop.toasts import Toast
    from freehold.desktop.trash_page import TrashPage
    from freehold.desktop.viewer.viewer import Viewer

NARROW = 760  # below this the chat list hides by itself
BESIDE = 880  # right of the side bar: from this on there is room for a page and a document beside it


class Window(QFrame):
    """`painted` comes once, when the first frame is on its way to the screen; `touched` on every key and click."""

    painted = Signal()
    closing = Signal()
    touched = Signal()

    def __init__(self, make_transcript: Callable[[], QWidget], theme: Theme = LIGHT, text_size: int = 14) -> None:
        super().__init__()
        self.setObjectName("window")
        self._theme, self._text_size = theme, text_size
        self.setWindowTitle("Freehold")
        self.setMinimumSize(560, 380)
        self.sidebar, self.status = Sidebar(), StatusBar()
        self.actions_by_name: Mapping[str, QAction] = {}
        self._make_transcript = make_transcript
        self._chat: ChatPage | None = None
        self._pages = QStackedWidget()
        self._named: dict[str, QWidget] = {}
        self._page = "chat"
        self._whole = QStackedWidget()
        self._entry: QWidget | None = None
        self._has_painted = False
        self._wants_sidebar = True
        self._lay_out()
        self._palette: CommandPalette | None = None
        self._link: LinkPanel | None = None
        self._viewer: Viewer | None = None
        self._toast: Toast | None = None
        self._notice: Notice | None = None
        self._dress()

    def _lay_out(self) -> None:
        upper = row(spacing=0)
        upper.addWidget(self.sidebar)
        upper.addWidget(self._pages, 1)
        self._upper = upper
        house = QWidget()
        house.setObjectName("house")
        layout = column(spacing=0)
        layout.addLayout(upper, 1)
        layout.addWidget(self.status)
        house.setLayout(layout)
        self._house = house
        self._whole.addWidget(house)
        self.setLayout(column(self._whole, spacing=0))

    def add_page(self, name: str, page: QWidget) -> None:
        """Pages are made when first asked for; the window keeps them."""
        self._named[name] = page
        self._pages.addWidget(page)

    def drop_page(self, name: str) -> None:
        """Throw a page away with all it shows; it is made anew when it is wanted again."""
        page = self._named.pop(name, None)
        if page is not None:
            self._pages.removeWidget(page)
            page.deleteLater()

    def has_page(self, name: str) -> bool:
        return name in self._named

    @property
    def page(self) -> str:
        return self._page

    def show_page(self, name: str) -> None:
        if self._pages.isHidden():
            self.show_viewer(False)
        self._page = name
        self._pages.setCurrentWidget(self._named[name])
        self.sidebar.show_page(name)

    def show_entry(self, entry: QWidget) -> None:
        """Show `entry` (first run, unlock) instead of the house; it is thrown away afterwards."""
        self._drop_entry()
        self._entry = entry
        self._whole.addWidget(entry)
        self._whole.setCurrentWidget(entry)
        if self._toast is not None:
            self._toast.settle()

    def show_house(self) -> None:
        self._whole.setCurrentWidget(self._house)
        self._drop_entry()

    def palette_panel(self) -> CommandPalette:
        """The command palette, made when first asked for."""
        if self._palette is None:
            from freehold.desktop.palette import CommandPalette

            self._palette = CommandPalette(self)
        return self._palette

    def link_panel(self) -> LinkPanel:
        """The panel that asks before a link is opened, made when first asked for."""
        if self._link is None:
            from freehold.desktop.link_panel import LinkPanel

            self._link = LinkPanel(self)
        return self._link

    @property
    def viewer(self) -> Viewer:
        """What shows a document beside the page in view, made when first asked for."""
        if self._viewer is None:
            from freehold.desktop.viewer.viewer import Viewer

            self._viewer = Viewer()
            self._viewer.dress(self._theme)
            self._viewer.hide()
            self._upper.addWidget(self._viewer, 1)
        return self._viewer

    def show_viewer(self, is_shown: bool) -> None:
        """Put the document beside the page in view, or over it where there is no room for both; or take it away."""
        self.viewer.setVisible(is_shown)
        self._share_room()
        layout = self._house.layout()
        assert layout is not None
        layout.activate()  # now: pages are asked for in the width that they will have

    @property
    def is_viewing(self) -> bool:
        return self._viewer is not None and not self._viewer.isHidden()

    def _share_room(self) -> None:
        if self._viewer is None:
            return
        side = 0 if self.sidebar.isHidden() else self.sidebar.width()
        self._pages.setVisible(not self.is_viewing or self.width() - side >= BESIDE)

    def trash_page(self) -> TrashPage:
        """The trash, made when first asked for."""
        from freehold.desktop.trash_page import TrashPage

        if "trash" not in self._named:
            self.add_page("trash", TrashPage())
        page = self._named["trash"]
        assert isinstance(page, TrashPage)
        return page

    @property
    def entry(self) -> QWidget | None:
        return self._entry

    def _drop_entry(self) -> None:
        if self._entry is not None:
            self._whole.removeWidget(self._entry)
            self._entry.deleteLater()
            self._entry = None

    def furnish(self) -> None:
        """Make what the first frame can do without: the chat page, the list of chats, the actions, the icon."""
        if self._chat is not None:
            return
        from freehold.desktop.actions import make_actions
        from freehold.desktop.chat_page import ChatPage

        self._chat = ChatPage(self._make_transcript)
        self._chat.dress(self._theme, self._text_size)
        self.add_page("chat", self._chat)
        self.sidebar.furnish()
        self.actions_by_name = make_actions(self)
        self._put_icon()

    @property
    def chat(self) -> ChatPage:
        """The chat page, once the window is furnished."""
        assert self._chat is not None
        return self._chat

    @property
    def toast(self) -> Toast:
        """What says a short word, made when there is one."""
        if self._toast is None:
            from freehold.desktop.toasts import Toast

            self._toast = Toast(self, self._pages)
        return self._toast

    @property
    def notice(self) -> Notice:
        """What stays along the top until it is read, made when there is something."""
        if self._notice is None:
            from freehold.desktop.notice import Notice

            self._notice = Notice()
            layout = self._house.layout()
            assert isinstance(layout, QVBoxLayout)
            layout.insertWidget(0, self._notice)
        return self._notice

    def dress(self, theme: Theme, text_size: int) -> None:
        """Take another theme, or another body text size in pixels."""
        if (self._theme, self._text_size) != (theme, text_size):
            self._theme, self._text_size = theme, text_size
            self._dress()

    def _dress(self) -> None:
        self.setStyleSheet(stylesheet(self._theme, self._text_size))
        if self._chat is not None:
            self._chat.dress(self._theme, self._text_size)
            self._put_icon()
        if self._viewer is not None:
            self._viewer.dress(self._theme)

    def _put_icon(self) -> None:
        from freehold.desktop.icons import window_icon

        self.setWindowIcon(window_icon(self._theme.here, self._theme.paper))

    def raise_to_front(self) -> None:
        """Another start of Freehold wants this window seen."""
        if self.isMinimized():
            self.showNormal()
        self.show()
        self.raise_()
        self.activateWindow()

    def toggle_sidebar(self) -> None:
        self._wants_sidebar = not self.sidebar.isVisible()
        self.sidebar.setVisible(self._wants_sidebar)
        self._share_room()

    def watch_touches(self) -> None:
        """Tell `touched` from now on. Watches the native window, which gets far fewer events than the widgets."""
        if self.windowHandle() is not None:
            self.windowHandle().installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() in (
            QEvent.Type.KeyPress,
            QEvent.Type.MouseButtonPress,
            QEvent.Type.Wheel,
            QEvent.Type.MouseMove,
        ):
            self.touched.emit()
        return False

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        if not self._has_painted:
            self._has_painted = True
            QTimer.singleShot(0, self, self.painted.emit)  # when this frame's children are painted too

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        crossed = (event.oldSize().width() < NARROW) != (event.size().width() < NARROW)
        if crossed and event.oldSize().isValid():
            self.sidebar.setVisible(self._wants_sidebar and event.size().width() >= NARROW)
        self._share_room()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if self._toast is not None:
            self._toast.settle()
        self.closing.emit()
        super().closeEvent(event)
