"""Which documents answers are made from: chosen under the message box, kept with each chat."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from freehold.chats.values import NO_DOCUMENTS, Scope
from freehold.desktop.bridge import Bridge
from freehold.desktop.composer import Composer
from freehold.desktop.in_view import InView
from freehold.desktop.needs import Household
from freehold.desktop.source_words import scope_words
from freehold.library.values import Collection


class Scoping(QObject):
    """A new chat begins with what was chosen last; the choice is saved once the chat has its place."""

    library_asked = Signal()
    changed = Signal()

    def __init__(self, household: Household, bridge: Bridge, composer: Composer, view: InView) -> None:
        super().__init__()
        self._household, self._bridge, self._composer, self._view = household, bridge, composer, view
        composer.scope_asked.connect(self.choose)

    def show(self, scope: Scope) -> None:
        """The chat in view is answered from these."""
        self._view.scope = scope
        self._composer.show_scope(scope_words(scope), reads=scope.reads)
        self.changed.emit()

    def forget(self) -> None:
        self._composer.close_menu()
        self.show(NO_DOCUMENTS)

    def choose(self) -> None:
        """Open the menu, with what the library holds by now."""
        self._bridge.call(self._household.library.collections, self._open)

    def _open(self, collections: Sequence[Collection]) -> None:
        menu = self._composer.scope_menu(collections, self._view.scope)
        menu.chosen.connect(self._take)
        menu.library_asked.connect(self.library_asked)

    def _take(self, scope: Scope) -> None:
        chat = self._view.chat
        self.show(scope)
        if chat:
            self._bridge.call(lambda: self._household.conversations.change(chat, scope=scope), lane="scope")
