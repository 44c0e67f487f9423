"""The left side: new chat, search, chats by date, and the pages with one line of state each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QPushButton, QSizePolicy, QWidget

from freehold.desktop.pieces import Dot, Elided, HintButton, Mark, column, label, line, point, row

if TYPE_CHECKING:
    from freehold.desktop.chats_list import ChatsView

WIDTH = 256


class PageButton(QPushButton):
    """A page's name with a dot and one line of state."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.setProperty("kind", "page")
        self.setCheckable(True)
        self.setProperty("focusPolicy", "TabFocus")
        self._text = text
        self._dot, self._state = Dot("none"), Elided("", "hint")
        self._state.setProperty("alignment", "AlignRight|AlignVCenter")
        self._title = label(text)
        layout = row(self._dot, self._title, self._state, spacing=10, margins=(8, 0, 8, 0))
        layout.setStretch(2, 1)
        self.setLayout(layout)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(35)
        self.say("", "none")

    def furnish(self) -> None:
        """What the first frame can do without."""
        point(self, self._dot, self._title, self._state)

    def say(self, state: str, tone: str) -> None:
        """`tone` is here, away, off or none."""
        self._state.say(state)
        self._dot.set_tone(tone)
        self.setAccessibleName(f"{self._text}, {state}" if state else self._text)


class Sidebar(QFrame):
    """Says what was chosen; shows what it is given."""

    new_chat_asked = Signal()
    search_asked = Signal()
    page_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("sidebar")
        self.setFixedWidth(WIDTH)
        self._chats: ChatsView | None = None
        self._room = QWidget()  # where the list comes to stand
        self._pages = {
            "library": PageButton(self.tr("Library")),
            "search": PageButton(self.tr("Search documents")),
            "models": PageButton(self.tr("Models")),
            "peers": PageButton(self.tr("Peers")),
            "connections": PageButton(self.tr("Connections")),
            "trash": PageButton(self.tr("Trash")),
            "settings": PageButton(self.tr("Settings")),
        }
        self._pages["trash"].hide()
        self._new = HintButton(self.tr("New chat"), "Ctrl+N")
        self._search = HintButton(self.tr("Search everything"), "Ctrl+K", "search")
        self._lay_out()
        self._new.clicked.connect(self.new_chat_asked)
        self._search.clicked.connect(self.search_asked)
        for name, one in self._pages.items():
            one.clicked.connect(lambda _checked=False, page=name: self.page_asked.emit(page))

    def _lay_out(self) -> None:
        brand = row(Mark(), label("Freehold", "brand"), None, margins=(6, 6, 0, 6))
        layout = column(brand, self._new, self._search, 8, margins=(12, 10, 12, 8))
        layout.addWidget(self._room, 1)
        layout.addWidget(line())
        pages = column(*self._pages.values(), spacing=0, margins=(0, 4, 0, 0))
        layout.addLayout(pages)
        self.setLayout(layout)

    def furnish(self) -> None:
        """Make what the first frame can do without: the list of chats, and the buttons' manners under the mouse."""
        if self._chats is not None:
            return

        from freehold.desktop.chats_list import ChatsView

        self._chats = ChatsView()
        layout = self.layout()
        assert layout is not None
        layout.replaceWidget(self._room, self._chats)
        self._room.deleteLater()
        for one in (self._new, self._search):
            one.furnish()
        for page in self._pages.values():
            page.furnish()

    @property
    def chats(self) -> ChatsView:
        """The list, once the side bar is furnished."""
        assert self._chats is not None
        return self._chats

    def show_page(self, page: str) -> None:
        """Mark the page in view; "chat" marks none, the list does that."""
        for name, one in self._pages.items():
            one.setChecked(name == page)

    def say(self, page: str, state: str, tone: str = "none") -> None:
        """One line of state beside a page's name."""
        self._pages[page].say(state, tone)

    def show_trash(self, count: int) -> None:
        self._pages["trash"].setVisible(count > 0)
        self._pages["trash"].say(str(count), "none")
