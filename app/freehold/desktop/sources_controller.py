"""Tells an answer's sources by name, shows them in the side panel, and opens those that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from freehold.assistant.values import Reference
from freehold.chats.values import Turn
from freehold.desktop.appearance import Appearance
from freehold.desktop.bridge import Bridge
from freehold.desktop.chat_controller import ChatController
from freehold.desktop.chat_page import ChatPage
from freehold.desktop.documents import Documents
from freehold.desktop.needs import Household
from freehold.desktop.viewer.values import Place
from freehold.desktop.words import count_words

if TYPE_CHECKING:
    from freehold.desktop.sources_panel import SourcesPanel
    from freehold.desktop.theme import Theme

ROOM_FOR_PANEL = 900  # pixels of a page: from this on the sources of a new answer show themselves

References = Sequence[Reference]
Then = Callable[[Turn, References], None]


class SourcesController(QObject):
    """The panel shows the last answer's sources by itself, until the owner closes it; then when it is asked for."""

    def __init__(
        self, household: Household, bridge: Bridge, page: ChatPage, *, chat: ChatController, documents: Documents,
        appearance: Appearance,
    ) -> None:  # fmt: skip
        super().__init__()
        self._household, self._bridge, self._page = household, bridge, page
        self._chat, self._documents, self._appearance = chat, documents, appearance
        self._panel: SourcesPanel | None = None
        self._is_wanted, self._is_viewing, self._waiting = True, False, ""
        page.transcript_made.connect(self._listen)
        page.panel.closed.connect(self._let_go)
        chat.answering.answered.connect(self._take_answer)
        documents.opened.connect(self._make_room)
        documents.closed.connect(self._come_back)
        appearance.changed.connect(self._dress)

    def _listen(self, transcript: QWidget) -> None:
        view: Any = transcript
        view.references_needed.connect(lambda turn: self._look_up(turn, self._tell))
        view.source_asked.connect(self._open_source)
        view.sources_asked.connect(self.show)
        view.file_asked.connect(self._open_file)

    def show(self, turn: str) -> None:
        """What was found for an answer, in the panel."""
        self._is_wanted = True
        self._look_up(turn, partial(self._fill, takes_focus=True))

    def forget(self) -> None:
        """The vault is locked: show nothing, keep nothing."""
        self._waiting, self._panel = "", None
        self._page.close_panel()
        self._page.panel.forget()

    @property
    def _is_shown(self) -> bool:
        return self._panel is not None and self._panel.isVisible()

    def _look_up(self, turn: str, then: Then) -> None:
        """Find out what the sources of an answer are called and say today; dropped when the chat is left meanwhile."""
        conversations, assistant, chat = self._household.conversations, self._household.assistant, self._chat.chat

        def look() -> tuple[Turn, References]:
            answer = conversations.turns([turn])[0]
            return answer, assistant.quoted(answer)

        def use(found: tuple[Turn, References]) -> None:
            if chat == self._chat.chat and chat:
                then(*found)

        self._bridge.call(look, use)

    def _tell(self, answer: Turn, references: References) -> None:
        self._page.transcript.refer(answer.id, references)
        is_free = self._is_shown or self._page.panel.isHidden()
        has_room = self._page.width() >= ROOM_FOR_PANEL and not self._is_viewing
        is_made = answer.provenance is not None and answer.provenance.grounded is not False
        if self._is_wanted and is_free and has_room and is_made and answer.id == self._chat.last_answer:
            self._fill(answer, references)

    def _fill(self, answer: Turn, references: References, *, takes_focus: bool = False) -> None:
        from freehold.desktop.sources_panel import SourcesPanel
        from freehold.desktop.transcript.looks import Looks

        looks = Looks(self._appearance.theme, self._appearance.text_size)
        panel = SourcesPanel(answer, references, looks)
        panel.source_asked.connect(partial(self._open_source, answer.id))
        self._page.set_settings_open(False)
        self._page.show_panel(self.tr("Sources"), panel, count=count_words(len(references)), takes_focus=takes_focus)
        self._panel = panel
        panel.destroyed.connect(partial(self._lost, panel))

    def _lost(self, panel: SourcesPanel, _object: QObject | None = None) -> None:
        if self._panel is panel:
            self._panel = None

    def _let_go(self) -> None:
        """The owner closes the panel: sources come when they are asked for from now on."""
        if self._page.panel.content is self._panel:
            self._is_wanted = False

    def _take_answer(self, answer: Turn) -> None:
        made = answer.provenance
        if self._is_shown and not (made and made.sources and made.grounded is not False):
            self._page.close_panel()  # they were another answer's

    def _make_room(self) -> None:
        """A document is shown beside the chat: there is no room for both."""
        self._is_viewing = True
        if self._panel is not None and self._is_shown:
            self._waiting = self._panel.turn.id
            self._page.close_panel()

    def _come_back(self) -> None:
        self._is_viewing = False
        turn, self._waiting = self._waiting, ""
        if turn:
            self._look_up(turn, self._fill)

    def _open_source(self, turn: str, place: int) -> None:
        self._look_up(turn, partial(self._open, place))

    def _open(self, place: int, answer: Turn, references: References) -> None:
        if place < len(references):
            one = references[place]
            self._documents.open(
                Place(one.document, one.path, one.title, one.page, one.start, one.end, one.text, one.state,
                      answer.parent or "")
            )  # fmt: skip

    def _open_file(self, turn: str, number: int) -> None:
        """A file beside the question `turn`."""

        def show(turns: Sequence[Turn]) -> None:
            if turns and turns[0].chat == self._chat.chat and number <= len(turns[0].attachments):
                name = turns[0].attachments[number - 1].name
                self._documents.open(Place(-number, name, turn=turn))

        self._bridge.call(lambda: self._household.conversations.turns([turn]), show)

    def _dress(self, theme: Theme, text_size: int) -> None:
        if self._panel is not None:
            from freehold.desktop.transcript.looks import Looks

            self._panel.dress(Looks(theme, text_size))
